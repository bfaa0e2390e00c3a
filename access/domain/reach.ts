import type { Grant } from './grant.ts'
import { namesService, type PageRule, type RuleSet, type Service, tierOf } from './rule-set.ts'

type Reach = Pick<Grant, 'services' | 'tier' | 'also'>

/** Every service that a grant opens. */
export const reachOf = ({ services, also }: Reach): readonly string[] =>
  also === undefined ? services : [...services, ...also.flatMap((beside) => beside.services)]

/** The tier of a service that a grant opens, by name; undefined where it opens none. */
export const tierFor = ({ services, tier, also }: Reach, service: string): string | undefined =>
  services.includes(service) ? tier : also?.find((beside) => beside.services.includes(service))?.tier

/**
 * What a page rule gives beside the service that was paged for: labels become names here, so that what is labelled later is
 * not in it. No service is named twice: of several tiers the highest counts, and
 * none that takes an approval.
 */
export const besideOf = (rules: RuleSet, rule: PageRule, paged: Service): NonNullable<Grant['also']> => {
  const byTier = new Map<string, string[]>()
  for (const service of rules.services.values()) {
    if (service.name === paged.name) continue
    const tiers = service.tiers.filter(({ name }) => givesBeside(rule, service, name))
    const highest = tiers.at(-1)?.name
    if (highest !== undefined) byTier.set(highest, [...(byTier.get(highest) ?? []), service.name])
  }
  return [...byTier]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([tier, names]) => ({ services: names.sort(), tier }))
}

/** Whether a page rule gives this tier of this service beside what it is about. */
export const givesBeside = ({ also }: PageRule, service: Service, tier: string): boolean =>
  givesFreely(service, tier) &&
  also.some((beside) => beside.tier === tier && namesService(beside.services, service))

const givesFreely = (service: Service, name: string): boolean => {
  const tier = tierOf(service, name)
  return tier !== undefined && tier.approvals === undefined
}
