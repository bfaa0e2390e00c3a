import { services } from '../account.ts'
import { invalidInput, notFound } from '../pagerduty-error.ts'
import { onCallShape, overrideShape } from '../shapes.ts'
import { isSchedule, type Period, scheduleId } from '../shifts.ts'
import { pageOf, passes } from './page.ts'
import type { Route } from './route.ts'

const LONGEST_RANGE_MS = 92 * 86_400_000

/**
 * Whoever is on call at any time of a range, which is now where none is given. PagerDuty has no filter by level: every
 * entry says its `escalation_level`.
 */
export const listOnCalls: Route = {
  method: 'GET',
  path: /^\/oncalls$/,
  answer: ({ incidents, query, now }) => {
    const within = rangeOf(query, now)
    const policy = passes(query, 'escalation_policy_ids')
    const user = passes(query, 'user_ids')
    const schedule = passes(query, 'schedule_ids')
    const found = services
      .flatMap((service) => [...incidents.periodsOf(service)])
      .filter((one) => within(one) && policy(one.service.policy.id) && user(one.user))
      .filter((one) => schedule(scheduleId(one.service, one.level)))
    return pageOf(query, 'oncalls', query.get('earliest') === 'true' ? earliestOf(found) : found, onCallShape)
  },
}

/** `GET /schedules/{id}/overrides`: what was put over the schedule within a range, which has to be given. */
export const listOverrides: Route = {
  method: 'GET',
  path: /^\/schedules\/(\w+)\/overrides$/,
  answer: ({ incidents, id, query, now }) => {
    if (!isSchedule(id)) throw notFound()
    if (!query.has('since') || !query.has('until')) throw invalidInput('Since and until are required')
    const within = rangeOf(query, now)
    const found = services
      .flatMap((service) => [...incidents.periodsOf(service)])
      .filter((one) => one.override && within(one) && scheduleId(one.service, one.level) === id)
    return { overrides: found.map(overrideShape) }
  },
}

const rangeOf = (query: URLSearchParams, now: number): ((period: Period) => boolean) => {
  const [since, until] = [timeOf(query, 'since', now), timeOf(query, 'until', now)]
  if (until < since) throw invalidInput('Until must be after since')
  if (until - since > LONGEST_RANGE_MS) throw invalidInput('The range cannot exceed 3 months')
  return (period) => period.from <= until && since < period.until
}

const timeOf = (query: URLSearchParams, name: string, otherwise: number): number => {
  const given = query.get(name)
  if (given === null) return otherwise
  const at = Date.parse(given)
  if (Number.isNaN(at)) throw invalidInput(`${name} is not a time`)
  return at
}

/** The first of each policy, level and user. */
const earliestOf = (found: readonly Period[]): Period[] => {
  const first = new Map<string, Period>()
  for (const one of found.toSorted((a, b) => a.from - b.from)) {
    const key = `${one.service.id} ${one.level} ${one.user}`
    if (!first.has(key)) first.set(key, one)
  }
  return [...first.values()]
}
