import type { RuleSet } from '../../domain/rule-set.ts'
import type { TimeWindow } from '../../domain/time-window.ts'
import { spansOf } from '../week-spans.ts'

/** Whether certainly nobody is in a set of each list. In two groups or roles, somebody may be. */
export const peopleApart = (rules: RuleSet, some: readonly string[], others: readonly string[]): boolean =>
  some.every((one) => others.every((other) => setsApart(rules, one, other)))

const setsApart = ({ people }: RuleSet, one: string, other: string): boolean => {
  const [a, b] = [people.get(one), people.get(other)]
  if (one === other || a === undefined || b === undefined) return false
  const isNamed = [a, b].every(({ groups, roles }) => groups.length + roles.length === 0)
  return isNamed && !a.subjects.some((subject) => b.subjects.includes(subject))
}

/** Whether these windows are certainly never open at the same time. */
export const windowsApart = (
  some: readonly TimeWindow[] | undefined,
  others: readonly TimeWindow[] | undefined,
): boolean =>
  some !== undefined &&
  others !== undefined &&
  some.every((one) => others.every((other) => one.zone === other.zone && !meet(one, other)))

const meet = (one: TimeWindow, other: TimeWindow): boolean =>
  spansOf(one).some((a) => spansOf(other).some((b) => a.from < b.to && b.from < a.to))
