import { API, integrationWithId, type Service, type User, userWithId, WEBSITE } from './account.ts'
import type { Agent, Incident } from './incident-record.ts'

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

/** `integrationType` differs: log entries name the kind of integration, webhooks say `inbound_integration_reference`. */
export const agentReference = (agent: Agent, integrationType?: string): Reference => {
  if (agent.kind === 'user') return userIdReference(agent.id)
  const type = integrationType ?? `${integrationWithId(agent.id)?.type ?? 'inbound_integration'}_reference`
  return reference(type, `services/${agent.service}/integrations`, agent.id, agentName(agent))
}

export const agentName = (agent: Agent): string =>
  (agent.kind === 'user' ? userWithId(agent.id)?.name : integrationWithId(agent.id)?.name) ?? agent.id
