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

type Said = {
  readonly said: Confirmation
  readonly at: number
  readonly except: ReadonlyMap<string, number>
}

/**
 * What is known of PagerDuty's word, as far as this process has ever learned: the newest statement of each key, so that what
 * another one said is still there when a key is revoked. One statement is for all passes: a pass is looked at only when
 * somebody decides on it, and what was never confirmed narrows by itself.
 */
export const createConfirmations = () => {
  const byKey = new Map<string, Said>()
  let newest: Said | undefined

  return {
    /**
     * Takes a statement whose signature was checked, and was made with this key. False where it is from the future; an older
     * one changes nothing.
     */
    put: (said: Confirmation, now: number, kid: string): boolean => {
      if (said.at > now + skewMs) return false
      if (said.at <= (byKey.get(kid)?.said.at ?? Number.NEGATIVE_INFINITY)) return true
      const at = Math.min(said.at, now)
      const except = new Map(said.except.map((one) => [one.incident, Math.min(one.at, at)]))
      byKey.set(kid, { said, at, except })
      newest = newestOf(byKey.values())
      return true
    },
    /** This key may be somebody's who stole it: what it said is nobody's word. */
    forget: (kid: string): void => {
      byKey.delete(kid)
      newest = newestOf(byKey.values())
    },
    /** The newest statement. */
    newest: (): Confirmation | undefined => newest?.said,
    /**
     * Until when this grant counts as what it says, in milliseconds since the epoch. What no page gave needs no word of
     * PagerDuty's.
     */
    until: (grant: Pick<Grant, 'why' | 'by' | 'at' | 'followed'>): number => {
      if (grant.why.kind !== 'page') return Number.POSITIVE_INFINITY
      const said = newest?.except.get(grant.why.incident.id) ?? newest?.at ?? Number.NEGATIVE_INFINITY
      return Math.max(said, followedAt(grant) ?? Number.NEGATIVE_INFINITY) + confirmedForMs
    },
  }
}

const newestOf = (all: Iterable<Said>): Said | undefined => {
  let newest: Said | undefined
  for (const one of all) if (newest === undefined || one.said.at > newest.said.at) newest = one
  return newest
}

export type Confirmations = ReturnType<typeof createConfirmations>
