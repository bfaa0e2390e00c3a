import { reasons } from '../../domain/reasons.ts'
import type { Condition, RuleChecked } from '../explain/condition.ts'
import type { AskExplanation } from '../explain/explain-ask.ts'
import type { PageExplanation } from '../explain/explain-page.ts'
import type { Explanation } from '../explain.ts'

/** Why a request was admitted or refused, in one line. */
export const whyOfRequest = ({ decision, route, by, conditions, passes, rules }: Explanation): string => {
  if (decision.allow) {
    const under = `${decision.pattern.text} admits it`
    const where = route?.pattern === decision.pattern.text ? ` (${route.where})` : ''
    return by === undefined ? `${under}${where}` : `${under}${where}, by ${by.id} (${by.where})`
  }
  const freeze = rules.find(({ section, decides }) => section === 'freeze' && decides)
  const lacking =
    decision.reason === 'frozen' && freeze !== undefined
      ? [`${freeze.does} (${freeze.where})`]
      : missing([...conditions, ...passes.flatMap(({ conditions: ofPass }) => firstMissing(ofPass))])
  return [`${reasons[decision.reason].person}`, ...lacking].join(' ')
}

export const whyOfAsk = ({ decision, conditions, rules }: AskExplanation): string =>
  decision.give
    ? byRule(rules.find(({ id }) => id === decision.proposal.rule))
    : [reasons[decision.refusal.reason].person, ...missing(firstMissing(conditions))].join(' ')

/** A page that gives less than its rule says does so for the first of the conditions that does not hold. */
export const whyOfPage = ({ decision, conditions, rules }: PageExplanation): string => {
  if (!decision.give) return reasons[decision.refusal.reason].person
  const rule = rules.find(({ decides }) => decides)
  const doubt = decision.proposal.doubt
  return [
    ...(rule === undefined ? [] : [`${byRule(rule)}.`]),
    ...(doubt === undefined ? [] : [reasons[doubt].person]),
    ...missing(firstMissing(conditions)),
  ].join(' ')
}

const byRule = (rule: RuleChecked | undefined): string =>
  rule === undefined ? '' : `${rule.id} decides (${rule.where}): ${rule.does}`

const firstMissing = (conditions: readonly Condition[]): Condition[] => {
  const first = conditions.find(({ held }) => !held)
  return first === undefined ? [] : [first]
}

const missing = (conditions: readonly Condition[]): string[] => {
  const lacking = conditions.filter(({ held }) => !held)
  if (lacking.length === 0) return []
  const said = lacking.map(({ what, where }) => (where === undefined ? what : `${what} (${where})`))
  return [`Not so: ${said.join('; ')}.`]
}
