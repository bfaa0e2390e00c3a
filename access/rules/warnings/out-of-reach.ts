import { namesService, type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import { few } from '../words.ts'
import type { Finding, Looked } from './finding.ts'

/** Services that no rule names. */
export const unreachableServices = ({ rules }: Looked): Finding[] =>
  [...rules.services.values()].filter(isUnnamed).map(({ name, pagerduty }) => ({
    kind: 'service-unreachable',
    path: ['services', name],
    part: 'key',
    what: `no rule names "${name}", so ${
      pagerduty.length === 0
        ? 'nobody ever reaches it'
        : 'whoever is paged needs its owners’ approval, and nobody may ask'
    }; name it in on_request, on_page or standing`,
  }))

const isUnnamed = ({ onPage, onRequest, standing }: Service): boolean =>
  onPage.length + onRequest.length + standing.length === 0

/** Tiers with patterns that neither asking nor a page nor anything else gives. One line for each tier. */
export const unreachableTiers = ({ rules, source }: Looked): Finding[] =>
  Object.keys(source.tiers).flatMap((tier, rank): Finding[] => {
    const without = [...rules.services.values()].filter(
      (service) =>
        !isUnnamed(service) &&
        (tierOf(service, tier)?.patterns.length ?? 0) > 0 &&
        highestRank(rules, service) < rank,
    )
    const [only, ...more] = without.map(({ name }) => name)
    if (only === undefined) return []
    const own = source.services[only]?.tiers[tier] !== undefined
    return [
      {
        kind: 'tier-unreachable',
        path:
          more.length > 0 ? ['tiers', tier] : own ? ['services', only, 'tiers', tier] : ['services', only],
        part: 'key',
        what: `nobody gets "${tier}" of ${few([only, ...more])}: no rule gives it or a higher one; name it in on_request, or leave its patterns out`,
      },
    ]
  })

/** The highest tier of a service that some rule gives. */
const highestRank = (rules: RuleSet, service: Service): number => {
  const { breakGlass, incidentCommand } = rules
  const given = [
    ...service.onPage.map(({ give }) => give),
    ...service.onRequest.flatMap(({ tiers }) => tiers),
    ...service.standing.map(({ tier }) => tier),
    ...rules.onPage.flatMap(({ also }) =>
      also.filter(({ services }) => namesService(services, service)).map(({ tier }) => tier),
    ),
    breakGlass?.tier,
    incidentCommand?.cap,
  ]
  return Math.max(-1, ...given.map((tier) => (tier === undefined ? -1 : (tierOf(service, tier)?.rank ?? -1))))
}
