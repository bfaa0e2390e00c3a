import type { Refusal } from './decide-access.ts'
import { freezeOn } from './freeze-on.ts'
import type { Grant } from './grant.ts'
import { whyInactive } from './inactive.ts'
import { pageRuleFits, pageRuleOf } from './page-rule.ts'
import type { Person } from './principal.ts'
import { type RuleSet, requestRuleFor, type Service, tierOf } from './rule-set.ts'

export type ExtensionDecision = { readonly until: number } | { readonly refusal: Refusal }

/** Less than this is no extension worth its message. */
const leastMs = 1_000

/**
 * Decides how much longer an active pass may last: `duration` milliseconds more, or as much as it first gave. It keeps
 * to what the rules would give its holder now: a page's pass to the rule's cap, and never further ahead than the tier's
 * longest; any other, which must be theirs for the asking now and not frozen, to the tier's longest in all; and to how
 * often, and by how much, the tier lets it be extended. What others approved is never made longer without them.
 */
export const decideExtension = (
  rules: RuleSet,
  grant: Grant,
  person: Person,
  duration: number | undefined,
  now: number,
): ExtensionDecision => {
  if (!person.active) return refuse(whyInactive(person))
  if (grant.begins !== undefined && now < grant.from) return refuse('not-begun')
  if (grant.ending !== undefined || grant.kept) return refuse('pass-ending')
  if (grant.why.kind === 'break-glass') return refuse('extension-spent')
  if (grant.approvals !== undefined) return refuse('approval-needed', { tier: grant.tier })
  const latest = latestEnd(rules, grant, person, now)
  if (latest === undefined) return refuse('not-eligible', { tier: grant.tier })
  const services = grant.services.flatMap((name) => rules.services.get(name) ?? [])
  const asked = services.filter((service) => capOf(rules, grant, service, person, now) === undefined)
  const freeze = freezeOn(rules, { services: asked.map(({ name }) => name), tier: grant.tier }, now)
  if (freeze !== undefined)
    return refuse('frozen', { until: freeze.until, because: freeze.because, tier: grant.tier })
  const terms = services.flatMap((service) => tierOf(service, grant.tier)?.extend ?? [])
  if ((grant.extended ?? 0) >= Math.min(...terms.map(({ count }) => count))) return refuse('extension-spent')
  const share = Math.min(...terms.map((one) => one.share))
  const left = Math.min(latest - grant.until, Math.floor(grant.duration * share))
  if (left < leastMs) return refuse('extension-spent')
  if (duration !== undefined && !(duration >= leastMs && duration <= left))
    return refuse('extension-too-long', { longest: left, tier: grant.tier })
  return { until: grant.until + Math.min(duration ?? grant.duration, left) }
}

const refuse = (reason: Refusal['reason'], facts: Omit<Refusal, 'reason'> = {}): ExtensionDecision => ({
  refusal: { reason, ...facts },
})

/** When this pass must have ended at the latest, under every service it names; undefined where no rule holds it. */
export const latestEnd = (rules: RuleSet, grant: Grant, person: Person, now: number): number | undefined => {
  const ends = grant.services.map((name) => {
    const service = rules.services.get(name)
    const tier = service === undefined ? undefined : tierOf(service, grant.tier)
    if (service === undefined || tier === undefined) return undefined
    const cap = capOf(rules, grant, service, person, now)
    if (cap !== undefined) return Math.min(grant.from + cap, now + tier.longest)
    if (requestRuleFor(rules, service, tier.name, person, now)?.how !== 'at once') return undefined
    return grant.from + tier.longest
  })
  return ends.includes(undefined) ? undefined : Math.min(...(ends as number[]))
}

/** The cap of the page rule that holds this pass on a service; undefined where it is held as if they had asked. */
const capOf = (
  rules: RuleSet,
  grant: Grant,
  service: Service,
  person: Person,
  now: number,
): number | undefined => {
  const page = pageRuleOf(rules, grant)
  return page !== undefined && pageRuleFits(rules, page, grant, service, person, now) ? page.cap : undefined
}
