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
 * not in it. No service is named twice, and none whose tier takes an approval.
 */
export const besideOf = (rules: RuleSet, rule: PageRule, paged: Service): NonNullable<Grant['also']> => {
  const known = new Set([paged.name])
  return rule.also.flatMap(({ services: named, tier }) => {
    const services = [...rules.services.values()]
      .filter((service) => !known.has(service.name) && namesService(named, service))
      .filter((service) => givesFreely(service, tier))
      .map(({ name }) => name)
    for (const name of services) known.add(name)
    return services.length === 0 ? [] : [{ services, tier }]
  })
}

/** Whether a page rule gives this tier of this service beside what it is about. */
export const givesBeside = ({ also }: PageRule, service: Service, tier: string): boolean =>
  givesFreely(service, tier) &&
  also.some((beside) => beside.tier === tier && namesService(beside.services, service))

const givesFreely = (service: Service, name: string): boolean => {
  const tier = tierOf(service, name)
  return tier !== undefined && tier.approvals === undefined
}
