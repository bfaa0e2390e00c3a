import type { TimeWindow } from '../domain/time-window.ts'

/** Minutes of the week by the clock of a zone: 0 is Sunday at midnight. `to` is not included. */
export type Span = { readonly from: number; readonly to: number }

export const day = 1_440
export const week = 7 * day

/** When a window is open. Saturday's night goes on into Sunday. */
export const spansOf = ({ days, from, until }: TimeWindow): Span[] =>
  days.flatMap((on) => {
    const begins = on * day + from
    const ends = on * day + (from < until ? until : until + day)
    if (ends <= week) return [{ from: begins, to: ends }]
    return [
      { from: begins, to: week },
      { from: 0, to: ends - week },
    ].filter((span) => span.from < span.to)
  })
