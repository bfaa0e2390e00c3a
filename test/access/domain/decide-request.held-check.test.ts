import { describe, expect, test } from 'vitest'
import { decideRequest, isFreezable, isRunning } from '#access/domain/decide-request.ts'
import type { Decision } from '#access/domain/decision.ts'
import type { Doubt, Grant } from '#access/domain/grant.ts'
import type { Proven } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { createView } from '#access/domain/view.ts'
import {
  aGrant,
  aPerson,
  hour,
  minute,
  noon,
  nthId,
  pageWhy,
  provenOf,
  rulesOf,
  rulesText,
  serviceIn,
  tierIn,
} from '../../builders.ts'

const guestsUntil = noon + 30 * minute
const rules = rulesOf(
  rulesText
    .replace(
      '  sre:      { groups: [sre] }',
      '  sre:      { groups: [sre] }\n  guests:   { groups: [guests], until: 2026-01-15T12:30Z }',
    )
    .replace('who: [sre, payments], tiers', 'who: [sre, payments, guests], tiers'),
)
const ana = provenOf(aPerson())
const inDoubt = (doubt: Doubt) => ({ ...pageWhy(), doubt }) as Grant['why']
const guest = provenOf(aPerson({ groups: ['guests'] }))

/** A view of these grants that is always fresh, and what it decides. */
const held = (...grants: readonly Grant[]) => {
  const view = createView()
  const next = view.resync(0)
  for (const [index, grant] of grants.entries())
    next.load({ ...grant, id: nthId(index) }, `statement ${index}`)
  next.commit()
  const fresh = { ...view, age: () => 0 }
  return {
    decide: (now: number, who: Proven = ana, set: RuleSet = rules, path = '/v1/flags/x'): Decision =>
      decideRequest(set, fresh, { who, service: serviceIn(set), method: 'PUT', path }, now),
    check: () => view.heldBy('orders-svc', ana.principal)?.check,
    holds: () => view.heldBy('orders-svc', ana.principal)?.grants,
  }
}
const said = (decision: Decision): string => (decision.allow ? 'admitted' : decision.reason)

