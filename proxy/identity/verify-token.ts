import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { z } from 'zod'
import { fewAtOnce } from '#access/adapters/identity/few-at-once.ts'
import { KeysUnavailable, type ProviderKeys } from '#access/adapters/identity/provider-keys.ts'
import { algorithms } from '#access/adapters/identity/usable-keys.ts'
import { type Proven, principalKey } from '#access/domain/principal.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'

/** What a token proves, by which key of the provider, and until when (milliseconds). */
export type Verified = {
  readonly proven: Proven
  readonly key: string
  readonly until: number
}

const clockToleranceSeconds = 30

/**
 * Signatures are checked by the same few threads that write the audit log. With a thousand of them in front of it, whatever
 * anybody writes there would come too late, and anybody can send a thousand bad tokens.
 */
const inTurn = fewAtOnce(8)

/**
 * Three parts, so no encrypted token (RFC 7516), and no padding or white space, so that no token has endless spellings. The
 * header is read before any signature is checked, so it has to be short.
 */
const threeParts = /^[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** Keys that a token brings along or names (`jwk`, `jku`, `x5u`, `x5c`) are not looked at. */
const header = z.object({
  alg: z.enum(algorithms),
  kid: z.string().optional(),
  // None is understood (RFC 7515 4.1.11), not even those that a library would know.
  crit: z.never().optional(),
})

const names = z.array(z.string().max(255)).max(1_000).default([])
const claims = z.object({
  sub: z.string().min(1).max(255),
  exp: z.number(),
  iat: z.number().optional(),
  groups: names,
  roles: names,
  acr: z.string().max(255).optional(),
  auth_time: z.number().min(0).optional(),
})

/** Verifies an access token (a JWT as of RFC 9068) by the keys of its provider. */
export const verifyToken = async (
  token: string,
  { issuer, audience }: RuleSet['identity'],
  keys: ProviderKeys,
  now: () => number,
): Promise<Verified | { readonly refused: Reason }> => {
  try {
    if (!threeParts.test(token)) return { refused: 'token-invalid' }
    const { alg, kid } = header.parse(decodeProtectedHeader(token))
    const key = await keys.find({ kid, algorithm: alg })
    if (key === undefined) return { refused: 'token-invalid' }
    const { payload } = await inTurn(() =>
      jwtVerify(token, key.key, {
        issuer,
        audience,
        algorithms: [key.algorithm],
        typ: 'at+jwt',
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(now()),
        requiredClaims: ['exp', 'sub'],
      }),
    )
    const { sub: subject, exp, iat = 0, groups, roles, acr, auth_time } = claims.parse(payload)
    const ahead = (iat - clockToleranceSeconds) * 1_000 > now()
    // The provider may have taken the key back meanwhile.
    if (ahead || !keys.holds(key.name)) return { refused: 'token-invalid' }
    return {
      proven: {
        principal: principalKey({ issuer, subject }),
        issuer,
        subject,
        groups,
        roles,
        acr,
        signedInAt: auth_time === undefined ? undefined : auth_time * 1_000,
      },
      key: key.name,
      until: Math.min((exp + clockToleranceSeconds) * 1_000, keys.goodUntil()),
    }
  } catch (error) {
    return { refused: refusalOf(error) }
  }
}

const refusalOf = (error: unknown): Reason => {
  if (error instanceof KeysUnavailable) return 'identity-unavailable'
  return error instanceof errors.JWTExpired ? 'token-expired' : 'token-invalid'
}
