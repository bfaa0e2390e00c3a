import { z } from 'zod'
import { followedAt, type Grant } from './grant.ts'

/** More incidents than this that PagerDuty does not confirm are as bad as none that it does. */
export const mostUnconfirmed = 500

/**
 * What whoever reconciles attests: at this time PagerDuty confirmed every incident that passes stand under, but for these,
 * which it confirmed last at the time beside them.
 */
export const confirmationShape = z.strictObject({
  environment: z.string(),
  at: z.int().min(0),
  except: z.array(z.strictObject({ incident: z.string().max(64), at: z.int().min(0) })).max(mostUnconfirmed),
})

export type Confirmation = z.output<typeof confirmationShape>

/** PagerDuty's word on an incident is good for so long. Then its passes are not extended, and count as the lowest tier. */
export const confirmedForMs = 900_000

/** Clocks that differ by more are somebody's to mend. */
const skewMs = 2_000

/**
 * What is known of PagerDuty's word, as far as this process has ever learned. One statement is for all passes: a pass is
 * looked at only when somebody decides on it, and what was never confirmed narrows by itself.
 */
export const createConfirmations = () => {
  let newest: Confirmation | undefined
  let at = Number.NEGATIVE_INFINITY
  let except: ReadonlyMap<string, number> = new Map()

  return {
    /** Takes a statement whose signature was checked. False where it is from the future; an older one changes nothing. */
    put: (confirmation: Confirmation, now: number): boolean => {
      if (confirmation.at > now + skewMs) return false
      if (newest !== undefined && confirmation.at <= newest.at) return true
      newest = confirmation
      at = Math.min(confirmation.at, now)
      except = new Map(confirmation.except.map((one) => [one.incident, Math.min(one.at, at)]))
      return true
    },
    /** The newest statement. */
    newest: (): Confirmation | undefined => newest,
    /**
     * Until when this grant counts as what it says, in milliseconds since the epoch. What no page gave needs no word of
     * PagerDuty's.
     */
    until: (grant: Pick<Grant, 'why' | 'by' | 'at' | 'followed'>): number => {
      if (grant.why.kind !== 'page') return Number.POSITIVE_INFINITY
      const said = except.get(grant.why.incident.id) ?? at
      return Math.max(said, followedAt(grant) ?? Number.NEGATIVE_INFINITY) + confirmedForMs
    },
  }
}
export type Confirmations = ReturnType<typeof createConfirmations>
