import { api } from '@pagerduty/pdjs'
import type { APIResponse } from '@pagerduty/pdjs/build/src/api.js'
import { z } from 'zod'
import { Fault } from '../../domain/errors.ts'
import type { Incident, Trigger } from '../../domain/incident.ts'
import type { Incidents } from '../../ports.ts'

const deadlineMs = 5_000

const reference = z.object({ id: z.string(), summary: z.string().nullish(), type: z.string() })

/** https://developer.pagerduty.com/api-reference: GET /incidents/{id}; an assignee carries no e-mail. */
const incidentShape = z.object({
  incident: z.object({
    id: z.string(),
    incident_number: z.int(),
    title: z.string(),
    status: z.enum(['triggered', 'acknowledged', 'resolved']),
    urgency: z.enum(['high', 'low']),
    service: reference,
    assignments: z.array(z.object({ assignee: reference })),
  }),
})

/** GET /incidents/{id}/log_entries: who or what did what to it, newest first. */
const logEntriesShape = z.object({
  log_entries: z.array(z.object({ type: z.string(), agent: reference.nullish() })),
  more: z.boolean().nullish(),
})
const mostEntries = 100

/** What somebody does about an incident without changing whom it pages, or how urgently. */
const harmless = new Set([
  'acknowledge_log_entry',
  'unacknowledge_log_entry',
  'annotate_log_entry',
  'notify_log_entry',
  'snooze_log_entry',
  'resolve_log_entry',
])

/** PagerDuty's REST API through pdjs. What it gets wrong (time-outs, 4xx, HTML answers) is put right here. */
export const createIncidents = (baseUrl: string, token: string): Incidents => {
  const get = async <T extends z.ZodType>(path: string, shape: T): Promise<z.output<T> | undefined> => {
    let response: APIResponse
    try {
      response = await (api as (parameters: object) => Promise<APIResponse>)({
        method: 'GET',
        url: `${baseUrl.replace(/\/$/, '')}${path}`,
        token,
        // pdjs only starts a timer with this and never acts on it, which would keep the process alive.
        requestTimeout: 0,
        signal: AbortSignal.timeout(deadlineMs),
      })
    } catch (error) {
      // An answer that is not JSON rejects with the response itself.
      const what = error instanceof Error ? error.message : `status ${(error as Response).status}`
      throw new Fault('pagerduty/failed', `PagerDuty did not answer GET ${path}: ${what}`, { cause: error })
    }
    if (response.status === 404) return undefined
    if (!response.ok)
      throw new Fault('pagerduty/failed', `PagerDuty answered ${response.status} to GET ${path}`)
    const parsed = shape.safeParse(response.data)
    if (!parsed.success)
      throw new Fault('pagerduty/failed', `PagerDuty's answer to GET ${path} has another shape`)
    return parsed.data
  }

  /** What set it off, and which people had a hand in it. With more history than one page, nobody can know. */
  const causesOf = async (id: string): Promise<Pick<Incident, 'trigger' | 'shapedBy'>> => {
    const path = `/incidents/${encodeURIComponent(id)}/log_entries?limit=${mostEntries}`
    const found = await get(path, logEntriesShape)
    if (found === undefined) return { trigger: { kind: 'unknown' }, shapedBy: [] }
    const agents = found.log_entries.filter(({ type }) => !harmless.has(type)).map(({ agent }) => agent)
    const shapedBy = agents.flatMap((agent) => (agent?.type.startsWith('user') ? [agent.id] : []))
    const first = found.log_entries.findLast(({ type }) => type === 'trigger_log_entry')?.agent
    return { trigger: found.more || !first ? { kind: 'unknown' } : triggerOf(first), shapedBy }
  }

  const triggerOf = ({ id, type }: z.output<typeof reference>): Trigger =>
    type.startsWith('user') ? { kind: 'person', user: id } : { kind: 'integration', id }

  return {
    read: async (id): Promise<Incident | undefined> => {
      const found = await get(`/incidents/${encodeURIComponent(id)}`, incidentShape)
      if (found === undefined) return undefined
      const { incident } = found
      return {
        id: incident.id,
        number: incident.incident_number,
        title: incident.title,
        status: incident.status,
        urgency: incident.urgency,
        service: incident.service.id,
        assignees: incident.assignments.map(({ assignee }) => ({
          user: assignee.id,
          name: assignee.summary ?? assignee.id,
        })),
        ...(incident.status === 'resolved'
          ? { trigger: { kind: 'unknown' }, shapedBy: [] }
          : await causesOf(id)),
      }
    },
  }
}
