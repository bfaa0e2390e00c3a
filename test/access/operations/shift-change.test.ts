import { describe, expect, test } from 'vitest'
import { decideTake } from '#access/domain/decide-take.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Paged } from '#access/domain/incident.ts'
import type { Person } from '#access/domain/principal.ts'
import { followIncident } from '#access/operations/follow-incident.ts'
import { handOver } from '#access/operations/hand-over.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import { rulesOf, rulesText } from '../../builders.ts'
import { ana, aWorld, ben, cho, hour, minute, noon, pagedAs, renewing, type World } from './a-world.ts'

const of = (world: World, person: Person): Grant[] =>
  world.all().filter(({ who }) => who.subject === person.subject)
const one = (world: World, person: Person): Grant =>
  of(world, person).at(-1) ?? expect.fail(`nothing of ${person.name}`)
const user = (person: Person): string => person.pagerduty?.user ?? ''

/** Somebody whose shift has begun, after those whose was over. */
const comes = (world: World, person: Person, from: readonly Person[], planned = true): Paged => ({
  ...pagedAs(person, world.clock.now()),
  level: 1,
  shift: { from: from.map(user), planned },
})

/** Ana has the pass of Q1, which stays assigned to her; half an hour later it is Cho's shift. */
const choComes = async ({ rules = renewing(), planned = true } = {}) => {
  const world = aWorld({ rules })
  world.incident()
  await world.follow()
  world.later(30 * minute)
  world.incident({ paged: [pagedAs(ana), comes(world, cho, [ana], planned)], relieved: [user(ana)] })
  await world.follow()
  return world
}
const used = (world: World, grant: Grant) => followIncident(world.parts, 'Q1', grant.id)

