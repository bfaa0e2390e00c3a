import { type Proposal, type Refusal, servicesOf } from '../domain/decide-access.ts'
import { couldApprove } from '../domain/decide-approval.ts'
import { commandRule, decideCommand, whyNoCommander } from '../domain/decide-command.ts'
import type { Grant } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import { byOf } from '../domain/grant-transitions.ts'
import type { Incident } from '../domain/incident.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { type RuleSet, type Service, setsOf } from '../domain/rule-set.ts'
import { scopeHash } from '../domain/scope.ts'
import type { DecideParts, Directory, Incidents, NewNonce } from '../ports.ts'
import { buildGrant } from './build-grant.ts'
import { heldBy } from './find-held.ts'
import { goOf } from './go.ts'
import { whoDecides } from './who-decides.ts'

export type AddParts = DecideParts & {
  readonly directory: Directory
  readonly incidents: Incidents
  readonly newNonce: NewNonce
  /** Has the incident looked at again: it may have ended while this was written. */
  readonly lookAgain: (incident: string) => Promise<void>
}

/** What a commander wants. Durations are milliseconds. */
export type AddAsk = {
  /** PagerDuty's id or number. */
  readonly incident: string
  readonly people: readonly Person[]
  readonly services: readonly Service[]
  readonly tier?: string | undefined
  readonly duration?: number | undefined
  readonly reason?: string | undefined
}

/** Somebody who was not added to these services, and why. */
export type NotAdded = {
  readonly person: Person
  readonly services: readonly Service[]
  readonly refusal: Refusal
}

export type AddOutcome =
  | {
      readonly incident: Incident
      /** Active ones, and such as others have to approve. */
      readonly grants: readonly Grant[]
      readonly not: readonly NotAdded[]
    }
  | { readonly refused: Reason }

/** So many passes of commanders may one person hold. */
const mostPasses = 20
/** The same said again so soon after is said once. */
const sameMs = 120_000
const mostTimes = 50

type Plan = { readonly person: Person; readonly proposal: Proposal; readonly services: readonly string[] }

/**
 * The commander of an open incident gives people passes to several services in one go. Each is decided on alone: who may
 * not is named, and the others are added. What is the same for several services of a person is one pass.
 */
export const addPeople = async (parts: AddParts, commander: Person, ask: AddAsk): Promise<AddOutcome> => {
  const { rules, directory, incidents, live, clock } = parts
  const before = whyNoCommander(rules, commander, clock.now())
  if (before !== undefined) return { refused: before }
  const incident = await incidents.read(ask.incident)
  if (incident === undefined) return { refused: 'incident-unknown' }
  if (incident.status === 'resolved') return { refused: 'incident-closed' }
  await live.catchUp()
  const now = clock.now()
  // It took time to hear of the incident: what counts of everybody is what the directory says now.
  const by = directory.byPrincipal(principalKey(commander))
  const reason = by === undefined ? 'person-unknown' : whyNoCommander(rules, by, now)
  if (by === undefined || reason !== undefined) return { refused: reason ?? 'person-unknown' }
  const { plans, not } = planAll(parts, by, ask, now)
  const made = await giveAll(parts, by, incident, ask, plans, now)
  await parts.lookAgain(incident.id)
  return { incident, grants: made.grants, not: [...not, ...made.not] }
}

const planAll = (
  { rules, directory, live }: AddParts,
  commander: Person,
  { people, services, tier, duration, reason }: AddAsk,
  now: number,
): { readonly plans: readonly Plan[]; readonly not: readonly NotAdded[] } => {
  const plans = new Map<string, Plan>()
  const not: NotAdded[] = []
  const asNow = new Map(people.map((one) => [principalKey(one), directory.byPrincipal(principalKey(one))]))
  for (const named of new Map(people.map((one) => [principalKey(one), one])).values()) {
    const person = asNow.get(principalKey(named))
    const refusedAll = (refusal: Refusal): void => void not.push({ person: named, services, refusal })
    if (person === undefined) {
      refusedAll({ reason: 'person-unknown' })
      continue
    }
    const held = heldBy(live, person, now).filter(({ why }) => why.kind === 'command').length
    if (held >= mostPasses) {
      refusedAll({ reason: 'too-many-passes' })
      continue
    }
    for (const service of services) {
      const decision = decideCommand(rules, commander, person, { service, tier, duration, reason }, now)
      const refusal = decision.give
        ? whyNobody(rules, directory, commander, person, decision.proposal, now)
        : decision.refusal
      if (!decision.give || refusal !== undefined) {
        not.push({ person, services: [service], refusal: refusal ?? { reason: 'not-eligible' } })
        continue
      }
      const { proposal } = decision
      const key = keyOf(person, proposal)
      const known = plans.get(key)
      plans.set(key, { person, proposal, services: [...(known?.services ?? []), service.name] })
    }
  }
  return { plans: [...plans.values()], not: together(not) }
}

