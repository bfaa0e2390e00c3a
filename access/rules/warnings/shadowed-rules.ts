import type { PageRule, RequestRule, RuleSet, Service } from '../../domain/rule-set.ts'
import { few } from '../words.ts'
import type { Finding, Looked } from './finding.ts'
import { holdsAll, peopleCover, windowsCover } from './people-cover.ts'

/** Rules that never decide, because for all their services and people an earlier one does. */
export const shadowedRules = ({ rules }: Looked): Finding[] => [
  ...rules.onPage.flatMap(({ id }, index) =>
    shadowed('on_page', index, id, shadowsOfPage(rules, id), 'the same pages and people'),
  ),
  ...rules.onRequest.flatMap(({ id }, index) =>
    shadowed('on_request', index, id, shadowsOfRequest(rules, id), 'the same services, tiers and people'),
  ),
]

const shadowed = (
  section: string,
  index: number,
  id: string,
  by: readonly string[] | undefined,
  same: string,
): Finding[] =>
  by === undefined || by.length === 0
    ? []
    : [
        {
          kind: 'rule-shadowed',
          path: [section, index],
          what: `${id} never decides: ${few(by)} ${by.length === 1 ? 'decides' : 'decide'} first for ${same}; put it before ${by.length === 1 ? 'that' : 'those'}, or remove it`,
        },
      ]

/** The earlier rules that decide in place of this one; undefined where it has something left to decide. */
const shadowsOfPage = (rules: RuleSet, id: string): string[] | undefined =>
  shadowsOf(
    rules,
    id,
    ({ onPage }) => onPage,
    (rule) => [rule],
    isOfMorePages,
  )

const shadowsOfRequest = (rules: RuleSet, id: string): string[] | undefined =>
  shadowsOf(
    rules,
    id,
    ({ onRequest }) => onRequest,
    (rule) => rule.tiers.map((tier) => ({ ...rule, tiers: [tier] })),
    (earlier, later) => holdsAll(earlier.tiers, later.tiers) && windowsCover(earlier.when, later.when),
  )

/** `partsOf` cuts a rule into what may each be shadowed by another one. */
const shadowsOf = <R extends PageRule | RequestRule>(
  rules: RuleSet,
  id: string,
  of: (service: Service) => readonly R[],
  partsOf: (rule: R) => readonly R[],
  isWider: (earlier: R, later: R) => boolean,
): string[] | undefined => {
  const by = new Set<string>()
  for (const service of rules.services.values()) {
    const all = of(service)
    const first = all.findIndex((rule) => rule.id === id)
    const earlier = all.slice(0, Math.max(0, first))
    const parts = all.filter((rule) => rule.id === id).flatMap(partsOf)
    for (const part of parts)
      for (const people of part.who) {
        const shadow = earlier.find((rule) => isWider(rule, part) && peopleCover(rules, rule.who, people))
        if (shadow === undefined) return undefined
        by.add(shadow.id)
      }
  }
  return [...by]
}

const isOfMorePages = (earlier: PageRule, later: PageRule): boolean =>
  (earlier.urgency === 'any' || earlier.urgency === later.urgency) &&
  (earlier.priority === undefined ||
    (later.priority !== undefined && holdsAll(earlier.priority, later.priority))) &&
  (earlier.levels === undefined ||
    (later.levels !== undefined &&
      earlier.levels.from <= later.levels.from &&
      later.levels.to <= earlier.levels.to)) &&
  windowsCover(earlier.when, later.when)
