import { describe, expect, test } from 'vitest'
import type { Person } from '#access/domain/principal.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { servePage } from '#access/operations/serve-page.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import { anIncident, rulesOf, rulesText, serviceIn } from '../../builders.ts'
import {
  ana,
  aWorld,
  ben,
  cho,
  eve,
  everyone,
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

const whoHold = (world: World): string[] =>
  world
    .standing()
    .map(({ who, state }) => `${who.name} ${state}`)
    .sort()
const causes = (world: World): (string | undefined)[] => world.all().map(({ id }) => world.endOf(id)?.cause)
const paged = (world: World, ...people: Person[]) =>
  world.incident({ paged: people.map((person) => pagedAs(person, world.clock.now())) })
/** A world in which Ana was paged and has her pass. */
const served = async (rules = renewing()): Promise<World> => {
  const world = aWorld({ rules })
  world.incident()
  await world.follow()
  return world
}

describe('A page', () => {
  test('gives one pass, whatever comes again, late or doubled', async () => {
    const world = await served()
    for (let times = 0; times < 5; times += 1) await world.follow()
    expect(world.only()).toMatchObject({
      state: 'active',
      step: 'given',
      version: 1,
      until: noon + hour,
      why: { kind: 'page', rule: 'on_page[0]', incident: { id: 'Q1' } },
    })
    expect(world.told).toEqual([])
  })

  test('gives one pass, however many follow it at once', async () => {
    const world = aWorld({ rules: renewing() })
    world.incident({ paged: [pagedAs(ana), pagedAs(cho)] })
    await Promise.all(Array.from({ length: 4 }, () => world.follow('Q1', world.runner())))
    expect(whoHold(world)).toEqual(['Ana Lopes active', 'Cho Park active'])
    expect(world.events).toHaveLength(2)
    expect(world.told).toEqual([])
  })

  test('gives every service that it concerns its own', async () => {
    const world = aWorld({ rules: rulesOf(rulesText.replace('[PPAYMTS]', '[PPAYMTS, PORDERS]')) })
    world.incident()
    await world.follow()
    expect(world.standing().flatMap(({ services }) => services)).toEqual(['orders-svc', 'payments-svc'])
  })

  test.each<[string, Person[], string, string]>([
    ['nobody in the directory', everyone.filter((one) => one !== ana), 'page-unmapped', 'PUANA01'],
    ['somebody who left', [{ ...ana, active: false }], 'person-inactive', 'PUANA01'],
  ])('to %s gives nothing, and the channel is told', async (_, people, reason, user) => {
    const world = aWorld({ people })
    world.incident()
    await world.follow()
    expect(world.all()).toEqual([])
    expect(world.told).toMatchObject([{ reason, user, service: { name: 'orders-svc' } }])
  })

  test('to somebody no rule names goes before the owners, and their yes makes it a pass', async () => {
    const world = aWorld()
    paged(world, eve)
    await world.follow()
    expect(world.only()).toMatchObject({
      state: 'pending',
      approvers: { from: ['payments'], count: 1 },
      why: { rule: 'owners', doubt: 'page-no-rule' },
    })
    expect(await approveGrant(world.parts, eve, world.only().id)).toEqual({ refused: 'own-request' })
    expect(await approveGrant(world.parts, ana, world.only().id)).toMatchObject({
      grant: { state: 'active' },
    })
  })

  test('of an incident that nobody knows, or that is over before it is seen, gives nothing', async () => {
    const world = aWorld()
    await world.follow('NOSUCH')
    world.incident(resolvedBy('person'))
    await world.follow()
    expect(world.all()).toEqual([])
  })

  test('that somebody had a hand in whom nobody knows is only offered: it may be the paged person', async () => {
    const world = aWorld()
    world.incident({ shapedBy: ['PUNOBODY'] })
    await world.follow()
    expect(world.only()).toMatchObject({ state: 'offered', why: { doubt: 'page-untrusted' } })
    const other = aWorld()
    other.incident({ shapedBy: ['PUBEN01'] })
    await other.follow()
    expect(other.only().state).toBe('active')
  })

  test('that is heard of late gives an offer, never a pass', async () => {
    const world = aWorld()
    world.incident()
    world.later(10 * minute + 1)
    await world.follow()
    expect(world.only()).toMatchObject({ state: 'offered', why: { doubt: 'page-late' } })
  })
})

describe('Pages that come again and again', () => {
  const text = `${rulesText}paging: { per_day: 2 }\n`
  const page = async (world: ReturnType<typeof aWorld>, id: string, changes = {}) => {
    world.incident({ id, ...changes })
    await world.follow(id)
    return world.standing().find(({ why }) => why.kind === 'page' && why.incident.id === id)
  }

  test('give so many passes by themselves, and then offer them', async () => {
    const world = aWorld({ rules: rulesOf(text) })
    for (const id of ['Q1', 'Q2']) expect(await page(world, id)).toMatchObject({ state: 'active' })
    const third = await page(world, 'Q3')
    expect(third).toMatchObject({ state: 'offered', why: { doubt: 'page-too-often' } })
    await world.follow('Q3')
    expect(await takeOffer(world.parts, ana, third?.id ?? '')).toMatchObject({ grant: { state: 'active' } })
  })

  test('are taken by acknowledging no more often either', async () => {
    const world = aWorld({ rules: rulesOf(text.replace('how: auto', 'how: on acknowledge')) })
    const acknowledged = { status: 'acknowledged', acknowledgedBy: ['PUANA01'] } as const
    for (const id of ['Q1', 'Q2', 'Q3']) expect(await page(world, id)).toMatchObject({ state: 'offered' })
    for (const id of ['Q1', 'Q2'])
      expect(await page(world, id, acknowledged)).toMatchObject({ state: 'active' })
    expect(await page(world, 'Q3', acknowledged)).toMatchObject({ state: 'offered' })
    expect(await page(world, 'Q1', acknowledged)).toMatchObject({ state: 'active' })
  })
})

describe('An offer', () => {
  test('is taken by acknowledging, once, and lasts from then', async () => {
    const world = await served(renewing('on acknowledge'))
    expect(world.only().state).toBe('offered')
    world.later(20 * minute)
    world.incident({ status: 'acknowledged', acknowledgedBy: ['PUANA01'] })
    await Promise.all(Array.from({ length: 4 }, () => world.follow('Q1', world.runner())))
    expect(world.only()).toMatchObject({
      state: 'active',
      step: 'taken',
      version: 2,
      from: noon + 20 * minute,
      until: noon + 80 * minute,
    })
  })

  test.each<[string, string, object, Person]>([
    ['when somebody else acknowledges', 'on acknowledge', { acknowledgedBy: ['PUBEN01'] }, ana],
    ['where the rule says offer', 'offer', { acknowledgedBy: ['PUANA01'] }, ana],
    [
      'where the page was in doubt',
      'on acknowledge',
      { acknowledgedBy: ['PUANA01'], trigger: { kind: 'unknown' } },
      ana,
    ],
    [
      'by a person of no group any more',
      'on acknowledge',
      { acknowledgedBy: ['PUANA01'] },
      { ...ana, groups: [] },
    ],
  ])('is not taken by acknowledging %s', async (_, how, changes, then) => {
    const world = aWorld({ rules: renewing(how) })
    world.incident({ ...changes, acknowledgedBy: [] })
    await world.follow()
    world.setPeople([then])
    world.incident({ ...changes, status: 'acknowledged' })
    await world.follow()
    expect(world.only().state).toBe('offered')
  })

  test('that has lapsed is not taken by acknowledging but made again, recorded or not', async () => {
    const world = await served(renewing('on acknowledge'))
    const lapsed = world.only()
    world.clock.set(lapsed.until)
    world.incident({ status: 'acknowledged', acknowledgedBy: ['PUANA01'] })
    await world.follow()
    await expireGrant(world.parts, lapsed.id)
    await world.follow()
    expect(world.endOf(lapsed.id)?.cause).toBe('lapsed')
    expect(world.standing()).toMatchObject([{ state: 'offered', version: 1, why: { doubt: 'page-late' } }])
    expect(world.told).toEqual([])
  })

  test('that was turned down is not made again for the same assignment', async () => {
    const world = await served(pageRules('offer'))
    world.later(minute)
    await declineOffer(world.parts, ana, world.only().id)
    world.later(minute)
    await world.follow()
    expect(world.standing()).toEqual([])
    expect(world.told).toMatchObject([{ reason: 'page-again' }])
  })

  test('is all that an old page gives that was acknowledged long ago', async () => {
    const world = aWorld({ rules: renewing('on acknowledge') })
    world.incident({ status: 'acknowledged', acknowledgedBy: ['PUANA01'] })
    world.later(48 * hour)
    for (let times = 0; times < 3; times += 1) await world.follow()
    expect(world.only()).toMatchObject({ state: 'offered', why: { doubt: 'page-late' } })
  })
})

describe('A pass of a page is renewed', () => {
  /** Follows the incident whenever the renewal job would, until nothing more comes of it. */
  const renewOn = async (world: World, times = 100): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      const { until } = world.only()
      if (until - 15 * minute <= world.clock.now()) return
      world.clock.set(until - 15 * minute)
      await world.follow()
    }
  }

  test('while incident and assignment last, to the cap and no further', async () => {
    const world = await served()
    await renewOn(world)
    expect(world.only()).toMatchObject({
      state: 'active',
      step: 'extended',
      from: noon,
      until: noon + 5 * hour,
    })
  })

  test('by a runner whose clock is a little behind that of the jobs', async () => {
    const world = await served()
    world.clock.set(noon + 45 * minute - 1_500)
    await world.follow()
    expect(world.only().step).toBe('extended')
  })

  test('not before it is about to run out', async () => {
    const world = await served()
    world.clock.set(noon + 44 * minute)
    await world.follow()
    expect(world.only().version).toBe(1)
  })

  test.each<[string, (world: World) => void]>([
    ['for somebody who left', (world) => world.setPeople([{ ...ana, active: false }])],
    [
      'for somebody whose groups no rule names any more',
      (world) => world.setPeople([{ ...ana, groups: [] }]),
    ],
    [
      'where its rule is for other services by now',
      (world) =>
        world.setRules(rulesOf(rulesText.replace('services: [label:tier-1]', 'services: [payments-svc]'))),
    ],
    [
      'where its rule gives something else by now',
      (world) => world.setRules(rulesOf(rulesText.replace('give: operate', 'give: observe'))),
    ],
  ])('not %s', async (_, change) => {
    const world = await served(renewing())
    change(world)
    world.clock.set(noon + 50 * minute)
    await world.follow()
    expect(world.only()).toMatchObject({ version: 1, until: noon + hour })
  })

  test('never after it is over, though nobody has recorded that yet', async () => {
    const world = await served()
    for (const ms of [0, 1, 30 * minute]) {
      world.clock.set(noon + hour + ms)
      await world.follow()
      expect(world.only()).toMatchObject({ version: 1, until: noon + hour })
    }
    expect(world.told[0]).toMatchObject({ reason: 'page-again' })
  })

  test('and given anew where the incident comes again to somebody whose pass is over', async () => {
    const world = await served()
    world.clock.set(noon + 2 * hour)
    paged(world, ana)
    await world.follow()
    expect(world.all()).toHaveLength(2)
    expect(world.all()[1]).toMatchObject({ state: 'active', version: 1, from: noon + 2 * hour })
  })
})

