import { z } from 'zod'

const counts = z.record(z.string(), z.int().min(0))

/** What was done under one grant, by matched pattern: never raw paths, which hold customers' data. */
export const usageShape = z.strictObject({
  /**
   * pattern → status → requests; one that got no status counts as `cut`, `aborted` or `failed`, and as `continued` where
   * it went on under another grant, and as `decided` where a front proxy asked.
   */
  patterns: z.record(z.string(), counts),
  /** Requests with a method that may change something. */
  writes: z.int().min(0),
  /** reason code → requests refused. */
  refused: counts,
})
export type Usage = z.output<typeof usageShape>

export const addUsage = (usages: readonly Usage[]): Usage => {
  const sum: {
    patterns: Record<string, Record<string, number>>
    writes: number
    refused: Record<string, number>
  } = {
    // Names come from reports, and must not reach what objects inherit.
    patterns: Object.create(null),
    writes: 0,
    refused: Object.create(null),
  }
  for (const usage of usages) {
    sum.writes += usage.writes
    addCounts(sum.refused, usage.refused)
    for (const [pattern, statuses] of Object.entries(usage.patterns)) {
      sum.patterns[pattern] ??= Object.create(null) as Record<string, number>
      addCounts(sum.patterns[pattern], statuses)
    }
  }
  return sum
}

const addCounts = (sum: Record<string, number>, more: Readonly<Record<string, number>>): void => {
  for (const [key, count] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + count
}

export const total = (numbers: Readonly<Record<string, number>>): number =>
  Object.values(numbers).reduce((sum, count) => sum + count, 0)

export const requestsOf = (usage: Usage): number =>
  Object.values(usage.patterns).reduce((sum, statuses) => sum + total(statuses), 0)
