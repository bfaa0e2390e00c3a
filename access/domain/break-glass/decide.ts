import { type DecisionRequest, isStrongEnough } from '../decide-request.ts'
import type { Decision } from '../decision.ts'
import { isMoment } from '../moment.ts'
import type { Reason } from '../reasons.ts'
import { type BreakGlass, belongsTo, type RuleSet, tierOf } from '../rule-set.ts'
import type { View } from '../view.ts'
import type { GlassBook, PresentedGlass } from './book.ts'
import { isShort, isWithin } from './limits.ts'

const refuse = (reason: Reason): Decision => ({ allow: false, reason })

/**
 * Decides on a request by a break-glass pass that came with it, by the rule set alone: no view has to be fresh, but this
 * process must have known once who is locked out. Signatures are looked at last, when everything else holds.
 */
export const decideByGlass = (
  rules: RuleSet,
  view: Pick<View, 'knowsLocks' | 'isLocked'>,
  book: Pick<GlassBook, 'read'>,
  request: DecisionRequest,
  text: string,
  now: number,
): Decision => {
  const { who, service, method, path } = request
  if (view.isLocked(who.principal)) return refuse('principal-locked')
  if (!view.knowsLocks() || !isMoment(now)) return refuse('view-missing')
  const { breakGlass } = rules
  if (breakGlass === undefined) return refuse('break-glass-none')
  const pass = book.read(text)
  if (pass === undefined) return refuse('break-glass-unreadable')
  const tier = tierOf(service, pass.body.tier)
  const reason = whyNot(rules, breakGlass, pass, request, now)
  if (reason !== undefined) return refuse(reason)
  if (tier === undefined || !isWithin(service, tier, breakGlass)) return refuse('break-glass-tier')
  const held = pass.prove()
  if (held === undefined) return refuse('break-glass-unsigned')
  const route = service.routes.find(method, path)
  if (route === undefined) return { allow: false, reason: 'tier-none', held }
  if (route.tier.rank > tier.rank) return { allow: false, reason: 'tier-too-low', held }
  // How strong the sign-in was still counts; how long ago it was does not, as there may be nobody to sign in with.
  if (!isStrongEnough(route.tier, who)) return { allow: false, reason: 'sign-in-needed', held }
  return { allow: true, service, held, tier: route.tier, pattern: route.pattern }
}

const whyNot = (
  rules: RuleSet,
  glass: BreakGlass,
  { body, principal }: PresentedGlass,
  { who, service }: DecisionRequest,
  now: number,
): Reason | undefined => {
  if (body.environment !== rules.environment) return 'break-glass-elsewhere'
  if (principal !== who.principal) return 'break-glass-not-yours'
  if (!belongsTo(rules, glass.who, who, now)) return 'break-glass-people'
  if (!body.services.includes(service.name)) return 'break-glass-service'
  if (!isShort(body, glass)) return 'break-glass-too-long'
  if (now < body.from) return 'break-glass-early'
  if (now >= body.until) return 'break-glass-over'
  return undefined
}
