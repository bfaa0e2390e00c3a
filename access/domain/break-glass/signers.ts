import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { BreakGlass } from '../rule-set.ts'
import type { GlassPass, GlassSignature } from './pass.ts'
import { deviceSignedBytes, signedBytes } from './signed-bytes.ts'

/** The keys that may sign, ready to verify with: by their bytes in hex. */
export type GlassKeys = ReadonlyMap<string, { readonly name: string; readonly key: KeyObject }>

export const glassKeys = ({ keys }: BreakGlass): GlassKeys =>
  new Map(
    [...keys].map(([name, x]) => [
      Buffer.from(x, 'base64url').toString('hex'),
      { name, key: publicKeyOf(Buffer.from(x, 'base64url')) },
    ]),
  )

/** Of 32 bytes. */
export const publicKeyOf = (key: Buffer): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') },
    format: 'jwk',
  })

/** Somebody touched the security key (WebAuthn, 6.1: UP). */
const userPresent = 0x01

/** Whether a signature is over this pass. */
export const isSignedBy = (bytes: Buffer, { signature, device }: GlassSignature, key: KeyObject): boolean => {
  if (device === undefined) return verify(null, signedBytes(bytes), key, signature)
  const flags = device[0] ?? 0
  return (flags & userPresent) !== 0 && verify(null, deviceSignedBytes(bytes, device), key, signature)
}

/**
 * The names of those whose keys signed a pass, sorted; undefined where a signature under a named key does not hold. Keys
 * that nobody names count for nothing.
 */
export const signersOf = (
  { bytes, signatures }: GlassPass,
  keys: GlassKeys,
): readonly string[] | undefined => {
  const names: string[] = []
  for (const signed of signatures) {
    const known = keys.get(signed.key.toString('hex'))
    if (known === undefined) continue
    if (!isSignedBy(bytes, signed, known.key)) return undefined
    names.push(known.name)
  }
  return names.sort()
}
