import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { listGrants } from '#access/operations/list-grants.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import { aGrant, nthId, pageWhy, rulesOf, rulesText } from '../../builders.ts'
import { ana, aWorld, ben, cho, eve, hour, minute, noon, renewing, type World } from './a-world.ts'

const holding = async (grant: Grant = aGrant(), rules = rulesOf()) => {
  const world = aWorld({ rules })
  await world.put(grant)
  return { world, id: grant.id }
}
const offer = aGrant({ state: 'offered', step: 'offered', why: pageWhy(), until: noon + 4 * hour })
const pending = aGrant({ state: 'pending', step: 'asked', approvers: { from: ['sre'], count: 1 } })
const ending = { cause: 'incident over', was: noon + hour, at: noon, keepable: true } as const

/** What makes it nobody’s to click on any more. */
const gone: [string, (world: World, id: string) => Promise<unknown>][] = [
  ['after it was taken', (world, id) => takeOffer(world.runner(), ana, id)],
  ['after it was turned down', (world, id) => declineOffer(world.runner(), ana, id)],
  ['when it has lapsed', async (world) => world.clock.set(offer.until)],
  [
    'when that it lapsed is recorded',
    async (world, id) => {
      world.clock.set(offer.until)
      await expireGrant(world.runner(), id)
    },
  ],
  ['when it is forged', async (world, id) => world.forged.add(id)],
]

describe('An offer is taken', () => {
  test('by the one it is for, and lasts from then', async () => {
    const { world, id } = await holding(offer)
    world.later(3 * hour)
    expect(await takeOffer(world.parts, ana, id)).toEqual({ grant: world.only() })
    expect(world.only()).toMatchObject({
      state: 'active',
      step: 'taken',
      from: noon + 3 * hour,
      until: noon + 4 * hour,
      by: { subject: 'idp-ana' },
    })
  })

  test.each<[string, Person, string]>([
    ['by somebody else of the same team', cho, 'not-yours'],
    ['by somebody who left', { ...ana, active: false }, 'person-inactive'],
    ['by somebody who is in the group no more', { ...ana, groups: [] }, 'not-eligible'],
  ])('not %s', async (_, person, refused) => {
    const { world, id } = await holding(offer)
    expect(await takeOffer(world.parts, person, id)).toEqual({ refused })
    expect(world.only().version).toBe(1)
  })

  test('not where the rules give them something else by now', async () => {
    const { world, id } = await holding(offer, rulesOf(rulesText.replace('give: operate', 'give: observe')))
    expect(await takeOffer(world.parts, ana, id)).toEqual({ refused: 'not-eligible' })
  })

  test.each(gone)('not %s', async (_, change) => {
    const { world, id } = await holding(offer)
    await change(world, id)
    const before = world.events.length
    world.later(1)
    expect(await takeOffer(world.parts, ana, id)).toEqual({ refused: 'already-decided' })
    expect(world.events).toHaveLength(before)
  })

  test('not when it is a request, or a pass already', async () => {
    for (const grant of [pending, aGrant()]) {
      const { world, id } = await holding(grant)
      expect(await takeOffer(world.parts, ana, id)).toEqual({ refused: 'already-decided' })
    }
  })

  test('or turned down, at the same moment: one of both', async () => {
    for (let round = 0; round < 50; round += 1) {
      const { world, id } = await holding(offer)
      const clicks = [() => takeOffer(world.runner(), ana, id), () => declineOffer(world.runner(), ana, id)]
      const outcomes = await Promise.all((round % 2 ? clicks : clicks.toReversed()).map((click) => click()))
      expect(outcomes.filter((outcome) => 'refused' in outcome)).toHaveLength(1)
      expect(world.events).toHaveLength(2)
    }
  })
})

