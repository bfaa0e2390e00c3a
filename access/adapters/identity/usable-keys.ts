import { type CryptoKey, calculateJwkThumbprint, importJWK } from 'jose'
import { z } from 'zod'

/** A key of the provider that tokens may be signed with, ready for one algorithm. */
export type ProviderKey = {
  readonly kid: string | undefined
  readonly algorithm: string
  readonly key: CryptoKey
  /** Names the key material, its id and its algorithm: another in any of these is another key. */
  readonly name: string
}

/** Asymmetric only, so that a public key can never serve as a shared secret (RFC 8725 3.1). */
const algorithmsOf = {
  RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  Ed25519: ['EdDSA'],
} as const

export const algorithms: readonly string[] = Object.values(algorithmsOf).flat()

const leastRsaBits = 2_048
/** Verifying takes longer with every bit, and who asks decides how often. */
const mostRsaBits = 8_192
/** Providers publish a handful. */
const mostKeys = 100

const part = z.string().regex(/^[A-Za-z0-9_-]+$/)
const common = {
  kid: z.string().min(1).max(255).optional(),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((all) => all.includes('verify'))
    .optional(),
  alg: z.string().optional(),
  // A private key that is published is everybody's.
  d: z.never().optional(),
}
const rsa = z.object({ ...common, kty: z.literal('RSA'), n: part, e: z.literal('AQAB') })
const ec = z.object({ ...common, kty: z.literal('EC'), crv: z.enum(['P-256', 'P-384']), x: part, y: part })
const okp = z.object({ ...common, kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: part })
const shape = z.discriminatedUnion('kty', [rsa, ec, okp])
type Published = z.output<typeof shape>

const keySet = z.object({ keys: z.array(z.unknown()).max(mostKeys) })

/**
 * The keys in a JWKS (RFC 7517) that tokens may be verified with: RSA of 2048 to 8192 bits with the exponent 65537,
 * P-256, P-384 and Ed25519, not published for anything but signatures. The others count as not there, and a document
 * that is no JWKS throws.
 */
export const usableKeys = async (document: unknown): Promise<ProviderKey[]> => {
  const { keys } = keySet.parse(document)
  const all = await Promise.all(keys.map(usable))
  return [...new Map(all.flat().map((key) => [key.name, key])).values()]
}

const usable = async (entry: unknown): Promise<ProviderKey[]> => {
  const parsed = shape.safeParse(entry)
  if (!parsed.success || !isStrong(parsed.data)) return []
  const { kid, alg, use: _, key_ops: __, d: ___, ...material } = parsed.data
  const fitting: readonly string[] = algorithmsOf[parsed.data.kty === 'RSA' ? 'RSA' : parsed.data.crv]
  try {
    const thumbprint = await calculateJwkThumbprint(material)
    return await Promise.all(
      fitting
        .filter((algorithm) => alg === undefined || alg === algorithm)
        .map(async (algorithm) => ({
          kid,
          algorithm,
          // Nothing but these types gets here, and only `oct` would be bytes.
          key: (await importJWK(material, algorithm)) as CryptoKey,
          name: JSON.stringify([kid ?? null, algorithm, thumbprint]),
        })),
    )
  } catch {
    // Not on its curve, or not of the length it should have.
    return []
  }
}

const isStrong = (key: Published): boolean => {
  if (key.kty !== 'RSA') return true
  const modulus = Buffer.from(key.n, 'base64url')
  const first = modulus.findIndex((byte) => byte !== 0)
  if (first === -1) return false
  const bits = (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24
  return bits >= leastRsaBits && bits <= mostRsaBits
}
