import { describe, expect, test } from 'vitest'
import { isFault } from '#access/domain/errors.ts'
import {
  type EndCause,
  endCauses,
  type Grant,
  type GrantStep,
  grantSteps,
  liveStates,
} from '#access/domain/grant.ts'
import {
  byOf,
  causeOfExpiry,
  causeOfRevoking,
  endStateOf,
  type GrantState,
  isToCome,
  moveGrant,
  nextVersion,
  transitions,
} from '#access/domain/grant-transitions.ts'
import { aGrant, anEnd, aPerson, hour, minute, noon } from '../../builders.ts'

const states: readonly GrantState[] = ['none', ...liveStates, 'ended', 'refused']
const steps: readonly (GrantStep | EndCause)[] = [...grantSteps, ...endCauses]

/** What each move means, and where it leads. Whatever is not here can't happen. */
const allowed: readonly [string, GrantState, GrantStep | EndCause, GrantState][] = [
  ['a pass is given at once', 'none', 'given', 'active'],
  ['a paged person is offered one', 'none', 'offered', 'offered'],
  ['a person asks, and others decide', 'none', 'asked', 'pending'],
  ['the paged person takes it', 'offered', 'taken', 'active'],
  ['its incident is merged', 'offered', 'moved', 'offered'],
  ['the paged person turns it down', 'offered', 'withdrawn', 'refused'],
  ['nobody takes it', 'offered', 'lapsed', 'refused'],
  ['its incident is over', 'offered', 'incident over', 'refused'],
  ['its incident is somebody else’s', 'offered', 'handed over', 'refused'],
  ['its incident is merged into one that gives as much', 'offered', 'superseded', 'refused'],
  ['its holder is locked out', 'offered', 'locked', 'refused'],
  ['the first of two approves', 'pending', 'endorsed', 'pending'],
  ['the last one approves', 'pending', 'approved', 'active'],
  ['its incident is merged', 'pending', 'moved', 'pending'],
  ['somebody denies', 'pending', 'denied', 'refused'],
  ['whoever asked takes it back', 'pending', 'withdrawn', 'refused'],
  ['nobody decides', 'pending', 'lapsed', 'refused'],
  ['its incident is over', 'pending', 'incident over', 'refused'],
  ['its incident is somebody else’s', 'pending', 'handed over', 'refused'],
  ['its incident is merged into one that gives as much', 'pending', 'superseded', 'refused'],
  ['its holder is locked out', 'pending', 'locked', 'refused'],
  ['its holder needs it longer', 'active', 'extended', 'active'],
  ['its incident lets go of it', 'active', 'shortened', 'active'],
  ['its incident takes it back', 'active', 'restored', 'active'],
  ['its incident is merged', 'active', 'moved', 'active'],
  ['its time is over', 'active', 'expired', 'ended'],
  ['somebody revokes it', 'active', 'revoked', 'ended'],
  ['a denial came with the approval', 'active', 'denied', 'ended'],
  ['it is taken back before it begins', 'active', 'withdrawn', 'refused'],
  ['its incident is over', 'active', 'incident over', 'ended'],
  ['its incident is somebody else’s', 'active', 'handed over', 'ended'],
  ['its incident is merged into one that gives as much', 'active', 'superseded', 'ended'],
  ['its holder is locked out', 'active', 'locked', 'ended'],
]

describe('The life of a grant', () => {
  test.each(allowed)('%s: %s, %s → %s', (_, state, step, to) => {
    expect(moveGrant(state, step)).toBe(to)
  })

  const known = new Set(allowed.map(([, state, step]) => `${state} ${step}`))
  const others = states.flatMap((state) =>
    steps.filter((step) => !known.has(`${state} ${step}`)).map((step) => [state, step] as const),
  )
  test.each(others)('has no way from %s by “%s”', (state, step) => {
    expect(moveGrant(state, step)).toBeUndefined()
  })

  test('has no states or moves beyond these', () => {
    expect(Object.keys(transitions).sort()).toEqual([...states].sort())
    const written = Object.entries(transitions).flatMap(([state, moves]) =>
      Object.keys(moves).map((step) => `${state} ${step}`),
    )
    expect(written.sort()).toEqual([...known].sort())
  })

  test('has a use for every step and every cause', () => {
    for (const step of steps) expect(allowed.some(([, , used]) => used === step)).toBe(true)
  })

  test('is over for good when it is', () => {
    expect([transitions.ended, transitions.refused]).toEqual([{}, {}])
  })

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'is not led astray by “%s”',
    (name) => {
      for (const state of states) expect(moveGrant(state, name as GrantStep)).toBeUndefined()
    },
  )

  test('ends only in what its end says', () => {
    for (const [, , cause, to] of allowed)
      if (to === 'ended' || to === 'refused') expect(anEnd(aGrant(), { state: to }).state).toBe(to)
      else expect(endCauses).not.toContain(cause)
  })
})

