import { decideLift, decideLock } from '../domain/decide-lock.ts'
import { Fault } from '../domain/errors.ts'
import type { Lock } from '../domain/lock.ts'
import type { Person } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { RuleSet } from '../domain/rule-set.ts'
import type { Directory } from '../ports.ts'
import { endLocked } from './end-locked.ts'
import type { LockParts } from './lock-principal.ts'

export type LiftOutcome =
  /** They are free, or `missing` more people have to agree. */
  { readonly lock: Lock; readonly missing: number } | { readonly refused: Reason }

const attempts = 20

/**
 * Somebody whom the rules let do so wants a principal let in again. It takes as many different people as the rules say, each
 * of whom still may when the last one agrees. What the principal held before is gone: it is ended, if it is not yet,
 * before they are let in.
 */
export const liftLock = async (
  parts: LockParts & { readonly rules: RuleSet; readonly directory: Directory },
  person: Person,
  /** Whom. */
  principal: string,
  /** Of which lock, where a button says so: a newer one is not lifted by it. */
  id?: string,
): Promise<LiftOutcome> => {
  const { live, locks, lockStore, rules, directory, clock } = parts
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await live.catchUp()
    const now = clock.now()
    const before = locks.of(principal)
    const reason = decideLock(rules, person, now)
    if (reason !== undefined) return { refused: reason }
    if (before === undefined) return { refused: 'not-locked' }
    if (id !== undefined && before.id !== id) return { refused: 'already-decided' }
    const stillMay = (other: string): boolean => {
      const known = directory.byPrincipal(other)
      return known !== undefined && decideLock(rules, known, now) === undefined
    }
    const decision = decideLift(rules, before, person, stillMay, now)
    if ('refused' in decision) return decision
    if (decision.free && isDeactivated(directory, principal)) return { refused: 'person-inactive' }
    if (decision.free) await endLocked(parts, before)
    const lock: Lock = {
      ...before,
      version: before.version + 1,
      state: decision.free ? 'free' : 'locked',
      agreed: decision.agreed,
      at: Math.max(now, before.at + 1),
    }
    // On nothing but the version that was decided on: a lock that came meanwhile is not lifted with it.
    if ((await lockStore.put(lock, before.version)).stored) return { lock, missing: decision.missing }
  }
  throw new Fault('store/conflict', `the lock changed ${attempts} times while it was to be lifted`)
}

/** Whoever the directory says is not active would be locked out again, and their identity provider's word counts. */
const isDeactivated = (directory: Directory, principal: string): boolean => {
  const known = directory.byPrincipal(principal)
  return known?.active === false && known.locked !== true
}
