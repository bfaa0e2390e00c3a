import type { Refusal } from './decide-access.ts'
import type { Grant } from './grant.ts'
import type { Person } from './principal.ts'
import { belongsTo, namesService, type RuleSet, requestRuleFor, tierOf } from './rule-set.ts'

export type ExtensionDecision = { readonly until: number } | { readonly refusal: Refusal }

/** Less than this is no extension worth its message. */
const leastMs = 1_000

/**
 * Decides how much longer an active pass may last: `duration` milliseconds more, or as much as it first gave. It keeps
 * to what the rules would give its holder now: a page's pass to the rule's cap, and never further ahead than the tier's
 * longest; one that was asked for to the tier's longest in all. What others approved is never made longer without them.
 */
export const decideExtension = (
  rules: RuleSet,
  grant: Grant,
  person: Person,
  duration: number | undefined,
  now: number,
): ExtensionDecision => {
  if (!person.active) return refuse('person-inactive')
  if (grant.ending !== undefined || grant.kept) return refuse('pass-ending')
  if (grant.approvals !== undefined) return refuse('approval-needed', { tier: grant.tier })
  const latest = latestEnd(rules, grant, person, now)
  if (latest === undefined) return refuse('not-eligible', { tier: grant.tier })
  const left = latest - grant.until
  if (left < leastMs) return refuse('extension-spent')
  if (duration !== undefined && !(duration >= leastMs && duration <= left))
    return refuse('extension-too-long', { longest: left, tier: grant.tier })
  return { until: Math.min(grant.until + (duration ?? grant.duration), latest) }
}

const refuse = (reason: Refusal['reason'], facts: Omit<Refusal, 'reason'> = {}): ExtensionDecision => ({
  refusal: { reason, ...facts },
})

/** When this pass must have ended at the latest, under every service it names; undefined where no rule holds it. */
const latestEnd = (rules: RuleSet, grant: Grant, person: Person, now: number): number | undefined => {
  const ends = grant.services.map((name) => {
    const service = rules.services.get(name)
    const tier = service === undefined ? undefined : tierOf(service, grant.tier)
    if (service === undefined || tier === undefined) return undefined
    const page = grant.why.kind === 'page' ? rules.onPage.find(({ id }) => id === grant.why.rule) : undefined
    if (
      page !== undefined &&
      page.give === tier.name &&
      namesService(page.services, service) &&
      belongsTo(rules, page.who, person.groups)
    )
      return Math.min(grant.from + page.cap, now + tier.longest)
    if (requestRuleFor(rules, service, tier.name, person.groups)?.how !== 'at once') return undefined
    return grant.from + tier.longest
  })
  return ends.includes(undefined) ? undefined : Math.min(...(ends as number[]))
}
