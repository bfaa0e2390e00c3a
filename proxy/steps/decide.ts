import { createGlassBook, type GlassBook } from '#access/domain/break-glass/book.ts'
import { decideByGlass } from '#access/domain/break-glass/decide.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Decision, Denied } from '#access/domain/decision.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { View } from '#access/domain/view.ts'
import { type WayIn, wayIn } from '#access/rules/explain/who-may-ask.ts'
import type { Exchange } from '../exchange.ts'

/** The decision on what was asked, by the view as it is now. What needs no broken glass is not decided by it. */
export const createDecide =
  (rules: RuleSet, view: View, glass: GlassBook = createGlassBook(rules)) =>
  ({ identity, service, method, path, breakGlass, now }: Exchange): Decision => {
    if (identity === undefined) return { allow: false, reason: 'token-missing' }
    if (service === undefined) return { allow: false, reason: 'service-unknown' }
    const request = { who: identity, service, method, path }
    const decision = decideRequest(rules, view, request, now)
    return breakGlass === '' || decision.allow
      ? decision
      : decideByGlass(rules, view, glass, request, breakGlass, now)
  }

/** What whoever was refused can ask for, and by which rule. */
export const wayInOf = (
  rules: RuleSet,
  { identity, service, now }: Exchange,
  denied: Denied,
): WayIn | undefined =>
  identity === undefined || service === undefined ? undefined : wayIn(rules, service, denied, identity, now)
