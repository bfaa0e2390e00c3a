import type { Agent, Incident } from '../pagerduty/incident-record.ts'
import { BadInput } from './bad-input.ts'
import type { Answer, Call, Fields, Sandbox } from './call.ts'
import { agentField, personField, serviceField } from './fields.ts'
import { incidentAnswer, incidentLine } from './incident-answer.ts'
import { assigneeOf, incidentField } from './incident-field.ts'

export const listIncidents: Call = {
  method: 'GET',
  path: '/incidents',
  does: 'Lists the incidents, oldest first.',
  example: { path: '/incidents' },
  answer: ({ pagerduty }) => {
    const incidents = pagerduty.incidents.all()
    return { text: incidents.map(incidentLine).join('\n') || 'No incidents yet.', json: incidents }
  },
}

type Change = (sandbox: Sandbox, incident: Incident, by: Agent, fields: Fields) => Incident

const changeOf = (
  verb: string,
  does: string,
  change: Change,
  example: readonly string[],
  takes: readonly string[],
): Call => ({
  method: 'POST',
  path: `/incidents/{id}/${verb}`,
  takes,
  does,
  example: { path: `/incidents/1/${verb}`, fields: example },
  answer: (sandbox, fields): Answer => {
    const incident = incidentField(sandbox, fields, 'id')
    return incidentAnswer(
      change(sandbox, incident, agentField(fields, incident.service) ?? assigneeOf(incident), fields),
    )
  },
})

export const acknowledgeIncident = changeOf(
  'acknowledge',
  'Acknowledges an incident (its id or number).',
  ({ pagerduty }, { id }, by) => pagerduty.incidents.acknowledge(id, by),
  ['by=ana'],
  ['by'],
)

export const reassignIncident = changeOf(
  'reassign',
  'Assigns an incident to somebody else.',
  ({ pagerduty }, { id }, by, fields) =>
    pagerduty.incidents.reassign(id, [personField(fields, 'to').pagerduty.user], by),
  ['to=ben'],
  ['to', 'by'],
)

export const escalateIncident = changeOf(
  'escalate',
  'Pages the next level of the escalation policy.',
  ({ pagerduty }, { id }, by) => pagerduty.incidents.escalate(id, by),
  [],
  ['by'],
)

const WHO_RESOLVES =
  'by=ana is a person, by=datadog the integration; left out, it is whoever the incident is assigned to.'

export const resolveIncident = changeOf(
  'resolve',
  `Resolves an incident. ${WHO_RESOLVES}`,
  ({ pagerduty }, { id }, by) => pagerduty.incidents.resolve(id, by),
  ['by=ana'],
  ['by'],
)

export const resolveNewest: Call = {
  method: 'POST',
  path: '/resolve',
  takes: ['service', 'by'],
  does: `Resolves the newest open incident of a service. ${WHO_RESOLVES}`,
  example: { path: '/resolve', fields: ['service=orders-svc'] },
  answer: ({ pagerduty }, fields) => {
    const service = serviceField(fields)
    const incident = pagerduty.incidents
      .all()
      .findLast((one) => one.service === service.id && one.status !== 'resolved')
    if (!incident) throw new BadInput(`${service.name} has no open incident.`, 409)
    const by = agentField(fields, service.id) ?? assigneeOf(incident)
    return incidentAnswer(pagerduty.incidents.resolve(incident.id, by))
  },
}
