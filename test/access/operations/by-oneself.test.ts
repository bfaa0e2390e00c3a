import { describe, expect, test } from 'vitest'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { rulesOf, rulesText } from '../../builders.ts'
import {
  ana,
  aWorld,
  ben,
  hour,
  mergedInto,
  minute,
  noon,
  pagedAs,
  renewing,
  resolvedBy,
  type World,
} from './a-world.ts'

const served = async (): Promise<World> => {
  const world = aWorld({ rules: renewing() })
  world.incident()
  await world.follow()
  return world
}
const hers = (world: World) => world.all().filter(({ who }) => who.name === ana.name)

describe('Who brings an incident back to herself', () => {
  test('within the grace is offered a pass beside the one that runs out, and never left without a word', async () => {
    const world = await served()
    world.later(5 * minute)
    world.incident({ paged: [pagedAs(ben, world.clock.now())], shapedBy: ['PUANA01'] })
    await world.follow()
    world.later(5 * minute)
    world.incident({ paged: [pagedAs(ana, world.clock.now())], shapedBy: ['PUANA01', 'PUBEN01'] })
    for (let times = 0; times < 3; times += 1) await world.follow()
    expect(hers(world)).toMatchObject([
      { state: 'active', step: 'shortened', until: noon + 15 * minute },
      { state: 'offered', version: 1, why: { doubt: 'page-by-self' } },
    ])
    world.clock.set(noon + 15 * minute)
    await expireGrant(world.parts, hers(world)[0]?.id ?? '')
    await world.follow()
    expect(world.standing().map(({ who, state }) => `${who.name} ${state}`)).toContain('Ana Lopes offered')
    expect(world.told).toEqual([])
  })

  test('gets nothing back that came with a merge, by reopening the parent', async () => {
    const world = await served()
    world.incident({ id: 'Q2', number: 8, paged: [pagedAs(ben)], shapedBy: ['PUBEN01'] })
    world.incident(mergedInto('Q2'))
    await world.follow()
    world.later(5 * minute)
    world.incident({ id: 'Q2', ...resolvedBy('person') })
    await world.follow('Q2')
    world.later(5 * minute)
    world.incident({
      id: 'Q2',
      status: 'triggered',
      paged: [pagedAs(ana, world.clock.now())],
      shapedBy: ['PUANA01'],
    })
    await world.follow('Q2')
    expect(hers(world)[0]).toMatchObject({ step: 'shortened', until: noon + 15 * minute })
  })

  test('gets nothing back where too much happened to know who did what', async () => {
    const world = await served()
    world.incident({ paged: [pagedAs(ben)] })
    await world.follow()
    world.later(5 * minute)
    world.incident({ paged: [pagedAs(ana, world.clock.now())], trigger: { kind: 'unknown' } })
    await world.follow()
    expect(hers(world)[0]).toMatchObject({ step: 'shortened', until: noon + 10 * minute })
  })
})

describe('A pass of a page', () => {
  test.each([
    ['that its holder shaped', { shapedBy: ['PUANA01'] }],
    ['that its holder set off', { trigger: { kind: 'person', user: 'PUANA01' } as const }],
    ['of which nobody knows the cause any more', { trigger: { kind: 'unknown' } as const }],
  ])('%s is not renewed by itself, but may be extended by hand', async (_, changes) => {
    const world = await served()
    world.clock.set(noon + 50 * minute)
    world.incident(changes)
    await world.follow()
    expect(world.only()).toMatchObject({ version: 1, until: noon + hour })
    expect(await extendGrant(world.parts, ana, 'orders-svc', 30 * minute)).toMatchObject({
      grant: { until: noon + 90 * minute },
    })
  })

  test('moved to an incident that its holder made for herself is not renewed', async () => {
    const world = await served()
    world.incident({
      id: 'Q9',
      number: 9,
      trigger: { kind: 'person', user: 'PUANA01' },
      shapedBy: ['PUANA01'],
    })
    world.incident(mergedInto('Q9'))
    await world.follow()
    world.clock.set(noon + 50 * minute)
    await world.follow('Q9')
    expect(hers(world)[0]).toMatchObject({ step: 'moved', until: noon + hour })
  })

  test('that was kept is not extended: its incident is over', async () => {
    const world = await served()
    const { id } = world.only()
    world.incident(resolvedBy('integration'))
    await world.follow()
    expect(await keepGrant(world.parts, ana, id)).toMatchObject({ grant: { kept: true } })
    expect(await extendGrant(world.parts, ana, id, minute)).toEqual({ refused: { reason: 'pass-ending' } })
  })
})

test('A storm of pages keeps nobody from asking', async () => {
  const world = aWorld({ rules: rulesOf(rulesText.replace('how: auto', 'how: offer')) })
  for (let number = 0; number < 25; number += 1) {
    world.incident({ id: `S${number}`, number })
    await world.follow(`S${number}`)
  }
  expect(await askForGrant(world.parts, ana, { service: 'payments-svc', tier: 'observe' })).toMatchObject({
    grant: { state: 'active', services: ['payments-svc'] },
  })
})

test('What is taken back needs no offer that was made meanwhile', async () => {
  const world = await served()
  world.later(5 * minute)
  world.incident({ paged: [pagedAs(ben, world.clock.now())], shapedBy: ['PUANA01'] })
  await world.follow()
  world.later(minute)
  world.incident({ paged: [pagedAs(ana, world.clock.now())], shapedBy: ['PUANA01', 'PUBEN01'] })
  await world.follow()
  expect(hers(world).map(({ state }) => state)).toEqual(['active', 'offered'])
  world.incident({ paged: [pagedAs(ana, world.clock.now())], shapedBy: ['PUBEN01'] })
  await world.follow()
  expect(world.standing().filter(({ who }) => who.name === ana.name)).toMatchObject([
    { step: 'restored', until: noon + hour },
  ])
})
