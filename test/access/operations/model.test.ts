import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isApproved } from '#access/domain/decide-approval.ts'
import type { Grant } from '#access/domain/grant.ts'
import { byOf, type GrantState, moveGrant } from '#access/domain/grant-transitions.ts'
import type { Incident } from '#access/domain/incident.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { tierOf } from '#access/domain/rule-set.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { endLocked } from '#access/operations/end-locked.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import {
  ana,
  aWorld,
  ben,
  cho,
  eve,
  everyone,
  hour,
  ida,
  mergedInto,
  minute,
  noon,
  pagedAs,
  renewing,
  resolvedBy,
  type World,
} from './a-world.ts'

type Runner = ReturnType<World['runner']>
/** Something that somebody does, or that happens outside. */
type Act = (world: World, runner: Runner) => unknown

const pick = <T>(all: readonly T[], n: number): T | undefined => all[n % Math.max(1, all.length)]
const anyone = fc.constantFrom<Person[]>(ana, ben, cho, eve, ida)
const anIncidentId = fc.constantFrom('Q1', 'Q2')

/** A click, mostly on what it is meant for, and on one’s own where it is meant for that. */
const click = (
  does: (runner: Runner, person: Person, id: string) => Promise<unknown>,
  fits: (grant: Grant) => boolean,
  whose: 'own' | 'others',
): fc.Arbitrary<Act> =>
  fc.tuple(anyone, fc.nat(60)).map(([person, n]) => (world, runner) => {
    const fitting = world.standing().filter(fits)
    const grant = pick(n % 5 === 0 ? world.all() : fitting, n)
    if (grant === undefined) return undefined
    const holder = everyone.find((one) => principalKey(one) === principalKey(grant.who))
    return does(runner, whose === 'own' && n % 4 !== 0 && holder ? holder : person, grant.id)
  })
const is =
  (state: Grant['state']) =>
  (grant: Grant): boolean =>
    grant.state === state
const anything = (): boolean => true

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: anIncidentId.map(
      (id): Act =>
        (world, runner) =>
          world.follow(id, runner),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        id: anIncidentId,
        paged: fc.subarray([ana, ben, cho, eve]),
        acknowledged: fc.boolean(),
        doubt: fc.constantFrom(false, false, true),
      })
      .map(
        ({ id, paged, acknowledged, doubt }): Act =>
          (world) =>
            world.incident({
              id,
              status: acknowledged ? 'acknowledged' : 'triggered',
              paged: paged.map((person) => pagedAs(person, world.clock.now())),
              acknowledgedBy: acknowledged ? paged.map(({ pagerduty }) => pagerduty?.user ?? '') : [],
              trigger: doubt ? { kind: 'unknown' } : { kind: 'integration', id: 'PIDATADOG' },
            }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(anIncidentId, fc.constantFrom(resolvedBy('person'), resolvedBy('integration'))).map(
      ([id, how]): Act =>
        (world) =>
          world.incident({ id, ...how }),
    ),
  },
  fc.constantFrom<Act[]>(
    (world) => world.incident({ id: 'Q1', ...mergedInto('Q2') }),
    (world) => world.incident({ id: 'Q2', ...mergedInto('Q1') }),
  ),
  {
    weight: 5,
    arbitrary: fc.constantFrom(1, 900, minute, 10 * minute, 45 * minute, 2 * hour).map(
      (ms): Act =>
        (world) =>
          world.later(ms),
    ),
  },
  { weight: 3, arbitrary: click((runner, _, id) => expireGrant(runner, id), anything, 'others') },
  { weight: 3, arbitrary: click(takeOffer, is('offered'), 'own') },
  click(declineOffer, is('offered'), 'own'),
  { weight: 5, arbitrary: click(approveGrant, is('pending'), 'others') },
  { weight: 2, arbitrary: click(denyGrant, is('pending'), 'others') },
  {
    weight: 3,
    arbitrary: click((runner, person, id) => extendGrant(runner, person, id), is('active'), 'own'),
  },
  {
    weight: 2,
    arbitrary: click(keepGrant, ({ ending }) => ending?.keepable === true, 'own'),
  },
  click((runner, person, id) => revokeGrant(runner, person, id), anything, 'own'),
  anyone.map(
    (who): Act =>
      (_, runner) =>
        endLocked(runner, { who: byOf(who), by: { kind: 'directory', asOf: noon } }),
  ),
  fc.tuple(anyone, fc.constantFrom('observe', 'operate', 'admin')).map(
    ([person, tier]): Act =>
      (_, runner) =>
        askForGrant(runner, person, { service: 'orders-svc', tier, reason: 'because' }),
  ),
  fc.subarray([...everyone], { minLength: 3 }).map(
    (people): Act =>
      (world) =>
        world.setPeople(people),
  ),
)

