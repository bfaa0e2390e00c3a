import { isFreezable, isRunning, whyBeyond } from '../../domain/decide-request.ts'
import { exactDuration } from '../../domain/duration.ts'
import type { Grant } from '../../domain/grant.ts'
import { freezeOf, type RuleSet, requestRulesFor, type Service, tierOf } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import { momentText, oneOf, setText } from '../words.ts'
import type { Supposed } from './asker.ts'
import { type Condition, condition } from './condition.ts'
import type { Places } from './places.ts'

/** A pass, and what it would take for it to admit the request. */
export type PassChecked = {
  readonly tier: string
  readonly kind: Grant['why']['kind']
  /** Milliseconds since the epoch; `until` is not included. */
  readonly from: number
  readonly until: number
  readonly conditions: readonly Condition[]
}

/**
 * What `decideRequest` tests of a pass for a request that counts under this tier, in its order. What is only asked of a
 * pass that the rules still give is left out for one that they don't.
 */
export const checkPass = (
  rules: RuleSet,
  places: Places,
  service: Service,
  needs: Tier,
  who: Supposed,
  grant: Grant,
  now: number,
): PassChecked => ({
  tier: grant.tier,
  kind: grant.why.kind,
  from: grant.from,
  until: grant.until,
  conditions: conditionsOf(rules, places, service, needs, who, grant, now),
})

const conditionsOf = (
  rules: RuleSet,
  places: Places,
  service: Service,
  needs: Tier,
  who: Supposed,
  grant: Grant,
  now: number,
): Condition[] => {
  const tier = tierOf(service, grant.tier)
  const tested = [
    condition(
      `it runs from ${momentText(grant.from)} until ${momentText(grant.until)}`,
      isRunning(grant, now),
    ),
    condition(`${grant.tier} is a tier of ${service.name}`, tier !== undefined),
  ]
  if (tier === undefined) return tested
  const kept = whyBeyond(rules, service, tier, who, grant, now)
  const term = places.termOf(service.name, tier.name)
  tested.push(condition(`it is of environment ${rules.environment}`, kept !== 'environment'))
  if (kept === 'environment') return tested
  tested.push(
    condition(
      `the rules let it last ${exactDuration(grant.until - grant.from)}`,
      kept !== 'length',
      term('longest'),
    ),
  )
  if (kept === 'length') return tested
  const rule = ruleBehind(rules, service, tier, who, grant, now)
  tested.push(
    condition(
      `a rule gives ${tier.name} to somebody like ${who.name}`,
      kept !== 'people',
      kept === 'people' ? undefined : rule?.where,
    ),
  )
  if (kept === 'people') return tested
  if (tier.approvals !== undefined) {
    const { count, from } = tier.approvals
    const by = oneOf(from.map((set) => setText(rules, set)))
    tested.push(condition(`it was approved by ${count} of ${by}`, kept !== 'approvals', term('approvals')))
    if (kept === 'approvals') return tested
  }
  tested.push(
    condition(
      tier.rank === needs.rank ? `it reaches ${needs.name}` : `${tier.name} reaches ${needs.name}`,
      tier.rank >= needs.rank,
    ),
  )
  if (tier.rank < needs.rank) return tested
  const freeze = freezeOf(service, needs.name, now)
  if (freeze !== undefined)
    tested.push(condition('a page rule gave it, which no freeze stops', !isFreezable(grant), freeze.where))
  return tested
}

/** The rule by which somebody still may have this pass. */
export const ruleBehind = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  who: Supposed,
  { why }: Grant,
  now: number,
) => {
  const page =
    why.kind === 'page' && tier.approvals === undefined
      ? service.onPage.find(({ id, give }) => id === why.rule && give === tier.name)
      : undefined
  return page ?? requestRulesFor(rules, service, tier.name, who, now)[0]
}
