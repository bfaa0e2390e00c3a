import type { Refusal } from '../decide-access.ts'
import { whyInactive } from '../inactive.ts'
import { nearest } from '../nearest.ts'
import type { Person } from '../principal.ts'
import { belongsTo, type RuleSet, type Service, tierOf } from '../rule-set.ts'
import type { Tier } from '../tier.ts'
import { isWithin, longestGlassMs } from './limits.ts'

export type GlassAsk = {
  readonly service: string
  readonly tier?: string
  /** Milliseconds. */
  readonly duration?: number
  readonly reason?: string
}

export type GlassDecision =
  | { readonly refusal: Refusal }
  | { readonly service: Service; readonly tier: Tier; readonly duration: number; readonly reason: string }

const refuse = (reason: Refusal['reason'], facts: Omit<Refusal, 'reason'> = {}): GlassDecision => ({
  refusal: { reason, ...facts },
})

/** Whether the rules let this person break the glass like this. Left out, it is up to their `tier`, for as long as may be. */
export const decideGlassAsk = (rules: RuleSet, person: Person, ask: GlassAsk, now: number): GlassDecision => {
  if (!person.active) return refuse(whyInactive(person))
  const { breakGlass } = rules
  if (breakGlass === undefined) return refuse('break-glass-none')
  if (!belongsTo(rules, breakGlass.who, person, now)) return refuse('break-glass-people')
  const service = rules.services.get(ask.service)
  if (service === undefined) {
    const hint = nearest(ask.service, rules.services.keys())
    return refuse('service-unknown', hint === undefined ? {} : { hint })
  }
  const tier = tierOf(service, ask.tier ?? breakGlass.tier)
  if (tier === undefined) return refuse('tier-unknown')
  if (!isWithin(service, tier, breakGlass)) return refuse('break-glass-tier', { tier: tier.name })
  const longest = Math.min(breakGlass.for, longestGlassMs)
  const duration = ask.duration ?? longest
  if (!(duration > 0 && duration <= longest)) return refuse('duration-too-long', { longest, tier: tier.name })
  const reason = ask.reason?.trim() ?? ''
  if (reason === '') return refuse('reason-needed', { tier: tier.name })
  return { service, tier, duration, reason }
}
