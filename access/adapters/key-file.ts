import { readFile } from 'node:fs/promises'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { z } from 'zod'
import { Fault } from '../domain/errors.ts'

/** What a key may sign. One key, one role: a key found under another role's statement is refused. */
export const roles = ['issue', 'end', 'head', 'directory', 'assertion', 'report', 'lock', 'revoke'] as const
export type Role = (typeof roles)[number]

/** How a key signs: EdDSA is Ed25519 (RFC 8037), ES256 is ECDSA with P-256 and SHA-256 (RFC 7518 3.4). */
export const algorithms = ['EdDSA', 'ES256'] as const
export type Algorithm = (typeof algorithms)[number]

/** 32 bytes, base64url without padding. */
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const named = { kid: z.string(), role: z.enum(roles) }
const ed25519 = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: bytes32, ...named })
const p256 = z.strictObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: bytes32,
  y: bytes32,
  ...named,
})

export const publicShape = z.discriminatedUnion('kty', [ed25519, p256])
export type PublicJwk = z.output<typeof publicShape>
export const privateShape = z.discriminatedUnion('kty', [
  ed25519.extend({ d: bytes32 }),
  p256.extend({ d: bytes32 }),
])
export type PrivateJwk = z.output<typeof privateShape>

/** The algorithm of a key is that of its own type: nobody else says it. */
export const algorithmOf = ({ kty }: PublicJwk): Algorithm => (kty === 'EC' ? 'ES256' : 'EdDSA')

/**
 * Only what services verify may be P-256, for their libraries' sake: what we verify ourselves is Ed25519 and nothing
 * else. Faults with `keys/forbidden`.
 */
export const demandUsable = (jwk: PublicJwk, file: string): void => {
  if (jwk.kty === 'OKP' || jwk.role === 'assertion') return
  throw new Fault(
    'keys/forbidden',
    `${file} holds a P-256 key ("${jwk.kid}") of role "${jwk.role}", which only Ed25519 may have`,
    { mend: 'only the key of role "assertion" may be P-256; make the others with: pagepass keys create' },
  )
}

/** One name for a key, whatever file it lies in. By its bytes: the last character has two bits that say nothing. */
export const sameKey = (jwk: PublicJwk): string => Buffer.from(jwk.x, 'base64url').toString('hex')

export const makeKey = async (algorithm: Algorithm, role: Role, kid: string): Promise<PrivateJwk> => {
  const options = algorithm === 'EdDSA' ? { crv: 'Ed25519' } : {}
  const { privateKey } = await generateKeyPair(algorithm, { ...options, extractable: true })
  return privateShape.parse({ ...(await exportJWK(privateKey)), kid, role })
}

/** What others get of a private key. */
export const publicOf = (jwk: PrivateJwk): PublicJwk => {
  const { d: _, ...open } = jwk
  return open
}

/** Faults with `keys/missing` where it is no key, or a private one that is not that of its public part. */
export const importKey = async (jwk: PublicJwk | PrivateJwk, file: string): Promise<CryptoKey> => {
  const { role: _, ...plain } = jwk
  try {
    const key = await importJWK(plain satisfies JWK, algorithmOf(jwk))
    if (!(key instanceof Uint8Array)) return key
  } catch {
    // Without the cause: it may quote the key.
  }
  throw new Fault('keys/missing', `${file} holds something of role "${jwk.role}" that is no key`, {
    mend: 'make a new folder with: pagepass keys create',
  })
}

export const readKeyFile = async <T extends z.ZodType>(file: string, shape: T): Promise<z.output<T>> => {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Fault('keys/missing', `the key file ${file} can't be read`)
  })
  try {
    return shape.parse(JSON.parse(text))
  } catch {
    // Without the cause: its message may quote the file.
    throw new Fault('keys/missing', `the key file ${file} does not hold what it should`, {
      mend: 'make a new folder with: pagepass keys create',
    })
  }
}
