import { integrations } from '../pagerduty/account.ts'
import type { Call } from './call.ts'
import { agentField, personField, priorityField, serviceField, urgencyField } from './fields.ts'
import { incidentAnswer } from './incident-answer.ts'

export const page: Call = {
  method: 'POST',
  path: '/page',
  takes: ['service', 'who', 'title', 'urgency', 'priority', 'by'],
  does: 'Triggers an incident. who= is paged (left out: who is on call), by= is who or what triggered it (datadog).',
  example: { path: '/page', fields: ['service=orders-svc', 'who=ana'] },
  answer: ({ pagerduty }, fields) => {
    const service = serviceField(fields)
    const assignTo = fields['who'] === undefined ? undefined : personField(fields, 'who').pagerduty.user
    const priority = priorityField(fields)
    const incident = pagerduty.incidents.trigger({
      service,
      title: fields['title'] ?? `${service.name}: error rate over 5 %`,
      urgency: urgencyField(fields),
      by: agentField(fields, service.id) ?? {
        kind: 'integration',
        id: integrations.datadog.id,
        service: service.id,
      },
      ...(priority && { priority }),
      ...(assignTo && { assignTo }),
    })
    return incidentAnswer(incident)
  },
}
