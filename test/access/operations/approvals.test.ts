import { describe, expect, test } from 'vitest'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { createView } from '#access/domain/view.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { beginGrant } from '#access/operations/begin-grant.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { previewAsk } from '#access/operations/preview-ask.ts'
import { aPerson, provenOf, rulesOf, rulesText, serviceIn } from '../../builders.ts'
import {
  ana,
  aWorld,
  ben,
  cho,
  eve,
  everyone,
  hour,
  ida,
  minute,
  noon,
  twoApprovals,
  type World,
} from './a-world.ts'

const lea = aPerson({
  subject: 'idp-lea',
  name: 'Lea Roth',
  groups: ['sre'],
  slack: { team: 'T0SANDBOX', user: 'U0LEA' },
  pagerduty: { account: 'sandbox', user: 'PULEA' },
})
const admin = { service: 'orders-svc', tier: 'admin', reason: 'stuck', duration: 30 * minute } as const

const asked = async (rules = rulesOf(), ask = admin) => {
  const world = aWorld({ rules, people: [...everyone, lea] })
  await askForGrant(world.parts, ben, ask)
  return { world, id: world.only().id }
}
const change = (world: World, changed: typeof ida): void =>
  world.setPeople([...everyone, lea].map((one) => (one.subject === changed.subject ? changed : one)))

/** What a proxy would say, by its own rule set. */
const isAdmitted = (world: World, grant = world.only()): boolean => {
  const view = createView()
  const loading = view.resync(0)
  loading.load(grant, 'statement')
  loading.commit()
  view.headSeen(world.clock.now())
  const request = { who: provenOf(ben), service: serviceIn(world.parts.rules), method: 'DELETE', path: '/x' }
  return decideRequest(world.parts.rules, view, request, world.clock.now()).allow
}

describe('Of two who approve', () => {
  test.each<[string, typeof ida]>([
    ['left', { ...ida, active: false }],
    ['lost the role', { ...ida, groups: [] }],
  ])('the first no longer counts where they %s before the second', async (_, changed) => {
    const { world, id } = await asked(twoApprovals())
    await approveGrant(world.parts, ida, id)
    change(world, changed)
    expect(await approveGrant(world.parts, lea, id)).toMatchObject({ grant: { state: 'pending' } })
    expect(world.only().approvals?.map(({ subject }) => subject)).toEqual(['idp-lea'])
    change(world, ida)
    expect(await approveGrant(world.parts, ida, id)).toMatchObject({ grant: { state: 'active' } })
    expect(isAdmitted(world)).toBe(true)
  })
})

describe('What is approved', () => {
  test('is what was shown, and the approval says so', async () => {
    const { world, id } = await asked()
    const shown = scopeHash(world.only())
    expect(await approveGrant(world.parts, ida, id, scopeHash({ ...world.only(), tier: 'operate' }))).toEqual(
      {
        refused: 'scope-changed',
      },
    )
    expect(await approveGrant(world.parts, ida, id, '')).toEqual({ refused: 'scope-changed' })
    await approveGrant(world.parts, ida, id, shown)
    expect(world.only().approvals).toMatchObject([{ subject: 'idp-ida', scope: shown }])
  })

  test.each<[string, Partial<Grant>]>([
    ['longer', { duration: hour, until: noon + hour }],
    ['for somebody else', { who: { issuer: ben.issuer, subject: 'idp-cho', name: 'Cho Park' } }],
    ['under another id', { id: 'zzzz-zzzz-zzzz' }],
  ])('is no approval of anything %s: a proxy refuses it', async (_, changes) => {
    const { world, id } = await asked()
    await approveGrant(world.parts, ida, id)
    expect(isAdmitted(world)).toBe(true)
    expect(isAdmitted(world, { ...world.only(), ...changes })).toBe(false)
  })
})