describe('Assigned away,', () => {
  test('a pass ends at once where its rule has no grace', async () => {
    const world = await served(pageRules('auto'))
    world.later(5 * minute)
    paged(world, cho)
    await world.follow()
    expect(whoHold(world)).toEqual(['Cho Park active'])
    expect(causes(world)).toEqual(['handed over', undefined])
  })

  test('a pass ends after the grace of its rule, once counted, and the next person has theirs', async () => {
    const world = await served()
    world.later(5 * minute)
    paged(world, cho)
    await world.follow()
    world.later(5 * minute)
    await world.follow()
    const [hers] = world.all()
    expect(hers).toMatchObject({
      state: 'active',
      step: 'shortened',
      until: noon + 15 * minute,
      ending: { cause: 'handed over', was: noon + hour, keepable: false },
    })
    expect(await extendGrant(world.parts, ana, 'orders-svc')).toMatchObject({
      refused: { reason: 'pass-ending' },
    })
    expect(await keepGrant(world.parts, ana, hers?.id ?? '')).toEqual({ refused: 'already-decided' })
    world.clock.set(noon + 15 * minute)
    await expireGrant(world.parts, hers?.id ?? '')
    expect(causes(world)).toEqual(['handed over', undefined])
  })

  test('and back, it is theirs again for as long as it was', async () => {
    const world = await served()
    paged(world, cho)
    await world.follow()
    world.later(5 * minute)
    paged(world, ana)
    await world.follow()
    const [hers] = world.all()
    expect(hers).toMatchObject({ state: 'active', step: 'restored', until: noon + hour })
    expect(hers?.ending).toBeUndefined()
  })

  test('and back after the grace, it is a new pass: what is over is never revived', async () => {
    const world = await served()
    paged(world, cho)
    await world.follow()
    world.clock.set(noon + 11 * minute)
    paged(world, ana)
    await world.follow()
    const hers = world.all().filter(({ who }) => who.name === ana.name)
    expect(hers).toMatchObject([
      { version: 2, until: noon + 10 * minute },
      { version: 1, from: noon + 11 * minute, state: 'active' },
    ])
  })

  test.each(['offered', 'pending'])('what is only %s ends at once', async (state) => {
    const world = aWorld({ rules: renewing('offer') })
    paged(world, state === 'offered' ? ana : eve)
    await world.follow()
    expect(world.only().state).toBe(state)
    paged(world, cho)
    await world.follow()
    expect(world.endOf(world.all()[0]?.id ?? '')).toMatchObject({ state: 'refused', cause: 'handed over' })
  })

  test('a pass goes with somebody who is taken out of the directory', async () => {
    const world = await served(pageRules('auto'))
    world.setPeople([ben])
    await world.follow()
    expect(causes(world)).toEqual(['handed over'])
  })

  test('as escalated and with a responder added: everybody it reaches has one, whoever declines has none', async () => {
    const world = await served(pageRules('auto'))
    paged(world, ana, ben, cho)
    await world.follow()
    expect(whoHold(world)).toEqual(['Ana Lopes active', 'Ben Okafor active', 'Cho Park active'])
    paged(world, ana, ben)
    await world.follow()
    expect(whoHold(world)).toEqual(['Ana Lopes active', 'Ben Okafor active'])
  })

  test('between reading and writing, nobody keeps what they were given by then', async () => {
    const world = aWorld({ rules: pageRules('auto') })
    world.incident()
    world.beforeWrite(async () => {
      paged(world, cho)
      await world.follow('Q1', world.runner())
    })
    await world.follow()
    expect(whoHold(world)).toEqual(['Cho Park active'])
  })
})

