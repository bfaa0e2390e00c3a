import type { Reason } from './reasons.ts'
import type { Tier } from './tier.ts'
import type { HeldGrant } from './view.ts'

/** What was decided on a request, and by what. A pure value: the proxy, tests and replay get the same one. */
export type Decision =
  | { readonly allow: true; readonly held: HeldGrant; readonly tier: Tier; readonly pattern: string }
  | {
      readonly allow: false
      readonly reason: Reason
      /** The lowest tier that would admit the request, where there is one. */
      readonly needs?: Tier
      /** The pass that came nearest, to which the refusal is counted. */
      readonly held?: HeldGrant
    }
