import { whyInactive } from './inactive.ts'
import type { Lock } from './lock.ts'
import { type Person, principalKey } from './principal.ts'
import type { Reason } from './reasons.ts'
import { belongsTo, type RuleSet } from './rule-set.ts'

/** Whether this person may shut somebody out: the reason why not, or undefined. Also themselves. */
export const decideLock = (rules: RuleSet, person: Person, now: number): Reason | undefined => {
  if (!person.active) return whyInactive(person)
  return rules.lock !== undefined && belongsTo(rules, rules.lock.who, person, now) ? undefined : 'not-locker'
}

export type LiftDecision =
  | { readonly agreed: Lock['agreed']; readonly free: boolean; readonly missing: number }
  | { readonly refused: Reason }

/** An agreement is for now: who agreed yesterday knew nothing of today. */
export const agreementLastsMs = 3_600_000

/**
 * Decides what it means that this person wants somebody let in again. Nobody decides for themselves, and nobody counts
 * twice, whatever accounts they have. `stillMay` says of who agreed before whether they still may.
 */
export const decideLift = (
  rules: RuleSet,
  lock: Lock,
  person: Person,
  stillMay: (principal: string) => boolean,
  now: number,
): LiftDecision => {
  const reason = decideLock(rules, person, now)
  if (reason !== undefined) return { refused: reason }
  if (lock.state === 'free') return { refused: 'not-locked' }
  const me = principalKey(person)
  if (me === principalKey(lock.who)) return { refused: 'own-request' }
  const others = lock.agreed.filter(
    (one) =>
      now - one.at < agreementLastsMs &&
      principalKey(one) !== principalKey(lock.who) &&
      stillMay(principalKey(one)),
  )
  if (others.some((one) => principalKey(one) === me)) return { refused: 'already-decided' }
  const { issuer, subject, name } = person
  const agreed = [...others, { issuer, subject, name, at: now }]
  const missing = Math.max(0, (rules.lock?.lift ?? Number.POSITIVE_INFINITY) - agreed.length)
  return { agreed, free: missing === 0, missing }
}
