import { z } from 'zod'
import type { Paged } from '../../domain/incident.ts'
import { noShiftChange, type OnCall, type ShiftChange, shiftChangeOf } from '../../domain/shift.ts'
import { PagerDutyFault, type PagerDutyRest } from './rest.ts'

const pageLength = 100
/** Of the 960 calls a minute: shifts change seldom, and pages need the rest. */
const mostPages = 40
const policiesAtOnce = 25
/** What was assigned longer ago is not looked back for: PagerDuty takes three months at most. */
const longestBackMs = 30 * 86_400_000
/** Nobody's shift ends so soon after they were paged that it could not be told next time. */
const settledMs = 60_000

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const reference = z.object({ id: z.string().max(64), summary: z.string().nullish() })

/** GET /oncalls. Whom a policy names without a schedule is on call without a beginning or an end. */
const pageShape = z.object({
  oncalls: z
    .array(
      z.object({
        user: reference,
        schedule: reference.nullish(),
        escalation_policy: reference,
        escalation_level: z.int(),
        start: time.nullish(),
        end: time.nullish(),
      }),
    )
    .max(1_000),
  more: z.boolean().nullish(),
})

/** GET /schedules/{id}/overrides: neither does it say who made one, nor does it know schedules of the newer kind. */
const overridesShape = z.object({
  overrides: z.array(z.object({ user: reference, start: time, end: time })).max(10_000),
})

export type Assigned = { readonly policy: string | undefined; readonly assigned: readonly Paged[] }

/** Whose shift has changed while incidents are open (https://developer.pagerduty.com/api-reference). */
export const createOnCalls = ({ get }: Pick<PagerDutyRest, 'get'>, now: () => number) => {
  const list = async (policies: readonly string[], since: number, until: number, left: { pages: number }) => {
    const all: OnCall[] = []
    for (let offset = 0; ; offset += pageLength) {
      if (left.pages === 0) throw new PagerDutyFault('PagerDuty has more on call than can be listed')
      left.pages -= 1
      const query = new URLSearchParams([
        ['limit', String(pageLength)],
        ['offset', String(offset)],
        ['since', new Date(since).toISOString()],
        ['until', new Date(until).toISOString()],
        ...policies.map((policy): [string, string] => ['escalation_policy_ids[]', policy]),
      ])
      const page = await get(`/oncalls?${query}`, pageShape)
      if (page === undefined) throw new PagerDutyFault('PagerDuty knows no GET /oncalls', { status: 404 })
      for (const one of page.oncalls) all.push(onCallOf(one))
      if (page.more !== true || page.oncalls.length === 0) return all
    }
  }

  return {
    /**
     * For each of these incidents, in their order: none was asked for where nobody was assigned a while ago, nor where
     * the token may not know. Rejects where PagerDuty does not answer, or has too many.
     */
    changesOf: async (
      incidents: readonly Assigned[],
      late?: AbortSignal,
    ): Promise<readonly ShiftChange[]> => {
      const at = now()
      const sinceOf = new Map<string, number>()
      for (const { policy, assigned } of incidents) {
        const earliest = Math.min(...assigned.map((one) => one.at))
        if (policy === undefined || !(at - earliest > settledMs)) continue
        const since = Math.max(earliest, at - longestBackMs)
        sinceOf.set(policy, Math.min(since, sinceOf.get(policy) ?? since))
      }
      // Those of one time together, so that what has been open for weeks makes no long list of the others.
      const policies = [...sinceOf].sort(([, a], [, b]) => b - a)
      const left = { pages: mostPages }
      const all: OnCall[] = []
      for (let from = 0; from < policies.length; from += policiesAtOnce) {
        const some = policies.slice(from, from + policiesAtOnce)
        const since = Math.min(...some.map(([, one]) => one))
        const names = some.map(([policy]) => policy)
        if (late?.aborted) throw new PagerDutyFault('PagerDuty has told too late who is on call')
        all.push(...(await orIfRefused(list(names, since, at, left), [])))
      }
      const byPolicy = Map.groupBy(all, ({ policy }) => policy)
      return incidents.map(({ policy, assigned }) =>
        policy === undefined || !byPolicy.has(policy)
          ? noShiftChange
          : shiftChangeOf(assigned, byPolicy.get(policy) ?? [], at),
      )
    },

    /**
     * Whether a schedule says of itself who is on call since then: nobody's override, not even one of a minute, has cut a
     * shift in two or ended one. Where that can't be known, it does not.
     */
    isPlanned: async (schedule: string, since: number): Promise<boolean> => {
      const range = new URLSearchParams({
        since: new Date(since - 1_000).toISOString(),
        until: new Date(now() + 1_000).toISOString(),
      })
      const path = `/schedules/${encodeURIComponent(schedule)}/overrides?${range}`
      const found = await orIfRefused(get(path, overridesShape), undefined)
      return found !== undefined && found.overrides.length === 0
    },
  }
}
export type OnCalls = ReturnType<typeof createOnCalls>

/** A token that may not read this would keep every incident from being followed. */
const orIfRefused = async <T>(asked: Promise<T>, otherwise: T): Promise<T> => {
  try {
    return await asked
  } catch (error) {
    const status = error instanceof PagerDutyFault ? error.status : undefined
    if (status === undefined || status < 400 || status >= 500 || status === 429) throw error
    return otherwise
  }
}

const onCallOf = (one: z.output<typeof pageShape>['oncalls'][number]): OnCall => ({
  user: one.user.id,
  name: one.user.summary ?? one.user.id,
  policy: one.escalation_policy.id,
  level: one.escalation_level,
  schedule: one.schedule?.id,
  from: one.start ?? undefined,
  until: one.end ?? undefined,
})
