import { createHash, timingSafeEqual } from 'node:crypto'
import type { Grant } from './grant.ts'
import type { Lock } from './lock.ts'
import { type Principal, principalKey } from './principal.ts'
import { scopeHash } from './scope.ts'

export const buttonActions = ['take', 'decline', 'approve', 'deny', 'extend', 'keep', 'review'] as const
export type ButtonAction = (typeof buttonActions)[number]
/** Of a button about a lock, not a grant. */
export const lockActions = ['lift'] as const
/** Of a button about all that a commander gave in one go. It is of use to several people, who are known by the click. */
export const goActions = ['end-all'] as const
/** Of a button to who holds a pass, about another's of the same incident: that one takes its place. */
export const handOverActions = ['hand-over'] as const
export type AnyAction =
  | ButtonAction
  | (typeof lockActions)[number]
  | (typeof goActions)[number]
  | (typeof handOverActions)[number]

/** What a button is about: a grant, or a lock. Both have a random nonce. */
export type About = Grant | Lock

/**
 * What a button of a message to somebody carries: `<grant id>.<256 bits>`. The bits follow from the grant's random nonce,
 * which is in its signed statement and in no message, so that nobody can make a button; and from whom it is sent to, so
 * that it is of use to nobody else. The button that approves also carries, and is bound to, the hash of what its message
 * shows.
 */
export const buttonValue = (about: About, action: AnyAction, to: Principal, scope?: string): string => {
  const { id, nonce } = about
  const shown = action === 'approve' && 'services' in about ? [scope ?? scopeHash(about)] : []
  const bits = createHash('sha256')
    .update(JSON.stringify([nonce, id, action, principalKey(to), ...shown]))
    .digest('base64url')
  return [`${id}.${bits}`, ...shown].join('.')
}

/** The hash of what the message of an approving button showed. */
export const scopeOfButton = (value: string): string | undefined => value.split('.')[2]

/** The grant that a button's value names. Whether it is that grant's button, and whose, only `isButtonOf` tells. */
export const grantOfButton = (value: string): string | undefined =>
  /^([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})\.[A-Za-z0-9_-]{43}(?:\.[A-Za-z0-9_-]{43})?$/.exec(value)?.[1]

/** Whether a value is that of the button for this action that this person was sent about the grant. */
export const isButtonOf = (about: About, action: AnyAction, to: Principal, value: string): boolean => {
  const expected = Buffer.from(buttonValue(about, action, to, scopeOfButton(value)))
  const given = Buffer.from(value)
  return expected.length === given.length && timingSafeEqual(expected, given)
}