describe('An offer is turned down', () => {
  test('by the one it is for', async () => {
    const { world, id } = await holding(offer)
    expect(await declineOffer(world.parts, ana, id)).toEqual({ declined: offer })
    expect(world.endOf(id)).toMatchObject({
      state: 'refused',
      cause: 'withdrawn',
      by: { subject: 'idp-ana' },
    })
  })

  test('not by somebody else', async () => {
    const { world, id } = await holding(offer)
    expect(await declineOffer(world.parts, cho, id)).toEqual({ refused: 'not-yours' })
  })

  test.each(gone)('not %s', async (_, change) => {
    const { world, id } = await holding(offer)
    await change(world, id)
    const before = world.events.length
    expect(await declineOffer(world.parts, ana, id)).toEqual({ refused: 'already-decided' })
    expect(world.events).toHaveLength(before)
  })

  test('which ends no pass', async () => {
    const { world, id } = await holding()
    expect(await declineOffer(world.parts, ana, id)).toEqual({ refused: 'already-decided' })
  })
})

describe('A pass is extended', () => {
  test('in place: the same grant, a new version', async () => {
    const { world, id } = await holding()
    expect(await extendGrant(world.parts, ana, 'orders-svc', 30 * minute)).toEqual({
      grant: world.only(),
      was: noon + hour,
    })
    expect(world.only()).toMatchObject({
      id,
      version: 2,
      step: 'extended',
      from: noon,
      until: noon + 90 * minute,
    })
  })

  test.each<[string, Grant, Person, string, number | undefined, object]>([
    ['somebody else’s, by its id', aGrant(), cho, aGrant().id, minute, { refused: { reason: 'not-yours' } }],
    [
      'somebody else’s, by its service',
      aGrant(),
      cho,
      'orders-svc',
      minute,
      { refused: { reason: 'grant-unknown' } },
    ],
    [
      'somebody else’s, as owner or approver',
      aGrant(),
      ben,
      aGrant().id,
      minute,
      { refused: { reason: 'not-yours' } },
    ],
    [
      'one that is over',
      aGrant({ until: noon }),
      ana,
      'orders-svc',
      minute,
      { refused: { reason: 'grant-unknown' } },
    ],
    [
      'one that is over, by its id',
      aGrant({ until: noon }),
      ana,
      aGrant().id,
      minute,
      { refused: { reason: 'grant-unknown' } },
    ],
    ['an offer', offer, ana, offer.id, minute, { refused: { reason: 'grant-unknown' } }],
    ['a request', pending, ana, pending.id, minute, { refused: { reason: 'grant-unknown' } }],
    [
      'one at its longest',
      aGrant({ until: noon + 2 * hour }),
      ana,
      'orders-svc',
      undefined,
      { refused: { reason: 'extension-spent' } },
    ],
    ['one by too much', aGrant(), ana, 'orders-svc', hour + 1, { refused: { reason: 'extension-too-long' } }],
    [
      'one that its incident let go of',
      aGrant({ why: pageWhy(), ending }),
      ana,
      'orders-svc',
      minute,
      { refused: { reason: 'pass-ending' } },
    ],
    [
      'one that others approved',
      aGrant({ approvals: [] }),
      ana,
      'orders-svc',
      minute,
      { refused: { reason: 'approval-needed' } },
    ],
    [
      'as somebody who left',
      aGrant(),
      { ...ana, active: false },
      'orders-svc',
      minute,
      { refused: { reason: 'person-inactive' } },
    ],
    ['what nobody knows', aGrant(), ana, '__proto__', minute, { refused: { reason: 'grant-unknown' } }],
  ])('not %s', async (_, grant, person, name, duration, expected) => {
    const { world } = await holding(grant)
    expect(await extendGrant(world.parts, person, name, duration)).toMatchObject(expected)
    expect(world.events).toHaveLength(1)
  })

  test('in its last millisecond, and not one later', async () => {
    const { world } = await holding()
    world.clock.set(noon + hour)
    expect(await extendGrant(world.parts, ana, 'orders-svc')).toMatchObject({
      refused: { reason: 'grant-unknown' },
    })
    const { world: other } = await holding()
    other.clock.set(noon + hour - 1)
    expect(await extendGrant(other.parts, ana, 'orders-svc')).toMatchObject({
      grant: { until: noon + 2 * hour },
    })
  })

  test.each<[string, Grant, ReturnType<typeof rulesOf>, number]>([
    ['tier’s longest', aGrant(), rulesOf(), 2 * hour],
    ['rule’s cap', aGrant({ why: pageWhy() }), renewing(), 5 * hour],
  ])('1,000 times no further than its %s', async (_, grant, rules, longest) => {
    const { world } = await holding(grant, rules)
    for (let times = 0; times < 1_000; times += 1) {
      await extendGrant(world.parts, ana, 'orders-svc', times % 2 ? undefined : 7 * minute)
      const { until } = world.only()
      world.clock.set(Math.min(world.clock.now() + minute, until - 1))
    }
    expect(world.only()).toMatchObject({ from: noon, until: noon + longest })
  })

  test('twice at the same moment: by both, or by one', async () => {
    const { world } = await holding()
    await Promise.all([1, 2, 3].map((n) => extendGrant(world.runner(), ana, 'orders-svc', n * 10 * minute)))
    expect(world.only()).toMatchObject({ version: 4, until: noon + 2 * hour })
  })

  test('or revoked at the same moment: it is over', async () => {
    for (const turn of [0, 1]) {
      const { world } = await holding()
      const both = [
        () => extendGrant(world.runner(), ana, 'orders-svc', minute),
        () => revokeGrant(world.runner(), ana, 'orders-svc'),
      ]
      await Promise.all((turn ? both : both.toReversed()).map((one) => one()))
      expect(world.standing()).toEqual([])
    }
  })

  test('by name only where it is clear which one', async () => {
    const { world } = await holding()
    await world.put(aGrant({ id: nthId(5), tier: 'observe' }))
    expect(await extendGrant(world.parts, ana, 'orders-svc')).toMatchObject({ choose: [{}, {}] })
    expect(await extendGrant(world.parts, ana, nthId(5), minute)).toMatchObject({ grant: { id: nthId(5) } })
  })
})

