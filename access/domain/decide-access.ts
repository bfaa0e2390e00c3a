import type { Incident } from './incident.ts'
import { nearest } from './nearest.ts'
import type { Person } from './principal.ts'
import type { Reason } from './reasons.ts'
import { belongsTo, namesService, type RuleSet, requestRuleFor, type Service, tierOf } from './rule-set.ts'

/** What a person asks for. Durations are milliseconds; what is left out is filled in by the rules. */
export type Ask = {
  readonly service: string
  readonly tier?: string
  readonly duration?: number
  readonly reason?: string
}

/** What a grant would be. */
export type Proposal = {
  readonly service: Service
  readonly tier: string
  readonly duration: number
  readonly rule: string
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
  if (rule.how === 'approval') return refuse('approval-needed', { tier: tier.name })
  const duration = ask.duration ?? Math.min(usualDuration, tier.longest)
  if (duration > tier.longest) return refuse('duration-too-long', { longest: tier.longest, tier: tier.name })
  if (tier.reasonRequired && ask.reason === undefined) return refuse('reason-needed', { tier: tier.name })
  return { give: true, proposal: { service, tier: tier.name, duration, rule: rule.id } }
}

/**
 * Decides on what a page gives by itself. A page is not an authority: the person's own groups must allow it, who
 * set the incident off gets nothing automatic from it, and only trusted integrations count as triggers.
 */
export const decidePage = (
  rules: RuleSet,
  incident: Incident,
  service: Service,
  person: Person,
): AccessDecision => {
  if (!person.active) return refuse('person-inactive')
  const rule = rules.onPage.find(
    (candidate) =>
      namesService(candidate.services, service) &&
      belongsTo(rules, candidate.who, person.groups) &&
      (candidate.urgency === 'any' || candidate.urgency === incident.urgency),
  )
  if (rule === undefined) return refuse('page-no-rule')
  const { trigger, shapedBy } = incident
  const user = person.pagerduty?.user
  const setOff = trigger.kind === 'person' && trigger.user === user
  if (setOff || (user !== undefined && shapedBy.includes(user))) return refuse('page-by-self')
  if (trigger.kind !== 'integration' || !service.trustedTriggers.includes(trigger.id))
    return refuse('page-untrusted')
  return { give: true, proposal: { service, tier: rule.give, duration: rule.for, rule: rule.id } }
}

/** The services that an incident concerns. */
export const servicesOf = (rules: RuleSet, incident: Incident): Service[] =>
  [...rules.services.values()].filter((service) => service.pagerduty.includes(incident.service))
