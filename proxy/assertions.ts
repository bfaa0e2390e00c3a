import { SignJWT } from 'jose'
import type { PrivateKey } from '#access/adapters/keys.ts'
import { Fault } from '#access/domain/errors.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { tierGiven } from '#access/domain/standing-grant.ts'

const livesMs = 90_000
const renewAfterMs = 20_000
/** One with less life than this left is not handed out. */
const leastLeftMs = 30_000

type Minted = { readonly token: string; readonly at: number }
type ByService<Kept> = WeakMap<HeldGrant, Map<string, Kept>>

export const assertionType = 'pagepass-assertion+jwt'

/**
 * What the upstream sees of who asks: a JWT (EdDSA or ES256 as the key is, own `typ`) for exactly one service, living at most 90 s. It is
 * signed once per version of a grant and service and renewed in the background while in use, never per request.
 */
export const createAssertions = (rules: RuleSet, key: PrivateKey, now: () => number) => {
  const minted: ByService<Minted> = new WeakMap()
  const underWay: ByService<Promise<string>> = new WeakMap()
  let ended = false

  const sign = async (held: HeldGrant, service: string, at: number): Promise<string> => {
    if (ended)
      throw new Fault(
        'keys/revoked',
        `the key "${key.kid}" was revoked, so no assertion can be signed with it`,
      )
    const { grant } = held
    const tier = tierGiven(rules, held)
    const claims = { name: grant.who.name, idp: grant.who.issuer, grant: grant.id }
    return new SignJWT({ ...claims, ...(tier === undefined ? {} : { tier }) })
      .setProtectedHeader({ alg: key.alg, typ: assertionType, kid: key.kid })
      .setIssuer(`pagepass:${rules.environment}`)
      .setSubject(grant.who.subject)
      .setAudience(service)
      .setIssuedAt(Math.floor(at / 1_000))
      .setExpirationTime(Math.floor(Math.min(at + livesMs, grant.until) / 1_000))
      .sign(key.key)
  }

  const mint = (held: HeldGrant, service: string): Promise<string> => {
    const shared = underWay.get(held)?.get(service)
    if (shared !== undefined) return shared
    const at = now()
    const minting = sign(held, service, at)
      .then((token) => {
        keptOf(minted, held).set(service, { token, at })
        return token
      })
      .finally(() => underWay.get(held)?.delete(service))
    keptOf(underWay, held).set(service, minting)
    return minting
  }

  return {
    /** The assertion at hand; undefined when one has to be minted first. One of an older version does not do. */
    ready: (held: HeldGrant, service: string): string | undefined => {
      const known = ended ? undefined : minted.get(held)?.get(service)
      if (known === undefined) return undefined
      const age = now() - known.at
      if (age > livesMs - leastLeftMs) return undefined
      if (age > renewAfterMs) mint(held, service).catch(() => undefined)
      return known.token
    },
    mint,
    forget: (held: HeldGrant): void => void minted.delete(held),
    /** The key was revoked: no assertion is made or handed out any more. */
    end: (): void => {
      ended = true
    },
  }
}
export type Assertions = ReturnType<typeof createAssertions>

const keptOf = <Kept>(all: ByService<Kept>, held: HeldGrant): Map<string, Kept> => {
  const kept = all.get(held) ?? new Map<string, Kept>()
  all.set(held, kept)
  return kept
}
