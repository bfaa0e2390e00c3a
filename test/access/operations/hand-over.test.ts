import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { endBefore } from '#access/operations/end-handed-over.ts'
import { handOver } from '#access/operations/hand-over.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import { rulesOf, rulesText } from '../../builders.ts'
import { ana, aWorld, ben, cho, eve, everyone, minute, pagedAs, resolvedBy, type World } from './a-world.ts'

/** Ana was paged for Q1, and has its pass. */
const anaHas = async (rules = rulesOf()) => {
  const world = aWorld({ rules })
  world.incident()
  await world.follow()
  world.later(minute)
  return { world, mine: world.only() }
}
const of = (world: World, person: Person): Grant[] =>
  world.all().filter(({ who }) => who.subject === person.subject)

describe('A pass of an incident is handed over', () => {
  test('to whom the incident has reached, too, and has one: it ends at once', async () => {
    const { world, mine } = await anaHas()
    world.incident({ paged: [pagedAs(ana), pagedAs(cho, world.clock.now())] })
    await world.follow()
    const [hers] = of(world, cho)
    expect(await handOver(world.parts, ana, 'orders-svc')).toEqual({ handedOver: mine, to: hers })
    expect(world.endOf(mine.id)).toMatchObject({
      state: 'ended',
      cause: 'handed over',
      by: { subject: 'idp-ana' },
    })
  })

  test('and the incident gives it to its former holder no more, nor says that they got none', async () => {
    const { world } = await anaHas()
    world.incident({ paged: [pagedAs(ana), pagedAs(cho, world.clock.now())] })
    await world.follow()
    await handOver(world.parts, ana, 'orders-svc', cho)
    await world.follow()
    expect(of(world, ana)).toHaveLength(1)
    expect(world.told).toEqual([])
  })

  test('to somebody whom no page has reached: they are offered it, and it ends when they take it', async () => {
    const { world, mine } = await anaHas()
    expect(await handOver(world.parts, ana, mine.id, cho)).toEqual({ waitsFor: of(world, cho)[0] })
    const [offered] = of(world, cho)
    expect(offered).toMatchObject({ state: 'offered', tier: 'operate', why: { doubt: 'page-by-hand-over' } })
    expect(world.endOf(mine.id)).toBeUndefined()
    // Nor does the incident take back what is handed over, though it is not assigned to them.
    await world.follow()
    await takeOffer(world.parts, cho, offered?.id ?? '')
    expect(world.endOf(mine.id)).toMatchObject({ cause: 'handed over' })
    await world.follow()
    expect(of(world, cho)).toMatchObject([{ state: 'active' }])
    expect(world.endOf(offered?.id ?? '')).toBeUndefined()
  })

  test('or by acknowledging, where they are paged by then', async () => {
    const { world, mine } = await anaHas(rulesOf(rulesText.replace('how: auto\n', 'how: on acknowledge\n')))
    await takeOffer(world.parts, ana, mine.id)
    world.incident({ paged: [pagedAs(ana), pagedAs(cho, world.clock.now())] })
    await world.follow()
    expect(await handOver(world.parts, ana, mine.id, cho)).toMatchObject({ waitsFor: { state: 'offered' } })
    world.incident({ status: 'acknowledged', acknowledgedBy: ['PUCHO01'] })
    await world.follow()
    expect(of(world, cho)).toMatchObject([{ state: 'active' }])
    expect(world.endOf(mine.id)).toMatchObject({ cause: 'handed over' })
  })

  test('to somebody for whom others have to approve it: it ends when they have', async () => {
    const { world, mine } = await anaHas()
    world.setPeople([...everyone.filter(({ subject }) => subject !== 'idp-eve'), { ...eve, groups: [] }])
    expect(await handOver(world.parts, ana, mine.id, eve)).toMatchObject({ waitsFor: { state: 'pending' } })
    const [hers] = of(world, eve)
    expect(hers?.approvers).toEqual({ from: ['payments'], count: 1 })
    expect(await approveGrant(world.parts, eve, hers?.id ?? '')).toEqual({ refused: 'own-request' })
    await approveGrant(world.parts, cho, hers?.id ?? '')
    expect(world.endOf(mine.id)).toMatchObject({ cause: 'handed over' })
  })

  test('goes on where they turn it down, and is not put before them again', async () => {
    const { world, mine } = await anaHas()
    await handOver(world.parts, ana, mine.id, cho)
    await declineOffer(world.parts, cho, of(world, cho)[0]?.id ?? '')
    expect(world.endOf(mine.id)).toBeUndefined()
    expect(await handOver(world.parts, ana, mine.id, cho)).toEqual({ refused: 'page-again' })
  })

  test('twice makes one offer', async () => {
    const { world, mine } = await anaHas()
    await Promise.all([
      handOver(world.runner(), ana, mine.id, cho),
      handOver(world.runner(), ana, mine.id, cho),
    ])
    expect(of(world, cho)).toHaveLength(1)
  })

  test('ends also where the bot that gave the other one died before', async () => {
    const { world, mine } = await anaHas()
    await handOver(world.parts, ana, mine.id, cho)
    const [offered] = of(world, cho)
    if (offered === undefined) expect.fail('no offer')
    const taken = { ...offered, state: 'active', step: 'taken', version: 2 } as const
    await world.store.give(taken)
    await endBefore(world.parts, taken)
    expect(world.endOf(mine.id)).toMatchObject({ state: 'ended', cause: 'handed over' })
  })
})