type Round = readonly Act[]
const aRound: fc.Arbitrary<Round> = fc.array(act, { minLength: 1, maxLength: 3 })

/**
 * Her incident is resolved by itself, or goes to somebody else, and comes back to her in doubt: what she had runs out
 * beside an offer, and both can be clicked. Seldom come upon by chance, and what makes two of one.
 */
const comesBack: fc.Arbitrary<readonly Round[]> = fc
  .record({
    id: anIncidentId,
    person: fc.constantFrom(ana, ben, cho),
    goes: fc.constantFrom<Partial<Incident>[]>(resolvedBy('integration'), { paged: [pagedAs(ida)] }),
    doubt: fc.constantFrom(true, true, false),
    rounds: fc.array(aRound, { maxLength: 2 }),
    clicks: fc.shuffledSubarray(['keep', 'take', 'follow', 'merge'] as const, { minLength: 1, maxLength: 3 }),
    atOnce: fc.boolean(),
  })
  .map(({ id, person, goes, doubt, rounds, clicks, atOnce }) => {
    const happens =
      (changes: (world: World) => Partial<Incident>): Act =>
      async (world, runner) => {
        world.incident({ id, ...changes(world) })
        await world.follow(id, runner)
      }
    const pages = (world: World): Partial<Incident> => ({
      status: 'triggered',
      paged: [pagedAs(person, world.clock.now())],
      acknowledgedBy: [],
    })
    const trusted = { kind: 'integration', id: 'PIDATADOG' } as const
    const hers = (world: World, is: (grant: Grant) => boolean): string =>
      world.standing().find((grant) => is(grant) && grant.who.subject === person.subject)?.id ?? ''
    const does: Record<(typeof clicks)[number], Act> = {
      keep: (world, runner) =>
        keepGrant(
          runner,
          person,
          hers(world, ({ ending }) => ending?.keepable === true),
        ),
      take: (world, runner) => takeOffer(runner, person, hers(world, is('offered'))),
      follow: (world, runner) => world.follow(id, runner),
      merge: happens(() => mergedInto(id === 'Q1' ? 'Q2' : 'Q1')),
    }
    const all = clicks.map((click) => does[click])
    return [
      [happens((world) => ({ ...pages(world), trigger: trusted }))],
      // Where the rule only offers it.
      [does.take],
      [(world) => world.later(minute)],
      [happens(() => goes)],
      [(world) => world.later(minute)],
      [happens((world) => ({ ...pages(world), trigger: doubt ? { kind: 'unknown' } : trusted }))],
      ...(atOnce ? [all] : all.map((one) => [one])),
      ...rounds,
    ]
  })

/** What the rules give at the most, from its first moment as a pass to its last. */
const longestOf = (world: World, { why, services, tier }: Grant): number => {
  const rule = world.rules.onPage.find(({ id }) => id === why.rule)
  const service = world.rules.services.get(services[0] ?? '')
  return rule?.cap ?? (service && tierOf(service, tier)?.longest) ?? 0
}

