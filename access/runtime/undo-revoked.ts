import { randomBytes } from 'node:crypto'
import type { WrittenAgain } from '../adapters/redis/write-again.ts'
import { kidOf, type Statements } from '../adapters/statements.ts'
import type { Grant } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import type { HeldGrant } from '../domain/held.ts'
import { after, type Lock } from '../domain/lock.ts'
import type { KeptLock } from '../domain/lock-book.ts'
import type { View } from '../domain/view.ts'
import type { Clock, LockStore } from '../ports.ts'

const atOnce = 32

/**
 * Writes down what a revoked key leaves behind: the end of each grant that it signed, and anew, by a key that is trusted,
 * each lock. Whoever it let in again is locked out again. Any bot and worker does it; the first one is enough.
 */
export const createUndoRevoked = ({
  view,
  statements,
  end,
  lockStore,
  clock,
  alarm,
}: {
  readonly view: View
  readonly statements: Statements
  /** Ends a grant whose signature was checked. */
  readonly end: (grant: Grant) => Promise<WrittenAgain>
  readonly lockStore: LockStore
  readonly clock: Clock
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}) => {
  const underWay = new Set<HeldGrant>()

  const endOne = async (held: HeldGrant): Promise<void> => {
    if (underWay.has(held)) return
    underWay.add(held)
    try {
      const grant = await statements.verify('grant', held.statement, 'even revoked')
      const became = await end(grant)
      if (became === 'refused') alarm('what a revoked key signed could not be ended', { grant: grant.id })
    } catch (error) {
      alarm('what a revoked key signed could not be ended', { error: (error as Error).message })
    } finally {
      underWay.delete(held)
    }
  }

  const lockAnew = async ({ lock, statement }: KeptLock): Promise<void> => {
    const at = Math.max(clock.now(), after(lock.at))
    const version = after(lock.version)
    const nonce = randomBytes(24).toString('base64url')
    const again: Partial<Lock> =
      lock.agreed.length === 0
        ? {}
        : {
            id: grantIdFromFacts(['lock', lock.environment, lock.id, nonce]),
            by: { kind: 'key', kid: kidOf(statement) },
            because: 'the key that let them in again was revoked',
            since: at,
            nonce,
          }
    await lockStore.put({ ...lock, ...again, state: 'locked', agreed: [], version, at }, lock.version)
  }

  return {
    /** Ends every grant that is by a revoked key. */
    grants: async (): Promise<void> => {
      const all = [...view.all()].filter(view.isDistrusted)
      for (let from = 0; from < all.length; from += atOnce)
        await Promise.all(all.slice(from, from + atOnce).map(endOne))
    },
    lock: (kept: KeptLock): void => {
      lockAnew(kept).catch((error: Error) =>
        alarm('a lock could not be signed anew', { lock: kept.lock.id, error: error.message }),
      )
    },
  }
}

/** Doubts every lock, and whatever let somebody in again, that is by a key that was revoked. */
export const doubtLocks = (
  view: View,
  statements: Statements,
  doubted?: (kept: KeptLock) => void,
): KeptLock[] =>
  view.locks.proven().filter((kept) => {
    if (!statements.isRevoked(kept.statement)) return false
    view.locks.doubt(kept)
    doubted?.(kept)
    return true
  })

/** How much is live, or shuts somebody out or lets them in, that was signed with one key. */
export type Signed = {
  readonly passes: number
  readonly offers: number
  readonly requests: number
  readonly locks: number
  /** Of people who were locked out and let in again. */
  readonly lifts: number
}

export const signedBy = (view: View, kid: string): Signed => {
  const states = { active: 0, offered: 0, pending: 0 }
  for (const { grant, statement } of view.all()) if (kidOf(statement) === kid) states[grant.state] += 1
  const kept = view.locks.proven().filter(({ statement }) => kidOf(statement) === kid)
  const lifts = kept.filter(({ lock }) => lock.agreed.length > 0).length
  return {
    passes: states.active,
    offers: states.offered,
    requests: states.pending,
    locks: kept.length - lifts,
    lifts,
  }
}
