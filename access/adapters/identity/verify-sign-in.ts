import { compactVerify, decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import { readSignIn, type SignInDemand, type SignInVerdict, whyNoSignIn } from '../../domain/sign-in.ts'
import { KeysUnavailable, type ProviderKeys } from './provider-keys.ts'
import { algorithms } from './usable-keys.ts'

/** Keys that a token brings along or names (`jwk`, `jku`, `x5u`, `x5c`) are not looked at. */
const header = z.object({
  alg: z.enum(algorithms),
  kid: z.string().optional(),
  crit: z.never().optional(),
  // An ID token says JWT or nothing: an access token (at+jwt, RFC 9068) is none.
  typ: z
    .string()
    .refine((said) => said.toUpperCase() === 'JWT')
    .optional(),
})

/**
 * Whether the signature of an ID token is that of a key which its provider publishes. `unavailable`: nobody knows now. Never
 * rejects.
 */
export const verifySignature = async (
  token: string,
  keys: Pick<ProviderKeys, 'find'>,
): Promise<'holds' | 'does not hold' | 'unavailable'> => {
  try {
    const { alg, kid } = header.parse(decodeProtectedHeader(token))
    const key = await keys.find({ kid, algorithm: alg })
    if (key === undefined) return 'does not hold'
    await compactVerify(token, key.key, { algorithms: [key.algorithm] })
    return 'holds'
  } catch (error) {
    return error instanceof KeysUnavailable ? 'unavailable' : 'does not hold'
  }
}

/** Verifies a fresh sign-in: all that it must say, then by whom it is signed. Never rejects. */
export const verifySignIn = async (
  token: string,
  demand: SignInDemand,
  keys: Pick<ProviderKeys, 'find'>,
): Promise<SignInVerdict> => {
  const refused = whyNoSignIn(token, demand)
  if (refused !== undefined) return { refused }
  const signature = await verifySignature(token, keys)
  if (signature !== 'holds') return { refused: signature === 'unavailable' ? signature : 'signature' }
  return { signedInAt: (readSignIn(token)?.auth_time ?? 0) * 1_000 }
}
