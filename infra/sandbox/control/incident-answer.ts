import { serviceWithId } from '../pagerduty/account.ts'
import type { Incident } from '../pagerduty/incident-record.ts'
import { agentName, incidentSummary, userIdReference } from '../pagerduty/references.ts'
import type { Answer } from './call.ts'

export const incidentLine = (incident: Incident): string => {
  const assigned = incident.assignments.map(({ user }) => userIdReference(user).summary).join(', ')
  const service = serviceWithId(incident.service)?.name ?? incident.service
  const to = assigned === '' ? '' : `, assigned to ${assigned}`
  const by = incident.status === 'resolved' ? ` by ${agentName(incident.statusChangedBy)}` : ''
  return `${incident.id} ${incidentSummary(incident)}: ${incident.status}${by} on ${service}${to}`
}

export const incidentAnswer = (incident: Incident): Answer => ({
  text: incidentLine(incident),
  json: incident,
})
