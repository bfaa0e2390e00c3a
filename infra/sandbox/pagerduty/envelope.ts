import { type Service, WEBSITE } from './account.ts'
import { newEventId } from './ids.ts'
import type { Agent, Incident, Responder } from './incident-record.ts'
import type { Happening } from './incident-store.ts'
import {
  agentName,
  agentReference,
  incidentPolicyReference,
  incidentReference,
  priorityReference,
  resolveReason,
  serviceReference,
  userIdReference,
} from './references.ts'

/** The envelope of a V3 webhook about an incident, as it is at this moment. */
export const incidentEnvelope = (
  happening: Happening,
  service: Service,
  mergedInto: Incident | undefined,
  now: number,
) => ({
  event: {
    id: newEventId(),
    event_type: `incident.${happening.event}`,
    resource_type: 'incident',
    occurred_at: new Date(now).toISOString(),
    ...origin(happening.agent),
    data:
      'responder' in happening
        ? responderData(happening.incident, happening.responder)
        : incidentData(happening.incident, service, mergedInto),
  },
})

/** What PagerDuty does by itself has neither agent nor client. */
const origin = (agent: Agent) =>
  agent.kind === 'service'
    ? { agent: null, client: null }
    : {
        agent: agentReference(agent, 'inbound_integration_reference'),
        client: { name: agent.kind === 'user' ? 'PagerDuty' : agentName(agent) },
      }

const responderData = (incident: Incident, responder: Responder) => ({
  incident: incidentReference(incident),
  user: userIdReference(responder.user),
  escalation_policy: null,
  message: responder.message,
  state: responder.state,
  type: 'incident_responder',
})

/** Other than the REST resource: `number`, and `assignees` without times. */
const incidentData = (incident: Incident, service: Service, mergedInto: Incident | undefined) => ({
  id: incident.id,
  type: 'incident',
  self: incidentReference(incident).self,
  html_url: incidentReference(incident).html_url,
  number: incident.number,
  status: incident.status,
  incident_key: incident.key,
  created_at: `${incident.createdAt.slice(0, 19)}Z`,
  ...(incident.reopenedAt && { reopened_at: `${incident.reopenedAt.slice(0, 19)}Z` }),
  title: incident.title,
  incident_type: { name: 'incident_default' },
  service: { ...serviceReference(service), html_url: `${WEBSITE}/services/${service.id}` },
  assignees: incident.assignments.map(({ user }) => userIdReference(user)),
  escalation_policy: incidentPolicyReference(incident, service),
  teams: [],
  priority: incident.priority === null ? null : priorityReference(incident.priority),
  urgency: incident.urgency,
  conference_bridge: null,
  resolve_reason: resolveReason(incident, mergedInto),
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
