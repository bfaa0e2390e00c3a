import type { Doubt, Grant, LiveState } from './grant.ts'
import { whyInactive } from './inactive.ts'
import type { Incident, Paged } from './incident.ts'
import { isMoment } from './moment.ts'
import { nearest } from './nearest.ts'
import type { Person } from './principal.ts'
import { besideOf } from './reach.ts'
import type { Reason } from './reasons.ts'
import {
  belongsTo,
  fitsWhen,
  freezeOf,
  type PageRule,
  type RequestRule,
  type RuleSet,
  requestRuleFor,
  type Service,
  tierOf,
} from './rule-set.ts'
import type { Approvals, Tier } from './tier.ts'
import type { Moment } from './wall-time.ts'

/** What a person asks for. Durations are milliseconds; what is left out is filled in by the rules. */
export type Ask = {
  readonly service: string
  /** Several in one go: names, and labels as `label:x`. */
  readonly services?: readonly string[]
  readonly tier?: string
  readonly duration?: number
  readonly reason?: string
  /** When it is to begin, in milliseconds since the epoch; by default at once. */
  readonly from?: number
  /** By whose clocks that was said: an IANA time zone. */
  readonly zone?: string
}

type Approvers = {
  readonly from: readonly string[]
  readonly count: number
  readonly distinct?: true
  /** Who may decide, too, from then on. */
  readonly escalate?: { readonly at: number; readonly to: readonly string[] }
}

/** What a grant would be, and the state it begins in. */
export type Proposal = {
  readonly state: LiveState
  readonly service: Service
  /** All of them, by name, where one grant is for several. */
  readonly services?: readonly string[]
  readonly tier: string
  readonly duration: number
  readonly rule: string
  /** Who has to approve it first: names of sets of people, and how many of them. */
  readonly approvers?: Approvers
  readonly doubt?: Doubt
  readonly begins?: Moment
  /** What it opens beside, each under a tier of its own. */
  readonly also?: NonNullable<Grant['also']>
}

/** A refusal with what the person needs to mend it. `hint` is a known name, or a longest duration. */
export type Refusal = {
  readonly reason: Reason
  readonly hint?: string
  readonly longest?: number
  readonly tier?: string
  /** Until when (milliseconds since the epoch), and why, nothing is given. */
  readonly until?: number
  readonly because?: string
  /** What of several services, names or labels is refused, each with its own refusal. */
  readonly each?: readonly { readonly service: string; readonly refusal: Refusal }[]
}

export type AccessDecision =
  | { readonly give: true; readonly proposal: Proposal }
  | { readonly give: false; readonly refusal: Refusal }

const refuse = (reason: Reason, facts: Omit<Refusal, 'reason'> = {}): AccessDecision => ({
  give: false,
  refusal: { reason, ...facts },
})

/** A ticket's id, as Jira and others (CHG-123), or ServiceNow (CHG0030192) write it: a shape, not a proof. */
const ticket =
  /(?:^|[^A-Za-z0-9])(?:[A-Z][A-Z0-9]{1,9}-\d{2,12}|(?:CHG|INC|PRB|RITM|REQ|TASK)\d{5,12})(?![A-Za-z0-9])/

/** Decides on what a person asks for by hand. `usualTier` is the tier of a page they hold on this service. */
export const decideAsk = (
  rules: RuleSet,
  person: Person,
  ask: Ask,
  now: number,
  usualTier?: string,
): AccessDecision => {
  if (!person.active) return refuse(whyInactive(person))
  const service = rules.services.get(ask.service)
  if (service === undefined) {
    const hint = nearest(ask.service, rules.services.keys())
    return refuse('service-unknown', hint === undefined ? {} : { hint })
  }
  const name = ask.tier ?? usualTier ?? service.tiers[0]?.name
  const tier = name === undefined ? undefined : tierOf(service, name)
  if (tier === undefined) {
    const hint = nearest(
      name ?? '',
      service.tiers.map((known) => known.name),
    )
    return refuse('tier-unknown', hint === undefined ? {} : { hint })
  }
  const rule = requestRuleFor(rules, service, tier.name, person, now)
  if (rule === undefined) return refuse('not-eligible', { tier: tier.name })
  const from = ask.from ?? now
  if (!isInReach(rule, from, now)) return refuse('too-far-ahead', { longest: rule.ahead, tier: tier.name })
  const freeze = freezeOf(service, tier.name, from)
  if (freeze !== undefined)
    return refuse('frozen', { until: freeze.until, because: freeze.because, tier: tier.name })
  const duration = ask.duration ?? tier.usual
  if (!isShortEnough(tier, duration))
    return refuse('duration-too-long', { longest: tier.longest, tier: tier.name })
  if (!saysEnough(tier, ask.reason))
    return refuse(tier.reason === 'ticket' ? 'ticket-needed' : 'reason-needed', { tier: tier.name })
  const begins = ask.from === undefined ? {} : { begins: { at: ask.from, zone: ask.zone ?? 'UTC' } }
  const proposal = { service, tier: tier.name, duration, rule: rule.id, ...begins }
  if (rule.how === 'at once') return { give: true, proposal: { ...proposal, state: 'active' } }
  if (tier.approvals === undefined) return refuse('not-eligible', { tier: tier.name })
  return {
    give: true,
    proposal: { ...proposal, state: 'pending', approvers: approversOf(tier.approvals, now) },
  }
}

