import { decidePage, servicesOf } from '../domain/decide-access.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import type { Incident } from '../domain/incident.ts'
import { principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { RuleSet, Service } from '../domain/rule-set.ts'
import type { Clock, Directory, GrantStore, Incidents, LiveGrants } from '../ports.ts'
import { buildGrant } from './build-grant.ts'

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
  readonly tellUnserved: (unserved: Unserved) => Promise<void>
}

/**
 * Makes the passes follow an incident. What PagerDuty confirms now decides, not the event that led here: open and
 * assigned gives what the rules say, over ends what it gave. Doing this twice, late or out of order changes nothing.
 */
export const followIncident = async (parts: FollowParts, id: string): Promise<void> => {
  const incident = await parts.incidents.read(id)
  if (incident === undefined) return
  if (incident.status === 'resolved') return endAll(parts, incident)
  const services = servicesOf(parts.rules, incident)
  const given = await Promise.all(
    services.flatMap((service) =>
      incident.assignees.map((assignee) => serve(parts, incident, service, assignee)),
    ),
  )
  // It may have been resolved while the passes were written, and its own event handled before they were.
  if (given.includes(true) && (await parts.incidents.read(id))?.status === 'resolved')
    await endAll(parts, incident)
}

const serve = async (
  { rules, directory, live, store, clock, tellUnserved }: FollowParts,
  incident: Incident,
  service: Service,
  { user, name }: { readonly user: string; readonly name: string },
): Promise<boolean> => {
  const person = directory.byPagerDuty(user)
  const decision = person === undefined ? undefined : decidePage(rules, incident, service, person)
  if (person === undefined || decision === undefined || !decision.give) {
    const reason = decision === undefined || decision.give ? 'page-unmapped' : decision.refusal.reason
    await tellUnserved({ incident, service, user, name, reason })
    return false
  }
  const { proposal } = decision
  const why = {
    kind: 'page',
    rule: proposal.rule,
    incident: { id: incident.id, number: incident.number, title: incident.title },
  } as const
  const grantId = grantIdFromFacts([rules.environment, incident.id, principalKey(person), service.name])
  const { given } = await store.give(buildGrant(rules, person, proposal, why, grantId, clock.now()))
  if (given) return true
  await live.catchUp()
  if (live.get(grantId) === undefined) {
    await tellUnserved({ incident, service, user, name, reason: 'page-again' })
  }
  return false
}

const endAll = async ({ live, store }: FollowParts, { id }: Incident): Promise<void> => {
  await live.catchUp()
  const bound = [...live.all()].filter(
    ({ grant }) => grant.why.kind === 'page' && grant.why.incident.id === id,
  )
  await Promise.all(
    bound.map(async (held) => (await live.genuine(held)) && store.end(held.grant, 'incident over')),
  )
}
