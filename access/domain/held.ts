import type { Grant } from './grant.ts'
import type { Proven } from './principal.ts'
import type { Service } from './rule-set.ts'

/** A live grant as a process holds it. */
export type HeldGrant = {
  readonly grant: Grant
  /** The signed statement, as Redis carried it. */
  readonly statement: string
  /** Whether the statement's signature has been checked: at first use, and in the background. */
  verified: boolean
  /** The sign-ins that it carries (`signInsOf`) whose signatures hold, once that was looked at. */
  signIns?: ReadonlySet<string> | undefined
}

/** What a principal holds for a service: active grants, at least one. */
export type Held = {
  readonly grants: readonly HeldGrant[]
  /** What deciding keeps about them. */
  check?: HeldCheck | undefined
}

/** A grant that runs, and that the rules let its holder have. */
export type Usable = {
  readonly held: HeldGrant
  /** Of its tier; of the lowest where PagerDuty does not confirm its incident. */
  readonly rank: number
  /** Of its tier, where PagerDuty does not confirm its incident. */
  readonly unconfirmed?: number
  readonly isFreezable: boolean
}

/**
 * What deciding found out about what a principal holds for a service, kept beside it: for the same rule set (it is the
 * service's) and the same token it need not be found out again at every request.
 */
export type HeldCheck = {
  readonly service: Service
  readonly who: Proven
  /** The one that ends last comes first. */
  readonly usable: readonly Usable[]
  /** Whether a grant runs that the rules don't let them have. */
  readonly beyond: boolean
  /** Those that may be more once the sign-ins that they carry are proven. */
  readonly unproven: readonly HeldGrant[]
  /**
   * It is so from when it was found out until one of the grants begins, ends or is confirmed no more, or a set of people has
   * its last day.
   */
  readonly from: number
  readonly until: number
}
