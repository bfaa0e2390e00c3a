import type { Pattern } from './path-pattern.ts'

/** A step of access to a service. A tier includes every tier of a lower rank. Times are milliseconds. */
export type Tier = {
  readonly name: string
  /** 0 is the lowest. */
  readonly rank: number
  /** The longest a grant of this tier may last. */
  readonly longest: number
  /** Requests per second that one grant may make under this tier. */
  readonly rate: number
  /** How old the view may be before this tier closes. */
  readonly whenStale: number
  readonly reasonRequired: boolean
  readonly approvals: { readonly count: number; readonly from: readonly string[] } | undefined
  /** What the tier allows beyond the tiers below it. */
  readonly patterns: readonly Pattern[]
}
