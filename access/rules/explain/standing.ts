import { admittedBy, isNewEnough, isStrongEnough } from '../../domain/decide-request.ts'
import { isFrom, type RuleSet, type Service, type StandingRule } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import { lengthText, setText } from '../words.ts'
import type { Supposed } from './asker.ts'
import { type Condition, condition, inOrder, type RuleChecked } from './condition.ts'

/** The standing rules that name this service, in order, for one request. */
export const checkStanding = (
  rules: RuleSet,
  service: Service,
  who: Supposed,
  method: string,
  path: string,
  now: number,
): RuleChecked[] =>
  inOrder(
    service.standing.map((rule) => {
      const admitted = admittedBy(rule, service, method, path)
      return {
        section: 'standing' as const,
        id: rule.id,
        where: rule.where,
        does: `lets ${fromText(rule)} in without a pass`,
        conditions: [
          condition(fromCondition(rules, rule, who), isFrom(rules, rule, who, now)),
          condition(
            admitted === undefined ? `it admits ${method} ${path}` : `it admits ${admitted.pattern.text}`,
            admitted !== undefined,
          ),
          ...(admitted === undefined ? [] : signInConditions(admitted.tier, who, now)),
        ],
      }
    }),
  )

const fromText = ({ from }: StandingRule): string =>
  from.kind === 'on call' ? `who is on call of ${from.service}` : from.name

const fromCondition = (rules: RuleSet, { from }: StandingRule, { name }: Supposed): string => {
  if (from.kind === 'on call') return `${name} is on call of ${from.service} (which gives nothing yet)`
  return from.kind === 'people'
    ? `${name} is in ${setText(rules, from.name)}`
    : `${name} is the workload ${from.name}`
}

/** What a tier demands of the sign-in behind a token. */
export const signInConditions = (tier: Tier, who: Supposed, now: number, where?: string): Condition[] => {
  const { acr, maxAge } = tier.signIn ?? {}
  return [
    ...(acr === undefined
      ? []
      : [condition(`the sign-in is of class ${acr}`, isStrongEnough(tier, who), where)]),
    ...(maxAge === undefined
      ? []
      : [
          condition(`the sign-in is no older than ${lengthText(maxAge)}`, isNewEnough(tier, who, now), where),
        ]),
  ]
}
