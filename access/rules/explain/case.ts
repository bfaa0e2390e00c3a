import { type DecidingView, decideRequest } from '../../domain/decide-request.ts'
import type { Decision } from '../../domain/decision.ts'
import type { Grant } from '../../domain/grant.ts'
import { type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import { isStanding } from '../../domain/standing-grant.ts'
import type { Supposed } from './asker.ts'
import { ruleBehind } from './pass-conditions.ts'

/** Everything that one request is decided from. Times are milliseconds. */
export type Case = {
  readonly who: Supposed
  readonly service: Service
  /** `WS` for an upgrade. */
  readonly method: string
  /** Canonical, and without a query. */
  readonly path: string
  readonly now: number
  readonly grants: readonly Grant[]
  readonly viewAge: number
}

/** The active passes of this person for this service: what a proxy’s view finds. */
export const heldIn = ({ grants, service, who }: Case): Grant[] =>
  grants.filter(
    ({ state, services, who: holder }) =>
      state === 'active' &&
      services.includes(service.name) &&
      holder.issuer === who.issuer &&
      holder.subject === who.subject,
  )

/** What a proxy with these passes in its view would decide. */
export const decideCase = (rules: RuleSet, one: Case): Decision => {
  const { who, service, method, path, now, viewAge } = one
  const held = heldIn(one).map((grant) => ({ grant, statement: 'supposed', verified: true }))
  const view: DecidingView = {
    ready: () => true,
    age: () => viewAge,
    heldBy: () => (held.length === 0 ? undefined : { grants: held }),
    isLocked: () => false,
    confirmedUntil: () => Number.POSITIVE_INFINITY,
  }
  return decideRequest(rules, view, { who, service, method, path }, now)
}

/** The rule that admits a request, or that is behind the pass that does. */
export const ruleOf = (
  rules: RuleSet,
  { who, now }: Case,
  decision: Decision,
): { readonly id: string; readonly where: string } | undefined => {
  if (!decision.allow) return undefined
  const { held, service } = decision
  const { grant } = held
  if (isStanding(held)) return service.standing.find(({ id }) => id === grant.why.rule)
  const tier = tierOf(service, grant.tier)
  return tier === undefined ? undefined : ruleBehind(rules, service, tier, who, grant, now)
}
