import type { Agent, Incident } from '../pagerduty/incident-record.ts'
import { BadInput } from './bad-input.ts'
import type { Answer, Call, Fields, Sandbox } from './call.ts'
import { agentField, personField, serviceField } from './fields.ts'
import { incidentAnswer, incidentLine } from './incident-answer.ts'

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
    const incident = findIncident(sandbox, fields)
    return incidentAnswer(
      change(sandbox, incident, agentField(fields, incident.service) ?? assigneeOf(incident), fields),
    )
  },
})

export const acknowledgeIncident = changeOf(
  'acknowledge',
  'Acknowledges an incident (its id or number).',
  ({ pagerduty }, { id }, by) => {
    if (by.kind !== 'user') throw new BadInput('Only a person acknowledges: say by=ana.')
    return pagerduty.incidents.acknowledge(id, by.id)
  },
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

export const resolveIncident = changeOf(
  'resolve',
  'Resolves an incident.',
  ({ pagerduty }, { id }, by) => pagerduty.incidents.resolve(id, by),
  ['by=ana'],
  ['by'],
)

export const resolveNewest: Call = {
  method: 'POST',
  path: '/resolve',
  takes: ['service', 'by'],
  does: 'Resolves the newest open incident of a service.',
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

const findIncident = ({ pagerduty }: Sandbox, fields: Fields): Incident => {
  const wanted = fields['id'] ?? ''
  const incident = pagerduty.incidents
    .all()
    .find(({ id, number }) => id === wanted || String(number) === wanted)
  if (!incident) throw new BadInput(`There is no incident ${wanted}: GET /incidents lists them.`, 404)
  return incident
}

const assigneeOf = (incident: Incident): Agent => {
  const user = incident.assignments[0]?.user
  if (user === undefined) throw new BadInput(`Incident ${incident.id} is ${incident.status} already.`, 409)
  return { kind: 'user', id: user }
}
