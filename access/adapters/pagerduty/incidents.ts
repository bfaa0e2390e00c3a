import { z } from 'zod'
import type { Incident, Paged, Trigger } from '../../domain/incident.ts'
import type { Incidents } from '../../ports.ts'
import { createRest } from './rest.ts'

const reference = z.object({ id: z.string(), summary: z.string().nullish(), type: z.string() })
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

/**
 * GET /incidents/{id} (https://developer.pagerduty.com/api-reference, PagerDuty/api-schema). References to people carry
 * no e-mail.
 */
const incidentShape = z.object({
  incident: z.object({
    id: z.string(),
    incident_number: z.int(),
    title: z.string(),
    status: z.enum(['triggered', 'acknowledged', 'resolved']),
    urgency: z.enum(['high', 'low']),
    service: reference,
    assignments: z.array(z.object({ at: time, assignee: reference })),
    acknowledgements: z.array(z.object({ acknowledger: reference })).nullish(),
    last_status_change_by: reference.nullish(),
    resolve_reason: z
      .object({ type: z.string(), incident: z.object({ id: z.string() }).nullish() })
      .nullish(),
    incidents_responders: z
      .array(
        z.object({
          state: z.string(),
          user: reference,
          requester: reference.nullish(),
          updated_at: time,
          requested_at: time.nullish(),
        }),
      )
      .nullish(),
  }),
})
type IncidentAnswer = z.output<typeof incidentShape>['incident']

/** GET /incidents/{id}/log_entries: who or what did what to it, newest first. */
const logEntriesShape = z.object({
  log_entries: z.array(
    z.object({
      type: z.string(),
      agent: reference.nullish(),
      /** Whom an assignment or an escalation pages. */
      assignees: z.array(reference).nullish(),
    }),
  ),
  more: z.boolean().nullish(),
})
type LogEntry = z.output<typeof logEntriesShape>['log_entries'][number]
const mostEntries = 100

/** What somebody does about an incident without changing whom it pages, or how urgently. */
const harmless = new Set([
  'acknowledge_log_entry',
  'unacknowledge_log_entry',
  'annotate_log_entry',
  'notify_log_entry',
  'snooze_log_entry',
  'resolve_log_entry',
  'responder_reply_log_entry',
  'responder_accept_log_entry',
  'responder_decline_log_entry',
])

const isPerson = ({ type }: { readonly type: string }): boolean => type.startsWith('user')

/** Incidents as PagerDuty's REST API tells them. */
export const createIncidents = (baseUrl: string, token: string): Incidents => {
  const { get } = createRest(baseUrl, token)

  /** What set it off, and which people had a hand in it. With more history than one page, nobody can know. */
  const causesOf = async (
    id: string,
    asked: readonly string[],
  ): Promise<Pick<Incident, 'trigger' | 'shapedBy'>> => {
    const path = `/incidents/${encodeURIComponent(id)}/log_entries?limit=${mostEntries}`
    const found = await get(path, logEntriesShape)
    if (found === undefined) return { trigger: { kind: 'unknown' }, shapedBy: [] }
    /** PagerDuty assigns an incident to whoever acknowledges it: who was not paged for it took it themself. */
    const took = ({ type, agent }: LogEntry, before: readonly LogEntry[]): boolean =>
      type === 'acknowledge_log_entry' &&
      !asked.includes(agent?.id ?? '') &&
      !before.some(({ assignees }) => assignees?.some(({ id }) => id === agent?.id))
    const entries = found.log_entries
    const agents = entries
      .filter((entry, at) => !harmless.has(entry.type) || took(entry, entries.slice(at + 1)))
      .map(({ agent }) => agent)
    const shapedBy = agents.flatMap((agent) => (agent && isPerson(agent) ? [agent.id] : []))
    const first = found.log_entries.findLast(({ type }) => type === 'trigger_log_entry')?.agent
    return { trigger: found.more || !first ? { kind: 'unknown' } : triggerOf(first), shapedBy }
  }

  return {
    read: async (id): Promise<Incident | undefined> => {
      const found = await get(`/incidents/${encodeURIComponent(id)}`, incidentShape)
      if (found === undefined) return undefined
      const { incident } = found
      const resolved = incident.status === 'resolved'
      const { trigger, shapedBy } = resolved
        ? { trigger: { kind: 'unknown' } as const, shapedBy: [] }
        : await causesOf(id, askedByOthers(incident))
      const askedFor = (incident.incidents_responders ?? []).flatMap(({ requester }) =>
        requester && isPerson(requester) ? [requester.id] : [],
      )
      return {
        id: incident.id,
        number: incident.incident_number,
        title: incident.title,
        status: incident.status,
        urgency: incident.urgency,
        service: incident.service.id,
        paged: pagedOf(incident),
        acknowledgedBy: (incident.acknowledgements ?? []).map(({ acknowledger }) => acknowledger.id),
        trigger,
        shapedBy: [...new Set([...shapedBy, ...askedFor])],
        ...(resolved ? { resolution: resolutionOf(incident) } : {}),
      }
    },
  }
}

const triggerOf = ({ id, type }: z.output<typeof reference>): Trigger =>
  isPerson({ type }) ? { kind: 'person', user: id } : { kind: 'integration', id }

/** Assignees and responders that did not decline, each once. */
const pagedOf = ({ assignments, incidents_responders }: IncidentAnswer): Paged[] => {
  const assigned = assignments.map(({ at, assignee }) => ({ person: assignee, at }))
  const responding = (incidents_responders ?? [])
    .filter(({ state }) => state !== 'declined')
    // When they were asked, not when they last answered: answering again is no new page.
    .map(({ user, requested_at: asked, updated_at: at }) => ({ person: user, at: asked ?? at }))
  const paged = new Map<string, Paged>()
  for (const { person, at } of [...assigned, ...responding]) {
    if (paged.has(person.id)) continue
    paged.set(person.id, { user: person.id, name: person.summary ?? person.id, at })
  }
  return [...paged.values()]
}

/** Responders that somebody else asked. */
const askedByOthers = ({ incidents_responders }: IncidentAnswer): string[] =>
  (incidents_responders ?? []).flatMap(({ user, requester }) =>
    requester && requester.id !== user.id ? [user.id] : [],
  )

const resolutionOf = (incident: IncidentAnswer): NonNullable<Incident['resolution']> => {
  const { resolve_reason: reason, last_status_change_by: by } = incident
  if (reason?.type === 'merge_resolve_reason' && reason.incident)
    return { by: 'merge', into: reason.incident.id }
  return by && isPerson(by) ? { by: 'person' } : { by: 'integration' }
}
