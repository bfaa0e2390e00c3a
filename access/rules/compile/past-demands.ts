import type { Pattern } from '../../domain/path-pattern.ts'
import { namesService, type Service, type StandingRule, tierOf } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import { patternCovers, patternOverlap } from '../pattern-covers.ts'

/** A pattern of a standing rule that admits what counts under a tier with demands, and which one. */
export type Past = {
  /** Its place in `allow`. */
  readonly place: number
  readonly pattern: string
  readonly service: Service
  readonly tier: Tier
}

/** A service of this list that lets nobody have a tier without approval. */
export const approvedOn = (
  services: Iterable<Service>,
  list: readonly string[],
  tier: string,
): Service | undefined =>
  [...services].find(
    (service) => namesService(list, service) && tierOf(service, tier)?.approvals !== undefined,
  )

/** The patterns of its own by which a standing rule admits what only approval or a fresh sign-in would: each once. */
export const pastDemands = ({ to, allow }: StandingRule, services: readonly Service[]): Past[] => {
  if (allow === undefined) return []
  const strict = services.filter(
    (service) => namesService(to, service) && service.tiers.some((tier) => demandText(tier) !== undefined),
  )
  return allow.terms.patterns.flatMap((pattern, place) => {
    for (const service of strict) {
      const tier = pastTier(pattern, service)
      if (tier !== undefined) return [{ place, pattern: pattern.text, service, tier }]
    }
    return []
  })
}

/** The lowest tier with demands under which something counts that the pattern admits. */
const pastTier = (pattern: Pattern, { tiers }: Service): Tier | undefined =>
  tiers.find(
    (tier, rank) =>
      demandText(tier) !== undefined &&
      tier.patterns.some((own) => {
        const both = patternOverlap(own, pattern)
        return (
          both !== undefined &&
          !tiers.slice(0, rank).some((lower) => lower.patterns.some((wide) => patternCovers(wide, both)))
        )
      }),
  )

/** What a tier demands of who asks, beyond a pass; undefined where it is nothing. */
export const demandText = ({ approvals, signIn }: Tier): string | undefined => {
  if (approvals !== undefined) return 'needs approval'
  return signIn === undefined ? undefined : 'asks for another sign-in'
}
