import { createProviderKeys } from '#access/adapters/identity/provider-keys.ts'
import type { Proven } from '#access/domain/principal.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { verifyToken } from './identity/verify-token.ts'

/** Who a token proves. */
export type Identity = Proven & {
  /** The cached identity counts until then (milliseconds): the token's `exp`, or five minutes, whichever is first. */
  readonly validUntil: number
}

export type Identified = { readonly identity: Identity } | { readonly refused: Reason }

type Known = { readonly identity: Identity; readonly key: string }
type UnderWay = {
  readonly result: Promise<Identified>
  /** Who was forgotten while it was under way. */
  readonly forgotten: Set<string>
}

const longestCachedMs = 300_000
const mostCached = 10_000
/** UTF-16 units of all tokens together. */
const mostCachedLength = 16 * 1024 * 1024
const mostUnderWay = 1_000

/**
 * Access tokens, verified against the provider's keys, and remembered by their exact bytes until they expire, for at
 * most five minutes, and no longer than the provider publishes the key.
 */
export const createIdentities = ({ identity: provider }: Pick<RuleSet, 'identity'>, now: () => number) => {
  const known = new Map<string, Known>()
  const underWay = new Map<string, UnderWay>()
  let length = 0
  const keys = createProviderKeys(provider.issuer, now, () => {
    for (const [token, { key }] of known) if (!keys.holds(key)) drop(token)
  })

  const drop = (token: string): void => {
    if (known.delete(token)) length -= token.length
  }

  const remember = (token: string, one: Known): void => {
    drop(token)
    known.set(token, one)
    length += token.length
    for (const oldest of known.keys()) {
      if (known.size <= mostCached && length <= mostCachedLength) break
      drop(oldest)
    }
  }

  const verify = async (token: string, forgotten: Set<string>): Promise<Identified> => {
    // Once more for somebody who was forgotten meanwhile. Who is forgotten again and again has to come back.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      forgotten.clear()
      const verified = await verifyToken(token, provider, keys, now)
      if ('refused' in verified) return verified
      const { proven, key, until } = verified
      if (forgotten.has(proven.principal)) continue
      const identity = { ...proven, validUntil: Math.min(until, now() + longestCachedMs) }
      remember(token, { identity, key })
      return { identity }
    }
    return { refused: 'identity-unavailable' }
  }

  return {
    /** The identity of a token that was verified lately. */
    known: (token: string, at: number): Identity | undefined => {
      const one = known.get(token)
      if (one === undefined) return undefined
      if (one.identity.validUntil > at) return one.identity
      drop(token)
      return undefined
    },
    /** Verifies a token; the same token at the same time is verified once. */
    verify: (token: string): Promise<Identified> => {
      const shared = underWay.get(token)
      if (shared !== undefined) return shared.result
      if (underWay.size >= mostUnderWay) return Promise.resolve({ refused: 'identity-unavailable' })
      const forgotten = new Set<string>()
      const result = verify(token, forgotten).finally(() => underWay.delete(token))
      underWay.set(token, { result, forgotten })
      return result
    },
    /** Forgets who somebody is: their tokens are verified anew, and so are those whose verification is under way. */
    forget: (principal: string): void => {
      for (const [token, { identity }] of known) if (identity.principal === principal) drop(token)
      for (const { forgotten } of underWay.values()) forgotten.add(principal)
    },
    /** The keys of the provider, for whatever else it signs. */
    keys,
    /** How many are remembered. */
    size: (): number => known.size,
  }
}
export type Identities = ReturnType<typeof createIdentities>