describe('A pass is kept', () => {
  const let_go = aGrant({ why: pageWhy(), until: noon + 30 * minute, ending })

  test('by its holder, as long as it was', async () => {
    const { world, id } = await holding(let_go)
    expect(await keepGrant(world.parts, ana, id)).toEqual({ grant: world.only() })
    expect(world.only()).toMatchObject({ step: 'restored', until: noon + hour, kept: true })
    expect(world.only().ending).toBeUndefined()
  })

  test.each<[string, Grant, Person, string]>([
    ['by somebody else', let_go, cho, 'not-yours'],
    [
      'where a person said that it is over',
      { ...let_go, ending: { ...ending, keepable: false } },
      ana,
      'already-decided',
    ],
    ['where nobody said so', aGrant(), ana, 'already-decided'],
    ['after its end', { ...let_go, until: noon }, ana, 'already-decided'],
  ])('not %s', async (_, grant, person, refused) => {
    const { world, id } = await holding(grant)
    expect(await keepGrant(world.parts, person, id)).toEqual({ refused })
    expect(world.events).toHaveLength(1)
  })
})

describe('Revoking', () => {
  test('ends a pass, with a receipt', async () => {
    const { world, id } = await holding()
    expect(await revokeGrant(world.parts, ana, id)).toMatchObject({
      revoked: { id },
      receipt: { confirmed: ['proxy-a'] },
    })
    expect(world.endOf(id)).toMatchObject({ state: 'ended', cause: 'revoked', by: { subject: 'idp-ana' } })
  })

  test.each([
    ['an offer', offer],
    ['a request', pending],
  ])('%s withdraws it: it never was access', async (_, grant) => {
    const { world, id } = await holding(grant)
    expect(await revokeGrant(world.parts, ana, 'orders-svc')).toEqual({ withdrawn: grant })
    expect(world.endOf(id)).toMatchObject({ state: 'refused', cause: 'withdrawn' })
  })

  test.each<[string, Person, object]>([
    ['an owner of its service may', cho, { revoked: {} }],
    ['an owner who left may not', { ...cho, active: false }, { refused: 'not-yours' }],
    ['somebody else may not', eve, { refused: 'not-yours' }],
    ['an approver may not', ben, { refused: 'not-yours' }],
    ['its holder may even after leaving', { ...ana, active: false, groups: [] }, { revoked: {} }],
  ])('somebody’s pass: %s', async (_, person, expected) => {
    const { world, id } = await holding()
    expect(await revokeGrant(world.parts, person, id)).toMatchObject(expected)
  })

  test('many at once ends it once', async () => {
    const { world, id } = await holding()
    const outcomes = await Promise.all(
      [ana, cho, ana].map((person, n) => {
        world.later(n)
        return revokeGrant(world.runner(), person, id)
      }),
    )
    expect(outcomes.filter((outcome) => 'refused' in outcome).length).toBeGreaterThanOrEqual(1)
    expect(world.events).toHaveLength(2)
  })

  test('is not outrun by a holder who extends it again and again', async () => {
    const { world, id } = await holding()
    const other = world.runner()
    const extend = async (): Promise<void> => {
      world.later(1)
      await extendGrant(other, ana, id, 2_000)
    }
    for (let times = 0; times < 15; times += 1) {
      world.beforeWrite(extend)
      // The write of the one who extends comes next, undisturbed.
      world.beforeWrite(async () => undefined)
    }
    expect(await revokeGrant(world.parts, cho, id)).toMatchObject({ revoked: { version: 16 } })
    expect(world.standing()).toEqual([])
  })

  test('is a fault, never “there is none”, where it can’t be done', async () => {
    const { world, id } = await holding()
    const losing = {
      ...world.parts,
      store: { ...world.store, end: async () => ({ ended: false, sequence: 1 }) },
    }
    await expect(revokeGrant(losing, ana, id)).rejects.toMatchObject({ code: 'store/conflict' })
  })

  test('what ended is unknown', async () => {
    const { world, id } = await holding()
    await revokeGrant(world.parts, ana, id)
    expect(await revokeGrant(world.parts, ana, id)).toEqual({ refused: 'grant-unknown' })
  })
})