/** Goes through all that was ever written, in order, and holds it against what is promised. */
const check = (world: World): void => {
  const states = new Map<string, GrantState>()
  const newest = new Map<string, Grant>()
  for (const event of world.events) {
    const { id } = event.kind === 'grant' ? event.grant : event.end
    const before = newest.get(id)
    const step = event.kind === 'grant' ? event.grant.step : event.end.cause
    const to = moveGrant(states.get(id) ?? 'none', step)
    if (event.kind === 'end') {
      expect(to).toBe(event.end.state)
      states.set(id, event.end.state)
      continue
    }
    const { grant } = event
    expect(to).toBe(grant.state)
    states.set(id, grant.state)
    newest.set(id, grant)
    if (before !== undefined) {
      // Whatever it is, it is done while it stands: nothing is revived.
      expect(grant.at).toBeLessThan(before.until)
      expect([grant.who, grant.services, grant.tier]).toEqual([before.who, before.services, before.tier])
      if (before.state === 'active') expect(grant.from).toBe(before.from)
      if (before.ending !== undefined && grant.step !== 'restored')
        expect(grant.until).toBeLessThanOrEqual(before.until)
    }
    if (grant.state !== 'active') continue
    expect(grant.until - grant.from).toBeLessThanOrEqual(longestOf(world, grant))
    if (grant.step === 'approved') {
      expect(isApproved(grant, grant.approvers ?? { count: 9 })).toBe(true)
      expect(principalKey(grant.by ?? grant.who)).not.toBe(principalKey(grant.who))
    }
    if (grant.step === 'given' && grant.why.kind === 'page') {
      expect(grant.why.doubt).toBeUndefined()
      expect(grant.why.rule).toBe('on_page[0]')
    }
    if (grant.tier === 'admin') expect(isApproved(grant, { count: 1 })).toBe(true)
  }
}

/** What stands of an open incident is one per person and service, beside what it let go of and nothing else is enough for. */
const checkStanding = (world: World): void => {
  const now = world.clock.now()
  const standing = world.standing().filter(({ until, why }) => until > now && why.kind === 'page')
  const keyOf = ({ why, who, services }: Grant): string =>
    JSON.stringify([why.kind === 'page' && why.incident.id, principalKey(who), services])
  const own = standing.filter(({ ending }) => ending === undefined)
  expect(own.map(keyOf)).toEqual([...new Set(own.map(keyOf))])
  const needless = standing.filter((grant) =>
    own.some(
      (other) =>
        other !== grant &&
        other.state === 'active' &&
        other.until >= grant.until &&
        keyOf(other) === keyOf(grant),
    ),
  )
  expect(needless).toEqual([])
}
/** What stands of an incident that is over ends, or was kept. */
const checkClosed = (world: World, incident: string): void => {
  for (const { why, until, state, ending, kept } of world.standing())
    if (why.kind === 'page' && why.incident.id === incident && until > world.clock.now())
      expect(state === 'active' && (ending !== undefined || kept)).toBe(true)
}

test('Whatever anybody does, in whatever order and at once, no pass is beyond what the rules give', async () => {
  const steps = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('auto', 'on acknowledge', 'offer'),
      fc.array(
        fc.oneof(
          { weight: 12, arbitrary: aRound.map((round) => [round]) },
          { weight: 1, arbitrary: comesBack },
        ),
        { minLength: 5, maxLength: 60, size: 'large' },
      ),
      async (how, parts) => {
        const world = aWorld({ rules: renewing(how) })
        const runners = [world.runner(), world.runner(), world.runner()]
        world.incident({ id: 'Q2', paged: [pagedAs(cho)] })
        world.incident({ id: 'Q1' })
        for (const acts of parts.flat()) {
          await Promise.all(acts.map((one, n) => one(world, runners[n] ?? world.runner())))
          checkStanding(world)
        }
        check(world)
        for (const id of ['Q1', 'Q2']) world.incident({ id, ...resolvedBy('person') })
        for (const id of ['Q1', 'Q2']) await world.follow(id)
        for (const id of ['Q1', 'Q2']) checkClosed(world, id)
        for (const event of world.events)
          steps.add(event.kind === 'grant' ? event.grant.step : event.end.cause)
      },
    ),
    { numRuns: 150 },
  )
  // What was tried is worth something only if nearly all of it happened: there are 18.
  expect(steps.size).toBeGreaterThan(13)
}, 60_000)
