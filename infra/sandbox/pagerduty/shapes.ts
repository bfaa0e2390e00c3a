import { API, integrations, type Service, type User, WEBSITE } from './account.ts'
import type { Incident, LogEntry, Responder } from './incident-record.ts'
import {
  agentReference,
  incidentPolicyReference,
  incidentReference,
  incidentSummary,
  policyReference,
  priorityReference,
  resolveReason,
  scheduleReference,
  serviceIdReference,
  serviceReference,
  statusChangerReference,
  userIdReference,
  userReference,
} from './references.ts'
import { type Period, scheduleId } from './shifts.ts'

/** REST API v2 resources as PagerDuty's published schema shows them. Times have whole seconds. */
const seconds = (iso: string): string => `${iso.slice(0, 19)}Z`

export const userShape = ({ id, name, email }: User) => ({
  ...userReference({ id, name, email }),
  type: 'user',
  name,
  email,
  time_zone: 'Etc/UTC',
  color: 'green',
  role: 'user',
  description: null,
  invitation_sent: false,
  job_title: null,
  teams: [],
  contact_methods: [],
  notification_rules: [],
})

export const serviceShape = (service: Service) => ({
  ...serviceReference(service),
  type: 'service',
  name: service.name,
  description: null,
  status: 'active',
  created_at: '2026-01-01T00:00:00Z',
  auto_resolve_timeout: null,
  acknowledgement_timeout: null,
  alert_creation: 'create_alerts_and_incidents',
  incident_urgency_rule: { type: 'constant', urgency: 'high' },
  escalation_policy: policyReference(service),
  integrations: Object.values(integrations).map(({ id, name, type }) => ({
    id,
    type: `${type}_reference`,
    summary: name,
    self: `${API}/services/${service.id}/integrations/${id}`,
    html_url: `${WEBSITE}/services/${service.id}/integrations/${id}`,
  })),
  teams: [],
})

export const onCallShape = ({ service, level, user, from, until }: Period) => ({
  user: userIdReference(user),
  schedule: scheduleReference(service, level),
  escalation_policy: policyReference(service),
  escalation_level: level,
  start: seconds(new Date(from).toISOString()),
  end: seconds(new Date(until).toISOString()),
})

/** It does not say who made it. */
export const overrideShape = ({ service, level, user, from, until }: Period) => ({
  id: `PO${scheduleId(service, level)}${from}`,
  start: seconds(new Date(from).toISOString()),
  end: seconds(new Date(until).toISOString()),
  user: userIdReference(user),
})

/** `mergedInto` is the incident it was merged into, as it is now. */
export const incidentShape = (
  incident: Incident,
  service: Service,
  firstEntry: LogEntry,
  mergedInto: Incident | undefined,
) => ({
  ...incidentReference(incident),
  type: 'incident',
  incident_number: incident.number,
  title: incident.title,
  description: incident.title,
  created_at: seconds(incident.createdAt),
  updated_at: seconds(incident.updatedAt),
  status: incident.status,
  incident_key: incident.key,
  service: serviceReference(service),
  assignments: incident.assignments.map(({ at, user }) => ({
    at: seconds(at),
    assignee: userIdReference(user),
  })),
  assigned_via: incident.assignedVia,
  last_status_change_at: seconds(incident.statusChangedAt),
  last_status_change_by: statusChangerReference(incident.statusChangedBy),
  resolved_at: incident.resolvedAt && seconds(incident.resolvedAt),
  first_trigger_log_entry: {
    id: firstEntry.id,
    type: 'trigger_log_entry_reference',
    summary: firstEntry.summary,
    self: `${API}/log_entries/${firstEntry.id}?incident_id=${incident.id}`,
    html_url: `${WEBSITE}/incidents/${incident.id}/log_entries/${firstEntry.id}`,
  },
  alert_counts: { all: 0, triggered: 0, resolved: 0 },
  is_mergeable: incident.status !== 'resolved',
  incident_type: { name: 'incident_default' },
  escalation_policy: incidentPolicyReference(incident, service),
  teams: [],
  pending_actions: [],
  acknowledgements: incident.acknowledgements.map((one) => ({
    at: seconds(one.at),
    acknowledger: 'user' in one ? userIdReference(one.user) : serviceIdReference(one.service),
  })),
  priority: incident.priority === null ? null : priorityReference(incident.priority),
  resolve_reason: resolveReason(incident, mergedInto),
  conference_bridge: null,
  incidents_responders: incident.responders.map((one) => responderShape(one, incident)),
  responder_requests: incident.responderRequests.map((one) => responderRequestShape(one, incident)),
  urgency: incident.urgency,
})

const responderShape = (responder: Responder, incident: Incident) => ({
  state: responder.state,
  user: userIdReference(responder.user),
  incident: incidentReference(incident),
  updated_at: seconds(responder.updatedAt),
  message: responder.message,
  requester: userIdReference(responder.requester),
  requested_at: seconds(responder.requestedAt),
})

export const responderRequestShape = (
  { requester, at, message, users }: Incident['responderRequests'][number],
  incident: Incident,
) => ({
  incident: incidentReference(incident),
  requester: userIdReference(requester),
  requested_at: seconds(at),
  message,
  responder_request_targets: users.map((user) => ({
    responder_request_target: {
      type: 'user',
      id: user,
      incidents_responders: incident.responders
        .filter((one) => one.user === user)
        .map((one) => responderShape(one, incident)),
    },
  })),
})

export const logEntryShape = (entry: LogEntry, incident: Incident, service: Service) => ({
  id: entry.id,
  type: entry.type,
  summary: entry.summary,
  self: `${API}/log_entries/${entry.id}?incident_id=${incident.id}`,
  html_url:
    entry.type === 'trigger_log_entry' ? `${WEBSITE}/incidents/${incident.id}/log_entries/${entry.id}` : null,
  created_at: seconds(entry.at),
  agent: agentReference(entry.agent),
  channel: channelOf(entry, incident),
  service: serviceReference(service),
  incident: incidentReference(incident),
  teams: [],
  contexts: [],
  ...(entry.assignees && { assignees: entry.assignees.map(userIdReference) }),
  ...(entry.type === 'trigger_log_entry' && { event_details: { description: incident.title } }),
})

const channelOf = (entry: LogEntry, incident: Incident) => {
  if (entry.note !== undefined) return { type: 'note', summary: entry.note }
  if (entry.agent.kind === 'user') return { type: 'website', summary: incidentSummary(incident) }
  if (entry.agent.kind === 'service') return { type: 'timeout' }
  return { type: 'api', summary: incident.title, description: incident.title, incident_key: incident.key }
}

export const noteShape = (entry: LogEntry) => ({
  id: entry.id,
  user: userIdReference(entry.agent.id),
  channel: { summary: 'The PagerDuty website or APIs' },
  content: entry.note ?? '',
  created_at: seconds(entry.at),
})