describe('Resolved', () => {
  test.each<[string, string, object | undefined]>([
    ['by a person, a pass goes on for the grace of its rule', 'grace: 10m', { until: noon + 20 * minute }],
    ['by a person, a pass ends at once where its rule has no grace', '', undefined],
  ])('%s', async (_, grace, expected) => {
    const world = await served(pageRules('auto', `    ${grace}`))
    world.later(10 * minute)
    world.incident(resolvedBy('person'))
    await world.follow()
    await world.follow()
    if (expected === undefined) expect(causes(world)).toEqual(['incident over'])
    else
      expect(world.only()).toMatchObject({
        ...expected,
        version: 2,
        ending: { cause: 'incident over', keepable: false },
      })
  })

  test('by an integration, a pass goes on for half an hour, and an offer ends', async () => {
    const world = await served()
    world.later(minute)
    world.incident(resolvedBy('integration'))
    await world.follow()
    expect(world.only()).toMatchObject({
      until: noon + 31 * minute,
      ending: { cause: 'incident over', was: noon + hour, keepable: true },
    })
    const offer = await served(pageRules('offer'))
    offer.incident(resolvedBy('integration'))
    await offer.follow()
    expect(causes(offer)).toEqual(['incident over'])
  })

  test('never makes a pass longer', async () => {
    const world = await served()
    world.clock.set(noon + 55 * minute)
    world.incident(resolvedBy('integration'))
    await world.follow()
    expect(world.only()).toMatchObject({ until: noon + hour, ending: { was: noon + hour } })
  })

  test('by an integration, what its holder keeps stays, however often it is told again', async () => {
    const world = await served()
    world.incident(resolvedBy('integration'))
    await world.follow()
    const { id } = world.only()
    expect(await keepGrant(world.parts, cho, id)).toEqual({ refused: 'not-yours' })
    expect(await keepGrant(world.parts, ana, id)).toMatchObject({ grant: { until: noon + hour, kept: true } })
    expect(await keepGrant(world.parts, ana, id)).toEqual({ refused: 'already-decided' })
    for (let times = 0; times < 3; times += 1) await world.follow()
    const kept = world.only()
    expect(kept).toMatchObject({ until: noon + hour, version: 3 })
    expect(kept.ending).toBeUndefined()
  })

  test('by a person in the end, what was kept ends too', async () => {
    const world = await served()
    world.incident(resolvedBy('integration'))
    await world.follow()
    await keepGrant(world.parts, ana, world.only().id)
    world.later(minute)
    world.incident({ status: 'triggered', paged: [pagedAs(ana)] })
    await world.follow()
    world.incident(resolvedBy('person'))
    await world.follow()
    expect(world.only()).toMatchObject({
      until: noon + 11 * minute,
      ending: { cause: 'incident over', keepable: false },
    })
  })

  test('by a person after an integration, a pass can’t be kept any more', async () => {
    const world = await served(pageRules('auto'))
    world.incident(resolvedBy('integration'))
    await world.follow()
    world.incident(resolvedBy('person'))
    await world.follow()
    expect(causes(world)).toEqual(['incident over'])
    expect(await keepGrant(world.parts, ana, world.only().id)).toEqual({ refused: 'already-decided' })
  })

  test('and reopened in its grace, a pass is as it was; after its end it is a new one', async () => {
    const world = await served()
    world.incident(resolvedBy('person'))
    await world.follow()
    world.later(minute)
    paged(world, ana)
    world.incident({ status: 'triggered' })
    await world.follow()
    expect(world.only()).toMatchObject({ step: 'restored', until: noon + hour })
    world.incident(resolvedBy('person'))
    await world.follow()
    world.clock.set(noon + 20 * minute)
    await expireGrant(world.parts, world.only().id)
    paged(world, ana)
    world.incident({ status: 'triggered' })
    await world.follow()
    expect(world.all()).toHaveLength(2)
    expect(whoHold(world)).toEqual(['Ana Lopes active'])
  })

  test('between reading and writing, nothing is left that was given by then', async () => {
    const world = aWorld({ rules: pageRules('auto') })
    world.incident()
    world.beforeWrite(async () => {
      world.incident(resolvedBy('person'))
      await world.follow('Q1', world.runner())
    })
    await world.follow()
    expect(world.standing()).toEqual([])
  })

  test('between reading and taking back, a pass is let go of again', async () => {
    const world = await served()
    world.incident(resolvedBy('person'))
    await world.follow()
    world.incident({ status: 'triggered', paged: [pagedAs(ana)] })
    world.beforeWrite(async () => {
      world.incident(resolvedBy('person'))
      await world.follow('Q1', world.runner())
    })
    await world.follow()
    expect(world.only().ending).toMatchObject({ cause: 'incident over' })
  })

  test.each<[string, (world: World) => Promise<unknown>]>([
    ['extends it', (world) => extendGrant({ ...world.runner() }, ana, 'orders-svc', minute)],
    ['is renewed', (world) => renewAsOpen(world)],
  ])('is carried out though its holder %s at the same moment', async (_, meanwhile) => {
    const world = await served()
    world.incident(resolvedBy('person'))
    world.beforeWrite(() => meanwhile(world))
    await world.follow()
    expect(world.only().ending).toMatchObject({ cause: 'incident over', keepable: false })
  })

  test('is carried out though an offer is taken at the same moment', async () => {
    const world = await served(pageRules('offer'))
    world.incident(resolvedBy('person'))
    world.beforeWrite(() => takeOffer(world.runner(), ana, world.only().id))
    await world.follow()
    expect(causes(world)).toEqual(['incident over'])
  })
})

