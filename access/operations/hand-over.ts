import { type AccessDecision, decideHandOver, decidePage } from '../domain/decide-access.ts'
import type { Grant } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import type { Incident } from '../domain/incident.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { Service } from '../domain/rule-set.ts'
import type { DecideParts, Directory, Incidents, NewNonce } from '../ports.ts'
import { buildGrant } from './build-grant.ts'
import { endHandedOver } from './end-handed-over.ts'
import { heldOf } from './end-with-incident.ts'
import { named, standing } from './find-held.ts'
import { withKnownCauses } from './serve-page.ts'

export type HandOverOutcome =
  /** The other has it; one's own has ended. */
  | { readonly handedOver: Grant; readonly to: Grant }
  /** One's own ends when the other takes it, or when others approve it. */
  | { readonly waitsFor: Grant }
  | { readonly refused: Reason }
  /** Several passes fit the name; one has to be chosen by its id. */
  | { readonly choose: readonly Grant[] }
  /** Several people are next; one has to be named. */
  | { readonly chooseOne: readonly Person[] }

export type HandOverParts = DecideParts & {
  readonly directory: Directory
  readonly incidents: Incidents
  readonly newNonce: NewNonce
}

const attempts = 5

/**
 * Hands one's own pass of an incident over to somebody else, or to the one other whom the incident has reached. They get
 * what the rules give them: as paged where they are, otherwise no more than asking would give them. Nobody's pass ends
 * before the other has one.
 */
export const handOver = async (
  parts: HandOverParts,
  person: Person,
  name: string,
  to?: Person,
): Promise<HandOverOutcome> => {
  const { live, clock, incidents } = parts
  const found = await named(live, person, name, clock.now())
  if (found !== undefined && 'choose' in found) return found
  const grant = found?.grant
  if (grant?.state !== 'active') return { refused: 'grant-unknown' }
  if (principalKey(grant.who) !== principalKey(person)) return { refused: 'not-yours' }
  if (grant.why.kind !== 'page') return { refused: 'not-of-incident' }
  const incident = await incidents.read(grant.why.incident.id)
  if (incident === undefined || incident.status === 'resolved') return { refused: 'incident-closed' }
  const next = to === undefined ? nextOf(parts, incident, person) : [to]
  const [other, ...others] = next
  if (other === undefined || principalKey(other) === principalKey(person)) return { refused: 'nobody-next' }
  return others.length > 0 ? { chooseOne: next } : giveTo(parts, grant, incident, other)
}

/** Whom else the incident has reached. */
const nextOf = ({ directory }: HandOverParts, { paged }: Incident, person: Person): Person[] => {
  const known = paged.flatMap(({ user }) => directory.byPagerDuty(user) ?? [])
  const others = known.filter((one) => one.active && principalKey(one) !== principalKey(person))
  return [...new Map(others.map((one) => [principalKey(one), one])).values()]
}

const giveTo = async (
  parts: HandOverParts,
  grant: Grant,
  incident: Incident,
  other: Person,
): Promise<HandOverOutcome> => {
  const { rules, live, store, clock, newNonce } = parts
  const service = rules.services.get(grant.services[0] ?? '')
  if (service === undefined) return { refused: 'service-unknown' }
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const theirs = await theirsOf(parts, incident, grant, other)
    if (theirs !== undefined && (theirs.state === 'active' || isFrom(theirs, grant)))
      return completed(parts, grant, theirs)
    if (theirs !== undefined && theirs.why.kind === 'page') {
      const handedFrom = [...(theirs.why.handedFrom ?? []), grant.id]
      const linked = nextVersion(theirs, 'moved', { why: { ...theirs.why, handedFrom } }, clock.now())
      if ((await store.give(linked)).given) return { waitsFor: linked }
      continue
    }
    const now = clock.now()
    const decision = decide(parts, incident, service, other, grant, now)
    if (!decision.give) return { refused: decision.refusal.reason }
    const { proposal } = decision
    const why: Grant['why'] = {
      kind: 'page',
      rule: proposal.rule,
      incident: { id: incident.id, number: incident.number, title: incident.title },
      ...(proposal.doubt === undefined ? {} : { doubt: proposal.doubt }),
      handedFrom: [grant.id],
    }
    const facts = ['handed over', rules.environment, grant.id, principalKey(other), service.name]
    const id = grantIdFromFacts([live.epoch(), ...facts])
    const given = buildGrant(rules, other, proposal, why, { id, nonce: newNonce() }, now)
    if ((await store.give(given)).given) return completed(parts, grant, given)
    // Turned down, or ended, before: it is not forced on them again.
    if ((await standing(live, id, now)) === undefined) return { refused: 'page-again' }
  }
  return { refused: 'already-decided' }
}

const completed = async (parts: HandOverParts, grant: Grant, to: Grant): Promise<HandOverOutcome> => {
  if (to.state !== 'active') return { waitsFor: to }
  await endHandedOver(parts, grant.id, to)
  return { handedOver: grant, to }
}

const isFrom = ({ why }: Grant, { id }: Grant): boolean =>
  why.kind === 'page' && (why.handedFrom ?? []).includes(id)

/** What the other has of the incident already: as much, and not about to end. */
const theirsOf = async (
  { live, clock }: HandOverParts,
  incident: Incident,
  { services, tier }: Grant,
  other: Person,
): Promise<Grant | undefined> => {
  await live.catchUp()
  const found = heldOf(live, incident.id, clock.now()).find(
    ({ grant }) =>
      grant.why.kind === 'page' &&
      principalKey(grant.who) === principalKey(other) &&
      grant.tier === tier &&
      grant.ending === undefined &&
      services.every((name) => grant.services.includes(name)),
  )
  return found === undefined || !(await live.genuine(found)) ? undefined : found.grant
}

/** All of what is looked at where a page reaches them; where none has, no more than asking gives. */
const decide = (
  { rules, directory }: HandOverParts,
  incident: Incident,
  service: Service,
  other: Person,
  grant: Grant,
  now: number,
): AccessDecision => {
  const paged = incident.paged.find(({ user }) => {
    const person = directory.byPagerDuty(user)
    return person !== undefined && principalKey(person) === principalKey(other)
  })
  return paged === undefined
    ? decideHandOver(rules, service, other, grant, now)
    : decidePage(rules, withKnownCauses(directory, incident), service, other, paged, now)
}
