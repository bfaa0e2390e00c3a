import type { Doubt, Grant } from './grant.ts'
import type { Claims } from './principal.ts'
import { belongsTo, type PageRule, type RuleSet, type Service, tierOf } from './rule-set.ts'

/** What leaves a page in no doubt: its rule gives the pass, though only to who takes it. */
const onlyOffered: readonly (Doubt | undefined)[] = ['page-late', 'page-too-often']

/**
 * Whether a page rule gave it. What was asked for no page rule gave, nor what came with a page in doubt, which gives no
 * more than asking would have.
 */
export const isByPageRule = ({ why }: Pick<Grant, 'why'>): boolean =>
  why.kind === 'page' && (why.doubt === undefined || onlyOffered.includes(why.doubt))

/** The page rule that a grant was given by; undefined where it came another way, or the rule is no more. */
export const pageRuleOf = (rules: RuleSet, grant: Grant): PageRule | undefined =>
  isByPageRule(grant) ? rules.onPage.find(({ id }) => id === grant.why.rule) : undefined

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
