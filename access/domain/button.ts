import { createHash, timingSafeEqual } from 'node:crypto'
import type { Grant } from './grant.ts'

export const buttonActions = ['take', 'decline', 'approve', 'deny', 'extend', 'keep'] as const
export type ButtonAction = (typeof buttonActions)[number]

/**
 * What a button of a message carries: `<grant id>.<256 bits>`. The bits follow from the grant's random nonce, which is
 * in its signed statement and in no message, so that nobody can make a button who was not sent one.
 */
export const buttonValue = ({ id, nonce }: Grant, action: ButtonAction): string =>
  `${id}.${createHash('sha256')
    .update(JSON.stringify([nonce, id, action]))
    .digest('base64url')}`

/** The grant that a button's value names. Whether it is that grant's button only `isButtonOf` tells. */
export const grantOfButton = (value: string): string | undefined =>
  /^([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})\.[A-Za-z0-9_-]{43}$/.exec(value)?.[1]

export const isButtonOf = (grant: Grant, action: ButtonAction, value: string): boolean => {
  const expected = Buffer.from(buttonValue(grant, action))
  const given = Buffer.from(value)
  return expected.length === given.length && timingSafeEqual(expected, given)
}
