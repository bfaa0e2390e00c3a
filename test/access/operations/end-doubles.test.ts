import { describe, expect, test } from 'vitest'
import { takeOffer } from '#access/operations/take-offer.ts'
import { ana, aWorld, mergedInto, noon, pagedAs, pageRules, renewing, type World } from './a-world.ts'

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
