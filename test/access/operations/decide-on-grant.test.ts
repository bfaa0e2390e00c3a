import { describe, expect, test } from 'vitest'
import type { Doubt, Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aPerson, pageWhy, rulesOf, rulesText } from '../../builders.ts'
import {
  ana,
  aWorld,
  ben,
  cho,
  everyone,
  hour,
  ida,
  minute,
  noon,
  twoApprovals,
  type World,
} from './a-world.ts'

const third = aPerson({
  subject: 'idp-lea',
  name: 'Lea Roth',
  groups: ['sre'],
  slack: { team: 'T0SANDBOX', user: 'U0LEA' },
  pagerduty: { account: 'sandbox', user: 'PULEA' },
})

const inDoubt = (doubt: Doubt, rule = 'on_request[1]') => ({ ...pageWhy(), rule, doubt }) as Grant['why']

/** Ben asks for admin. */
const asked = async (rules = rulesOf(), duration = 30 * minute) => {
  const world = aWorld({ rules, people: [...everyone, third] })
  await askForGrant(world.parts, ben, { service: 'orders-svc', tier: 'admin', reason: 'stuck', duration })
  return { world, id: world.only().id }
}
const changePerson = (world: World, changed: Person): void =>
  world.setPeople([...everyone, third].map((one) => (one.subject === changed.subject ? changed : one)))

