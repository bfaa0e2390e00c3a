import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { type Proven, principalKey } from '#access/domain/principal.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'

/** Who a token proves. */
export type Identity = Proven & {
  /** The cached identity counts until then (milliseconds): the token's `exp`, or five minutes, whichever is first. */
  readonly validUntil: number
}

export type Identified = { readonly identity: Identity } | { readonly refused: Reason }

/** Asymmetric only, so that a public key can never serve as a shared secret. */
const algorithms = ['ES256', 'ES384', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA']
const clockToleranceSeconds = 30
const longestCachedMs = 300_000
const cached = 10_000

const names = z.array(z.string().max(255)).max(1_000).default([])
const claims = z.object({
  sub: z.string().min(1).max(255),
  exp: z.number(),
  groups: names,
  roles: names,
  acr: z.string().max(255).optional(),
  auth_time: z.number().min(0).optional(),
})

/** Access tokens as JWTs (RFC 9068), verified against the provider's JWKS, and remembered by their exact bytes. */
export const createIdentities = (
  rules: RuleSet,
  keysOf: (issuer: string) => Promise<JWTVerifyGetKey>,
  now: () => number,
) => {
  const { issuer, audience } = rules.identity
  const known = new Map<string, Identity>()
  const underWay = new Map<string, Promise<Identified>>()

  const verify = async (token: string): Promise<Identified> => {
    let keys: JWTVerifyGetKey
    try {
      keys = await keysOf(issuer)
    } catch {
      return { refused: 'identity-unavailable' }
    }
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        typ: 'at+jwt',
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(now()),
        requiredClaims: ['exp', 'sub'],
      })
      const { sub: subject, exp, groups, roles, acr, auth_time } = claims.parse(payload)
      const validUntil = Math.min((exp + clockToleranceSeconds) * 1_000, now() + longestCachedMs)
      return {
        identity: {
          principal: principalKey({ issuer, subject }),
          issuer,
          subject,
          groups,
          roles,
          acr,
          signedInAt: auth_time === undefined ? undefined : auth_time * 1_000,
          validUntil,
        },
      }
    } catch (error) {
      return { refused: refusalOf(error) }
    }
  }

  const remember = (token: string, identity: Identity): void => {
    if (known.size >= cached) for (const oldest of known.keys()) if (known.delete(oldest)) break
    known.set(token, identity)
  }

  return {
    /** The identity of a token that was verified lately. */
    known: (token: string, at: number): Identity | undefined => {
      const identity = known.get(token)
      if (identity === undefined || identity.validUntil > at) return identity
      known.delete(token)
      return undefined
    },
    /** Verifies a token; the same token at the same time is verified once. */
    verify: (token: string): Promise<Identified> => {
      const shared = underWay.get(token)
      if (shared !== undefined) return shared
      const verification = verify(token).then((result) => {
        underWay.delete(token)
        if ('identity' in result) remember(token, result.identity)
        return result
      })
      underWay.set(token, verification)
      return verification
    },
  }
}
export type Identities = ReturnType<typeof createIdentities>

const refusalOf = (error: unknown): Reason => {
  if (error instanceof errors.JWTExpired) return 'token-expired'
  if (error instanceof errors.JWKSTimeout || errorCode(error) === 'ERR_JOSE_GENERIC')
    return 'identity-unavailable'
  return error instanceof errors.JOSEError || error instanceof z.ZodError
    ? 'token-invalid'
    : 'identity-unavailable'
}

const errorCode = (error: unknown): string | undefined =>
  error instanceof errors.JOSEError ? error.code : undefined

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() })

/**
 * The provider's keys, found by OpenID discovery once and then kept by jose: one refetch per 30 s on an unknown
 * key id, and none while one is under way.
 */
export const discoverKeys = () => {
  const found = new Map<string, Promise<JWTVerifyGetKey>>()
  const discover = async (issuer: string): Promise<JWTVerifyGetKey> => {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`, {
      redirect: 'error',
      signal: AbortSignal.timeout(5_000),
    })
    const document = discovery.parse(await response.json())
    if (document.issuer !== issuer) throw new Error(`the provider calls itself ${document.issuer}`)
    return createRemoteJWKSet(new URL(document.jwks_uri), {
      timeoutDuration: 5_000,
      cooldownDuration: 30_000,
    })
  }
  return (issuer: string): Promise<JWTVerifyGetKey> => {
    const known = found.get(issuer)
    if (known !== undefined) return known
    const looking = discover(issuer)
    found.set(issuer, looking)
    looking.catch(() => found.delete(issuer))
    return looking
  }
}
