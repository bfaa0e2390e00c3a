import type { Doubt, LiveState } from './grant.ts'
import type { Incident, Paged } from './incident.ts'
import { nearest } from './nearest.ts'
import type { Person } from './principal.ts'
import type { Reason } from './reasons.ts'
import {
  belongsTo,
  namesService,
  type PageRule,
  type RuleSet,
  requestRuleFor,
  type Service,
  tierOf,
} from './rule-set.ts'

/** What a person asks for. Durations are milliseconds; what is left out is filled in by the rules. */
export type Ask = {
  readonly service: string
  readonly tier?: string
  readonly duration?: number
  readonly reason?: string
}

/** What a grant would be, and the state it begins in. */
export type Proposal = {
  readonly state: LiveState
  readonly service: Service
  readonly tier: string
  readonly duration: number
  readonly rule: string
  /** Who has to approve it first: names of sets of people, and how many of them. */
  readonly approvers?: { readonly from: readonly string[]; readonly count: number }
  readonly doubt?: Doubt
}

/** A refusal with what the person needs to mend it. `hint` is a known name, or a longest duration. */
export type Refusal = {
  readonly reason: Reason
  readonly hint?: string
  readonly longest?: number
  readonly tier?: string
}

export type AccessDecision =
  | { readonly give: true; readonly proposal: Proposal }
  | { readonly give: false; readonly refusal: Refusal }

const refuse = (reason: Reason, facts: Omit<Refusal, 'reason'> = {}): AccessDecision => ({
  give: false,
  refusal: { reason, ...facts },
})

const usualDuration = 3_600_000

/** Decides on what a person asks for by hand. `usualTier` is the tier of a page they hold on this service. */
export const decideAsk = (rules: RuleSet, person: Person, ask: Ask, usualTier?: string): AccessDecision => {
  if (!person.active) return refuse('person-inactive')
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
  const rule = requestRuleFor(rules, service, tier.name, person.groups)
  if (rule === undefined) return refuse('not-eligible', { tier: tier.name })
  const duration = ask.duration ?? Math.min(usualDuration, tier.longest)
  if (!(duration > 0 && duration <= tier.longest))
    return refuse('duration-too-long', { longest: tier.longest, tier: tier.name })
  if (tier.reasonRequired && ask.reason === undefined) return refuse('reason-needed', { tier: tier.name })
  const proposal = { service, tier: tier.name, duration, rule: rule.id }
  if (rule.how === 'at once') return { give: true, proposal: { ...proposal, state: 'active' } }
  if (tier.approvals === undefined) return refuse('not-eligible', { tier: tier.name })
  return { give: true, proposal: { ...proposal, state: 'pending', approvers: tier.approvals } }
}

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
  if (!person.active) return refuse('person-inactive')
  const fitting = rules.onPage.filter(
    (rule) =>
      namesService(rule.services, service) && (rule.urgency === 'any' || rule.urgency === incident.urgency),
  )
  const rule = fitting.find(({ who }) => belongsTo(rules, who, person.groups))
  const doubt = rule === undefined ? 'page-no-rule' : doubtOf(incident, service, person)
  if (rule === undefined || doubt !== undefined)
    return asIfAsked(rules, service, person, rule ?? fitting[0], doubt ?? 'page-no-rule')
  const proposal = { service, tier: rule.give, duration: rule.for, rule: rule.id }
  const acknowledged = incident.acknowledgedBy.includes(paged.user)
  if (rule.how === 'offer' || (rule.how === 'on acknowledge' && !acknowledged))
    return { give: true, proposal: { ...proposal, state: 'offered' } }
  if (now - paged.at > lateMs)
    return { give: true, proposal: { ...proposal, state: 'offered', doubt: 'page-late' } }
  return { give: true, proposal: { ...proposal, state: 'active' } }
}

/** Who set the incident off is self, and only trusted integrations count as triggers. */
const doubtOf = (
  { trigger, shapedBy }: Incident,
  service: Service,
  person: Person,
): 'page-by-self' | 'page-untrusted' | undefined => {
  const user = person.pagerduty?.user
  const setOff = trigger.kind === 'person' && trigger.user === user
  if (setOff || (user !== undefined && shapedBy.includes(user))) return 'page-by-self'
  if (trigger.kind !== 'integration' || !service.trustedTriggers.includes(trigger.id)) return 'page-untrusted'
  return undefined
}

/** What the person would get by asking: offered where that is given at once, otherwise put before others. */
const asIfAsked = (
  rules: RuleSet,
  service: Service,
  person: Person,
  page: PageRule | undefined,
  doubt: Doubt,
): AccessDecision => {
  const tier = (page === undefined ? undefined : tierOf(service, page.give)) ?? service.tiers[0]
  if (tier === undefined) return refuse('tier-none')
  const duration = Math.min(page?.for ?? usualDuration, tier.longest)
  const asked = requestRuleFor(rules, service, tier.name, person.groups)
  const proposal = { service, tier: tier.name, duration, doubt }
  if (asked?.how === 'at once')
    return { give: true, proposal: { ...proposal, state: 'offered', rule: asked.id } }
  const approvers = tier.approvals ?? { from: service.owners, count: 1 }
  return {
    give: true,
    proposal: { ...proposal, state: 'pending', rule: asked?.id ?? ownersRule, approvers },
  }
}

/** Names, in a grant's `why`, that no rule but the owners of the service let the paged person in. */
export const ownersRule = 'owners'

/** The services that an incident concerns. */
export const servicesOf = (rules: RuleSet, incident: Incident): Service[] =>
  [...rules.services.values()].filter((service) => service.pagerduty.includes(incident.service))
