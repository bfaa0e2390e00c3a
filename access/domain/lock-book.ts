import type { Lock } from './lock.ts'
import { principalKey } from './principal.ts'

export type KeptLock = { readonly lock: Lock; readonly statement: string }

type Known = {
  /** The newest whose signature was checked. */
  readonly proven: KeptLock | undefined
  /** What shuts them out, and is being checked. */
  readonly believed: readonly KeptLock[]
}

/**
 * Who is locked out, as far as this process has ever learned: it outlives every resync, so that a Redis that lost a lock
 * lets nobody in. A lock counts at once and is checked after, what lets somebody in only once it is checked. The later
 * statement counts, and of two of the same moment the one that locks.
 */
export const createLockBook = () => {
  const locked = new Set<string>()
  const known = new Map<string, Known>()
  /** Statements that are genuine, and by a key that was revoked. */
  const doubted = new Set<string>()
  let changes = 0

  const put = (principal: string, next: Known): void => {
    changes += 1
    known.set(principal, next)
    if (next.proven === undefined && next.believed.length === 0) known.delete(principal)
    if (next.believed.length > 0 || next.proven?.lock.state === 'locked') locked.add(principal)
    else locked.delete(principal)
  }

  const at = (principal: string): Known => known.get(principal) ?? { proven: undefined, believed: [] }

  const without = ({ believed }: Known, { statement }: KeptLock): KeptLock[] =>
    believed.filter((one) => one.statement !== statement)

  return {
    /** What Redis says, unchecked. */
    believe: (kept: KeptLock): void => {
      const { lock } = kept
      const principal = principalKey(lock.who)
      const before = at(principal)
      const { proven } = before
      if (lock.state !== 'locked' || proven?.statement === kept.statement) return
      if (proven !== undefined && lock.at < proven.lock.at) return
      put(principal, { proven, believed: [...without(before, kept), kept] })
    },
    /** Its signature holds. */
    prove: (kept: KeptLock): void => {
      const { lock } = kept
      const principal = principalKey(lock.who)
      const before = at(principal)
      const { proven } = before
      const isNewer =
        proven === undefined ||
        lock.at > proven.lock.at ||
        (lock.at === proven.lock.at && lock.state === 'locked')
      const newest = isNewer ? kept : proven
      const believed = without(before, kept).filter((one) => one.lock.at >= newest.lock.at)
      put(principal, { proven: newest, believed })
    },
    /** Its signature does not hold, so it never was. */
    disprove: (kept: KeptLock): void => {
      const principal = principalKey(kept.lock.who)
      const before = at(principal)
      put(principal, { ...before, believed: without(before, kept) })
    },
    /**
     * It is genuine, and by a key that was revoked: whatever it says, it shuts them out until there is something newer. Nobody
     * is let in by it, nor by its being gone.
     */
    doubt: (kept: KeptLock): void => {
      const principal = principalKey(kept.lock.who)
      const before = at(principal)
      const { proven } = before
      const own = proven?.statement === kept.statement
      if (!own && proven !== undefined && kept.lock.at < proven.lock.at) return
      doubted.add(kept.statement)
      put(principal, { proven: own ? undefined : proven, believed: [...without(before, kept), kept] })
    },
    isProven: ({ lock, statement }: KeptLock): boolean =>
      known.get(principalKey(lock.who))?.proven?.statement === statement,
    isLocked: (principal: string): boolean => locked.size > 0 && locked.has(principal),
    /** What is known of somebody who is or was locked out, where the signature was checked. */
    of: (principal: string): Lock | undefined => known.get(principal)?.proven?.lock,
    /** The newest of each principal whose signature was checked. */
    proven: (): KeptLock[] => [...known.values()].flatMap(({ proven }) => proven ?? []),
    /** All that has to be known again to know as much: what is proven, and what shuts somebody out though it is doubted. */
    kept: (): KeptLock[] =>
      [...known.values()].flatMap(({ proven, believed }) => [
        ...(proven === undefined ? [] : [proven]),
        ...believed.filter(({ statement }) => doubted.has(statement)),
      ]),
    /** How often anything of it has changed. */
    changes: (): number => changes,
    /** By this process alone, whatever is known. */
    lock: (principal: string): void => void locked.add(principal),
    unlock: (principal: string): void => void locked.delete(principal),
  }
}
export type LockBook = ReturnType<typeof createLockBook>
