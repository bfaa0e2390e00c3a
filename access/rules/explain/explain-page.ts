import {
  type AccessDecision,
  decidePage,
  isBySelf,
  isGivenAtOnce,
  isLate,
  isTrusted,
  pageConditions,
} from '../../domain/decide-access.ts'
import type { Incident, Paged } from '../../domain/incident.ts'
import { type PageRule, type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { lengthText, oneOf, windowsText } from '../words.ts'
import type { Supposed } from './asker.ts'
import { type Condition, condition, inOrder, type RuleChecked } from './condition.ts'
import { whoCondition } from './explain-ask.ts'
import { placesOf } from './places.ts'
import { type PageFacts, supposedIncident } from './supposed-page.ts'

export type PageExplanation = {
  readonly page: PageFacts
  /** What `decidePage` says. */
  readonly decision: AccessDecision
  /** All of them hold where the pass is given at once. */
  readonly conditions: readonly Condition[]
  readonly rules: readonly RuleChecked[]
}

/** What a page would give somebody, and why no more. Pure; times are milliseconds since the epoch. */
export const explainPage = (
  parsed: SoundRuleSet,
  who: Supposed,
  service: Service,
  page: PageFacts,
  now: number,
): PageExplanation => {
  const { rules } = parsed
  const { incident, paged } = supposedIncident(service, who, page, now)
  const checked = checkPageRules(rules, service, who, incident, paged, now)
  const first = checked.findIndex(({ decides }) => decides)
  return {
    page,
    decision: decidePage(rules, incident, service, who, paged, now),
    conditions: conditionsOf(parsed, who, service, service.onPage[first], incident, paged, now),
    rules: checked,
  }
}

const demands = (rule: PageRule): Readonly<Record<keyof typeof pageConditions, string | undefined>> => ({
  urgency: rule.urgency === 'any' ? undefined : `the urgency is ${rule.urgency}`,
  priority: rule.priority === undefined ? undefined : `the priority is ${oneOf(rule.priority)}`,
  levels:
    rule.levels === undefined
      ? undefined
      : rule.levels.from === rule.levels.to
        ? `the level is ${rule.levels.from}`
        : `the level is ${rule.levels.from} to ${rule.levels.to}`,
  when: rule.when === undefined ? undefined : `it is ${windowsText(rule.when)}`,
})

const checkPageRules = (
  rules: RuleSet,
  service: Service,
  who: Supposed,
  incident: Incident,
  paged: Paged,
  now: number,
): RuleChecked[] =>
  inOrder(
    service.onPage.map((rule) => {
      const said = demands(rule)
      const names = Object.keys(pageConditions) as (keyof typeof pageConditions)[]
      return {
        section: 'on_page' as const,
        id: rule.id,
        where: rule.where,
        does: `gives ${rule.give} for ${lengthText(rule.for)}, ${howText[rule.how]}`,
        conditions: [
          ...names.flatMap((name) => {
            const what = said[name]
            return what === undefined ? [] : [condition(what, pageConditions[name](rule, incident, paged))]
          }),
          whoCondition(rules, rule.who, who, now),
        ],
      }
    }),
  )

const howText = {
  auto: 'at once',
  'on acknowledge': 'when it is acknowledged',
  offer: 'as an offer to take',
} as const satisfies Record<PageRule['how'], string>

/** What keeps a page from giving its pass at once, in the order in which `decidePage` tests it. */
const conditionsOf = (
  parsed: SoundRuleSet,
  who: Supposed,
  service: Service,
  rule: PageRule | undefined,
  incident: Incident,
  paged: Paged,
  now: number,
): Condition[] => {
  const places = placesOf(parsed)
  const tested = [
    condition(`${who.name} is active`, who.active),
    condition(`a rule for pages like this names ${who.name}`, rule !== undefined, rule?.where),
  ]
  if (rule === undefined) return tested
  const { trigger } = incident
  const by = trigger.kind === 'integration' ? trigger.id : 'what set it off'
  return [
    ...tested,
    condition(`${who.name} did not set the incident off`, !isBySelf(incident, who)),
    condition(
      `${by} is among the trusted triggers of ${service.name}`,
      isTrusted(incident, service),
      places.trustedTriggers(service.name),
    ),
    condition(
      `${rule.give} needs no approval on ${service.name}`,
      tierOf(service, rule.give)?.approvals === undefined,
      places.termOf(service.name, rule.give)('approvals'),
    ),
    condition(
      rule.how === 'on acknowledge'
        ? `${who.name} has acknowledged the incident`
        : 'the rule gives by itself',
      isGivenAtOnce(rule, incident, paged),
      rule.where,
    ),
    condition('the page is heard of in time', !isLate(paged, now)),
  ]
}
