import { SignJWT } from 'jose'
import type { PrivateKey } from '#access/adapters/keys.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { HeldGrant } from '#access/domain/view.ts'

const livesMs = 90_000
const renewAfterMs = 20_000
/** One with less life than this left is not handed out. */
const leastLeftMs = 30_000

type Minted = { readonly token: string; readonly at: number }

export const assertionType = 'pagepass-assertion+jwt'

/**
 * What the upstream sees of who asks: a JWT (EdDSA, own `typ`) for exactly one service, living at most 90 s. It is
 * signed once per grant and service and renewed in the background while in use, never per request.
 */
export const createAssertions = (rules: RuleSet, key: PrivateKey, now: () => number) => {
  const minted = new Map<string, Minted>()
  const underWay = new Map<string, Promise<string>>()

  const sign = async ({ grant }: HeldGrant, service: string, at: number): Promise<string> =>
    new SignJWT({ name: grant.who.name, idp: grant.who.issuer, grant: grant.id, tier: grant.tier })
      .setProtectedHeader({ alg: 'EdDSA', typ: assertionType, kid: key.kid })
      .setIssuer(`pagepass:${rules.environment}`)
      .setSubject(grant.who.subject)
      .setAudience(service)
      .setIssuedAt(Math.floor(at / 1_000))
      .setExpirationTime(Math.floor(Math.min(at + livesMs, grant.until) / 1_000))
      .sign(key.key)

  const mint = (held: HeldGrant, service: string): Promise<string> => {
    const id = `${held.grant.id} ${service}`
    const shared = underWay.get(id)
    if (shared !== undefined) return shared
    const at = now()
    const minting = sign(held, service, at)
      .then((token) => {
        minted.set(id, { token, at })
        return token
      })
      .finally(() => underWay.delete(id))
    underWay.set(id, minting)
    return minting
  }

  return {
    /** The assertion at hand; undefined when one has to be minted first. */
    ready: (held: HeldGrant, service: string): string | undefined => {
      const known = minted.get(`${held.grant.id} ${service}`)
      if (known === undefined) return undefined
      const age = now() - known.at
      if (age > livesMs - leastLeftMs) return undefined
      if (age > renewAfterMs) mint(held, service).catch(() => undefined)
      return known.token
    },
    mint,
    forget: ({ grant }: HeldGrant): void => {
      for (const service of grant.services) minted.delete(`${grant.id} ${service}`)
    },
  }
}
export type Assertions = ReturnType<typeof createAssertions>
