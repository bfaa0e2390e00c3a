import { createHash } from 'node:crypto'

/** Crockford's base 32: no letters that people confuse. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * The same id for the same facts, so that doing a thing twice gives one grant. 60 bits: two alike are refused by the
 * store's version check, not hoped away.
 */
export const grantIdFromFacts = (facts: readonly string[]): string => {
  const bytes = createHash('sha256').update(JSON.stringify(facts)).digest()
  const letters = Array.from(bytes.subarray(0, 12), (byte) => alphabet[byte & 31]).join('')
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8, 12)}`
}
