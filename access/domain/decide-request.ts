import type { Decision } from './decision.ts'
import { approversOf, type Grant } from './grant.ts'
import { type Pattern, patternMatches } from './path-pattern.ts'
import { belongsTo, namesService, type RuleSet, requestRuleFor, type Service, tierOf } from './rule-set.ts'
import type { Tier } from './tier.ts'
import type { HeldGrant, View } from './view.ts'

export type DecisionRequest = {
  /** `principalKey` of who asks. */
  readonly principal: string
  /** The groups that their token proves. */
  readonly groups: readonly string[]
  readonly service: Service
  /** `WS` for an upgrade. */
  readonly method: string
  /** The exact bytes that go upstream, without the query. */
  readonly path: string
}

/**
 * The one decision on a request. Pure: the same for the proxy, for tests and for replay. The last line denies.
 * The request counts under the lowest tier that admits it; that tier's rate and staleness apply.
 */
export const decideRequest = (
  rules: RuleSet,
  view: View,
  request: DecisionRequest,
  now: number,
): Decision => {
  if (!view.ready()) return { allow: false, reason: 'view-missing' }
  const { service } = request
  const held = view.heldBy(service.name, request.principal)
  const admitting = admittingTier(service, request.method, request.path)
  if (admitting === undefined) return { allow: false, reason: 'tier-none', ...nearestOf(held, now) }
  const { tier, pattern } = admitting
  if (held.length === 0) return { allow: false, reason: 'grant-missing', needs: tier }
  if (view.age(now) > tier.whenStale) return { allow: false, reason: 'view-stale', ...nearestOf(held, now) }

  let best: HeldGrant | undefined
  let beyond = false
  let low: HeldGrant | undefined
  for (const candidate of held) {
    const { grant } = candidate
    if (grant.state !== 'active' || now < grant.from || now >= grant.until) continue
    const has = tierOf(service, grant.tier)
    if (has === undefined || !mayHold(rules, service, has, request.groups, grant)) {
      beyond = true
      continue
    }
    if (has.rank < tier.rank) {
      low = candidate
      continue
    }
    if (best === undefined || grant.until > best.grant.until) best = candidate
  }
  if (best !== undefined) return { allow: true, service, held: best, tier, pattern }
  if (low !== undefined) return { allow: false, reason: 'tier-too-low', needs: tier, held: low }
  if (beyond) return { allow: false, reason: 'grant-beyond-rules', needs: tier }
  return { allow: false, reason: 'grant-missing', needs: tier }
}

const nearestOf = (held: readonly HeldGrant[], now: number): { readonly held?: HeldGrant } => {
  const live = held.find(({ grant }) => now >= grant.from && now < grant.until)
  return live === undefined ? {} : { held: live }
}

/** The lowest tier with a pattern for this request, and that pattern. */
const admittingTier = (
  service: Service,
  method: string,
  path: string,
): { readonly tier: Tier; readonly pattern: Pattern } | undefined => {
  for (const tier of service.tiers) {
    for (const pattern of tier.patterns) {
      if (patternMatches(pattern, method, path)) return { tier, pattern }
    }
  }
  return undefined
}

/**
 * Checks a grant against this process's own rule set, so that whoever could issue grants still could not give more than
 * the rules say: somebody with these groups must be allowed this tier for this long, and approvals must be there where
 * the rules demand them.
 */
const mayHold = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  groups: readonly string[],
  grant: Grant,
): boolean => {
  if (grant.environment !== rules.environment) return false
  const lasts = grant.until - grant.from
  const paged = grant.why.kind === 'page'
  const byPage =
    paged &&
    rules.onPage.some(
      (rule) =>
        rule.give === tier.name &&
        lasts <= rule.cap &&
        namesService(rule.services, service) &&
        belongsTo(rules, rule.who, groups),
    )
  if (byPage) return true
  if (lasts > tier.longest) return false
  const rule = requestRuleFor(rules, service, tier.name, groups)
  if (rule?.how === 'at once') return true
  const approvals = approversOf(grant).length
  if (tier.approvals !== undefined) return rule?.how === 'approval' && approvals >= tier.approvals.count
  return paged && approvals > 0
}