describe('When its time is over', () => {
  test.each<[string, Grant, object]>([
    ['a pass has expired', aGrant(), { state: 'ended', cause: 'expired' }],
    ['an offer has lapsed', offer, { state: 'refused', cause: 'lapsed' }],
    ['a request has lapsed', pending, { state: 'refused', cause: 'lapsed' }],
    [
      'a pass that its incident let go of ends for that',
      aGrant({ ending }),
      { state: 'ended', cause: 'incident over' },
    ],
    [
      'a pass that was handed over ends for that',
      aGrant({ ending: { ...ending, cause: 'handed over', keepable: false } }),
      { state: 'ended', cause: 'handed over' },
    ],
  ])('%s', async (_, grant, expected) => {
    const { world, id } = await holding(grant)
    world.clock.set(grant.until - 1)
    expect(await expireGrant(world.parts, id)).toEqual({ dueAt: grant.until })
    world.clock.set(grant.until)
    expect(await expireGrant(world.runner(), id)).toBe('ended')
    expect(world.endOf(id)).toMatchObject(expected)
    expect(await expireGrant(world.parts, id)).toBe('over')
    expect(world.events).toHaveLength(2)
  })

  test('that of an extended one is not', async () => {
    const { world, id } = await holding()
    await extendGrant(world.runner(), ana, id, minute)
    world.clock.set(noon + hour)
    expect(await expireGrant(world.parts, id)).toEqual({ dueAt: noon + 61 * minute })
  })

  test('nothing is made of a forged one', async () => {
    const { world, id } = await holding(aGrant({ until: noon }))
    world.forged.add(id)
    expect(await expireGrant(world.parts, id)).toBe('over')
    expect(world.events).toHaveLength(1)
  })
})

test('A person’s list holds all that is theirs, first what ends first, and nothing that is over', async () => {
  const { world } = await holding()
  await world.put({ ...offer, id: nthId(2) })
  await world.put({ ...pending, id: nthId(3), until: noon + minute })
  await world.put(aGrant({ id: nthId(4), until: noon }))
  await world.put(aGrant({ id: nthId(5), who: cho }))
  expect((await listGrants(world.runner(), ana)).map(({ id }) => id)).toEqual([
    nthId(3),
    aGrant().id,
    nthId(2),
  ])
  await askForGrant(world.parts, ana, { service: 'payments-svc' })
  expect(await listGrants(world.runner(), ana)).toHaveLength(4)
})
