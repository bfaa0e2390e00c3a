import type { Grant } from './grant.ts'
import type { Claims } from './principal.ts'
import { belongsTo, type PageRule, type RuleSet, type Service, tierOf } from './rule-set.ts'

/** The page rule that a grant was given by; undefined where it came another way, or the rule is no more. */
export const pageRuleOf = (rules: RuleSet, { why }: Grant): PageRule | undefined =>
  why.kind === 'page' ? rules.onPage.find(({ id }) => id === why.rule) : undefined

/** Whether a page rule still gives this grant's tier of this service to its holder, as the directory has them now. */
export const pageRuleFits = (
  rules: RuleSet,
  rule: PageRule,
  grant: Grant,
  service: Service,
  holder: Claims,
  now: number,
): boolean =>
  service.onPage.some(
    ({ id, give, who }) => id === rule.id && give === grant.tier && belongsTo(rules, who, holder, now),
  ) && tierOf(service, grant.tier)?.approvals === undefined

/** Acknowledging takes what a rule offers `on acknowledge`, and nothing that is offered because of a doubt. */
export const isTakenByAcknowledging = (rules: RuleSet, grant: Grant): boolean =>
  grant.why.kind === 'page' &&
  grant.why.doubt === undefined &&
  pageRuleOf(rules, grant)?.how === 'on acknowledge'
