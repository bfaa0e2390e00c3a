import { decideLock } from '../domain/decide-lock.ts'
import { Fault } from '../domain/errors.ts'
import type { By } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import { byOf } from '../domain/grant-transitions.ts'
import { after, type Lock, type LockedBy } from '../domain/lock.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { RuleSet } from '../domain/rule-set.ts'
import type {
  Clock,
  GrantStore,
  LiveGrants,
  LockStore,
  Locks,
  NewNonce,
  Receipt,
  Receipts,
} from '../ports.ts'
import { endLocked } from './end-locked.ts'

export type LockParts = {
  readonly environment: string
  readonly live: LiveGrants
  readonly locks: Locks
  readonly lockStore: LockStore
  readonly store: GrantStore
  readonly clock: Clock
  readonly newNonce: NewNonce
}

export type Locked = {
  readonly lock: Lock
  /** The number of its event; undefined where they were locked out already. */
  readonly sequence: number | undefined
  /** How many passes, offers and requests it ended. */
  readonly ended: number
}

const attempts = 20

/**
 * Shuts somebody out of everything: first the lock, which every process carries out at once and which nothing can be
 * given past, then the end of all they hold. Who is locked out already stays so by the lock there is, unless somebody has
 * agreed to lift it: then it is locked anew, and they have to agree again.
 */
export const lockPrincipal = async (
  parts: LockParts,
  who: By,
  by: LockedBy,
  because: string,
): Promise<Locked> => {
  const { locks, live, lockStore, clock, newNonce, environment } = parts
  const key = principalKey(who)
  let held = 0
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await live.catchUp()
    const before = locks.of(key)
    if (before?.state === 'locked' && before.agreed.length === 0)
      return { lock: before, sequence: undefined, ended: await endLocked(parts, before) }
    const at = Math.max(clock.now(), after(before?.at ?? 0))
    const nonce = newNonce()
    const expected = Math.max(held, before?.version ?? 0)
    const lock: Lock = {
      id: grantIdFromFacts(['lock', environment, key, nonce]),
      version: after(expected),
      environment,
      who: byOf(who),
      state: 'locked',
      by,
      because,
      since: at,
      agreed: [],
      nonce,
      at,
    }
    const { stored, sequence, version } = await lockStore.put(lock, expected)
    if (stored) return { lock, sequence, ended: await endLocked(parts, lock) }
    held = version
  }
  throw new Fault('store/conflict', `the lock changed ${attempts} times while it was to be made`)
}

export type LockOutcome = (Locked & { readonly receipt: Receipt | undefined }) | { readonly refused: Reason }

/** Somebody whom the rules let do so shuts a principal out. Ends when every proxy confirmed, or the time for that is over. */
export const lockByPerson = async (
  parts: LockParts & { readonly rules: RuleSet; readonly receipts: Receipts },
  person: Person,
  who: By,
  because: string,
): Promise<LockOutcome> => {
  await parts.live.catchUp()
  const reason = decideLock(parts.rules, person, parts.clock.now())
  if (reason !== undefined) return { refused: reason }
  const locked = await lockPrincipal(parts, who, { kind: 'person', ...byOf(person) }, because)
  const { lock, sequence } = locked
  const receipt = sequence === undefined ? undefined : await parts.receipts.of(sequence, lock.id)
  return { ...locked, receipt }
}
