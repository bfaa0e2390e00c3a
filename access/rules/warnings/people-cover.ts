import type { RuleSet } from '../../domain/rule-set.ts'
import type { TimeWindow } from '../../domain/time-window.ts'

/** Whether everybody in one set of people is certainly in one of these, too. */
export const peopleCover = ({ people }: RuleSet, wide: readonly string[], narrow: string): boolean => {
  if (wide.includes(narrow)) return true
  const few = people.get(narrow)
  if (few === undefined) return false
  return wide.some((name) => {
    const many = people.get(name)
    return (
      many !== undefined &&
      holdsAll(many.groups, few.groups) &&
      holdsAll(many.roles, few.roles) &&
      holdsAll(many.subjects, few.subjects) &&
      (many.until === undefined || (few.until !== undefined && few.until <= many.until))
    )
  })
}

export const holdsAll = (many: readonly string[], few: readonly string[]): boolean =>
  few.every((one) => many.includes(one))

/** Whether these windows are certainly open whenever those are. */
export const windowsCover = (
  wide: readonly TimeWindow[] | undefined,
  narrow: readonly TimeWindow[] | undefined,
): boolean =>
  wide === undefined || (narrow?.every((small) => wide.some((large) => windowCovers(large, small))) ?? false)

const windowCovers = (large: TimeWindow, small: TimeWindow): boolean => {
  if (large.zone !== small.zone || !small.days.every((day) => large.days.includes(day))) return false
  if (large.from === small.from && large.until === small.until) return true
  const sameDay = large.from < large.until && small.from < small.until
  return sameDay && large.from <= small.from && small.until <= large.until
}
