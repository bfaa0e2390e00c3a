import type { Redis } from 'ioredis'
import { after, kindOfLock, type Lock } from '../../domain/lock.ts'
import type { KeptLock } from '../../domain/lock-book.ts'
import { principalKey } from '../../domain/principal.ts'
import type { LockStore } from '../../ports.ts'
import { readUnverifiedLock, type Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { readStoredLock } from './lock-store.ts'
import { names } from './names.ts'

const mostTries = 5
const lookEveryMs = 5_000

export type LockWrittenAgain = 'written again' | 'already there' | 'left to a bot' | 'refused'

/**
 * Writes again what Redis has lost of somebody who is locked out, or was (a failover, a restore, somebody's hand), by
 * whoever remembers it: the same words under the next number, signed anew.
 */
export const createLockAgain =
  (redis: Redis, statements: Statements, store: LockStore, mayLift: boolean) =>
  async (known: Lock): Promise<LockWrittenAgain> => {
    // Who may not sign that somebody agreed to let them in can still write that they are locked out.
    const lost = mayLift || known.state === 'free' ? known : { ...known, agreed: [] }
    if (kindOfLock(lost) === 'lift' && !mayLift) return 'left to a bot'
    for (let tries = 0; tries < mostTries; tries += 1) {
      const field = (await reachable(redis.hget(names.locks, principalKey(lost.who)))) ?? ''
      if ((await saidAt(statements, field, lost)) >= lost.at) return 'already there'
      const version = Number(/^(\d+) \d+ [A-Za-z] /.exec(field)?.[1] ?? 0)
      const next = { ...lost, version: after(Math.max(version, lost.version)) }
      if ((await store.put(next, version)).stored) return 'written again'
    }
    return 'refused'
  }

/**
 * Looks now and then whether Redis still holds everybody's lock. What is taken out of it by hand comes with no event, and
 * would be missed by whoever starts next.
 */
export const watchLocks = (
  redis: Redis,
  statements: Statements,
  /** What is known of each, signatures checked. */
  known: () => readonly KeptLock[],
  lost: (lock: Lock) => void,
) => {
  let looking: Promise<void> | undefined
  const look = async (): Promise<void> => {
    const all = known()
    if (all.length === 0) return
    const fields = await redis.hmget(names.locks, ...all.map(({ lock }) => principalKey(lock.who)))
    for (const [index, { lock, statement }] of all.entries()) {
      const field = fields[index] ?? ''
      if (readStoredLock(field) === statement) continue
      if ((await saidAt(statements, field, lock)) < lock.at) lost(lock)
    }
  }
  const timer = setInterval(() => {
    looking ??= look()
      // Redis away is told by others.
      .catch(() => undefined)
      .finally(() => {
        looking = undefined
      })
  }, lookEveryMs)
  return {
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await looking
    },
  }
}

/** When a stored statement about this principal was made; what is none, or does not verify, is as old as can be. */
const saidAt = async (statements: Statements, field: string, { who }: Lock): Promise<number> => {
  try {
    const statement = readStoredLock(field) ?? ''
    const lock = await statements.verify(kindOfLock(readUnverifiedLock(statement)), statement)
    if (principalKey(lock.who) === principalKey(who)) return lock.at
  } catch {
    // It is nobody's word.
  }
  return Number.NEGATIVE_INFINITY
}
