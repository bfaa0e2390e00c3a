import { readUnverifiedLock, type Statements } from '../adapters/statements.ts'
import { isPlausible, kindOfLock } from '../domain/lock.ts'
import type { KeptLock } from '../domain/lock-book.ts'
import { principalKey } from '../domain/principal.ts'

/**
 * Who is locked out by what this process recorded in its lives before: of each principal the newest statement that is
 * genuine, where it locks. A lift counts for no more than that nobody is locked out anew by what is older, and by a revoked
 * key for nothing; a lock by a revoked key was one.
 */
export const locksFromBefore = async (
  statements: Statements,
  recorded: AsyncIterable<string>,
  lift: number | undefined,
): Promise<KeptLock[]> => {
  const newest = new Map<string, KeptLock>()
  for await (const statement of recorded) {
    const kept = await genuine(statements, statement, lift, newest)
    if (kept !== undefined) newest.set(principalKey(kept.lock.who), kept)
  }
  return [...newest.values()].filter(({ lock }) => lock.state === 'locked')
}

/** What holds, and is newer than what is known. The log also has what somebody forged: it is recorded as it came. */
const genuine = async (
  statements: Statements,
  statement: string,
  lift: number | undefined,
  known: ReadonlyMap<string, KeptLock>,
): Promise<KeptLock | undefined> => {
  try {
    const lock = readUnverifiedLock(statement)
    const before = known.get(principalKey(lock.who))?.lock.at ?? Number.NEGATIVE_INFINITY
    if (lock.at < before || (lock.at === before && lock.state !== 'locked')) return undefined
    const kind = kindOfLock(lock)
    if (kind === 'lock') await statements.verify(kind, statement, 'even revoked')
    else await statements.verify(kind, statement)
    return isPlausible(lock, lift) ? { lock, statement } : undefined
  } catch {
    return undefined
  }
}
