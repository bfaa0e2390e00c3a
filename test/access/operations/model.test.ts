import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isApproved } from '#access/domain/decide-approval.ts'
import type { Grant } from '#access/domain/grant.ts'
import { type GrantState, moveGrant } from '#access/domain/grant-transitions.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { tierOf } from '#access/domain/rule-set.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
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

/** What stands of an incident that is over ends, or was kept; what stands of an open one is one per person and service. */
const checkStanding = (world: World): void => {
  const now = world.clock.now()
  const standing = world.standing().filter(({ until }) => until > now)
  const keys = standing
    // What the incident let go of runs out beside what it gives anew.
    .filter(({ why, ending }) => why.kind === 'page' && why.mergedFrom === undefined && ending === undefined)
    .map(({ why, who, services }) =>
      JSON.stringify([why.kind === 'page' && why.incident.id, principalKey(who), services]),
    )
  expect(new Set(keys).size).toBe(keys.length)
}
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
      fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 60, size: 'large' }),
      async (how, rounds) => {
        const world = aWorld({ rules: renewing(how) })
        const runners = [world.runner(), world.runner(), world.runner()]
        world.incident({ id: 'Q2', paged: [pagedAs(cho)] })
        world.incident({ id: 'Q1' })
        for (const acts of rounds) {
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
  // What was tried is worth something only if nearly all of it happened: there are 17.
  expect(steps.size).toBeGreaterThan(13)
}, 60_000)