describe('Approving', () => {
  test('makes it a pass that lasts as long as was asked for, from then', async () => {
    const { world, id } = await asked()
    world.later(20 * minute)
    expect(await approveGrant(world.parts, ida, id)).toEqual({ grant: world.only() })
    expect(world.only()).toMatchObject({
      state: 'active',
      step: 'approved',
      version: 2,
      from: noon + 20 * minute,
      until: noon + 50 * minute,
      by: { subject: 'idp-ida' },
      approvals: [{ issuer: ida.issuer, subject: 'idp-ida', name: 'Ida Holm', at: noon + 20 * minute }],
    })
  })

  test('takes no sign-in where none is demanded: nobody would look whose it is', async () => {
    const { world, id } = await asked()
    const outcome = await approveGrant(world.parts, ida, id, undefined, 'a.b.')
    expect(outcome).toEqual({ refused: 'sign-in-refused' })
    expect(world.only()).toMatchObject({ state: 'pending', version: 1 })
  })

  test.each<[string, Person, string]>([
    ['by whoever asked', ben, 'own-request'],
    ['by whoever asked, as the directory has them under another name', { ...ben, name: 'B.' }, 'own-request'],
    ['by people of other groups', ana, 'not-approver'],
    ['by somebody who lost the role before the click', { ...ida, groups: [] }, 'not-approver'],
    ['by somebody who left', { ...ida, active: false }, 'person-inactive'],
  ])('is refused %s', async (_, person, reason) => {
    const { world, id } = await asked()
    expect(await approveGrant(world.parts, person, id)).toEqual({ refused: reason })
    expect(world.events).toHaveLength(1)
  })

  test.each<[string, Person, string]>([
    ['left', { ...ben, active: false }, 'person-inactive'],
    ['lost the groups that may ask', { ...ben, groups: ['team-payments'] }, 'not-eligible'],
  ])('is refused where whoever asked has meanwhile %s', async (_, changed, reason) => {
    const { world, id } = await asked()
    changePerson(world, changed)
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: reason })
  })

  test('is refused where whoever asked is in no directory any more', async () => {
    const { world, id } = await asked()
    world.setPeople([ida])
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'person-inactive' })
  })

  test('is refused where the rules let nobody ask any more', async () => {
    const { world, id } = await asked()
    world.setRules(rulesOf(rulesText.replace('  - { who: [sre], tiers: [admin], how: approval }', '')))
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'not-eligible' })
  })

  test.each<[string, string, string]>([
    ['takes more of them by now', 'count: 1, from: [sre]', 'count: 2, from: [sre]'],
    ['takes other people by now', 'count: 1, from: [sre]', 'count: 1, from: [payments]'],
    ['lasts less than was asked for by now', 'admin:   { longest: 1h', 'admin:   { longest: 20m'],
  ])('is refused where the tier %s', async (_, before, after) => {
    const { world, id } = await asked()
    world.setRules(rulesOf(rulesText.replace(before, after)))
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'not-eligible' })
    expect(world.events).toHaveLength(1)
  })

  describe('while a freeze holds', () => {
    const frozen = rulesOf(`${rulesText}
freeze:
  - { services: [orders-svc], tiers: [admin], from: 2026-01-15T12:10Z, until: 2026-01-15T12:20Z, because: sales }
`)
    const edges = [9 * minute, 10 * minute, 20 * minute - 1, 20 * minute]

    test.each<[string, Grant['why'], boolean]>([
      ['is refused of what was asked for', { kind: 'request', rule: 'on_request[1]' }, true],
      ['is refused of what came in doubt', inDoubt('page-needs-approval'), true],
      ['is refused of what came in doubt to who may not ask', inDoubt('page-no-rule', 'owners'), true],
      ['is not refused of what a page rule gave', inDoubt('page-late'), false],
    ])('%s, from its first millisecond to its last', async (_, why, refused) => {
      const approved = async (after: number) => {
        const { world, id } = await asked(frozen)
        await world.put({ ...world.only(), version: 2, why })
        world.later(after)
        const outcome = await approveGrant(world.parts, ida, id)
        if ('signIn' in outcome) return 'sign-in-first'
        return 'refused' in outcome ? outcome.refused : outcome.grant.state
      }
      const inIt = refused ? 'frozen' : 'active'
      expect(await Promise.all(edges.map(approved))).toEqual(['active', inIt, inIt, 'active'])
    })

    test('a first approval of two is refused too', async () => {
      const { world, id } = await asked(twoApprovals())
      world.setRules(
        rulesOf(
          `${rulesText.replace('count: 1, from', 'count: 2, from')}
freeze: [{ tiers: [admin], from: 2026-01-15, until: 2026-01-16, because: sales }]
`,
        ),
      )
      expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'frozen' })
      expect(world.only().approvals).toBeUndefined()
    })

    test('people who may not decide are told that', async () => {
      const { world, id } = await asked(frozen)
      world.later(10 * minute)
      expect(await approveGrant(world.parts, ana, id)).toEqual({ refused: 'not-approver' })
    })
  })

  test.each<[string, (world: World, id: string) => Promise<unknown>]>([
    ['approved already', (world, id) => approveGrant(world.parts, ida, id)],
    ['denied', (world, id) => denyGrant(world.parts, ida, id)],
    ['withdrawn', (world, id) => revokeGrant(world.parts, ben, id)],
    ['lapsed, recorded or not', async (world) => world.later(hour)],
    [
      'lapsed',
      async (world, id) => {
        world.later(hour)
        await expireGrant(world.parts, id)
      },
    ],
    ['forged', async (world, id) => world.forged.add(id)],
  ])('changes nothing where it is %s', async (_, change) => {
    const { world, id } = await asked()
    await change(world, id)
    const before = world.events.length
    expect(await approveGrant(world.parts, third, id)).toEqual({ refused: 'already-decided' })
    expect(world.events).toHaveLength(before)
  })

  test('of what nobody knows changes nothing', async () => {
    const { world } = await asked()
    expect(await approveGrant(world.parts, ida, 'zzzz-zzzz-zzzz')).toEqual({ refused: 'already-decided' })
  })

  test('takes two different people where it takes two', async () => {
    const { world, id } = await asked(twoApprovals())
    expect(await approveGrant(world.parts, ida, id)).toMatchObject({
      grant: { state: 'pending', step: 'endorsed', until: noon + hour, approvals: [{ subject: 'idp-ida' }] },
    })
    expect(await approveGrant(world.parts, ida, id)).toEqual({ refused: 'already-decided' })
    expect(await approveGrant(world.parts, ben, id)).toEqual({ refused: 'own-request' })
    expect(world.only().state).toBe('pending')
    expect(await approveGrant(world.parts, third, id)).toMatchObject({
      grant: { state: 'active', version: 3, approvals: [{ subject: 'idp-ida' }, { subject: 'idp-lea' }] },
    })
  })

  test('by two at the same moment makes one pass, with both where it takes both', async () => {
    for (const [rules, version] of [
      [rulesOf(), 2],
      [twoApprovals(), 3],
    ] as const) {
      const { world, id } = await asked(rules)
      await Promise.all([ida, third].map((person) => approveGrant(world.runner(), person, id)))
      expect(world.only()).toMatchObject({ state: 'active', version })
      expect(world.only().approvals).toHaveLength(version - 1)
    }
  })
})

