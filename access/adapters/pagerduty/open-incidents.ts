import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Glance, OpenIncidents } from '../../ports.ts'
import { type IncidentAnswer, incidentBody, pagedOf } from './incidents.ts'
import { createRest, PagerDutyFault } from './rest.ts'

/** What PagerDuty takes at most, and nothing beyond the 10,000th of one list. */
const pageLength = 100
const lastOffset = 10_000 - pageLength
const servicesAtOnce = 100
/** Of the 960 calls a minute, for all that is listed: the rest is for what pages need. */
const mostPages = 120

/** GET /incidents. Each is read by itself, so that one that can't be read hides no other. */
const pageShape = z.object({ incidents: z.array(z.unknown()).max(1_000), more: z.boolean().nullish() })
const oneShape = z.object({ incident: z.unknown() })
const idShape = z.string().regex(/^[A-Za-z0-9]{1,64}$/)
/** What moves without a webhook of its own is part of what is seen. */
const seenShape = incidentBody.extend({
  id: idShape,
  last_status_change_at: z.string().max(64).nullish(),
})

/** What is open, as PagerDuty's REST API lists it (https://developer.pagerduty.com/api-reference). */
export const createOpenIncidents = (baseUrl: string, token: string): OpenIncidents => {
  const { get } = createRest(baseUrl, token)

  return {
    list: async (services, late) => {
      const found = new Map<string, Glance>()
      let whole = true
      let pages = 0
      for (let from = 0; from < services.length; from += servicesAtOnce) {
        const some = services.slice(from, from + servicesAtOnce)
        for (let offset = 0; ; offset += pageLength) {
          if (pages === mostPages || offset > lastOffset || late.aborted) {
            whole = false
            break
          }
          pages += 1
          const page = await get(`/incidents?${listQuery(some, offset)}`, pageShape)
          if (page === undefined)
            throw new PagerDutyFault('PagerDuty knows no GET /incidents', { status: 404 })
          for (const one of page.incidents) {
            const glance = readGlance(one)
            if (glance === undefined) whole = false
            else if (glance.open) found.set(glance.id, glance)
          }
          if (page.more !== true || page.incidents.length === 0) break
        }
      }
      return { incidents: [...found.values()], whole }
    },
    look: async (id) => {
      const found = await get(`/incidents/${encodeURIComponent(id)}`, oneShape)
      if (found === undefined) return undefined
      const glance = readGlance(found.incident)
      if (glance?.id !== id) throw new PagerDutyFault(`PagerDuty answered with another incident than ${id}`)
      return glance
    },
  }
}

/** In the order in which they began, so that new ones move none to a page that was read already. */
const listQuery = (services: readonly string[], offset: number): string =>
  new URLSearchParams([
    ['limit', String(pageLength)],
    ['offset', String(offset)],
    ['sort_by', 'created_at:asc'],
    // Without it only those of the last month are told.
    ['date_range', 'all'],
    ['statuses[]', 'triggered'],
    ['statuses[]', 'acknowledged'],
    ...services.map((service): [string, string] => ['service_ids[]', service]),
  ]).toString()

const readGlance = (answer: unknown): Glance | undefined => {
  const parsed = seenShape.safeParse(answer)
  if (!parsed.success) return undefined
  const seen = parsed.data
  return {
    id: seen.id,
    open: seen.status !== 'resolved',
    service: seen.service.id,
    paged: pagedOf(seen),
    acknowledgedBy: (seen.acknowledgements ?? []).map(({ acknowledger }) => acknowledger.id),
    state: stateOf(seen),
  }
}

/** The same for two answers that say the same about passes. */
const stateOf = (
  seen: IncidentAnswer & { readonly last_status_change_at?: string | null | undefined },
): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        seen.status,
        seen.urgency,
        seen.priority?.summary,
        seen.service.id,
        seen.escalation_policy?.id,
        seen.last_status_change_at,
        seen.assignments.map(({ at, assignee }) => [at, assignee.id]).sort(),
        (seen.acknowledgements ?? []).map(({ acknowledger }) => acknowledger.id).sort(),
        (seen.incidents_responders ?? [])
          .map(({ state, user, requested_at: asked }) => [state, user.id, asked])
          .sort(),
        seen.resolve_reason?.incident?.id,
      ]),
    )
    .digest('hex')
    .slice(0, 16)
