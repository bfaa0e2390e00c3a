import type { RuleSet } from '../../domain/rule-set.ts'
import type { TimeWindow } from '../../domain/time-window.ts'

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
  spansOf(one).some((a) =>
    spansOf(other).some((b) => a.day === b.day && a.from < b.until && b.from < a.until),
  )

/** A window by days: one over midnight is two. */
const spansOf = ({ days, from, until }: TimeWindow) =>
  from < until
    ? days.map((day) => ({ day, from, until }))
    : days.flatMap((day) => [
        { day, from, until: 1_440 },
        { day: (day + 1) % 7, from: 0, until },
      ])