describe('Nothing is handed over', () => {
  const refusal = async (
    change: (world: World, mine: Grant) => unknown,
    to?: Person,
    by = ana,
  ): Promise<unknown> => {
    const { world, mine } = await anaHas()
    await change(world, mine)
    const outcome = await handOver(world.parts, by, mine.id, to)
    expect(world.endOf(mine.id)).toBeUndefined()
    return outcome
  }

  test.each<[string, (world: World) => unknown, Person | undefined, Person, string]>([
    ['by somebody else', () => undefined, cho, ben, 'not-yours'],
    ['to oneself', () => undefined, ana, ana, 'nobody-next'],
    ['to oneself under another name', () => undefined, { ...ana, name: 'A.' }, ana, 'nobody-next'],
    ['to nobody, where the incident has reached nobody else', () => undefined, undefined, ana, 'nobody-next'],
    ['to somebody who left', () => undefined, { ...cho, active: false }, ana, 'person-inactive'],
    [
      'when the incident is over',
      (world) => world.incident(resolvedBy('person')),
      cho,
      ana,
      'incident-closed',
    ],
  ])('%s', async (_, change, to, by, reason) => {
    expect(await refusal(change, to, by)).toEqual({ refused: reason })
  })

  test('that no page gave', async () => {
    const world = aWorld()
    await askForGrant(world.parts, ana, { service: 'orders-svc' })
    expect(await handOver(world.parts, ana, 'orders-svc', cho)).toEqual({ refused: 'not-of-incident' })
  })

  test('by chance: of several who are next one has to be named', async () => {
    const { world, mine } = await anaHas()
    world.incident({ paged: [pagedAs(ana), pagedAs(cho), pagedAs(ben)] })
    expect(await handOver(world.parts, ana, mine.id)).toEqual({ chooseOne: [cho, ben] })
  })

  test('at once to somebody who set the incident off: they are offered what they could ask for', async () => {
    const { world, mine } = await anaHas()
    world.incident({ paged: [pagedAs(ana), pagedAs(cho)], shapedBy: ['PUCHO01'] })
    expect(await handOver(world.parts, ana, mine.id, cho)).toMatchObject({
      waitsFor: { state: 'offered', why: { doubt: 'page-by-self' } },
    })
  })
})

test('What was handed over from ends by nothing but what another holds of the same incident', async () => {
  const { world, mine } = await anaHas()
  const whyOf = (incident: string): Grant['why'] => ({
    kind: 'page',
    rule: 'on_page[0]',
    incident: { id: incident, number: 7, title: 'x' },
    handedFrom: [mine.id],
  })
  const chos = { ...mine.who, subject: 'idp-cho' }
  const forged: readonly Partial<Grant>[] = [
    { why: whyOf('Q1') },
    { who: chos, why: whyOf('Q2') },
    { who: chos, why: whyOf('Q1'), state: 'offered' },
  ]
  for (const changes of forged) await endBefore(world.parts, { ...mine, ...changes })
  expect(world.endOf(mine.id)).toBeUndefined()
})