describe('What was found out about what somebody holds', () => {
  test('is kept beside it, with how long it holds', () => {
    const { decide, check, holds } = held(aGrant())
    expect(check()).toBeUndefined()
    decide(noon + minute)
    expect(check()).toStrictEqual({
      service: serviceIn(rules),
      who: ana,
      usable: [{ held: holds()?.[0], rank: 1, isFreezable: true }],
      beyond: false,
      unproven: [],
      from: noon + minute,
      until: guestsUntil,
    })
    expect(check()?.who).toBe(ana)
    expect(check()?.service).toBe(serviceIn(rules))
  })

  test.each<[string, Partial<Grant>, number, object]>([
    [
      'until the grant ends, where that is sooner',
      { until: noon + 10 * minute },
      noon,
      { until: noon + 10 * minute },
    ],
    [
      'until the grant ends, where no set of people has an end before',
      {},
      guestsUntil,
      { until: noon + hour },
    ],
    [
      'until the grant begins, where it is scheduled',
      { from: noon + 5 * minute },
      noon,
      { usable: [], beyond: false, until: noon + 5 * minute },
    ],
    ['of a page', { why: pageWhy() }, noon, { usable: [{ isFreezable: false }] }],
    ['of a page in doubt', { why: inDoubt('page-untrusted') }, noon, { usable: [{ isFreezable: true }] }],
    ['of another tier', { tier: 'observe' }, noon, { usable: [{ rank: 0 }] }],
    ['of a tier that is no more', { tier: 'root' }, noon, { usable: [], beyond: true }],
    ['of one beyond the rules', { environment: 'production' }, noon, { usable: [], beyond: true }],
  ])('is kept %s', (_, changes, now, expected) => {
    const { decide, check } = held(aGrant(changes))
    decide(now)
    expect(check()).toMatchObject(expected)
  })

  test('is not found out again for the same token and service', () => {
    const { decide, check } = held(aGrant())
    decide(noon)
    const first = check()
    for (const now of [noon, noon + 1, guestsUntil - 1]) expect(said(decide(now))).toBe('admitted')
    expect(check()).toBe(first)
  })

  test('is not taken for another token of the same person', () => {
    const { decide, check } = held(aGrant())
    const moved = { ...ana, groups: ['team-x'] }
    const again = { ...ana }
    const decided = [ana, moved, ana, again, moved].map((who) => said(decide(noon, who)))
    expect(decided).toEqual(['admitted', 'grant-beyond-rules', 'admitted', 'admitted', 'grant-beyond-rules'])
    decide(noon, again)
    expect(check()?.who).toBe(again)
  })

  test('is not taken under other rules', () => {
    const { decide, check } = held(aGrant())
    const stricter = rulesOf(
      rulesText.replace('operate: { longest: 2h', 'operate: { longest: 59m').replace('for: 2h', 'for: 59m'),
    )
    const decided = [rules, stricter, rules].map((set) => said(decide(noon, ana, set)))
    expect(decided).toEqual(['admitted', 'grant-beyond-rules', 'admitted'])
    expect(check()?.service).toBe(serviceIn(rules))
  })

  test('is found out again when a set of people has its end', () => {
    const { decide, check } = held(aGrant())
    const decided = [noon, guestsUntil - 1, guestsUntil, guestsUntil + 1].map((now) =>
      said(decide(now, guest)),
    )
    expect(decided).toEqual(['admitted', 'admitted', 'grant-beyond-rules', 'grant-beyond-rules'])
    expect(check()).toMatchObject({ usable: [], from: guestsUntil, until: noon + hour })
  })

  test('is not taken for a time before it was found out', () => {
    const { decide, check } = held(aGrant())
    expect(said(decide(guestsUntil, guest))).toBe('grant-beyond-rules')
    expect(said(decide(guestsUntil - 1, guest))).toBe('admitted')
    expect(check()).toMatchObject({ from: guestsUntil - 1, until: guestsUntil })
    expect(said(decide(noon - 1, guest))).toBe('grant-missing')
  })

  test('does not outlast the grant', () => {
    const { decide } = held(aGrant({ until: noon + 10 * minute }))
    const times = [noon, noon + 10 * minute - 1, noon + 10 * minute, noon + 10 * minute - 1, noon - 1]
    expect(times.map((now) => said(decide(now)))).toEqual([
      'admitted',
      'admitted',
      'grant-missing',
      'admitted',
      'grant-missing',
    ])
  })

  test('is of all that is held: one that begins meanwhile admits, and a longer one goes first', () => {
    const soon = aGrant({ from: noon + 2, until: noon + 90 * minute })
    for (const grants of [
      [aGrant(), soon],
      [soon, aGrant()],
    ]) {
      const { decide, check } = held(...grants)
      const admits = (now: number) => {
        const decision = decide(now)
        return decision.allow ? decision.held.grant.from : decision.reason
      }
      expect([noon, noon + 1].map(admits)).toEqual([noon, noon])
      expect(check()?.until).toBe(noon + 2)
      expect([noon + 2, noon + 3, noon + hour, noon + 90 * minute].map(admits)).toEqual([
        noon + 2,
        noon + 2,
        noon + 2,
        'grant-missing',
      ])
    }
  })

  test('is not found out of what is no pass yet', () => {
    const { decide, check } = held(aGrant({ state: 'offered' }))
    decide(noon)
    expect(check()).toBeUndefined()
  })

  test('is gone when one more comes, and when one goes', () => {
    const view = createView()
    const next = view.resync(0)
    next.load(aGrant({ tier: 'observe' }), 'statement 0')
    next.commit()
    view.headSeen(noon)
    const asked = { who: ana, service: serviceIn(rules), method: 'PUT', path: '/v1/flags/x' }
    const decide = () => said(decideRequest(rules, view, asked, noon))
    expect(decide()).toBe('tier-too-low')
    const more = aGrant({ id: nthId(7) })
    view.apply({ kind: 'grant', sequence: 1, grant: more, statement: 'statement 1' })
    expect(decide()).toBe('admitted')
    const held = view.get(more.id)
    if (held === undefined) expect.fail('it is held')
    view.reject(held)
    expect(decide()).toBe('tier-too-low')
    view.resync(2).commit()
    expect(decide()).toBe('grant-missing')
  })
})

