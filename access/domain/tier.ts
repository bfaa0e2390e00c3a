import type { Pattern } from './path-pattern.ts'
import type { SignInTerms } from './sign-in.ts'

/** Who has to approve a tier, and what happens when nobody answers. Names are of sets of people. Milliseconds. */
export type Approvals = {
  readonly count: number
  readonly from: readonly string[]
  /** Whether each approval must come from another of the sets in `from`. */
  readonly distinct: boolean
  /** Whom it is put before, too, when it has not been decided after so long. */
  readonly escalate?: { readonly after: number; readonly to: readonly string[] }
  /** What each approver's fresh sign-in must be, whose nonce is the hash of what they approve. Without it none is asked for. */
  readonly signIn?: SignInTerms
}

/** What has to be said when asking: nothing, why, or why with a ticket such as CHG-123. Each asks more than the one before. */
export const reasonDemands = ['optional', 'required', 'ticket'] as const

/** A step of access to a service. A tier includes every tier of a lower rank. Times are milliseconds. */
export type Tier = {
  readonly name: string
  /** 0 is the lowest. */
  readonly rank: number
  /** The longest a grant of this tier may last. */
  readonly longest: number
  /** How long one lasts that was asked for without a duration. */
  readonly usual: number
  /** Requests per second that one principal may make under this tier, and how many at once. */
  readonly rate: number
  readonly burst: number
  /** How old the view may be before this tier closes. */
  readonly whenStale: number
  readonly reason: (typeof reasonDemands)[number]
  readonly approvals: Approvals | undefined
  /** How often a pass may be extended, and by how much of what it first gave each time (1 is all of it). */
  readonly extend: { readonly count: number; readonly share: number }
  /** Whether it is only for requests that come through the proxy, which can cut them. */
  readonly proxyOnly: boolean
  /** What the sign-in behind a token must have been: its class (OpenID Connect `acr`), and how long ago at most. */
  readonly signIn: { readonly acr: string | undefined; readonly maxAge: number | undefined } | undefined
  /** What the tier allows beyond the tiers below it. */
  readonly patterns: readonly Pattern[]
}
