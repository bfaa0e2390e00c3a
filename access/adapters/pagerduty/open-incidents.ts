import { createHash } from 'node:crypto'
import { z } from 'zod'
import { noShiftChange, type ShiftChange, withIncoming } from '../../domain/shift.ts'
import type { Glance, OpenIncidents } from '../../ports.ts'
import { assignedTo, incidentBody, pagedOf } from './incidents.ts'
import { createOnCalls } from './on-calls.ts'
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

/**
 * What is open, as PagerDuty's REST API lists it (https://developer.pagerduty.com/api-reference); with those whose shift has
 * begun since, where it is said what time it is.
 */
export const createOpenIncidents = (baseUrl: string, token: string, now?: () => number): OpenIncidents => {
  const { get } = createRest(baseUrl, token)
  const onCalls = now === undefined ? undefined : createOnCalls({ get }, now)

  return {
    list: async (services, late) => {
      const found = new Map<string, Seen>()
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
            const seen = readSeen(one)
            if (seen === undefined) whole = false
            else if (seen.status !== 'resolved') found.set(seen.id, seen)
          }
          if (page.more !== true || page.incidents.length === 0) break
        }
      }
      const open = [...found.values()]
      // Whom nobody tells of is asked for one by one, where passes stand because of it.
      const changes = await onCalls?.changesOf(open.map(assignedOf), late).catch(() => undefined)
      return {
        incidents: open.map((seen, index) => glanceOf(seen, changes?.[index])),
        whole: whole && (onCalls === undefined || changes !== undefined),
      }
    },
    look: async (id) => {
      const found = await get(`/incidents/${encodeURIComponent(id)}`, oneShape)
      if (found === undefined) return undefined
      const seen = readSeen(found.incident)
      if (seen?.id !== id) throw new PagerDutyFault(`PagerDuty answered with another incident than ${id}`)
      const isOpen = seen.status !== 'resolved'
      return glanceOf(seen, isOpen ? (await onCalls?.changesOf([assignedOf(seen)]))?.[0] : undefined)
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

type Seen = z.output<typeof seenShape>

const readSeen = (answer: unknown): Seen | undefined => seenShape.safeParse(answer).data

const assignedOf = (seen: Seen) => ({ policy: seen.escalation_policy?.id, assigned: assignedTo(seen) })

const glanceOf = (seen: Seen, change: ShiftChange = noShiftChange): Glance => ({
  id: seen.id,
  open: seen.status !== 'resolved',
  service: seen.service.id,
  // Whether a schedule says so itself is asked for when something is given.
  paged: withIncoming(pagedOf(seen), change, () => false),
  ...(change.relieved.length === 0 ? {} : { relieved: change.relieved }),
  acknowledgedBy: (seen.acknowledgements ?? []).map(({ acknowledger }) => acknowledger.id),
  state: stateOf(seen, change),
})

/** The same for two answers that say the same about passes. */
const stateOf = (seen: Seen, { incoming, relieved }: ShiftChange): string =>
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
        incoming.map(({ user, at }) => [user, at]).sort(),
        relieved.toSorted(),
      ]),
    )
    .digest('hex')
    .slice(0, 16)