describe('A freeze', () => {
  const until = noon + 20 * minute
  const frozen = rulesOf(`${rulesText}
freeze:
  - { services: [orders-svc], tiers: [operate, admin], from: 2026-01-15T12:10Z, until: 2026-01-15T12:20Z, because: sales }
`)
  const from = noon + 10 * minute
  const operate = tierIn(serviceIn(frozen), 'operate')

  test('stops what was asked for, while it holds', () => {
    const { decide } = held(aGrant())
    const times = [noon, from - 1, from, until - 1, until]
    expect(times.map((now) => said(decide(now, ana, frozen)))).toEqual([
      'admitted',
      'admitted',
      'frozen',
      'frozen',
      'admitted',
    ])
    const decision = decide(from, ana, frozen)
    expect(decision).toMatchObject({ allow: false, reason: 'frozen', held: { grant: { tier: 'operate' } } })
    expect(!decision.allow && decision.needs).toBe(operate)
  })

  test('stops nothing under another tier, though it is of the same grant', () => {
    const { decide } = held(aGrant())
    expect(said(decide(from, ana, frozen, '/v1/flags/x'))).toBe('frozen')
    const view = createView()
    const next = view.resync(0)
    next.load(aGrant(), 'statement')
    next.commit()
    view.headSeen(from)
    const request = { who: ana, service: serviceIn(frozen), method: 'GET', path: '/v1/flags/x' }
    expect(said(decideRequest(frozen, view, request, from))).toBe('admitted')
  })

  test('stops nothing that came with a page, though it ends sooner', () => {
    const page = aGrant({ why: pageWhy(), until: noon + 30 * minute })
    for (const grants of [
      [aGrant(), page],
      [page, aGrant()],
    ]) {
      const decision = held(...grants).decide(from, ana, frozen)
      expect(decision.allow && decision.held.grant.why.kind).toBe('page')
    }
  })

  test.each<[string, readonly Grant[], string]>([
    ['before a tier that is too low', [aGrant({ tier: 'observe' }), aGrant()], 'frozen'],
    ['before a grant beyond the rules', [aGrant({ environment: 'production' }), aGrant()], 'frozen'],
    ['where nothing else is held', [aGrant({ tier: 'observe' })], 'tier-too-low'],
  ])('is the reason %s', (_, grants, reason) => {
    expect(said(held(...grants).decide(from, ana, frozen))).toBe(reason)
    expect(said(held(...grants.toReversed()).decide(from, ana, frozen))).toBe(reason)
  })
})

describe('Of several grants', () => {
  test.each<[string, readonly Partial<Grant>[], number]>([
    ['the one that lasts longest admits, first', [{ until: noon + 3 }, { until: noon + 2 }], noon + 3],
    ['the one that lasts longest admits, last', [{ until: noon + 2 }, { until: noon + 3 }], noon + 3],
    [
      'one of a higher tier admits, though it ends sooner than a lower one',
      [{ until: noon + 2 }, { tier: 'observe', until: noon + 3 }],
      noon + 2,
    ],
  ])('%s', (_, changes, until) => {
    const decision = held(...changes.map(aGrant)).decide(noon)
    expect(decision.allow && decision.held.grant.until).toBe(until)
  })

  test('the first admits of those that end together', () => {
    const decision = held(aGrant(), aGrant()).decide(noon)
    expect(decision.allow && decision.held.grant.id).toBe(nthId(0))
  })

  test('the highest is the nearest of those that are too low', () => {
    const low = [aGrant({ tier: 'observe', until: noon + 2 * hour }), aGrant({ until: noon + 5 * minute })]
    for (const grants of [low, low.toReversed()]) {
      const decision = held(...grants).decide(noon, ana, rules, '/admin/x')
      expect(decision).toMatchObject({ reason: 'tier-too-low', held: { grant: { tier: 'operate' } } })
    }
  })

  test('a tier that is too low is the reason before one beyond the rules', () => {
    const [low, beyond] = [aGrant({ tier: 'observe' }), aGrant({ environment: 'production' })]
    expect(said(held(low, beyond).decide(noon))).toBe('tier-too-low')
    expect(said(held(beyond, low).decide(noon))).toBe('tier-too-low')
  })
})

describe('A grant', () => {
  test('is running from its first millisecond to its last', () => {
    const grant = aGrant()
    const edges = [noon - 1, noon, noon + hour - 1, noon + hour]
    expect(edges.map((now) => isRunning(grant, now))).toEqual([false, true, true, false])
  })

  test.each(['offered', 'pending'] as const)('is not running while it is %s', (state) => {
    expect(isRunning(aGrant({ state }), noon)).toBe(false)
  })

  test('is stopped by a freeze unless a page rule gave it', () => {
    const whys = [aGrant().why, pageWhy(), inDoubt('page-late'), inDoubt('page-by-self')]
    expect(whys.map((why) => isFreezable(aGrant({ why })))).toEqual([true, false, false, true])
  })
})
