import {
  API,
  integrationWithId,
  policyService,
  type Service,
  serviceWithId,
  type User,
  userWithId,
  WEBSITE,
} from './account.ts'
import type { Agent, Incident } from './incident-record.ts'
import { scheduleId, scheduleName } from './shifts.ts'

/** References as PagerDuty writes them: no e-mail, only id, type, a summary and two addresses. */
export type Reference = {
  readonly id: string
  readonly type: string
  readonly summary: string
  readonly self: string
  readonly html_url: string
}

const reference = (type: string, path: string, id: string, summary: string): Reference => ({
  id,
  type,
  summary,
  self: `${API}/${path}/${id}`,
  html_url: `${WEBSITE}/${path}/${id}`,
})

export const userReference = (user: User): Reference =>
  reference('user_reference', 'users', user.id, user.name)

export const userIdReference = (id: string): Reference =>
  userReference(userWithId(id) ?? { id, name: 'Deleted user', email: '' })

export const serviceReference = ({ id, name }: Service): Reference => ({
  ...reference('service_reference', 'services', id, name),
  html_url: `${WEBSITE}/service-directory/${id}`,
})

export const policyReference = ({ policy }: Service): Reference =>
  reference('escalation_policy_reference', 'escalation_policies', policy.id, policy.name)

export const scheduleReference = (service: Service, level: number): Reference =>
  reference('schedule_reference', 'schedules', scheduleId(service, level), scheduleName(service, level))

export const priorityReference = (name: string) => ({
  id: `PPRIO${name}`,
  type: 'priority_reference',
  summary: name,
  self: `${API}/priorities/PPRIO${name}`,
  html_url: `${WEBSITE}/account/incident_priorities`,
})

export const incidentReference = (incident: Incident): Reference =>
  reference('incident_reference', 'incidents', incident.id, incidentSummary(incident))

export const incidentSummary = ({ number, title }: Incident): string => `[#${number}] ${title}`

export const serviceIdReference = (id: string): Reference =>
  serviceReference(serviceWithId(id) ?? { id, name: id, policy: { id: '', name: '' }, onCall: [] })

/** The policy the incident escalates by. */
export const incidentPolicyReference = ({ policy }: Incident, service: Service): Reference =>
  policyReference((policy === null ? undefined : policyService(policy)) ?? service)

/** `integrationType` differs: log entries name the kind of integration, webhooks say `inbound_integration_reference`. */
export const agentReference = (agent: Agent, integrationType?: string): Reference => {
  if (agent.kind === 'user') return userIdReference(agent.id)
  if (agent.kind === 'service') return serviceIdReference(agent.id)
  const type = integrationType ?? `${integrationWithId(agent.id)?.type ?? 'inbound_integration'}_reference`
  return reference(type, `services/${agent.service}/integrations`, agent.id, agentName(agent))
}

/** Who changed the status last: for an integration the incident names only the service it belongs to. */
export const statusChangerReference = (agent: Agent): Reference =>
  agent.kind === 'integration' ? serviceIdReference(agent.service) : agentReference(agent)

const withId = { user: userWithId, integration: integrationWithId, service: serviceWithId }

export const agentName = ({ kind, id }: Agent): string => withId[kind](id)?.name ?? id

/** Why an incident was resolved, where PagerDuty knows: only ever that it was merged. */
export const resolveReason = ({ mergedInto }: Incident, into: Incident | undefined) =>
  mergedInto === null
    ? null
    : {
        type: 'merge_resolve_reason',
        incident: into ? incidentReference(into) : { id: mergedInto, type: 'incident_reference' },
      }