describe('Where nobody has answered', () => {
  const escalating = rulesOf(
    rulesText.replace('from: [sre] } }', 'from: [sre], escalate: { after: 20m, to: [payments] } } }'),
  )

  test('others may decide, too, but not before', async () => {
    const { world, id } = await asked(escalating)
    world.later(20 * minute - 1)
    expect(await approveGrant(world.parts, ana, id)).toEqual({ refused: 'not-approver' })
    expect(await denyGrant(world.parts, ana, id)).toEqual({ refused: 'not-approver' })
    world.later(1)
    expect(await approveGrant(world.parts, ana, id)).toMatchObject({
      grant: { state: 'active', approvals: [{ subject: 'idp-ana', teams: ['payments'] }] },
    })
    expect(isAdmitted(world)).toBe(true)
  })

  test('others may deny, and those who were asked first may still approve', async () => {
    const one = await asked(escalating)
    one.world.later(20 * minute)
    expect(await denyGrant(one.world.parts, cho, one.id)).toHaveProperty('denied')
    const two = await asked(escalating)
    two.world.later(20 * minute)
    expect(await approveGrant(two.world.parts, ida, two.id)).toMatchObject({ grant: { state: 'active' } })
  })

  test('a proxy counts them only from then on, and only where its own rules say so', async () => {
    const { world, id } = await asked(escalating)
    world.later(20 * minute)
    await approveGrant(world.parts, ana, id)
    const grant = world.only()
    const early = {
      ...grant,
      approvals: grant.approvals?.map((one) => ({ ...one, at: one.at - 1 })),
    } as Grant
    expect([isAdmitted(world), isAdmitted(world, early)]).toEqual([true, false])
    world.setRules(rulesOf())
    expect(isAdmitted(world, grant)).toBe(false)
  })

  test('is not approved where the rules name others to ask by then', async () => {
    const { world, id } = await asked(escalating)
    world.setRules(rulesOf())
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'not-eligible' })
  })

  test('it is told before who would be asked, first and later, and nobody is', async () => {
    const world = aWorld({ rules: escalating, people: [...everyone, lea] })
    const preview = await previewAsk(world.parts, ben, admin)
    expect(preview).toMatchObject({ proposal: { state: 'pending' }, asked: [ida, lea], later: [ana, cho] })
    expect(await previewAsk(world.parts, eve, admin)).toMatchObject({ refused: { reason: 'not-eligible' } })
    world.setPeople([ben, ana])
    expect(await previewAsk(world.parts, ben, admin)).toMatchObject({
      refused: { reason: 'nobody-to-approve' },
    })
    expect(world.events).toEqual([])
  })
})

describe('When a pass that was asked for ahead begins', () => {
  const ahead = rulesOf(rulesText.replaceAll(/how: (at once|approval) }/g, 'how: $1, ahead: 7d }'))
  const from = noon + 5 * hour
  const approved = async () => {
    const { world, id } = await asked(ahead, { ...admin, from } as typeof admin)
    await approveGrant(world.parts, ida, id)
    return { world, id }
  }

  test('nothing is done about it where all is as it was', async () => {
    const { world, id } = await approved()
    expect(await beginGrant(world.parts, id)).toEqual({ dueAt: from })
    world.clock.set(from)
    expect(await beginGrant(world.parts, id)).toEqual({ begun: world.only() })
    expect(world.endOf(id)).toBeUndefined()
  })

  test.each<[string, typeof ida]>([
    ['its holder left', { ...ben, active: false }],
    ['its holder may not ask for it any more', { ...ben, groups: ['team-payments'] }],
    ['who approved it left', { ...ida, active: false }],
    ['who approved it lost the role', { ...ida, groups: [] }],
  ])('it ends where %s', async (_, changed) => {
    const { world, id } = await approved()
    change(world, changed)
    world.clock.set(from)
    expect(await beginGrant(world.parts, id)).toBe('ended')
    expect(world.endOf(id)).toMatchObject({ state: 'ended', cause: 'revoked' })
    expect(await beginGrant(world.parts, id)).toBe('over')
  })
})
