import { isFault } from '#access/domain/errors.ts'
import { reasons } from '#access/domain/reasons.ts'

/** What a person reads when what they did failed here. `meanwhile` says what goes on all the same. */
export const failedAnswer = (error: unknown, meanwhile?: string): string =>
  [
    reasons['store-unavailable'].person,
    isFault(error, 'store/unreachable') ? '(Redis does not answer)' : '(something went wrong here)',
    meanwhile,
    'Try again in a minute.',
  ]
    .filter((part) => part !== undefined)
    .join(' ')
