import type { Denied } from '../../domain/decision.ts'
import type { Claims } from '../../domain/principal.ts'
import { freezeOf, type RuleSet, requestRuleFor, type Service } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import { momentText, oneOf, signInText, windowsText } from '../words.ts'
import { thaw } from './mends-of-ask.ts'

/** Texts by tier, which belongs to one service of one rule set: what is refused in floods is put together once. */
const texts = new WeakMap<Tier, string>()

/**
 * Who may ask for a tier of a service, as a sentence: sets of people and hours, never a person. The same for everybody,
 * so it costs a look-up.
 */
export const whoMayAsk = (service: Service, tier: Tier): string => {
  const known = texts.get(tier)
  if (known !== undefined) return known
  const text = composed(service, tier)
  texts.set(tier, text)
  return text
}

const composed = (service: Service, tier: Tier): string => {
  const rules = service.onRequest.filter(
    ({ tiers, how }) => tiers.includes(tier.name) && (how === 'at once' || tier.approvals),
  )
  if (rules.length === 0) return `Nobody may ask for ${tier.name} on ${service.name}.`
  const ways = rules.map(
    ({ id, who, when }) => `${oneOf(who)}${when === undefined ? '' : `, ${windowsText(when)}`} (${id})`,
  )
  const more = ways.length > most ? ' and others' : ''
  return `Who may ask for ${tier.name} on ${service.name}: ${ways.slice(0, most).join('; ')}${more}.`
}

/** So many rules are named. */
const most = 5

/** The id of the rule that decides, and what would have to change before asking is of use. */
export type WayIn = { readonly rule?: string; readonly mend?: string }

/**
 * What somebody whose request was refused would have to do to get in. Tells no more than any colleague may know, and costs
 * no more than the rules of the service.
 */
export const wayIn = (
  rules: RuleSet,
  service: Service,
  { reason, needs }: Denied,
  who: Claims,
  now: number,
): WayIn => {
  switch (reason) {
    case 'grant-missing':
    case 'tier-too-low':
    case 'page-unconfirmed':
    case 'grant-beyond-rules':
    case 'frozen':
      return needs === undefined ? {} : wayToTier(rules, service, needs, who, now)
    case 'sign-in-needed':
      return needs?.signIn === undefined ? {} : { mend: `Sign in ${signInText(needs.signIn)}.` }
    default:
      return {}
  }
}

const wayToTier = (rules: RuleSet, service: Service, tier: Tier, who: Claims, now: number): WayIn => {
  const rule = requestRuleFor(rules, service, tier.name, who, now)
  if (rule === undefined || (rule.how === 'approval' && tier.approvals === undefined))
    return { mend: whoMayAsk(service, tier) }
  const freeze = freezeOf(service, tier.name, now)
  return freeze === undefined
    ? { rule: rule.id }
    : { rule: freeze.id, mend: `Wait until ${momentText(thaw(service, tier, now))}: ${freeze.because}.` }
}
