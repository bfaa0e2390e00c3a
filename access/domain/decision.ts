import type { HeldGrant } from './held.ts'
import type { Pattern } from './path-pattern.ts'
import type { Reason } from './reasons.ts'
import type { Service } from './rule-set.ts'
import type { Tier } from './tier.ts'

export type Allowed = {
  readonly allow: true
  readonly service: Service
  /** What admits it: a grant, or what stands in for one where a standing rule does (`standing-grant.ts`). */
  readonly held: HeldGrant
  /** The tier the request counts under. */
  readonly tier: Tier
  readonly pattern: Pattern
}

export type Denied = {
  readonly allow: false
  readonly reason: Reason
  /** The lowest tier that would admit the request, where there is one. */
  readonly needs?: Tier
  /** The pass that came nearest, to which the refusal is counted. */
  readonly held?: HeldGrant
  /** Grants that may admit it once the sign-ins that they carry are proven. */
  readonly unproven?: readonly HeldGrant[]
}

/** What was decided on a request, and by what. A pure value: the proxy, tests and replay get the same one. */
export type Decision = Allowed | Denied
