import { decidePage, type Proposal } from '../domain/decide-access.ts'
import { latestEnd } from '../domain/decide-extension.ts'
import { decideTake } from '../domain/decide-take.ts'
import type { By, End, Grant } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import { byOf, nextVersion } from '../domain/grant-transitions.ts'
import type { Incident, Paged } from '../domain/incident.ts'
import { isTakenByAcknowledging, pageRuleOf } from '../domain/page-rule.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { renewsAhead } from '../domain/renewal.ts'
import type { RuleSet, Service } from '../domain/rule-set.ts'
import type { Clock, Directory, GrantStore, Incidents, LiveGrants, NewNonce, PagedPasses } from '../ports.ts'
import { buildGrant } from './build-grant.ts'
import { endBefore } from './end-handed-over.ts'
import { heldOf, isOf } from './end-with-incident.ts'
import { takenBy } from './take-offer.ts'

/** A paged person who got nothing: the incident channel is told, so that a page never ends in silence. */
export type Unserved = {
  readonly incident: Incident
  readonly service: Service
  readonly user: string
  readonly name: string
  readonly reason: Reason
}

export type FollowParts = {
  readonly rules: RuleSet
  readonly incidents: Incidents
  readonly directory: Directory
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly clock: Clock
  readonly newNonce: NewNonce
  readonly pagedPasses: PagedPasses
  readonly tellUnserved: (unserved: Unserved) => Promise<void>
}

/** PagerDuty tells times in whole seconds. */
const pagerDutyPrecisionMs = 1_000
/** The clocks of this process and of whoever made the job may differ so much. */
const skewMs = 2_000
/** So often one incident can reach the same person anew. */
const mostTimes = 50
/** As many as a grant names. */
const mostRelieved = 20

/**
 * Gives a paged person what the rules say: a pass, an offer, or a request before others. Who has one already keeps it:
 * acknowledging takes an offer, and a pass that runs out is renewed, where the rules still let them have it. Tells
 * whether anything was given.
 */
export const servePage = async (
  parts: FollowParts,
  incident: Incident,
  service: Service,
  paged: Paged,
): Promise<boolean> => {
  const { rules, directory, live, store, clock, newNonce, tellUnserved } = parts
  const { user, name } = paged
  const person = directory.byPagerDuty(user)
  if (person === undefined) {
    await tellUnserved({ incident, service, user, name, reason: 'page-unmapped' })
    return false
  }
  const known = await standingOf(parts, incident, service, person, paged)
  if (known !== undefined) return goOn(parts, incident, known, person, service, paged)

  const now = clock.now()
  const decision = decidePage(rules, withKnownCauses(directory, incident), service, person, paged, now)
  if (!decision.give) {
    await tellUnserved({ incident, service, user, name, reason: decision.refusal.reason })
    return false
  }
  // The first, second … grant of this incident for this person and service: ids that whoever does this at the same time
  // arrives at too, so that only one of them gives it.
  for (let time = 1; time <= mostTimes; time += 1) {
    const facts = [
      live.epoch(),
      rules.environment,
      incident.id,
      principalKey(person),
      service.name,
      String(time),
    ]
    const ids = { id: grantIdFromFacts(facts), nonce: newNonce() }
    const isHeldBack = decision.proposal.state === 'active' && !(await mayBeGiven(parts, person, ids.id, now))
    const proposal: Proposal = isHeldBack
      ? { ...decision.proposal, state: 'offered', doubt: 'page-too-often' }
      : decision.proposal
    const why = {
      kind: 'page',
      rule: proposal.rule,
      incident: { id: incident.id, number: incident.number, title: incident.title },
      ...(paged.shift === undefined ? {} : { relieves: relievedBy(directory, person, paged.shift.from) }),
      ...(proposal.doubt === undefined ? {} : { doubt: proposal.doubt }),
    } as const
    const { given } = await store.give(buildGrant(rules, person, proposal, why, ids, now))
    if (given) return true
    await live.catchUp()
    const meanwhile = live.get(ids.id)?.grant
    // It went with the incident when that was merged into another, and belongs to that one now.
    if (meanwhile !== undefined && (!isOf(meanwhile, incident.id) || letGoBefore(meanwhile, paged))) continue
    if (meanwhile !== undefined && meanwhile.until > clock.now())
      return goOn(parts, incident, meanwhile, person, service, paged)
    const over = await store.endOf(ids.id)
    // Who handed it over needs not be told that they have none.
    if (
      over?.end.cause === 'handed over' &&
      over.end.by !== undefined &&
      principalKey(over.end.by) === principalKey(person)
    )
      return false
    if (makesRoom(meanwhile ?? over?.grant, over?.end, paged)) continue
    // Nor who was relieved.
    if (isRelief(over)) return false
    break
  }
  await tellUnserved({ incident, service, user, name, reason: 'page-again' })
  return false
}

