import { z } from 'zod'
import type { Incident, Paged, Trigger } from '../../domain/incident.ts'
import { noShiftChange, withIncoming } from '../../domain/shift.ts'
import type { Incidents } from '../../ports.ts'
import { createOnCalls } from './on-calls.ts'
import { createRest } from './rest.ts'

const reference = z.object({ id: z.string(), summary: z.string().nullish(), type: z.string() })
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

/**
 * GET /incidents/{id} (https://developer.pagerduty.com/api-reference, PagerDuty/api-schema). References to people carry
 * no e-mail.
 */
export const incidentBody = z.object({
  id: z.string(),
  incident_number: z.int(),
  title: z.string(),
  status: z.enum(['triggered', 'acknowledged', 'resolved']),
  urgency: z.enum(['high', 'low']),
  priority: z.object({ summary: z.string() }).nullish(),
  service: reference,
  escalation_policy: reference.nullish(),
  assignments: z.array(z.object({ at: time, assignee: reference })),
  acknowledgements: z.array(z.object({ acknowledger: reference })).nullish(),
  last_status_change_by: reference.nullish(),
  resolve_reason: z.object({ type: z.string(), incident: z.object({ id: z.string() }).nullish() }).nullish(),
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
})
const incidentShape = z.object({ incident: incidentBody })
export type IncidentAnswer = z.output<typeof incidentBody>

/** GET /oncalls: who is on call, at which level. */
const onCallsShape = z.object({
  oncalls: z.array(z.object({ user: reference, escalation_level: z.int() })),
})

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
const pageLength = 100
/** With a longer history nobody can know who did what, and nothing is given by itself. */
const mostPages = 5

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

/**
 * Incidents as PagerDuty's REST API tells them; with escalation levels, which take one more call, where rules ask; and with
 * those whose shift has begun since, where it is said what time it is.
 */
export const createIncidents = (
  baseUrl: string,
  token: string,
  { withLevels, now }: { readonly withLevels: boolean; readonly now?: () => number },
): Incidents => {
  const { get } = createRest(baseUrl, token)
  const onCalls = now === undefined ? undefined : createOnCalls({ get }, now)

  /** What set it off, and which people had a hand in it. */
  const causesOf = async (
    id: string,
    asked: readonly string[],
  ): Promise<Pick<Incident, 'trigger' | 'shapedBy'>> => {
    const { entries, whole } = await historyOf(id)
    /** PagerDuty assigns an incident to whoever acknowledges it: who was not paged just then took it themself. */
    const took = ({ type, agent }: LogEntry, before: readonly LogEntry[]): boolean =>
      type === 'acknowledge_log_entry' &&
      !asked.includes(agent?.id ?? '') &&
      !before.find(({ assignees }) => assignees?.length)?.assignees?.some((one) => one.id === agent?.id)
    const agents = entries
      .filter((entry, at) => !harmless.has(entry.type) || took(entry, entries.slice(at + 1)))
      .map(({ agent }) => agent)
    const shapedBy = agents.flatMap((agent) => (agent && isPerson(agent) ? [agent.id] : []))
    const first = entries.findLast(({ type }) => type === 'trigger_log_entry')?.agent
    return { trigger: !whole || !first ? { kind: 'unknown' } : triggerOf(first), shapedBy }
  }

  /** The lowest level that each of these is on call at, under the incident's policy; who is not has none. */
  const levelsOf = async ({ escalation_policy: policy }: IncidentAnswer, users: readonly string[]) => {
    const levels = new Map<string, number>()
    if (!withLevels || policy == null || users.length === 0) return levels
    const query = new URLSearchParams([
      ['limit', String(pageLength)],
      ['escalation_policy_ids[]', policy.id],
      ...users.map((user): [string, string] => ['user_ids[]', user]),
    ])
    const found = await get(`/oncalls?${query}`, onCallsShape)
    for (const { user, escalation_level: level } of found?.oncalls ?? [])
      levels.set(user.id, Math.min(level, levels.get(user.id) ?? level))
    return levels
  }

  /** Who took over from those whom it is assigned to, and whether their schedules say so. */
  const shiftsOf = async (incident: IncidentAnswer) => {
    const [change = noShiftChange] =
      (await onCalls?.changesOf([
        { policy: incident.escalation_policy?.id, assigned: assignedTo(incident) },
      ])) ?? []
    const planned = new Set<string>()
    for (const { schedule, user, at } of change.incoming)
      if (await onCalls?.isPlanned(schedule, at)) planned.add(user)
    return { change, isPlanned: ({ user }: { readonly user: string }) => planned.has(user) }
  }

  /** What happened to it, newest first, and whether that is all. */
  const historyOf = async (id: string): Promise<{ entries: LogEntry[]; whole: boolean }> => {
    const entries: LogEntry[] = []
    for (let page = 0; page < mostPages; page += 1) {
      const query = `limit=${pageLength}&offset=${page * pageLength}`
      const found = await get(`/incidents/${encodeURIComponent(id)}/log_entries?${query}`, logEntriesShape)
      if (found === undefined) break
      entries.push(...found.log_entries)
      if (!found.more) return { entries, whole: true }
    }
    return { entries, whole: false }
  }

  return {
    read: async (id): Promise<Incident | undefined> => {
      const found = await get(`/incidents/${encodeURIComponent(id)}`, incidentShape)
      if (found === undefined) return undefined
      const { incident } = found
      const resolved = incident.status === 'resolved'
      const { trigger, shapedBy } = resolved
        ? { trigger: { kind: 'unknown' } as const, shapedBy: [] }
        : await causesOf(incident.id, askedByOthers(incident))
      const askedFor = (incident.incidents_responders ?? []).flatMap(({ requester }) =>
        requester && isPerson(requester) ? [requester.id] : [],
      )
      const paged = pagedOf(incident)
      const levels = resolved
        ? new Map<string, number>()
        : await levelsOf(
            incident,
            paged.map(({ user }) => user),
          )
      const { change, isPlanned } = resolved
        ? { change: noShiftChange, isPlanned: () => false }
        : await shiftsOf(incident)
      return {
        id: incident.id,
        number: incident.incident_number,
        title: incident.title,
        status: incident.status,
        urgency: incident.urgency,
        ...(incident.priority == null ? {} : { priority: incident.priority.summary }),
        service: incident.service.id,
        paged: withIncoming(
          paged.map((one) => {
            const level = levels.get(one.user)
            return level === undefined ? one : { ...one, level }
          }),
          change,
          isPlanned,
        ),
        ...(change.relieved.length === 0 ? {} : { relieved: change.relieved }),
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

export const assignedTo = ({ assignments }: IncidentAnswer): Paged[] =>
  assignments.map(({ at, assignee }) => ({ user: assignee.id, name: assignee.summary ?? assignee.id, at }))

/** Assignees and responders that did not decline, each once. */
export const pagedOf = (incident: IncidentAnswer): Paged[] => {
  const responding = (incident.incidents_responders ?? [])
    // Whoever asks themself is not paged by that.
    .filter(({ state, user, requester }) => state !== 'declined' && requester?.id !== user.id)
    // When they were asked, not when they last answered: answering again is no new page.
    .map(({ user, requested_at: asked, updated_at: at }) => ({
      user: user.id,
      name: user.summary ?? user.id,
      at: asked ?? at,
    }))
  const paged = new Map<string, Paged>()
  for (const one of [...assignedTo(incident), ...responding])
    if (!paged.has(one.user)) paged.set(one.user, one)
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