describe('Denying', () => {
  test('ends it as refused, by whom', async () => {
    const { world, id } = await asked()
    expect(await denyGrant(world.parts, ida, id)).toMatchObject({ denied: { id } })
    expect(world.endOf(id)).toMatchObject({ state: 'refused', cause: 'denied', by: { subject: 'idp-ida' } })
    expect(await denyGrant(world.parts, third, id)).toEqual({ refused: 'already-decided' })
  })

  test.each<[string, Person, string]>([
    ['whoever asked', ben, 'own-request'],
    ['people of other groups', cho, 'not-approver'],
    ['somebody who left', { ...ida, active: false }, 'person-inactive'],
  ])('is not for %s', async (_, person, reason) => {
    const { world, id } = await asked()
    expect(await denyGrant(world.parts, person, id)).toEqual({ refused: reason })
    await approveGrant(world.parts, third, id)
    expect(await denyGrant(world.parts, person, id)).toEqual({ refused: reason })
    expect(world.standing()).toHaveLength(1)
  })

  test('beats an approval of the same moment, whoever’s', async () => {
    for (const person of [third, ida]) {
      const { world, id } = await asked()
      await approveGrant(world.parts, ida, id)
      world.later(4_999)
      expect(await denyGrant(world.parts, person, id)).toMatchObject({ denied: { state: 'active' } })
      expect(world.endOf(id)).toMatchObject({ state: 'ended', cause: 'denied' })
    }
  })

  test('comes too late when the approval is no news any more', async () => {
    const { world, id } = await asked()
    await approveGrant(world.parts, ida, id)
    world.later(5_000)
    expect(await denyGrant(world.parts, third, id)).toEqual({ refused: 'already-decided' })
    expect(world.standing()).toHaveLength(1)
  })

  test('is open to somebody who approved first, while others are still asked', async () => {
    const { world, id } = await asked(twoApprovals())
    await approveGrant(world.parts, ida, id)
    expect(await denyGrant(world.parts, ida, id)).toMatchObject({ denied: { id } })
    expect(world.standing()).toEqual([])
  })

  test('does not end what was given without asking anybody', async () => {
    const world = aWorld()
    const outcome = await askForGrant(world.parts, ana, { service: 'orders-svc' })
    const id = 'grant' in outcome ? outcome.grant.id : ''
    expect(await denyGrant(world.parts, ida, id)).toEqual({ refused: 'already-decided' })
  })
})

test('Denying is a fault, never “decided already”, where it can’t be done', async () => {
  const { world, id } = await asked()
  const losing = {
    ...world.parts,
    store: { ...world.store, end: async () => ({ ended: false, sequence: 1 }) },
  }
  await expect(denyGrant(losing, ida, id)).rejects.toMatchObject({ code: 'store/conflict' })
})

test('Approving and denying at the same moment has one outcome: denied', async () => {
  for (let round = 0; round < 300; round += 1) {
    const { world, id } = await asked(round % 2 === 0 ? rulesOf() : twoApprovals())
    const clicks = [
      () => approveGrant(world.runner(), ida, id),
      () => approveGrant(world.runner(), third, id),
      () => denyGrant(world.runner(), ida, id),
      () => denyGrant(world.runner(), third, id),
      () => approveGrant(world.runner(), ben, id),
    ]
    const turned = [...clicks.slice(round % 5), ...clicks.slice(0, round % 5)]
    const outcomes = await Promise.all(turned.map((click) => click()))
    expect(outcomes.filter((outcome) => 'denied' in outcome)).toHaveLength(1)
    expect(world.standing()).toEqual([])
    expect(world.endOf(id)?.cause).toBe('denied')
    expect(world.events.filter(({ kind }) => kind === 'end')).toHaveLength(1)
  }
})
