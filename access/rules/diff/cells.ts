import type { PageRule } from '../../domain/rule-set.ts'
import type { TimeWindow } from '../../domain/time-window.ts'
import { oneOf } from '../words.ts'
import { type Hours, hoursOf, hoursText, windowKey } from './week.ts'

/** What may be so when a rule is looked at, as far as the rules tell it apart. */
export type Cell = {
  readonly urgency: 'high' | 'low'
  readonly priority: string | undefined
  readonly level: number | undefined
  /** The windows that are open. */
  readonly open: ReadonlySet<string>
}

type Conditions = Pick<PageRule, 'when'> & Partial<Pick<PageRule, 'urgency' | 'priority' | 'levels'>>

type Dimension = {
  readonly values: readonly Partial<Cell>[]
  readonly say: (values: readonly number[]) => string
  readonly isHours?: true
}

export type Cells = {
  readonly all: readonly Cell[]
  /** Some of them in words, each of which goes on from "a page": `[]` is never, `['']` always. */
  readonly say: (places: readonly number[]) => string[]
}

/** More than that nobody tells apart, least of all a reader. */
const most = 20_000

/** The cells that these rules tell apart; undefined where they are too many. */
export const cellsOf = (rules: readonly Conditions[]): Cells | undefined => {
  const dimensions = [urgencies(rules), priorities(rules), levels(rules), ...hours(rules)]
  if (dimensions.reduce((product, { values }) => product * values.length, 1) > most) return undefined
  let places: readonly (readonly number[])[] = [[]]
  for (const { values } of dimensions)
    places = places.flatMap((place) => values.map((_, index) => [...place, index]))
  const all = places.map((place): Cell => {
    const parts = place.map((index, at) => dimensions[at]?.values[index] ?? {})
    const { urgency = 'high' } = parts[0] ?? {}
    const [, { priority } = {}, { level } = {}, ...inZones] = parts
    return { urgency, priority, level, open: new Set(inZones.flatMap(({ open = [] }) => [...open])) }
  })
  return {
    all,
    say: (some) => {
      const boxes = boxesOf(some.map((index) => places[index] ?? []))
      return boxes.map((box) => {
        const said = dimensions.flatMap(({ values, say, isHours = false }, at) => {
          const some = box[at] ?? []
          return some.length === values.length ? [] : [{ text: say(some), isHours }]
        })
        return said
          .map(({ text, isHours }, index) => (isHours && said[index - 1]?.isHours ? `, and${text}` : text))
          .join('')
      })
    },
  }
}

/** The same places as boxes: all combinations of some values of each dimension. */
const boxesOf = (places: readonly (readonly number[])[]): (readonly number[])[][] => {
  if (places.length === 0) return []
  if (places[0]?.length === 0) return [[]]
  const rests = new Map<number, (readonly number[])[]>()
  for (const [first = 0, ...rest] of places) rests.set(first, [...(rests.get(first) ?? []), rest])
  const alike = new Map<string, { values: number[]; rest: (readonly number[])[] }>()
  for (const [value, rest] of rests) {
    const key = JSON.stringify(rest)
    const same = alike.get(key) ?? { values: [], rest }
    same.values.push(value)
    alike.set(key, same)
  }
  return [...alike.values()].flatMap(({ values, rest }) => boxesOf(rest).map((box) => [values, ...box]))
}

/** Whether a rule fits there, whoever it is about. */
export const fitsCell = (rule: Conditions, { urgency, priority, level, open }: Cell): boolean =>
  (rule.urgency === undefined || rule.urgency === 'any' || rule.urgency === urgency) &&
  (rule.priority === undefined || (priority !== undefined && rule.priority.includes(priority))) &&
  (rule.levels === undefined ||
    (level !== undefined && level >= rule.levels.from && level <= rule.levels.to)) &&
  (rule.when === undefined || rule.when.some((window) => open.has(windowKey(window))))

const one: Dimension = { values: [{}], say: () => '' }

const urgencies = (rules: readonly Conditions[]): Dimension => {
  const matters = rules.some(({ urgency = 'any' }) => urgency !== 'any')
  if (!matters) return one
  const names = ['high', 'low'] as const
  return {
    values: names.map((urgency) => ({ urgency })),
    say: (values) => ` of ${values.map((index) => names[index]).join('')} urgency`,
  }
}

const priorities = (rules: readonly Conditions[]): Dimension => {
  const names = [...new Set(rules.flatMap(({ priority = [] }) => priority))].sort()
  return {
    values: [...names, undefined].map((priority) => ({ priority })),
    say: (values) => {
      const named = names.filter((_, index) => values.includes(index))
      if (!values.includes(names.length)) return ` of priority ${oneOf(named)}`
      return ` of any priority but ${oneOf(names.filter((name) => !named.includes(name)))}`
    },
  }
}

/** Escalation levels that the same rules hold; PagerDuty may not say the level. */
const levels = (rules: readonly Conditions[]): Dimension => {
  const ranges = rules.flatMap((rule) => (rule.levels === undefined ? [] : [rule.levels]))
  if (ranges.length === 0) return one
  const cuts = [...new Set([1, ...ranges.flatMap(({ from, to }) => [from, to + 1])])].sort((a, b) => a - b)
  const last = cuts.at(-1) ?? 1
  const texts = cuts.map((from, index) => {
    const to = (cuts[index + 1] ?? from) - 1
    return from === last ? `${from} and above` : to > from ? `${from}-${to}` : `${from}`
  })
  return {
    values: [...cuts, undefined].map((level) => ({ level })),
    say: (values) => {
      const named = texts.filter((_, index) => values.includes(index))
      const unknown = values.includes(cuts.length) ? ['no level that is known'] : []
      return ` at ${oneOf([...named.map((text) => `${text.includes('-') ? 'levels' : 'level'} ${text}`), ...unknown])}`
    },
  }
}

/** For each time zone the hours that its windows tell apart. What zones have to do with one another is left open. */
const hours = (rules: readonly Conditions[]): Dimension[] => {
  const windows = new Map<string, TimeWindow[]>()
  for (const window of rules.flatMap(({ when = [] }) => when))
    windows.set(window.zone, [...(windows.get(window.zone) ?? []), window])
  return [...windows].map(([zone, inZone]) => {
    const values: readonly Hours[] = hoursOf(inZone)
    return {
      values,
      isHours: true,
      say: (some) =>
        ` ${hoursText(
          some.flatMap((index) => values[index]?.spans ?? []),
          zone,
        )}`,
    }
  })
}