/** Another bot, that read the incident while it was open, renews the pass. */
const renewAsOpen = (world: World) => {
  world.clock.set(noon + 50 * minute)
  const open = anIncident()
  return servePage(world.runner(), open, serviceIn(world.rules), pagedAs(ana))
}

describe('Revoked', () => {
  test('it is not given again by any other event of the same assignment, and the channel is told', async () => {
    const world = await served()
    world.later(minute)
    await revokeGrant(world.parts, ana, 'orders-svc')
    world.later(minute)
    world.incident({ status: 'acknowledged', acknowledgedBy: ['PUANA01'] })
    for (let times = 0; times < 3; times += 1) await world.follow()
    expect(world.only().version).toBe(1)
    expect(new Set(world.told.map((one) => [one.user, one.service.name, one.reason].join()))).toEqual(
      new Set(['PUANA01,orders-svc,page-again']),
    )
  })

  test('it is given anew by another assignment', async () => {
    const world = await served()
    world.later(minute)
    await revokeGrant(world.parts, ana, 'orders-svc')
    world.later(minute)
    paged(world, ana)
    await Promise.all(Array.from({ length: 4 }, () => world.follow('Q1', world.runner())))
    expect(world.standing()).toHaveLength(1)
    expect(world.all()).toHaveLength(2)
  })
})

