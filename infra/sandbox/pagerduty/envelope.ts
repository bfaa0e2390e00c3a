import { type Service, WEBSITE } from './account.ts'
import { newEventId } from './ids.ts'
import type { Agent, Incident } from './incident-record.ts'
import type { IncidentEvent } from './incidents.ts'
import {
  agentName,
  agentReference,
  incidentReference,
  policyReference,
  priorityReference,
  serviceReference,
  userIdReference,
} from './references.ts'

/** The envelope of a V3 webhook about an incident, as it is at this moment. */
export const incidentEnvelope = (
  event: IncidentEvent,
  incident: Incident,
  service: Service,
  agent: Agent,
  now: number,
) => ({
  event: {
    id: newEventId(),
    event_type: `incident.${event}`,
    resource_type: 'incident',
    occurred_at: new Date(now).toISOString(),
    agent: agentReference(agent, 'inbound_integration_reference'),
    client: { name: agent.kind === 'user' ? 'PagerDuty' : agentName(agent) },
    data: incidentData(incident, service),
  },
})

/** Other than the REST resource: `number`, and `assignees` without times. */
const incidentData = (incident: Incident, service: Service) => ({
  id: incident.id,
  type: 'incident',
  self: incidentReference(incident).self,
  html_url: incidentReference(incident).html_url,
  number: incident.number,
  status: incident.status,
  incident_key: incident.key,
  created_at: `${incident.createdAt.slice(0, 19)}Z`,
  title: incident.title,
  incident_type: { name: 'incident_default' },
  service: { ...serviceReference(service), html_url: `${WEBSITE}/services/${service.id}` },
  assignees: incident.assignments.map(({ user }) => userIdReference(user)),
  escalation_policy: policyReference(service),
  teams: [],
  priority: incident.priority === null ? null : priorityReference(incident.priority),
  urgency: incident.urgency,
  conference_bridge: null,
  resolve_reason: null,
})

export const pingEnvelope = (now: number) => ({
  event: {
    id: newEventId(),
    event_type: 'pagey.ping',
    resource_type: 'pagey',
    occurred_at: new Date(now).toISOString(),
    agent: null,
    client: null,
    data: { message: 'Hello from your friend Pagey!', type: 'ping' },
  },
})
