import type { Proven } from './principal.ts'
import type { Service } from './rule-set.ts'

/**
 * What deciding found out about a running grant, kept beside it: for the same service (and so the same rule set) and
 * the same token it need not be found out again at every request.
 */
export type HeldCheck = {
  readonly service: Service
  readonly who: Proven
  /** Whether the rules let them hold it at all. */
  readonly may: boolean
  /** Of its tier. */
  readonly rank: number
  readonly isFreezable: boolean
  /** It is so from when it was found out until the grant ends, or until a set of people has its last day. */
  readonly from: number
  readonly until: number
}
