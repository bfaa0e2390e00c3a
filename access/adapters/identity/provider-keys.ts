import { z } from 'zod'
import { fetchJson } from './fetch-json.ts'
import { type ProviderKey, usableKeys } from './usable-keys.ts'

/** While in use, the keys are fetched again when they are this old, without anybody waiting for it. */
const renewAfterMs = 300_000
/** Keys this old are not used before the provider was asked for newer ones. */
const askFirstAfterMs = 600_000
/** With the provider down, what it last said counts for so long. */
const lastGoodMs = 86_400_000
/** Between two questions to the provider, whatever the tokens say; shorter without any keys. */
const pauseMs = 30_000
const pauseWithoutKeysMs = 5_000
/** So many wait for the answer; the others are told to come back. */
const mostWaiting = 500

/** The provider has not said, or not lately enough, what its keys are. */
export class KeysUnavailable extends Error {}

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

type Known = { readonly keys: readonly ProviderKey[]; readonly at: number }
type Wanted = { readonly kid: string | undefined; readonly algorithm: string }

/**
 * The keys of one identity provider, by OpenID discovery. `changed` is told when some of them are no longer published.
 * The provider gets at most one question every 30 s (5 s without any keys), and one at a time; while it is down,
 * or publishes no usable key at all, its last good answer counts for a day.
 */
export const createProviderKeys = (issuer: string, now: () => number, changed: () => void) => {
  let address: { readonly url: string; readonly at: number } | undefined
  let known: Known | undefined
  let names: ReadonlySet<string> = new Set()
  let askedAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  let waiting = 0

  const ageAt = (at: number): number => (known === undefined ? Number.POSITIVE_INFINITY : at - known.at)

  const discover = async (): Promise<string> => {
    const at = now()
    try {
      const document = discovery.parse(await fetchJson(documentOf(issuer)))
      if (document.issuer !== issuer) throw new Error('the provider calls itself by another name')
      address = { url: checked(issuer, new URL(document.jwks_uri).href), at }
    } catch (error) {
      if (address === undefined || at - address.at > lastGoodMs) throw error
    }
    return address.url
  }

  const ask = async (keysAlone: boolean): Promise<void> => {
    const at = now()
    const isAddressNew = address !== undefined && at - address.at < renewAfterMs
    const url = keysAlone && isAddressNew ? address?.url : undefined
    const keys = await usableKeys(await fetchJson(url ?? (await discover())))
    if (keys.length === 0) throw new Error('the provider publishes no usable key')
    const before = names
    known = { keys, at }
    names = new Set(keys.map(({ name }) => name))
    if (![...before].every((name) => names.has(name))) changed()
  }

  /**
   * Asks the provider, unless it was asked lately, and tells what to wait for. With `keysAlone` only for its keys, where
   * it said lately where they are.
   */
  const askUnlessLately = (at: number, keysAlone: boolean): Promise<void> | undefined => {
    const pause = ageAt(at) > lastGoodMs ? pauseWithoutKeysMs : pauseMs
    if (asking !== undefined || at - askedAt < pause) return asking
    askedAt = at
    asking = ask(keysAlone)
      .catch(() => {
        failedAt = now()
      })
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  const wait = async (answer: Promise<void> | undefined): Promise<void> => {
    if (answer === undefined) return
    if (waiting >= mostWaiting) throw new KeysUnavailable()
    waiting += 1
    await answer
    waiting -= 1
  }

  /** With a provider that does not answer, nobody waits for it again and again. */
  const renew = (at: number): Promise<void> | undefined => {
    const age = ageAt(at)
    if (age < renewAfterMs) return undefined
    const answer = askUnlessLately(at, false)
    const isFailing = at - failedAt < askFirstAfterMs
    return age > lastGoodMs || (age >= askFirstAfterMs && !isFailing) ? answer : undefined
  }

  const inTime = (at: number): readonly ProviderKey[] => {
    if (known === undefined || ageAt(at) > lastGoodMs) throw new KeysUnavailable()
    return known.keys
  }

  return {
    /**
     * The one key that a token with this header can be signed with; undefined where there is none, or more than one.
     * Throws `KeysUnavailable`.
     */
    find: async (wanted: Wanted): Promise<ProviderKey | undefined> => {
      const at = now()
      await wait(renew(at))
      const found = fitting(inTime(at), wanted)
      if (found.length > 0) return only(found)
      await wait(askUnlessLately(at, true))
      return only(fitting(inTime(at), wanted))
    },
    /** Whether this key is still among those that the provider publishes. */
    holds: (name: string): boolean => names.has(name),
    /** Until when what was verified by these keys may be believed, in milliseconds since the epoch. */
    goodUntil: (): number => (known === undefined ? 0 : known.at + lastGoodMs),
  }
}
export type ProviderKeys = ReturnType<typeof createProviderKeys>

const documentOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

const fitting = (keys: readonly ProviderKey[], { kid, algorithm }: Wanted): ProviderKey[] =>
  keys.filter((key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid))

const only = ([one, ...others]: readonly ProviderKey[]): ProviderKey | undefined =>
  others.length === 0 ? one : undefined

/** Who signs in over TLS gets the keys over TLS. An address with a password `fetch` refuses by itself. */
const checked = (issuer: string, address: string): string => {
  if (issuer.startsWith('https:') && !address.startsWith('https:'))
    throw new Error('the provider’s keys are at an address that is not taken')
  return address
}