/** Those of them who are known: nobody else holds a pass. */
const relievedBy = (directory: Directory, person: Person, users: readonly string[]): By[] => {
  const known = users.flatMap((user) => directory.byPagerDuty(user) ?? [])
  const others = known.filter((one) => principalKey(one) !== principalKey(person))
  return [...new Map(others.map((one) => [principalKey(one), byOf(one)])).values()].slice(0, mostRelieved)
}

/** Whether it ended because somebody else's shift had begun, who took over. */
const isRelief = (over: { readonly grant: Grant; readonly end: End } | undefined): boolean =>
  over?.end.cause === 'handed over' && (over.end.by !== undefined || over.grant.ending?.to !== undefined)

/** Whoever pages somebody again and again would keep them in for ever: after so many in a day they have to take it. */
const mayBeGiven = (
  { rules, pagedPasses }: FollowParts,
  person: Person,
  grant: string,
  now: number,
): Promise<boolean> => pagedPasses.take(principalKey(person), grant, rules.paging.perDay, now)

/** Somebody whom nobody knows had a hand in it: it may be the paged person by another account, so its cause is unknown. */
export const withKnownCauses = (directory: Directory, incident: Incident): Incident =>
  incident.shapedBy.every((user) => directory.byPagerDuty(user) !== undefined)
    ? incident
    : { ...incident, trigger: { kind: 'unknown' } }

/** What this person has of this incident for this service. */
const standingOf = async (
  { live, clock }: FollowParts,
  incident: Incident,
  service: Service,
  person: Person,
  paged: Paged,
): Promise<Grant | undefined> => {
  await live.catchUp()
  return heldOf(live, incident.id, clock.now())
    .map(({ grant }) => grant)
    .find(
      (grant) =>
        grant.why.kind === 'page' &&
        grant.services.includes(service.name) &&
        principalKey(grant.who) === principalKey(person) &&
        !letGoBefore(grant, paged),
    )
}

/** Whether the incident let go of it before they were assigned (again): it runs out, and holds nobody's place. */
export const letGoBefore = ({ ending }: Grant, paged: Paged): boolean =>
  ending !== undefined && ending.at < paged.at + pagerDutyPrecisionMs

/**
 * Whether what was there before leaves room for another. Whatever ended a pass, only another assignment brings another;
 * an offer that lapsed was none, and is made again while the person is still paged.
 */
const makesRoom = (grant: Grant | undefined, end: End | undefined, paged: Paged): boolean => {
  if (grant === undefined) return false
  if (grant.state === 'offered' && (end === undefined || end.cause === 'lapsed')) return true
  return (grant.ending?.at ?? end?.at ?? grant.until) < paged.at + pagerDutyPrecisionMs
}

const goOn = async (
  parts: FollowParts,
  incident: Incident,
  grant: Grant,
  person: Person,
  service: Service,
  paged: Paged,
): Promise<boolean> => {
  const { rules, directory, live, store, clock } = parts
  const held = live.get(grant.id)
  if (held === undefined || !(await live.genuine(held))) return false
  const now = clock.now()
  if (decideTake(rules, grant, person, now) !== undefined) return false
  const acknowledged = incident.acknowledgedBy.includes(paged.user)
  if (grant.state === 'offered' && acknowledged && isTakenByAcknowledging(rules, grant)) {
    if (!(await mayBeGiven(parts, person, grant.id, now))) return false
    // PagerDuty has just said that they acknowledged it.
    const taken = { ...takenBy(grant, person, now), followed: now }
    const { given } = await store.give(taken)
    if (given) await endBefore({ live, store, clock }, taken)
    return given
  }
  const until = renewedUntil(rules, grant, person, now)
  if (until === undefined) return false
  // What would be in doubt if it were asked for now is not renewed by itself: its holder can extend it.
  const again = decidePage(rules, withKnownCauses(directory, incident), service, person, paged, now)
  if (!again.give || (again.proposal.doubt ?? 'page-late') !== 'page-late') return false
  return (await store.give(nextVersion(grant, 'extended', { until }, now))).given
}

/** When a page's pass that is about to run out ends instead: it is renewed while incident and assignment last. */
const renewedUntil = (rules: RuleSet, grant: Grant, person: Person, now: number): number | undefined => {
  const rule = pageRuleOf(rules, grant)
  if (
    grant.state !== 'active' ||
    rule === undefined ||
    grant.ending !== undefined ||
    grant.approvals !== undefined
  )
    return undefined
  if (grant.until - now > renewsAhead(grant.duration) + skewMs) return undefined
  const latest = latestEnd(rules, grant, person, now)
  if (latest === undefined) return undefined
  const until = Math.min(grant.until + rule.for, latest)
  return until > grant.until ? until : undefined
}
