import { headerOf } from '../domain/compact-grant.ts'
import { Fault } from '../domain/errors.ts'
import type { HeldGrant } from '../domain/held.ts'
import type { Revocation } from '../domain/revocation.ts'
import type { Keys } from './keys.ts'
import { readLines } from './line-file.ts'
import { kidOf, type Statements } from './statements.ts'

/** What people put beside `trusted.json`: a revocation a line, as `pagepass keys revoke --out` writes it. */
export const revokedFile = 'revoked.jws'

/**
 * Takes a revocation in: nothing by that key is believed from here on. Undefined where that was so before. Throws
 * `statement/invalid`, also for the key that revokes: whoever stole it must not be able to make it the last one.
 */
export const takeRevocation = async (
  keys: Keys,
  statements: Statements,
  statement: string,
): Promise<Revocation | undefined> => {
  const revocation = await statements.verify('revocation', statement)
  const { kid } = revocation
  if (keys.trusted.get(kid)?.role === 'revoke')
    throw new Fault(
      'statement/invalid',
      `"${kid}" revokes keys, and is taken away by hand: out of trusted.json`,
    )
  if (keys.revoked.has(kid)) return undefined
  keys.revoked.add(kid)
  return revocation
}

/** The statements in a file of revocations; none where there is no such file. */
export const readRevocations = async (file: string): Promise<readonly string[]> => {
  const lines = await readLines(file).catch((error: NodeJS.ErrnoException) => {
    throw new Fault('keys/missing', `the file of revoked keys ${file} can't be read (${error.code})`)
  })
  return lines ?? []
}

const mostHeaders = 64

/** Tells whether a held grant was signed by a key that was revoked, without looking at the grant. */
export const createSignedByRevoked = ({ revoked }: Keys): ((held: HeldGrant) => boolean) => {
  const kids = new Map<string, string>()
  const kidIn = (header: string): string => {
    const known = kids.get(header)
    if (known !== undefined) return known
    if (kids.size >= mostHeaders) kids.clear()
    const kid = readKid(header)
    kids.set(header, kid)
    return kid
  }
  return (held) => revoked.size > 0 && revoked.has(kidIn(headerOf(held)))
}

/** As whoever verifies it reads it: what another decoder makes of a header must not hide whose key it names. */
const readKid = (header: string): string => {
  try {
    return kidOf(`${header}..`)
  } catch {
    return ''
  }
}