describe('Merged', () => {
  const parent = { id: 'Q2', number: 8, title: 'all is stuck', paged: [pagedAs(ben)] }

  test('a pass moves to the parent, as it is, and stays though nobody assigns the parent to its holder', async () => {
    const world = await served()
    world.incident(parent)
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    for (const id of ['Q1', 'Q2', 'Q1', 'Q2']) await world.follow(id)
    const [hers] = world.all()
    expect(hers).toMatchObject({
      state: 'active',
      step: 'moved',
      version: 2,
      until: noon + hour,
      why: { incident: { id: 'Q2', number: 8, title: 'all is stuck' }, mergedFrom: 'Q1' },
    })
    expect(whoHold(world)).toEqual(['Ana Lopes active', 'Ben Okafor active'])
    world.incident({ id: 'Q2', ...resolvedBy('person') })
    await world.follow('Q2')
    expect(world.all().map(({ ending }) => ending?.cause)).toEqual(['incident over', 'incident over'])
  })

  test('a pass is superseded by as much that its holder has of the parent', async () => {
    const world = await served()
    world.incident({ ...parent, paged: [pagedAs(ana)] })
    await world.follow('Q2')
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    await world.follow('Q1')
    expect(causes(world)).toEqual(['superseded', undefined])
  })

  test('a pass that was handed over runs out all the same', async () => {
    const world = await served()
    paged(world, cho)
    await world.follow()
    world.incident(parent)
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    for (const id of ['Q1', 'Q2']) await world.follow(id)
    const [hers] = world.all()
    expect(hers).toMatchObject({
      until: noon + 10 * minute,
      ending: { cause: 'handed over', was: noon + hour, keepable: false },
      why: { incident: { id: 'Q2' } },
    })
    expect(await extendGrant(world.parts, ana, 'orders-svc')).toMatchObject({
      refused: { reason: 'pass-ending' },
    })
  })

  test('after it was resolved, a pass goes on with the parent', async () => {
    const world = await served()
    world.incident(resolvedBy('integration'))
    await world.follow()
    world.incident(parent)
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    for (const id of ['Q1', 'Q2']) await world.follow(id)
    expect(world.all()[0]).toMatchObject({ step: 'restored', until: noon + hour })
  })

  test('and reopened, whoever it is assigned to has a pass of it again, beside what went with the parent', async () => {
    const world = await served()
    world.incident({ ...parent, paged: [] })
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    await world.follow('Q1')
    world.later(minute)
    world.incident({ id: 'Q1', status: 'triggered', paged: [pagedAs(ana, world.clock.now())] })
    await Promise.all(Array.from({ length: 4 }, () => world.follow('Q1', world.runner())))
    const incidents = world.standing().map(({ why }) => why.kind === 'page' && why.incident.id)
    expect(incidents).toEqual(['Q2', 'Q1'])
    expect(world.told).toEqual([])
  })

  test('into one that was merged itself, a pass moves to where that went', async () => {
    const world = await served()
    world.incident({ ...parent, id: 'Q3' })
    world.incident({ ...parent, ...mergedInto('Q3') })
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    await world.follow('Q1')
    expect(world.all()[0]).toMatchObject({ why: { incident: { id: 'Q3' } }, until: noon + hour })
  })

  test.each<['person' | 'integration', number]>([
    ['person', 10],
    ['integration', 30],
  ])('into one that a %s resolved, a pass ends as with it', async (by, minutes) => {
    const world = await served()
    world.incident({ ...parent, ...resolvedBy(by) })
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    await world.follow('Q1')
    expect(world.only()).toMatchObject({
      until: noon + minutes * minute,
      ending: { cause: 'incident over', keepable: by === 'integration' },
    })
  })

  test.each([
    ['into itself', 'Q1'],
    ['into one that nobody knows', 'NOSUCH'],
  ])('%s, a pass ends', async (_, into) => {
    const world = await served()
    world.incident(mergedInto(into))
    await world.follow()
    expect(world.only().ending?.cause).toBe('incident over')
  })

  test('in a circle, a pass ends', async () => {
    const world = await served()
    world.incident({ ...parent, ...mergedInto('Q1') })
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    await world.follow()
    expect(world.only().ending?.cause).toBe('incident over')
  })

  test('into one that is resolved before the pass is moved, it ends with it', async () => {
    const world = await served()
    world.incident(parent)
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    world.beforeWrite(async () => {
      world.incident({ id: 'Q2', ...resolvedBy('person') })
      await world.follow('Q2', world.runner())
    })
    await world.follow('Q1')
    expect(world.all()[0]?.ending).toMatchObject({ cause: 'incident over', keepable: false })
  })

  test('though its holder extends it at the same moment, it moves', async () => {
    const world = await served()
    world.incident({ ...parent, paged: [] })
    world.incident({ id: 'Q1', ...mergedInto('Q2') })
    world.beforeWrite(() => extendGrant(world.runner(), ana, 'orders-svc', minute))
    await world.follow()
    expect(world.only()).toMatchObject({
      version: 3,
      until: noon + 61 * minute,
      why: { incident: { id: 'Q2' } },
    })
  })
})

test('What is forged is never made anything of', async () => {
  const world = await served()
  world.forged.add(world.only().id)
  world.clock.set(noon + 50 * minute)
  await world.follow()
  world.incident(resolvedBy('person'))
  await world.follow()
  expect(world.events).toHaveLength(1)
})
