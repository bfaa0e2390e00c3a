import { type BreakGlass, type Service, tierOf } from '../rule-set.ts'
import type { Tier } from '../tier.ts'

/** Nothing that breaks the glass lasts longer, whatever the rules say. */
export const longestGlassMs = 1_800_000

/** What a grant's `why` calls the rules' `break_glass`. */
export const glassRule = 'break_glass'

/** Whether breaking glass may reach this tier of a service. */
export const isWithin = (service: Service, tier: Tier | undefined, glass: BreakGlass): boolean => {
  const highest = tierOf(service, glass.tier)
  return tier !== undefined && highest !== undefined && tier.rank <= highest.rank
}

/** Whether something lasts no longer than breaking glass may. */
export const isShort = (
  { from, until }: { readonly from: number; readonly until: number },
  glass: BreakGlass,
): boolean => {
  const lasts = until - from
  return lasts > 0 && lasts <= Math.min(glass.for, longestGlassMs)
}