/** Whether a pass may begin then by this rule. Milliseconds since the epoch. */
export const isInReach = ({ ahead }: RequestRule, from: number, now: number): boolean =>
  isMoment(now) && from >= now && from - now <= ahead

/** Whether a pass of this tier may be asked for that lasts so many milliseconds. */
export const isShortEnough = ({ longest }: Tier, duration: number): boolean =>
  duration > 0 && duration <= longest

/** Whether what somebody says of why they ask is what the tier demands. */
export const saysEnough = (tier: Tier, reason: string | undefined): boolean =>
  tier.reason === 'optional' || (reason !== undefined && (tier.reason === 'required' || ticket.test(reason)))

const approversOf = ({ from, count, distinct, escalate }: Approvals, now: number): Approvers => ({
  from,
  count,
  ...(distinct ? { distinct } : {}),
  ...(escalate === undefined ? {} : { escalate: { at: now + escalate.after, to: escalate.to } }),
})

/** A page that is older than this when it is first seen gives nothing by itself any more. */
const lateMs = 600_000

/**
 * Decides on what a page gives. A page is not an authority: the person's own groups must allow it, and where anything
 * about it is in doubt (who set it off, whether a rule fits, how old it is) a person has to act first: the paged one
 * where they could have asked for as much, others where they could not.
 */
export const decidePage = (
  rules: RuleSet,
  incident: Incident,
  service: Service,
  person: Person,
  paged: Paged,
  now: number,
): AccessDecision => {
  if (!person.active) return refuse(whyInactive(person))
  const fitting = service.onPage.filter((rule) => fitsPage(rule, incident, paged))
  const rule = fitting.find(({ who }) => belongsTo(rules, who, person, now))
  const doubt = rule === undefined ? 'page-no-rule' : doubtOf(incident, service, person, paged, rule)
  if (rule === undefined || doubt !== undefined)
    return asIfAsked(rules, service, person, rule ?? fitting[0], doubt ?? 'page-no-rule', now)
  const also = besideOf(rules, rule, service)
  const proposal = {
    service,
    tier: rule.give,
    duration: rule.for,
    rule: rule.id,
    ...(also.length === 0 ? {} : { also }),
  }
  if (!isGivenAtOnce(rule, incident, paged))
    return { give: true, proposal: { ...proposal, state: 'offered' } }
  if (isLate(paged, now))
    return { give: true, proposal: { ...proposal, state: 'offered', doubt: 'page-late' } }
  return { give: true, proposal: { ...proposal, state: 'active' } }
}

/** Whether a rule gives its pass without anybody having to take it. */
export const isGivenAtOnce = ({ how }: PageRule, { acknowledgedBy }: Incident, { user }: Paged): boolean =>
  how === 'auto' || (how === 'on acknowledge' && acknowledgedBy.includes(user))

export const isLate = ({ at }: Paged, now: number): boolean =>
  !(isMoment(now) && isMoment(at) && now - at <= lateMs)

