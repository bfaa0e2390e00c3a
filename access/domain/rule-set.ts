import type { Claims } from './principal.ts'
import type { RouteIndex } from './route-index.ts'
import type { Tier } from './tier.ts'
import { isWithin, type TimeWindow } from './time-window.ts'

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
  /** How long it may take to connect, to begin an answer, and to be silent within one; milliseconds. */
  readonly timeouts: { readonly connect: number; readonly headers: number; readonly idle: number | undefined }
  readonly owners: readonly string[]
  readonly labels: readonly string[]
  /** In rising order. */
  readonly tiers: readonly Tier[]
  /** What all its tiers allow, compiled. */
  readonly routes: RouteIndex<Tier>
  /** The rules that name this service, in their order; `owners` is written out. */
  readonly onPage: readonly PageRule[]
  readonly onRequest: readonly RequestRule[]
  readonly standing: readonly StandingRule[]
  readonly freezes: readonly Freeze[]
}

/** A named set of people: those in any of the groups, with any of the roles, or named by subject. */
export type People = {
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly subjects: readonly string[]
  /** Nobody belongs to it from then on (milliseconds since the epoch). */
  readonly until: number | undefined
}

/** What every rule has: a name within the rule set, and where it is written (`access.yaml:40`). */
export type Rule = { readonly id: string; readonly where: string }

/** What a page gives. The first rule that fits a page decides. Times are milliseconds. */
export type PageRule = Rule & {
  /** Names, `label:x` or `*`. */
  readonly services: readonly string[]
  readonly who: readonly string[]
  readonly urgency: 'high' | 'low' | 'any'
  /** Names of PagerDuty priorities; undefined fits every incident, also one without. */
  readonly priority: readonly string[] | undefined
  /** Escalation levels, both included; undefined fits every page. */
  readonly levels: { readonly from: number; readonly to: number } | undefined
  /** When a page fits: in any of these windows; undefined is always. */
  readonly when: readonly TimeWindow[] | undefined
  readonly give: string
  readonly how: 'auto' | 'offer' | 'on acknowledge'
  /** At first, and by each renewal while incident and assignment last. */
  readonly for: number
  /** Never longer in all. */
  readonly cap: number
  /** How long it goes on after the incident let go of it. */
  readonly grace: number
  /** What it gives beside the service that was paged for. */
  readonly also: readonly { readonly services: readonly string[]; readonly tier: string }[]
}

/** What a person may ask for. The first rule that fits a request decides. */
export type RequestRule = Rule & {
  readonly who: readonly string[]
  readonly services: readonly string[]
  readonly tiers: readonly string[]
  readonly how: 'at once' | 'approval'
  readonly when: readonly TimeWindow[] | undefined
  /** How far ahead its beginning may be, in milliseconds; 0 is from now on only. */
  readonly ahead: number
}

/** Access that needs no grant. */
export type StandingRule = Rule & {
  readonly from:
    | { readonly kind: 'workload' | 'people'; readonly name: string }
    | { readonly kind: 'on call'; readonly service: string }
  readonly to: readonly string[]
  /** All that this tier and those below it allow; */
  readonly tier: string | undefined
  /** or these patterns, whatever tier would admit them; they count under terms of their own. */
  readonly allow: { readonly routes: RouteIndex<Tier>; readonly terms: Tier } | undefined
}

/** What a workload may call outside. */
export type EgressRule = Rule & {
  readonly from: readonly string[]
  /** Origins (`https://api.stripe.com`). */
  readonly to: readonly string[]
  readonly allow: RouteIndex<unknown>
}

/** When nothing is given by hand. Milliseconds since the epoch; `until` is not included. */
export type Freeze = Rule & {
  readonly services: readonly string[]
  readonly tiers: readonly string[]
  readonly from: number
  readonly until: number
  readonly because: string
}

export type BreakGlass = {
  readonly who: readonly string[]
  readonly tier: string
  readonly for: number
  /** What the fresh sign-in of whoever does so with the bot must be (OpenID Connect `acr`), where it is not what the tier says. */
  readonly acr?: string | undefined
  /** How many of the keys have to sign. */
  readonly need: number
  /** Ed25519 public keys (32 bytes in base64url) by name. */
  readonly keys: ReadonlyMap<string, string>
}

/** Everything the reviewed files say: merged, checked, immutable, and named by `hash`. */
export type RuleSet = {
  readonly environment: string
  /** Services answer at `<service>.<domain>`. */
  readonly domain: string
  readonly identity: {
    readonly issuer: string
    readonly audience: string
    /** The client that approvers sign in to: the audience of their ID tokens. */
    readonly client: string
    /** The longest that a stream or a session lasts on one sign-in, in milliseconds. */
    readonly sessionMax: number
  }
  readonly people: ReadonlyMap<string, People>
  /** Subjects at the identity provider, by the name of the workload. */
  readonly workloads: ReadonlyMap<string, readonly string[]>
  readonly services: ReadonlyMap<string, Service>
  readonly onPage: readonly PageRule[]
  readonly onRequest: readonly RequestRule[]
  readonly standing: readonly StandingRule[]
  readonly egress: readonly EgressRule[]
  readonly freezes: readonly Freeze[]
  readonly breakGlass: BreakGlass | undefined
  readonly incidentCommand: { readonly who: readonly string[]; readonly cap: string } | undefined
  readonly lock: { readonly who: readonly string[]; readonly lift: number } | undefined
  /** How long a replaced proxy keeps its open streams, in milliseconds. */
  readonly drain: number
  /** How many passes pages give one person by themselves in 24 hours. Further ones are offered. */
  readonly paging: { readonly perDay: number }
  /** By whose clocks people say times of whom the directory says no zone: an IANA time zone. */
  readonly zone: string
  /** SHA-256 (hex) of the canonical form: the rules hash. */
  readonly hash: string
}

