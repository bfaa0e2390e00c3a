import type { Agent, Incident } from '../pagerduty/incident-record.ts'
import { BadInput } from './bad-input.ts'
import type { Call, Fields, Sandbox } from './call.ts'
import {
  agentField,
  personField,
  priorityField,
  serviceField,
  textField,
  urgencyField,
  wordField,
} from './fields.ts'
import { incidentAnswer } from './incident-answer.ts'
import { assigneeOf, incidentField } from './incident-field.ts'

/** What happens to an incident more seldom; incident= is its id or number. */

const agentOf = (fields: Fields, incident: Incident): Agent =>
  agentField(fields, incident.service) ?? assigneeOf(incident)

export const mergeIncident: Call = {
  method: 'POST',
  path: '/merge',
  takes: ['incident', 'into', 'by'],
  does: 'Merges an incident into another one: the first ends, the second goes on.',
  example: { path: '/merge', fields: ['incident=2', 'into=1'] },
  answer: (sandbox, fields) => {
    const source = incidentField(sandbox, fields, 'incident')
    const into = incidentField(sandbox, fields, 'into')
    return incidentAnswer(sandbox.pagerduty.incidents.merge([source.id], into.id, agentOf(fields, into)))
  },
}

export const addResponder: Call = {
  method: 'POST',
  path: '/responder',
  takes: ['incident', 'who', 'by'],
  does: 'Asks somebody to help with an incident, in the name of a person.',
  example: { path: '/responder', fields: ['incident=1', 'who=ben', 'by=ana'] },
  answer: (sandbox, fields) => {
    const incident = incidentField(sandbox, fields, 'incident')
    const { pagerduty: asked, fullName } = personField(fields, 'who')
    const by = agentOf(fields, incident)
    if (by.kind !== 'user') throw new BadInput('Only a person asks for help: say by=ana.')
    const { text, json } = incidentAnswer(
      sandbox.pagerduty.incidents.addResponder(incident.id, asked.user, by),
    )
    return { text: `${text}; ${fullName} is asked to help`, json }
  },
}

export const answerAsResponder: Call = {
  method: 'POST',
  path: '/responder/reply',
  takes: ['incident', 'who', 'answer'],
  does: 'Answers such a request: answer=joined or answer=declined.',
  example: { path: '/responder/reply', fields: ['incident=1', 'who=ben', 'answer=joined'] },
  answer: (sandbox, fields) => {
    const incident = incidentField(sandbox, fields, 'incident')
    const { pagerduty: asked, fullName } = personField(fields, 'who')
    const answer = wordField(fields, 'answer', ['joined', 'declined'])
    const { text, json } = incidentAnswer(
      sandbox.pagerduty.incidents.respond(incident.id, asked.user, answer),
    )
    return { text: `${text}; ${fullName} ${answer}`, json }
  },
}

export const reopenIncident: Call = {
  method: 'POST',
  path: '/reopen',
  takes: ['incident', 'by'],
  does: 'Reopens a resolved incident: who is on call is paged. by= is who reopens it; left out, who resolved it.',
  example: { path: '/reopen', fields: ['incident=1', 'by=ana'] },
  answer: (sandbox, fields) => {
    const incident = incidentField(sandbox, fields, 'incident')
    const by = agentField(fields, incident.service) ?? incident.statusChangedBy
    return incidentAnswer(sandbox.pagerduty.incidents.reopen(incident.id, by))
  },
}

export const unacknowledgeIncident: Call = {
  method: 'POST',
  path: '/unacknowledge',
  takes: ['incident', 'by'],
  does: 'Takes the acknowledgement back. by= left out: the time-out of the service did it.',
  example: { path: '/unacknowledge', fields: ['incident=1'] },
  answer: (sandbox, fields) => {
    const incident = incidentField(sandbox, fields, 'incident')
    const by = agentField(fields, incident.service) ?? { kind: 'service', id: incident.service }
    return incidentAnswer(sandbox.pagerduty.incidents.unacknowledge(incident.id, by))
  },
}

type Change = (sandbox: Sandbox, incident: Incident, by: Agent, fields: Fields) => Incident

const changeOf = (name: string, does: string, example: string, change: Change): Call => ({
  method: 'POST',
  path: `/${name}`,
  takes: ['incident', example.split('=')[0] ?? '', 'by'],
  does,
  example: { path: `/${name}`, fields: ['incident=1', example, 'by=ben'] },
  answer: (sandbox, fields) => {
    const incident = incidentField(sandbox, fields, 'incident')
    return incidentAnswer(change(sandbox, incident, agentOf(fields, incident), fields))
  },
})

export const changeUrgency = changeOf(
  'urgency',
  'Changes the urgency of an incident; no webhook tells it.',
  'urgency=low',
  ({ pagerduty }, { id }, by, fields) => {
    textField(fields, 'urgency', 'low')
    return pagerduty.incidents.changeUrgency(id, urgencyField(fields), by)
  },
)

export const changePriority = changeOf(
  'priority',
  'Changes the priority of an incident; priority= left out: it has none.',
  'priority=P1',
  ({ pagerduty }, { id }, by, fields) =>
    pagerduty.incidents.changePriority(id, priorityField(fields) ?? null, by),
)

export const delegateIncident = changeOf(
  'delegate',
  'Gives an incident to the escalation policy of a service: its first level is paged.',
  'service=payments-svc',
  ({ pagerduty }, { id }, by, fields) => pagerduty.incidents.delegate(id, serviceField(fields).policy.id, by),
)
