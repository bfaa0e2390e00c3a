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
    first_trigger_log_entry: reference.nullish(),
  }),
})

/** GET /log_entries/{id}: who or what triggered. */
const logEntryShape = z.object({ log_entry: z.object({ agent: reference.nullish() }) })

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

  const triggerOf = async (entry: string | undefined): Promise<Trigger> => {
    if (entry === undefined) return { kind: 'unknown' }
    const found = await get(`/log_entries/${encodeURIComponent(entry)}`, logEntryShape)
    const agent = found?.log_entry.agent
    if (!agent) return { kind: 'unknown' }
    return agent.type.startsWith('user')
      ? { kind: 'person', user: agent.id }
      : { kind: 'integration', id: agent.id }
  }

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
        trigger:
          incident.status === 'resolved'
            ? { kind: 'unknown' }
            : await triggerOf(incident.first_trigger_log_entry?.id),
      }
    },
  }
}