export const tierOf = (service: Service, name: string): Tier | undefined =>
  service.tiers.find((tier) => tier.name === name)

/** Whether somebody belongs to one of the named sets of people. */
export const belongsTo = (rules: RuleSet, who: readonly string[], claims: Claims, now: number): boolean =>
  who.some((name) => isOf(rules, name, claims, now))

/** The sets among these that somebody belongs to. */
export const setsOf = (rules: RuleSet, who: readonly string[], claims: Claims, now: number): string[] =>
  who.filter((name) => isOf(rules, name, claims, now))

const isOf = (rules: RuleSet, name: string, claims: Claims, now: number): boolean => {
  const people = rules.people.get(name)
  const { groups, roles = [], issuer, subject } = claims
  if (people === undefined || issuer !== rules.identity.issuer) return false
  if (people.until !== undefined && !(now < people.until)) return false
  return (
    people.groups.some((group) => groups.includes(group)) ||
    people.roles.some((role) => roles.includes(role)) ||
    people.subjects.includes(subject)
  )
}

/** When the next set of people has its end, in milliseconds since the epoch; never, where none has. */
export const nextEndOf = ({ people }: RuleSet, now: number): number => {
  let next = Number.POSITIVE_INFINITY
  for (const { until } of people.values())
    if (until !== undefined && until > now && until < next) next = until
  return next
}

/**
 * When the rules by themselves may next end what they have admitted, in milliseconds since the epoch: a freeze begins, or
 * a set of people has its end. Never, where neither is to come.
 */
export const nextEdgeOf = (rules: RuleSet, now: number): number => {
  let next = nextEndOf(rules, now)
  for (const { from } of rules.freezes) if (from > now && from < next) next = from
  return next
}

/** Whether a list of services (names, `label:x`, or `*`) names this one. */
export const namesService = (
  list: readonly string[],
  service: { readonly name: string; readonly labels: readonly string[] },
): boolean =>
  list.some((entry) => {
    const label = labelIn(entry)
    return label === undefined ? entry === '*' || entry === service.name : service.labels.includes(label)
  })

/** The label that an entry of such a list means; undefined where it is a name or `*`. */
export const labelIn = (entry: string): string | undefined =>
  entry.startsWith('label:') ? entry.slice('label:'.length) : undefined

/** Whether a rule's time windows let it fit at this moment. */
export const fitsWhen = (windows: readonly TimeWindow[] | undefined, at: number): boolean =>
  windows?.some((window) => isWithin(window, at)) ?? true

/**
 * The rules that may decide on this person's asking for this tier, at one hour or another: those that fit, down to the
 * first that always does.
 */
export const requestRulesFor = (
  rules: RuleSet,
  service: Service,
  tier: string,
  claims: Claims,
  now: number,
): RequestRule[] => {
  const fitting = service.onRequest.filter(
    (rule) => rule.tiers.includes(tier) && belongsTo(rules, rule.who, claims, now),
  )
  const last = fitting.findIndex(({ when }) => when === undefined)
  return last === -1 ? fitting : fitting.slice(0, last + 1)
}

/** The rule that decides on this person's asking for this tier of this service now: the first that fits. */
export const requestRuleFor = (
  rules: RuleSet,
  service: Service,
  tier: string,
  claims: Claims,
  now: number,
): RequestRule | undefined =>
  requestRulesFor(rules, service, tier, claims, now).find(({ when }) => fitsWhen(when, now))

/** The freeze that holds this tier of this service at this moment. */
export const freezeOf = (service: Service, tier: string, at: number): Freeze | undefined =>
  service.freezes.find(({ tiers, from, until }) => tiers.includes(tier) && at >= from && at < until)

/** Whether a standing rule is for this principal. Who is on call is not known from claims. */
export const isFrom = (rules: RuleSet, { from }: StandingRule, claims: Claims, now: number): boolean => {
  if (from.kind === 'people') return belongsTo(rules, [from.name], claims, now)
  return from.kind === 'workload' && isWorkload(rules, from.name, claims)
}

/** Whether this is the workload that the rules call so. */
export const isWorkload = (rules: RuleSet, name: string, { issuer, subject }: Claims): boolean =>
  issuer === rules.identity.issuer && (rules.workloads.get(name) ?? []).includes(subject)