describe('When the shift changes while an incident is open', () => {
  test('whoever comes has what the rule gives at once, and the other keeps theirs', async () => {
    const world = await choComes()
    expect(one(world, cho)).toMatchObject({
      state: 'active',
      tier: 'operate',
      why: { kind: 'page', relieves: [{ subject: 'idp-ana', name: 'Ana Lopes' }] },
    })
    expect(one(world, ana)).toMatchObject({ version: 1, state: 'active' })
    expect(one(world, ana).ending).toBeUndefined()
    world.later(5 * minute)
    await world.follow()
    expect(world.all()).toHaveLength(2)
    expect(world.told).toEqual([])
  })

  test('an override brings an offer of what they could ask for, whatever the rule says', async () => {
    const world = await choComes({ planned: false })
    expect(one(world, cho)).toMatchObject({ state: 'offered', why: { doubt: 'page-by-override' } })
    expect(decideTake(renewing(), one(world, cho), { ...cho, groups: [] }, noon)).toBe('not-eligible')
  })

  test('a shift that began a while ago brings an offer', async () => {
    const world = aWorld({ rules: renewing() })
    world.incident()
    await world.follow()
    const coming = comes(world, cho, [ana])
    world.later(11 * minute)
    world.incident({ paged: [pagedAs(ana), coming], relieved: [user(ana)] })
    await world.follow()
    expect(one(world, cho)).toMatchObject({ state: 'offered', why: { doubt: 'page-late' } })
  })

  test('a shift counts among the passes that one may have a day by themselves', async () => {
    const world = await choComes({
      rules: rulesOf(`${rulesText}\npaging: { per_day: 1 }\n`),
    })
    expect(one(world, cho)).toMatchObject({ state: 'offered', why: { doubt: 'page-too-often' } })
  })

  test('the other’s ends after the grace of its rule once the new one is used, and stays so', async () => {
    const world = await choComes()
    world.later(5 * minute)
    const now = world.clock.now()
    await used(world, one(world, cho))
    expect(one(world, ana)).toMatchObject({
      step: 'shortened',
      until: now + 10 * minute,
      ending: { cause: 'handed over', at: now, keepable: false, to: { subject: 'idp-cho' } },
    })
    // Nor is it given back because the incident is assigned to her still, nor made shorter again.
    world.later(minute)
    await used(world, one(world, cho))
    await world.follow()
    expect(one(world, ana).version).toBe(2)
    world.later(10 * minute)
    await world.store.end(one(world, ana), 'handed over')
    await world.follow()
    expect(of(world, ana)).toHaveLength(1)
    expect(world.told).toEqual([])
  })

  test('with no grace it ends at once, by whoever came', async () => {
    const world = await choComes({ rules: rulesOf() })
    await used(world, one(world, cho))
    expect(world.endOf(one(world, ana).id)).toMatchObject({
      cause: 'handed over',
      by: { subject: 'idp-cho' },
    })
    await world.follow()
    expect([of(world, ana).length, world.told]).toEqual([1, []])
  })

  test.each<[string, (world: World) => Promise<string> | string]>([
    ['another’s pass is used', (world) => one(world, ana).id],
    ['what is used is unknown', () => '0000-0000-0000'],
    [
      'the used one is forged',
      (world) => {
        world.forged.add(one(world, cho).id)
        return one(world, cho).id
      },
    ],
    [
      'the used one has ended',
      async (world) => {
        await world.store.end(one(world, cho), 'revoked')
        return one(world, cho).id
      },
    ],
    [
      'the used one is of another incident',
      async (world) =>
        (await world.put({ ...one(world, cho), id: '0000-0000-0001', version: 1, why: otherIncident })).id,
    ],
    [
      'the used one came with a page',
      async (world) => {
        const { relieves: _, ...why } = { relieves: undefined, ...one(world, cho).why }
        return (await world.put({ ...one(world, cho), id: '0000-0000-0001', version: 1, why } as Grant)).id
      },
    ],
    [
      'the used one does not reach as far',
      async (world) =>
        (await world.put({ ...one(world, cho), id: '0000-0000-0001', version: 1, tier: 'observe' })).id,
    ],
    [
      'she is on call again',
      (world) => {
        world.incident({ relieved: [] })
        return one(world, cho).id
      },
    ],
  ])('it goes on where %s', async (_, which) => {
    const world = await choComes()
    const before = one(world, ana)
    await followIncident(world.parts, 'Q1', await which(world))
    expect(one(world, ana)).toEqual(before)
    expect(world.endOf(before.id)).toBeUndefined()
  })

  test.each<[string, Grant['why']]>([
    ['she asked for by hand', { kind: 'request', rule: 'on_request[0]' }],
    [
      'the commander gave her',
      {
        kind: 'command',
        rule: 'incident_command',
        incident: { id: 'Q1', number: 7, title: 'orders are stuck' },
        commander: { issuer: ben.issuer, subject: ben.subject, name: ben.name },
        go: '0000-0000-0009',
        about: ['orders-svc'],
      },
    ],
  ])('what %s goes on, too', async (_, why) => {
    const world = await choComes()
    const asked = await world.put({ ...one(world, ana), id: '0000-0000-0001', version: 1, why })
    await used(world, one(world, cho))
    expect(world.standing().find(({ id }) => id === asked.id)).toEqual(asked)
  })

  test('Hand over ends it, once the other has taken theirs', async () => {
    const world = await choComes({ planned: false })
    const mine = one(world, ana)
    expect(await handOver(world.parts, ana, mine.id)).toMatchObject({
      waitsFor: { who: { subject: 'idp-cho' } },
    })
    expect(world.endOf(mine.id)).toBeUndefined()
    await takeOffer(world.parts, cho, one(world, cho).id)
    expect(world.endOf(mine.id)).toMatchObject({ cause: 'handed over', by: { subject: 'idp-ana' } })
  })

  test('the pass of a shift lasts, and is renewed, until another shift’s is used', async () => {
    const world = await choComes()
    const chos = one(world, cho)
    world.later(55 * minute)
    await world.follow()
    expect(one(world, cho)).toMatchObject({ id: chos.id, step: 'extended', until: chos.until + hour })
    world.incident({
      paged: [pagedAs(ana), comes(world, ben, [ana, cho])],
      relieved: [user(ana), user(cho)],
    })
    await world.follow()
    expect(one(world, cho).ending).toBeUndefined()
    expect(world.standing()).toHaveLength(3)
    world.later(minute)
    await used(world, one(world, ben))
    expect(one(world, cho).ending).toMatchObject({ to: { subject: 'idp-ben' } })
  })

  test('who was relieved has another pass when assigned anew, or on call again', async () => {
    const world = await choComes()
    world.later(minute)
    await used(world, one(world, cho))
    world.later(minute)
    world.incident({ paged: [pagedAs(ana, world.clock.now()), comes(world, cho, [])], relieved: [] })
    await world.follow()
    expect(one(world, ana)).toMatchObject({ version: 1, state: 'active' })
    expect(of(world, ana)).toHaveLength(2)
  })

  test('the incident lets go of a shift’s pass when it was assigned anew to somebody else', async () => {
    const world = await choComes()
    world.incident({ paged: [pagedAs(ben, world.clock.now())], relieved: [] })
    await world.follow()
    expect(one(world, cho).ending).toMatchObject({ cause: 'handed over' })
    expect(one(world, cho).ending?.to).toBeUndefined()
  })

  test('whoever comes and is in no directory is told of in the channel', async () => {
    const world = aWorld({ people: [ana] })
    world.incident({ paged: [pagedAs(ana), comes(world, cho, [ana])], relieved: [user(ana)] })
    await world.follow()
    expect(world.told[0]).toMatchObject({ user: user(cho), reason: 'page-unmapped' })
  })
})

const otherIncident: Grant['why'] = {
  kind: 'page',
  rule: 'on_page[0]',
  incident: { id: 'Q2', number: 8, title: 'other' },
  relieves: [{ issuer: ana.issuer, subject: ana.subject, name: ana.name }],
}
