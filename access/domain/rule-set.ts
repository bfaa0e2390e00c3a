import type { Tier } from './tier.ts'

export type Service = {
  readonly name: string
  /** Base URLs (`http://orders-blue:8080`) by release name. */
  readonly releases: Readonly<Record<string, string>>
  /** The release that is served. */
  readonly serve: string
  /** Ids of the PagerDuty services whose incidents concern this service. */
  readonly pagerduty: readonly string[]
  /** Ids of the PagerDuty integrations whose incidents may lead to an automatic grant (DECISIONS.md 8). */
  readonly trustedTriggers: readonly string[]
  readonly channel: string
  readonly owners: readonly string[]
  readonly labels: readonly string[]
  /** In rising order. */
  readonly tiers: readonly Tier[]
}

/** A named set of people: those in any of these groups of the identity provider. */
export type People = { readonly groups: readonly string[] }

/** What a page gives. The first rule that fits a page decides. */
export type PageRule = {
  readonly id: string
  readonly services: readonly string[]
  readonly who: readonly string[]
  readonly urgency: 'high' | 'low' | 'any'
  readonly give: string
  readonly how: 'auto' | 'offer' | 'on acknowledge'
  /** Milliseconds: at first, and by each renewal while incident and assignment last. */
  readonly for: number
  /** Milliseconds: never longer in all. */
  readonly cap: number
  /** Milliseconds that it goes on after the incident let go of it. */
  readonly grace: number
}

/** What a person may ask for. The first rule that fits a request decides. */
export type RequestRule = {
  readonly id: string
  readonly who: readonly string[]
  readonly services: readonly string[]
  readonly tiers: readonly string[]
  readonly how: 'at once' | 'approval'
}

/** Everything the reviewed files say: merged, checked, immutable, and named by `hash`. */
export type RuleSet = {
  readonly environment: string
  /** Services answer at `<service>.<domain>`. */
  readonly domain: string
  readonly identity: { readonly issuer: string; readonly audience: string }
  readonly people: ReadonlyMap<string, People>
  readonly services: ReadonlyMap<string, Service>
  readonly onPage: readonly PageRule[]
  readonly onRequest: readonly RequestRule[]
  /** SHA-256 (hex) of the canonical form: the rules hash. */
  readonly hash: string
}

export const tierOf = (service: Service, name: string): Tier | undefined =>
  service.tiers.find((tier) => tier.name === name)

/** Whether somebody with these groups belongs to one of the named sets of people. */
export const belongsTo = (rules: RuleSet, who: readonly string[], groups: readonly string[]): boolean =>
  who.some((name) => rules.people.get(name)?.groups.some((group) => groups.includes(group)) ?? false)

/** The groups of the named sets of people. */
export const groupsOf = (rules: RuleSet, who: readonly string[]): string[] => [
  ...new Set(who.flatMap((name) => rules.people.get(name)?.groups ?? [])),
]

/** Whether a list of services (names, `label:x`, or `*`) names this one. */
export const namesService = (list: readonly string[], service: Service): boolean =>
  list.some((entry) =>
    entry.startsWith('label:')
      ? service.labels.includes(entry.slice('label:'.length))
      : entry === '*' || entry === service.name,
  )

/** The rule that decides who may ask for this tier of this service: the first that fits. */
export const requestRuleFor = (
  rules: RuleSet,
  service: Service,
  tier: string,
  groups: readonly string[],
): RequestRule | undefined =>
  rules.onRequest.find(
    (rule) =>
      rule.tiers.includes(tier) && namesService(rule.services, service) && belongsTo(rules, rule.who, groups),
  )
