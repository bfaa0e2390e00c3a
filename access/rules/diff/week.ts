import type { TimeWindow } from '../../domain/time-window.ts'
import { day, type Span, spansOf, week } from '../week-spans.ts'
import { windowsText } from '../words.ts'

/** Hours of the week that the same windows hold. */
export type Hours = { readonly spans: readonly Span[]; readonly open: ReadonlySet<string> }

export const windowKey = (window: TimeWindow): string => JSON.stringify(window)

/** The hours of the week that windows of one zone tell apart. */
export const hoursOf = (windows: readonly TimeWindow[]): Hours[] => {
  const keys = new Map(windows.map((window) => [windowKey(window), spansOf(window)]))
  const edges = [...keys.values()].flat().flatMap(({ from, to }) => [from, to])
  const cuts = [...new Set([0, ...edges, week])].sort((a, b) => a - b)
  const hours = new Map<string, { spans: Span[]; open: Set<string> }>()
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    const open = [...keys].filter(([, spans]) => spans.some((span) => span.from <= from && from < span.to))
    const names = open.map(([key]) => key)
    const same = hours.get(names.join()) ?? { spans: [], open: new Set(names) }
    same.spans.push({ from, to: cuts[index + 1] ?? week })
    hours.set(names.join(), same)
  }
  return [...hours.values()]
}

/** These hours as windows are written, or what they leave out where that is shorter. */
export const hoursText = (spans: readonly Span[], zone: string): string => {
  const inside = windowsOf(spans, zone)
  const outside = windowsOf(restOf(spans), zone)
  return outside.length < inside.length ? `outside ${windowsText(outside)}` : windowsText(inside)
}

const restOf = (spans: readonly Span[]): Span[] => {
  const rest: Span[] = []
  let from = 0
  for (const span of merged(spans)) {
    if (span.from > from) rest.push({ from, to: span.from })
    from = span.to
  }
  return from < week ? [...rest, { from, to: week }] : rest
}

const merged = (spans: readonly Span[]): Span[] => {
  const runs: Span[] = []
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = runs.at(-1)
    if (last !== undefined && span.from <= last.to)
      runs[runs.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
    else runs.push(span)
  }
  return runs
}

const windowsOf = (spans: readonly Span[], zone: string): TimeWindow[] => {
  const runs = merged(spans)
  const [first, last] = [runs[0], runs.at(-1)]
  // Saturday's night goes on into Sunday.
  if (first !== undefined && last !== undefined && first !== last && first.from === 0 && last.to === week)
    runs.splice(0, runs.length, ...runs.slice(1, -1), { from: last.from, to: week + first.to })
  const days = new Map<string, { days: number[]; from: number; until: number }>()
  const put = (from: number, to: number): void => {
    const window = { from: from % day, until: to % day === 0 ? day : to % day }
    const key = JSON.stringify(window)
    const same = days.get(key) ?? { days: [], ...window }
    same.days.push(Math.floor(from / day) % 7)
    days.set(key, same)
  }
  for (const { from, to } of runs) {
    // A night is one window; what is longer than a day is told day by day.
    if (to - from < day && !(Math.floor(from / day) === Math.floor(to / day) || to % day === 0)) put(from, to)
    else
      for (let at = from; at < to; at = (Math.floor(at / day) + 1) * day)
        put(at, Math.min(to, (Math.floor(at / day) + 1) * day))
  }
  return [...days.values()].map((window) => ({ ...window, days: window.days.sort(), zone }))
}