/** What a rule may demand of a page, whoever was paged. What PagerDuty does not say fits no condition. */
export const pageConditions = {
  urgency: (rule: PageRule, incident: Incident, _paged: Paged): boolean =>
    rule.urgency === 'any' || rule.urgency === incident.urgency,
  priority: (rule: PageRule, incident: Incident, _paged: Paged): boolean =>
    rule.priority === undefined ||
    (incident.priority !== undefined && rule.priority.includes(incident.priority)),
  levels: (rule: PageRule, _incident: Incident, { level }: Paged): boolean =>
    rule.levels === undefined ||
    (level !== undefined && level >= rule.levels.from && level <= rule.levels.to),
  when: (rule: PageRule, _incident: Incident, { at }: Paged): boolean => fitsWhen(rule.when, at),
} as const

/** Whether a rule is about pages like this one. */
const fitsPage = (rule: PageRule, incident: Incident, paged: Paged): boolean =>
  Object.values(pageConditions).every((holds) => holds(rule, incident, paged))

/** Who set the incident off is self, and only trusted integrations count as triggers. */
const doubtOf = (
  incident: Incident,
  service: Service,
  person: Person,
  { shift }: Paged,
  rule: PageRule,
): 'page-by-self' | 'page-by-override' | 'page-untrusted' | 'page-needs-approval' | undefined => {
  if (isBySelf(incident, person)) return 'page-by-self'
  if (!isTrusted(incident, service)) return 'page-untrusted'
  if (shift?.planned === false) return 'page-by-override'
  if (tierOf(service, rule.give)?.approvals !== undefined) return 'page-needs-approval'
  return undefined
}

/** Whether this person caused what a rule may go by. */
export const isBySelf = ({ trigger, shapedBy }: Incident, { pagerduty }: Person): boolean => {
  const user = pagerduty?.user
  const setOff = trigger.kind === 'person' && trigger.user === user
  return setOff || (user !== undefined && shapedBy.includes(user))
}

export const isTrusted = ({ trigger }: Incident, { trustedTriggers }: Service): boolean =>
  trigger.kind === 'integration' && trustedTriggers.includes(trigger.id)

/**
 * What the person would get by asking: offered where that is given at once, otherwise put before others. So is what is
 * frozen, and what asking takes a ticket for: to set an incident off is no way around a freeze, and is a reason, but no
 * ticket.
 */
const asIfAsked = (
  rules: RuleSet,
  service: Service,
  person: Person,
  page: PageRule | undefined,
  doubt: Doubt,
  now: number,
): AccessDecision => {
  const tier = (page === undefined ? undefined : tierOf(service, page.give)) ?? service.tiers[0]
  if (tier === undefined) return refuse('tier-none')
  const duration = page?.for ?? tier.usual
  const asked = requestRuleFor(rules, service, tier.name, person, now)
  const proposal = { service, tier: tier.name, duration, doubt }
  const isFree = tier.reason !== 'ticket' && freezeOf(service, tier.name, now) === undefined
  if (asked?.how === 'at once' && isFree)
    return { give: true, proposal: { ...proposal, state: 'offered', rule: asked.id } }
  const approvers = approversFor(service, tier, now)
  return {
    give: true,
    proposal: { ...proposal, state: 'pending', rule: asked?.id ?? ownersRule, approvers },
  }
}

/**
 * What somebody gets whom no page has reached, and to whom another's pass of an incident is handed over: no more than
 * asking for it would give them, and nothing before they take it.
 */
export const decideHandOver = (
  rules: RuleSet,
  service: Service,
  person: Person,
  { tier, why }: Pick<Grant, 'tier' | 'why'>,
  now: number,
): AccessDecision => {
  if (!person.active) return refuse(whyInactive(person))
  const page = service.onPage.find(({ id, give }) => id === why.rule && give === tier)
  return asIfAsked(rules, service, person, page, 'page-by-hand-over', now)
}

/** Who has to approve what is not given by itself: those whom the tier names, or else one of the service's owners. */
export const approversFor = ({ owners }: Service, tier: Tier | undefined, now: number): Approvers =>
  tier?.approvals === undefined ? { from: owners, count: 1 } : approversOf(tier.approvals, now)

/** Names, in a grant's `why`, that no rule but the owners of the service let the paged person in. */
export const ownersRule = 'owners'

/** The services that an incident concerns. */
export const servicesOf = (rules: RuleSet, incident: Incident): Service[] =>
  [...rules.services.values()].filter((service) => service.pagerduty.includes(incident.service))
