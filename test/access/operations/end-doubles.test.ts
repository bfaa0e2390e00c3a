import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import { aGrant, nthId, pageWhy } from '../../builders.ts'
import {
  ana,
  aWorld,
  cho,
  hour,
  mergedInto,
  minute,
  noon,
  pagedAs,
  pageRules,
  renewing,
  resolvedBy,
  type World,
} from './a-world.ts'

const parent = { id: 'Q2', number: 8, title: 'all is stuck', paged: [pagedAs(ana)] }
const standing = (world: World) => world.standing().map(({ state, why }) => [state, why])
const ofParent = { kind: 'page', incident: { id: 'Q2' } }

/** Ana has something of Q1, which is merged into Q2, and Q2 pages her too. */
const merging = async (rules = renewing(), taken = false): Promise<World> => {
  const world = aWorld({ rules })
  world.incident()
  await world.follow()
  if (taken) await takeOffer(world.parts, ana, world.only().id)
  world.incident(parent)
  world.incident({ id: 'Q1', ...mergedInto('Q2') })
  return world
}

describe('A pass that is moved to an incident which gives its holder one at the same moment', () => {
  test.each<[string, Parameters<typeof merging>, string]>([
    ['both passes: one is left', [renewing()], 'active'],
    ['both offers: one is left', [pageRules('offer')], 'offered'],
    ['a taken one and an offer: the pass is left', [pageRules('offer'), true], 'active'],
  ])('%s', async (_, [rules, taken], state) => {
    const world = await merging(rules, taken)
    world.beforeWrite(() => world.follow('Q2', world.runner()))
    await world.follow('Q1')
    expect(standing(world)).toMatchObject([[state, ofParent]])
    expect(world.all()).toHaveLength(2)
    expect(world.all().flatMap(({ id }) => world.endOf(id)?.cause ?? [])).toEqual(['superseded'])
  })

  test('the other way round, one is left too', async () => {
    const world = await merging()
    world.beforeWrite(() => world.follow('Q1', world.runner()))
    await world.follow('Q2')
    expect(standing(world)).toMatchObject([['active', ofParent]])
  })

  test('at whichever bots, one is left, and stays', async () => {
    const world = await merging()
    await Promise.all(['Q1', 'Q2', 'Q1', 'Q2'].map((id) => world.follow(id, world.runner())))
    expect(standing(world)).toMatchObject([['active', ofParent]])
    for (const id of ['Q2', 'Q1', 'Q2']) await world.follow(id)
    expect(standing(world)).toHaveLength(1)
    expect(world.standing()[0]?.until).toBeGreaterThan(noon)
  })
})

const states = (world: World) => world.standing().map(({ state, step }) => [state, step])
const superseded = (world: World) =>
  world.all().flatMap(({ id, version }) => (world.endOf(id)?.cause === 'superseded' ? [[id, version]] : []))

/** An integration resolved Ana’s incident, and it came back to her in doubt: her pass runs out beside an offer. */
const cameBack = async () => {
  const world = aWorld({ rules: renewing() })
  world.incident()
  await world.follow()
  world.later(5 * minute)
  world.incident(resolvedBy('integration'))
  await world.follow()
  const pass = world.only()
  world.later(5 * minute)
  world.incident({
    status: 'triggered',
    paged: [pagedAs(ana, world.clock.now())],
    trigger: { kind: 'unknown' },
  })
  await world.follow()
  const offer = world.all()[1] ?? expect.fail('no offer')
  expect(states(world)).toEqual([
    ['active', 'shortened'],
    ['offered', 'offered'],
  ])
  return { world, pass, offer }
}

