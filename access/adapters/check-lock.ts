import { isPlausible, kindOfLock } from '../domain/lock.ts'
import type { KeptLock } from '../domain/lock-book.ts'
import type { View } from '../domain/view.ts'
import type { Statements } from './statements.ts'

export type LockVerdict = 'holds' | 'by a revoked key' | 'does not hold'

/**
 * Checks what somebody said of who is locked out, and has the view take it for that. What does not verify was not ours to
 * believe. What lets somebody in counts from here on, and no sooner.
 */
export const createCheckLock = ({
  view,
  statements,
  lift,
  doubted,
  alarm,
}: {
  readonly view: Pick<View, 'locks'>
  readonly statements: Statements
  /** How many people the rules demand to let somebody in who was locked out. */
  readonly lift: number | undefined
  /** It is genuine, and by a key that was revoked. */
  readonly doubted?: ((kept: KeptLock) => void) | undefined
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}) => {
  const isByRevoked = (kept: KeptLock): Promise<boolean> =>
    statements.verify(kindOfLock(kept.lock), kept.statement, 'even revoked').then(
      () => statements.isRevoked(kept.statement),
      () => false,
    )

  return async (kept: KeptLock): Promise<LockVerdict> => {
    if (view.locks.isProven(kept)) return 'holds'
    try {
      const lock = await statements.verify(kindOfLock(kept.lock), kept.statement)
      if (!isPlausible(lock, lift)) throw new Error('too few people agreed')
      view.locks.prove(kept)
      return 'holds'
    } catch (error) {
      if (await isByRevoked(kept)) {
        view.locks.doubt(kept)
        doubted?.(kept)
        return 'by a revoked key'
      }
      view.locks.disprove(kept)
      alarm('a lock does not verify', { lock: kept.lock.id, error: (error as Error).message })
      return 'does not hold'
    }
  }
}
