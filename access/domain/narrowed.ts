import type { Grant } from './grant.ts'
import { tierFor } from './reach.ts'
import { type RuleSet, tierOf } from './rule-set.ts'

/**
 * The tiers that a pass counts as where PagerDuty's word on its incident was good until `confirmedUntil`; none where it counts
 * as what it says.
 */
export const narrowedTo = (rules: RuleSet, grant: Grant, confirmedUntil: number, now: number): string[] => {
  if (grant.state !== 'active' || now < confirmedUntil) return []
  const names = [...grant.services, ...(grant.also ?? []).flatMap(({ services }) => services)]
  const lower = names.flatMap((name) => {
    const service = rules.services.get(name)
    const given = service && tierOf(service, tierFor(grant, name) ?? '')
    const [lowest] = service?.tiers.toSorted((a, b) => a.rank - b.rank) ?? []
    return given === undefined || lowest === undefined || given.rank <= lowest.rank ? [] : [lowest.name]
  })
  return [...new Set(lower)]
}
