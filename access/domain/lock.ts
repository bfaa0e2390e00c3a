import { z } from 'zod'
import { grantShape } from './grant.ts'
import { principalKey } from './principal.ts'

const principal = z.strictObject({ issuer: z.string(), subject: z.string(), name: z.string() })

export const longestBecause = 500

const lockBase = z.strictObject({
  /** Of one locking: what follows from it keeps the id, and another locking has another. */
  id: grantShape.shape.id,
  /** Rises with each statement about this principal. */
  version: z.int().min(1),
  environment: z.string(),
  who: principal,
  state: z.enum(['locked', 'free']),
  /** Who locked them out: somebody of those who may, a key that may, or the directory, which says they are not active. */
  by: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('person'), ...principal.shape }),
    z.strictObject({ kind: z.literal('key'), kid: z.string() }),
    z.strictObject({ kind: z.literal('directory'), asOf: z.int() }),
  ]),
  because: z.string().max(longestBecause),
  since: z.int(),
  /** Who agreed to let them in again, and when. */
  agreed: z.array(z.strictObject({ ...principal.shape, at: z.int() })),
  /** Random; what is written into buttons is derived from it (`button.ts`). */
  nonce: grantShape.shape.nonce,
  /** Later than that of every statement about this principal before: it says which one is the newest. */
  at: z.int(),
})

/** What is known of a principal who was locked out at some time. */
export type Lock = z.output<typeof lockBase>
export type LockedBy = Lock['by']

/** Shuts a principal out. Whoever may end grants may sign it. */
export const lockShape = lockBase.extend({ state: z.literal('locked'), agreed: lockBase.shape.agreed.max(0) })

/** Somebody agreed to let them in again, or enough did. Only who may give grants may sign it. */
export const liftShape = lockBase.extend({ agreed: lockBase.shape.agreed.min(1) })

/** Either of them, before its signature is checked. */
export const anyLockShape = lockBase

/**
 * The next number. A stolen key may have signed the greatest one, and a greater one nobody could read: of two statements of
 * the same moment the one that locks counts.
 */
export const after = (number: number): number => Math.min(number + 1, Number.MAX_SAFE_INTEGER)

/** How long an order may be under way, and how much clocks may differ. */
export const orderLastsMs = 300_000

/** What somebody with the key for it orders from afar (`pagepass lock`): a bot makes a lock of it. */
export const lockOrderShape = z.strictObject({
  environment: z.string(),
  /** At the identity provider of the rule set. */
  subject: z.string().min(1).max(255),
  because: z.string().min(1).max(longestBecause),
  at: z.int(),
})
export type LockOrder = z.output<typeof lockOrderShape>

export const kindOfLock = ({ agreed }: Lock): 'lock' | 'lift' => (agreed.length === 0 ? 'lock' : 'lift')

/** How many different people, other than whom it is about, agreed. */
export const agreedBy = ({ agreed, who }: Lock): number =>
  new Set(agreed.map(principalKey).filter((one) => one !== principalKey(who))).size

/** Rules may demand more than two, and be changed; no rules make it fewer unless they say so themselves. */
const usualLift = 2

/**
 * Whether a statement may be taken for what it says. Nobody is let in by fewer people than it takes, whoever signed it;
 * `lift` is how many the rules of this process demand.
 */
export const isPlausible = (lock: Lock, lift = usualLift): boolean =>
  lock.state === 'locked' || agreedBy(lock) >= Math.min(lift, usualLift)