/** What is one pass: the same person, tier, length and others to approve it. */
const keyOf = (person: Person, { state, tier, duration, approvers }: Proposal): string =>
  JSON.stringify([principalKey(person), state, tier, duration, approvers ?? null])

/** Services that somebody was not added to for the same reason are told together. */
const together = (all: readonly NotAdded[]): NotAdded[] => {
  const found = new Map<string, NotAdded>()
  for (const one of all) {
    const key = JSON.stringify([principalKey(one.person), one.refusal])
    const known = found.get(key)
    found.set(key, known === undefined ? one : { ...known, services: [...known.services, ...one.services] })
  }
  return [...found.values()]
}

/** Whether those who have to approve it beside the commander are too few. */
const whyNobody = (
  rules: RuleSet,
  directory: Directory,
  commander: Person,
  person: Person,
  { approvers, tier }: Proposal,
  now: number,
): Refusal | undefined => {
  if (approvers === undefined) return undefined
  const { asked } = whoDecides(rules, directory, person, approvers, now)
  const others = asked.filter((one) => principalKey(one) !== principalKey(commander))
  return couldApprove(rules, others, { ...approvers, count: approvers.count - 1 }, now)
    ? undefined
    : { reason: 'nobody-to-approve', tier }
}

/** The same said twice arrives at the same ids, so that it is given once; said again after it has ended, at others. */
const giveAll = async (
  parts: AddParts,
  commander: Person,
  incident: Incident,
  ask: AddAsk,
  plans: readonly Plan[],
  now: number,
): Promise<{ readonly grants: readonly Grant[]; readonly not: readonly NotAdded[] }> => {
  const { rules, live } = parts
  if (plans.length === 0) return { grants: [], not: [] }
  const facts = [
    live.epoch(),
    rules.environment,
    commandRule,
    incident.id,
    principalKey(commander),
    JSON.stringify([ask.people.map(principalKey).sort(), ask.services.map(({ name }) => name).sort()]),
    JSON.stringify([ask.tier ?? null, ask.duration ?? null, ask.reason ?? null]),
  ]
  for (let time = 1; time <= mostTimes; time += 1) {
    const go = grantIdFromFacts([...facts, String(time)])
    const standing = goOf(live, go, now)
    if (standing.some(({ at }) => at < now - sameMs)) continue
    const given = await Promise.all(
      plans.map((plan) => giveOne(parts, commander, incident, ask, go, plan, now)),
    )
    const grants = given.filter((one) => typeof one !== 'string')
    if (grants.length === 0 && standing.length === 0 && given.includes('over')) continue
    const not = plans.flatMap(({ person, services }, index) => {
      const one = given[index]
      if (one === undefined || typeof one !== 'string') return []
      const refusal = { reason: one === 'over' ? 'already-decided' : 'principal-locked' } as const
      return [{ person, services: ask.services.filter(({ name }) => services.includes(name)), refusal }]
    })
    return { grants, not }
  }
  return {
    grants: [],
    not: plans.map(({ person }) => ({
      person,
      services: ask.services,
      refusal: { reason: 'too-many-passes' },
    })),
  }
}

/** `over`: it was given before, and has ended. `locked`: the store takes it of no one who is locked out. */
const giveOne = async (
  parts: AddParts,
  commander: Person,
  incident: Incident,
  { reason }: AddAsk,
  go: string,
  { person, proposal, services }: Plan,
  now: number,
): Promise<Grant | 'over' | 'locked'> => {
  const { rules, live, store, newNonce } = parts
  const why: Grant['why'] = {
    kind: 'command',
    rule: commandRule,
    incident: { id: incident.id, number: incident.number, title: incident.title },
    commander: byOf(commander),
    go,
    about: servicesOf(rules, incident).map(({ name }) => name),
    ...(reason === undefined ? {} : { reason }),
  }
  const id = grantIdFromFacts([go, keyOf(person, withoutTimes(proposal))])
  const bare: Grant = {
    ...buildGrant(rules, person, proposal, why, { id, nonce: newNonce() }, now),
    services: [...services],
    by: byOf(commander),
  }
  const teams = setsOf(rules, rules.incidentCommand?.who ?? [], commander, now)
  const grant: Grant = {
    ...bare,
    approvals: [{ ...byOf(commander), at: now, teams, scope: scopeHash(bare) }],
  }
  if ((await store.give(grant)).given) return grant
  await live.catchUp()
  const held = live.get(id)
  if (held !== undefined && held.grant.until > now && (await live.genuine(held))) return held.grant
  return (await store.endOf(id)) === undefined ? 'locked' : 'over'
}

/** When others are asked, too, counts from when it was said. */
const withoutTimes = (proposal: Proposal): Proposal => {
  const { approvers, ...rest } = proposal
  if (approvers === undefined) return rest
  const { escalate, ...kept } = approvers
  return {
    ...rest,
    approvers: escalate === undefined ? kept : { ...kept, escalate: { at: 0, to: escalate.to } },
  }
}
