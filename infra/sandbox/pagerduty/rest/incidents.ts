import { z } from 'zod'
import { serviceWithId } from '../account.ts'
import type { Incident } from '../incident-record.ts'
import type { Incidents } from '../incidents.ts'
import { invalidInput, notFound } from '../pagerduty-error.ts'
import { incidentReference } from '../references.ts'
import { incidentShape } from '../shapes.ts'
import { pageOf, passes } from './page.ts'
import { bodyAs, type Route } from './route.ts'

export const listIncidents: Route = {
  method: 'GET',
  path: /^\/incidents$/,
  answer: ({ incidents, query, now }) => {
    const status = passes(query, 'statuses')
    const service = passes(query, 'service_ids')
    const user = passes(query, 'user_ids')
    const urgency = passes(query, 'urgencies')
    const since = sinceOf(query, now)
    const found = incidents
      .all()
      .filter((one) => Date.parse(one.createdAt) >= since)
      .filter((one) => status(one.status) && service(one.service) && urgency(one.urgency))
      .filter((one) => user(...one.assignments.map((assignment) => assignment.user)))
    const newestFirst = query.get('sort_by')?.endsWith(':desc') ?? false
    return pageOf(query, 'incidents', newestFirst ? found.toReversed() : found, (one) =>
      shape(incidents, one),
    )
  },
}

const MONTH_MS = 30 * 86_400_000

/** Without `date_range=all` only what began in the last month is listed, or since then. */
const sinceOf = (query: URLSearchParams, now: number): number => {
  if (query.get('date_range') === 'all') return Number.NEGATIVE_INFINITY
  const since = query.get('since')
  if (since === null) return now - MONTH_MS
  const at = Date.parse(since)
  if (Number.isNaN(at)) throw invalidInput('Since is invalid')
  return at
}

export const getIncident: Route = {
  method: 'GET',
  path: /^\/incidents\/(\w+)$/,
  /** It takes a number as well as an id. */
  answer: ({ incidents, id }) => ({
    incident: shape(
      incidents,
      incidents.all().find(({ number }) => String(number) === id) ?? incidents.find(id),
    ),
  }),
}

const reference = z.object({ id: z.string() })

const updateSchema = z.object({
  incident: z.object({
    type: z.enum(['incident', 'incident_reference']),
    status: z.enum(['triggered', 'acknowledged', 'resolved']).optional(),
    urgency: z.enum(['high', 'low']).optional(),
    priority: z.union([z.string(), reference]).nullable().optional(),
    escalation_level: z.number().int().positive().optional(),
    escalation_policy: reference.optional(),
    assignments: z.array(z.object({ assignee: reference })).optional(),
  }),
})
type Update = z.output<typeof updateSchema>['incident']

export const updateIncident: Route = {
  method: 'PUT',
  path: /^\/incidents\/(\w+)$/,
  answer: ({ incidents, id, body, from }) => {
    const by = { kind: 'user', id: from().id } as const
    const update = bodyAs(body, updateSchema).incident
    if (incidents.find(id).status === 'resolved' && reopens(update)) {
      incidents.reopen(id, by, assignees(update))
    } else {
      const ids = assignees(update)
      if (ids) incidents.reassign(id, ids, by)
      if (update.status === 'triggered') incidents.unacknowledge(id, by)
    }
    if (update.escalation_policy) incidents.delegate(id, update.escalation_policy.id, by)
    if (update.escalation_level !== undefined) incidents.escalate(id, by, update.escalation_level)
    if (update.urgency) incidents.changeUrgency(id, update.urgency, by)
    if (update.priority !== undefined) incidents.changePriority(id, priorityName(update.priority), by)
    if (update.status === 'acknowledged') incidents.acknowledge(id, by)
    if (update.status === 'resolved') incidents.resolve(id, by)
    return { incident: shape(incidents, incidents.find(id)) }
  },
}

/** A resolved incident is reopened by giving it another status. */
const reopens = ({ status }: Update): boolean => status === 'triggered' || status === 'acknowledged'

const assignees = ({ assignments }: Update): readonly string[] | undefined =>
  assignments?.map(({ assignee }) => assignee.id)

const priorityName = (priority: NonNullable<Update['priority']> | null): string | null =>
  priority === null || typeof priority === 'string' ? priority : priority.id.replace(/^PPRIO/, '')

const mergeSchema = z.object({ source_incidents: z.array(reference).min(1) })

export const mergeIncidents: Route = {
  method: 'PUT',
  path: /^\/incidents\/(\w+)\/merge$/,
  answer: ({ incidents, id, body, from }) => {
    const by = { kind: 'user', id: from().id } as const
    const sources = bodyAs(body, mergeSchema).source_incidents.map((source) => source.id)
    return { incident: incidentReference(incidents.merge(sources, id, by)) }
  },
}

const shape = (incidents: Incidents, incident: Incident) => {
  const service = serviceWithId(incident.service)
  const first = incidents.logEntriesOf(incident.id).find((entry) => entry.type === 'trigger_log_entry')
  if (!service || !first) throw notFound()
  const mergedInto = incidents.all().find(({ id }) => id === incident.mergedInto)
  return incidentShape(incident, service, first, mergedInto)
}