describe('The next version of a grant', () => {
  const by = { issuer: 'https://idp.example', subject: 'ben', name: 'Ben' }
  const full = aGrant({
    version: 4,
    by,
    ending: { cause: 'handed over', was: noon + hour, at: noon, keepable: false },
    kept: true,
    approvals: [{ ...by, at: noon, teams: ['sre'] }],
    approvers: { from: ['sre'], count: 1 },
  })

  test('keeps all that is not changed, but who did the step before and that it was ending', () => {
    const { by: _by, ending: _ending, ...kept } = full
    expect(nextVersion(full, 'extended', { until: noon + 2 * hour }, noon + minute)).toEqual({
      ...kept,
      step: 'extended',
      version: 5,
      until: noon + 2 * hour,
      at: noon + minute,
    })
  })

  test('names who did this step, and nothing else that is known of them', () => {
    const person = { ...by, groups: ['sre'], active: true }
    expect(nextVersion(full, 'extended', {}, noon, person).by).toEqual(by)
  })

  test('is ending where that is given', () => {
    const ending = { cause: 'incident over', was: noon + 2 * hour, at: noon, keepable: true } as const
    expect(nextVersion(full, 'shortened', { ending }, noon).ending).toEqual(ending)
  })

  test('never changes whose it is, what it opens, or what it is known by', () => {
    const { id, who, services, tier, environment, nonce, rules, duration } = full
    for (const step of ['extended', 'shortened', 'restored', 'moved'] as const)
      expect(nextVersion(full, step, {}, noon)).toMatchObject({
        id,
        who,
        services,
        tier,
        environment,
        nonce,
        rules,
        duration,
      })
  })

  test.each([
    ['offered', 'extended'],
    ['offered', 'approved'],
    ['offered', 'restored'],
    ['pending', 'taken'],
    ['pending', 'extended'],
    ['active', 'taken'],
    ['active', 'approved'],
    ['active', 'endorsed'],
  ] as const)('is a fault for one that is %s and would be %s', (state, step) => {
    const making = () => nextVersion(aGrant({ state }), step, {}, noon)
    const message = `an ${state} grant can't be ${step}`
    expect(making).toThrow(expect.objectContaining({ code: 'store/conflict', message }))
    try {
      making()
    } catch (error) {
      expect(isFault(error, 'store/conflict')).toBe(true)
    }
  })
})

describe('What ends a grant', () => {
  const ending = { cause: 'handed over', was: noon, at: noon, keepable: false } as const

  test.each<[string, Partial<Grant>, EndCause, EndCause]>([
    ['that is access', {}, 'expired', 'revoked'],
    ['that its incident let go of', { ending }, 'handed over', 'revoked'],
    ['that is access already', { begins: { at: noon, zone: 'UTC' } }, 'expired', 'revoked'],
    [
      'that has not begun',
      { from: noon + hour, begins: { at: noon + hour, zone: 'UTC' } },
      'expired',
      'withdrawn',
    ],
    ['that is only offered', { state: 'offered' }, 'lapsed', 'withdrawn'],
    ['that is only asked for', { state: 'pending' }, 'lapsed', 'withdrawn'],
  ])('%s is a move of the table', (_, changes, expiry, revoking) => {
    const grant = aGrant(changes)
    expect([causeOfExpiry(grant), causeOfRevoking(grant, noon)]).toEqual([expiry, revoking])
    for (const cause of [expiry, revoking]) expect(endStateOf(grant, cause)).toMatch(/^(?:ended|refused)$/)
  })

  test.each<[string, Partial<Grant>, boolean]>([
    ['asked for ahead, and far away', {}, true],
    ['about to begin by somebody’s clock', { from: noon + 5_000 }, false],
    ['about to begin in a moment more', { from: noon + 5_001 }, true],
    ['only asked for', { state: 'pending' }, false],
    ['only offered', { state: 'offered' }, false],
  ])('is no access yet, or may be: %s', (_, changes, toCome) => {
    const ahead = { from: noon + hour, begins: { at: noon + hour, zone: 'UTC' } }
    expect(isToCome(aGrant({ ...ahead, ...changes }), noon)).toBe(toCome)
    expect(isToCome(aGrant({ ...changes, from: noon + hour }), noon)).toBe(false)
  })

  test('goes from offered and asked for to access and no further than the table', () => {
    expect(nextVersion(aGrant({ state: 'offered' }), 'moved', {}, noon).state).toBe('offered')
    expect(nextVersion(aGrant({ state: 'pending' }), 'endorsed', {}, noon).state).toBe('pending')
  })

  test('withdraws no access that was not asked for ahead', () => {
    expect(endStateOf(aGrant(), 'withdrawn')).toBeUndefined()
  })
})

test('A person is named in a grant by no more than issuer, subject and name', () => {
  const { issuer, subject, name } = aPerson()
  expect(byOf(aPerson())).toEqual({ issuer, subject, name })
})