describe('A pass that runs out beside an offer of the same incident', () => {
  test('is kept: the offer ends, and following the incident makes no other', async () => {
    const { world, pass, offer } = await cameBack()
    expect(await keepGrant(world.parts, ana, pass.id)).toMatchObject({ grant: { kept: true } })
    expect(world.standing()).toMatchObject([{ id: pass.id, step: 'restored', until: noon + hour }])
    expect(world.endOf(offer.id)).toMatchObject({ state: 'refused', cause: 'superseded' })
    for (let times = 0; times < 2; times += 1) await world.follow()
    expect(world.all()).toHaveLength(2)
    expect(world.standing()).toHaveLength(1)
  })

  test('is needed no more when the offer is taken, and can’t be kept then', async () => {
    const { world, pass, offer } = await cameBack()
    expect(await takeOffer(world.parts, ana, offer.id)).toMatchObject({ grant: { state: 'active' } })
    expect(states(world)).toEqual([['active', 'taken']])
    expect(world.endOf(pass.id)).toMatchObject({ state: 'ended', cause: 'superseded' })
    expect(await keepGrant(world.parts, ana, pass.id)).toEqual({ refused: 'already-decided' })
  })

  test('is kept or the offer taken at the same moment, whoever is faster: one is left', async () => {
    for (const keepsFirst of [true, false]) {
      const { world, pass, offer } = await cameBack()
      const both = [
        () => keepGrant(world.runner(), ana, pass.id),
        () => takeOffer(world.runner(), ana, offer.id),
      ]
      await Promise.all((keepsFirst ? both : both.toReversed()).map((click) => click()))
      expect(states(world)).toHaveLength(1)
      expect(world.standing()[0]).toMatchObject({ state: 'active' })
      expect(world.standing()[0]?.ending).toBeUndefined()
    }
  })

  /** The other acts when the first has read, and writes before it. */
  test.each<[string, boolean]>([
    ['kept while the offer is being taken', true],
    ['left while the offer is taken, and kept by then', false],
  ])('is %s: one is left', async (_, keeps) => {
    const { world, pass, offer } = await cameBack()
    const keep = () => keepGrant(world.runner(), ana, pass.id)
    const take = () => takeOffer(world.runner(), ana, offer.id)
    world.beforeWrite(keeps ? keep : take)
    await (keeps ? take : keep)()
    expect(world.standing()).toMatchObject([{ state: 'active' }])
    expect(world.standing()[0]?.ending).toBeUndefined()
  })

  test('is kept just before the offer is made: the offer ends', async () => {
    const world = aWorld({ rules: renewing() })
    world.incident()
    await world.follow()
    world.incident(resolvedBy('integration'))
    await world.follow()
    world.later(minute)
    world.incident({
      status: 'triggered',
      paged: [pagedAs(ana, world.clock.now())],
      trigger: { kind: 'unknown' },
    })
    world.beforeWrite(() => keepGrant(world.runner(), ana, world.only().id))
    await world.follow()
    expect(states(world)).toEqual([['active', 'restored']])
  })

  test('and that of another incident, service or person is let be', async () => {
    const { world, pass, offer } = await cameBack()
    const others: Partial<Grant>[] = [
      { why: pageWhy('Q7') },
      { services: ['payments-svc'] },
      { who: { issuer: cho.issuer, subject: cho.subject, name: cho.name } },
      { why: { kind: 'request', rule: 'on_request[0]' } },
    ]
    for (const [index, changes] of others.entries())
      await world.put({ ...offer, version: 1, id: nthId(index + 1), ...changes })
    await keepGrant(world.parts, ana, pass.id)
    expect(superseded(world)).toEqual([[offer.id, 1]])
  })
})

describe('A request and an offer of the same incident, which came with a merge', () => {
  const of = (changes: Partial<Grant>) =>
    aGrant({ why: pageWhy(), state: 'offered', step: 'offered', until: noon + 4 * hour, ...changes })
  const request = of({
    id: nthId(1),
    state: 'pending',
    step: 'asked',
    until: noon + hour,
    approvers: { from: ['payments'], count: 1 },
    why: { ...pageWhy(), kind: 'page', rule: 'owners', doubt: 'page-no-rule' } as Grant['why'],
  })
  const offer = of({ id: nthId(2) })
  const both = async (): Promise<World> => {
    const world = aWorld()
    await world.put(request)
    await world.put(offer)
    return world
  }

  test('approved, the request leaves no offer', async () => {
    const world = await both()
    expect(await approveGrant(world.parts, cho, request.id)).toMatchObject({ grant: { state: 'active' } })
    expect(states(world)).toEqual([['active', 'approved']])
    expect(superseded(world)).toEqual([[offer.id, 1]])
  })

  test('taken, the offer leaves no request', async () => {
    const world = await both()
    await takeOffer(world.parts, ana, offer.id)
    expect(states(world)).toEqual([['active', 'taken']])
    expect(await approveGrant(world.parts, cho, request.id)).toEqual({ refused: 'already-decided' })
  })

  test('approved and taken at the same moment, one is left', async () => {
    const world = await both()
    await Promise.all([
      approveGrant(world.runner(), cho, request.id),
      takeOffer(world.runner(), ana, offer.id),
    ])
    expect(world.standing()).toMatchObject([{ state: 'active' }])
  })

  test('endorsed by the first of two, both stand', async () => {
    const world = aWorld()
    await world.put({ ...request, approvers: { from: ['payments'], count: 2 } })
    await world.put(offer)
    expect(await approveGrant(world.parts, cho, request.id)).toMatchObject({ grant: { state: 'pending' } })
    expect(world.standing()).toHaveLength(2)
  })
})

describe('A forged pass', () => {
  const forged = aGrant({ id: nthId(9), why: pageWhy('Q2'), until: noon + 3 * hour })

  test('beside a genuine one ends nothing', async () => {
    const { world, pass, offer } = await cameBack()
    await world.put({ ...forged, why: pageWhy() })
    world.forged.add(forged.id)
    await takeOffer(world.parts, ana, offer.id)
    expect(superseded(world)).toEqual([[pass.id, 2]])
    await world.follow()
    expect(
      world
        .standing()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([forged.id, offer.id].sort())
  })

  test('of the incident that a genuine one is moved to ends nothing', async () => {
    const world = await merging()
    await world.put(forged)
    world.forged.add(forged.id)
    world.incident({ ...parent, paged: [] })
    await world.follow('Q1')
    expect(superseded(world)).toEqual([])
    expect(world.all()[0]).toMatchObject({ step: 'moved', why: ofParent })
  })
})
