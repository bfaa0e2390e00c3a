import type { FaultAt } from './yaml-fault.ts'
import { notTabs } from './yaml-words.ts'

/** What is found wrong with a text while it is cut, and from where on its shape is lost. */
export type Found = ReturnType<typeof createFound>

export const createFound = (text: string) => {
  const faults: FaultAt[] = []
  let lostAt = Number.POSITIVE_INFINITY
  const fault = (at: number, what: string): void => {
    faults.push({ at, what })
  }
  return {
    faults,
    /** Further faults from there on would only be echoes. */
    lostAt: (): number => lostAt,
    fault,
    /** With it the shape is lost from some place on. */
    lose: (from: number, what: string, at = from): void => {
      if (from >= lostAt) return
      fault(at, what)
      lostAt = from
    },
    tab: (at: number): void => {
      fault(at, notTabs)
      // What stands above it may seem to say nothing.
      const line = text.lastIndexOf('\n', at - 1)
      lostAt = Math.min(lostAt, line === -1 ? 0 : text.lastIndexOf('\n', line - 1) + 1)
    },
  }
}
