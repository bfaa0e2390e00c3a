import { z } from 'zod'
import { serviceWithId } from '../account.ts'
import type { Incident } from '../incident-record.ts'
import type { Incidents } from '../incidents.ts'
import { notFound, PagerDutyError } from '../pagerduty-error.ts'
import { incidentShape } from '../shapes.ts'
import { pageOf, passes } from './page.ts'
import type { Route } from './route.ts'

export const listIncidents: Route = {
  method: 'GET',
  path: /^\/incidents$/,
  answer: ({ incidents, query }) => {
    const status = passes(query, 'statuses')
    const service = passes(query, 'service_ids')
    const user = passes(query, 'user_ids')
    const urgency = passes(query, 'urgencies')
    const found = incidents
      .all()
      .filter((one) => status(one.status) && service(one.service) && urgency(one.urgency))
      .filter((one) => user(...one.assignments.map((assignment) => assignment.user)))
    const newestFirst = query.get('sort_by')?.endsWith(':desc') ?? false
    return pageOf(query, 'incidents', newestFirst ? found.toReversed() : found, (one) =>
      shape(incidents, one),
    )
  },
}

export const getIncident: Route = {
  method: 'GET',
  path: /^\/incidents\/(\w+)$/,
  answer: ({ incidents, id }) => ({ incident: shape(incidents, incidents.find(id)) }),
}

const updateSchema = z.object({
  incident: z.object({
    type: z.enum(['incident', 'incident_reference']),
    status: z.enum(['acknowledged', 'resolved']).optional(),
    escalation_level: z.number().int().positive().optional(),
    assignments: z.array(z.object({ assignee: z.object({ id: z.string() }) })).optional(),
  }),
})

export const updateIncident: Route = {
  method: 'PUT',
  path: /^\/incidents\/(\w+)$/,
  answer: ({ incidents, id, body, from }) => {
    const user = from()
    const update = updateSchema.safeParse(body)
    if (!update.success) {
      const details = update.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      throw new PagerDutyError(400, 2001, 'Invalid Input Provided', details)
    }
    const { status, escalation_level, assignments } = update.data.incident
    const by = { kind: 'user', id: user.id } as const
    if (assignments)
      incidents.reassign(
        id,
        assignments.map(({ assignee }) => assignee.id),
        by,
      )
    if (escalation_level !== undefined) incidents.escalate(id, by, escalation_level)
    if (status === 'acknowledged') incidents.acknowledge(id, user.id)
    if (status === 'resolved') incidents.resolve(id, by)
    return { incident: shape(incidents, incidents.find(id)) }
  },
}

const shape = (incidents: Incidents, incident: Incident) => {
  const service = serviceWithId(incident.service)
  const first = incidents.logEntriesOf(incident.id).find((entry) => entry.type === 'trigger_log_entry')
  if (!service || !first) throw notFound()
  return incidentShape(incident, service, first)
}
