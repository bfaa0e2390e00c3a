import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIdentities, type Identified } from '#proxy/identities.ts'
import {
  ecKey,
  type Provider,
  rsaKey,
  type SigningKey,
  signedBy,
  startProvider,
} from '../../builders/provider.ts'
import { until } from '../../builders/proxy.ts'

let provider: Provider
const now = Date.parse('2026-11-20T10:00:00Z')
const key = ecKey('key')
beforeEach(async () => {
  provider = await startProvider()
  provider.publish(key.jwk)
})
afterEach(() => provider.close())

const identitiesOf = () =>
  createIdentities(
    {
      identity: { issuer: provider.issuer, audience: 'pagepass', client: 'pagepass', sessionMax: 3_600_000 },
    },
    () => now,
  )
const tokenOf = (claims: object = {}, by: SigningKey = key, header: object = {}) =>
  signedBy(
    by,
    {
      iss: provider.issuer,
      aud: 'pagepass',
      sub: 'ana',
      groups: ['sre'],
      exp: now / 1_000 + 3_600,
      ...claims,
    },
    header,
  )
const reasonOf = (result: Identified) => ('refused' in result ? result.refused : 'known')
/** The provider answers nothing more until the answer is let go. */
const holdBack = () => {
  let serve: () => void = () => undefined
  provider.answerWith((request, response) => {
    serve = () => provider.serve(request.url ?? '', response)
  })
  return {
    asked: () => until(() => provider.calls.length > 0, 'the provider to be asked'),
    letGo: () => {
      provider.answerWith(undefined)
      serve()
    },
  }
}

test('Who it is: issuer and subject, groups and roles, and how they signed in; nothing else of the token', async () => {
  const identities = identitiesOf()
  const result = await identities.verify(
    tokenOf({
      roles: ['auditor'],
      acr: 'mfa',
      auth_time: 1_000,
      email: 'ben@example.com',
      email_verified: false,
      azp: 'another-client',
      client_id: 'another-client',
      preferred_username: 'ben',
    }),
  )
  expect(result).toEqual({
    identity: {
      principal: `${provider.issuer} ana`,
      issuer: provider.issuer,
      subject: 'ana',
      groups: ['sre'],
      roles: ['auditor'],
      acr: 'mfa',
      signedInAt: 1_000_000,
      validUntil: now + 300_000,
    },
  })
})

describe('An identity is remembered', () => {
  test('by every byte of its token, for five minutes, or until the token’s end with its leeway', async () => {
    const identities = identitiesOf()
    const [long, short] = [tokenOf(), tokenOf({ exp: now / 1_000 + 60 })]
    await identities.verify(long)
    await identities.verify(short)
    expect(identities.size()).toBe(2)
    for (const other of [`${long}=`, ` ${long}`, long.slice(0, -1), long.toUpperCase()])
      expect(identities.known(other, now)).toBeUndefined()
    expect(identities.known(short, now + 89_999)).toBeDefined()
    expect(identities.known(short, now + 90_000)).toBeUndefined()
    expect(identities.known(long, now + 299_999)).toBeDefined()
    expect(identities.known(long, now + 300_000)).toBeUndefined()
    expect(identities.size()).toBe(0)
  })

  test('never when the token was refused', async () => {
    const identities = identitiesOf()
    const token = tokenOf({ aud: 'another' })
    await identities.verify(token)
    expect(identities.known(token, now)).toBeUndefined()
  })

  test('while there is room: long tokens push out the oldest', async () => {
    const identities = identitiesOf()
    const groups = Array.from({ length: 40 }, (_, number) => `${number}`.padEnd(250, 'g'))
    const tokens = Array.from({ length: 1_400 }, (_, number) => tokenOf({ sub: `p${number}`, groups }))
    for (const token of tokens) await identities.verify(token)
    const kept = tokens.filter((token) => identities.known(token, now) !== undefined)
    expect(kept.join('').length).toBeLessThanOrEqual(16 * 1024 * 1024)
    expect(kept).toEqual(tokens.slice(-kept.length))
    expect(kept.length).toBeGreaterThan(1_000)
  })

  test('for 10,000 tokens at most', async () => {
    const identities = identitiesOf()
    const tokens = Array.from({ length: 10_050 }, (_, number) => tokenOf({ sub: `p${number}` }))
    for (let from = 0; from < tokens.length; from += 500)
      await Promise.all(tokens.slice(from, from + 500).map((token) => identities.verify(token)))
    expect(identities.size()).toBe(10_000)
  })

  test('once for all spellings that a lax decoder would take for the same token', async () => {
    const identities = identitiesOf()
    const token = tokenOf()
    const [header = '', body = '', signature = ''] = token.split('.')
    for (const other of [
      `${token}=`,
      `${token}==`,
      `${header}.${body}.${signature.slice(0, 40)} ${signature.slice(40)}`,
      `${header}.${body}.${signature.slice(0, 40)}!${signature.slice(40)}`,
      `${header}.${body}.${signature.replaceAll('-', '+').replaceAll('_', '/')}+`,
      `${header}=.${body}.${signature}`,
    ])
      expect(reasonOf(await identities.verify(other))).toBe('token-invalid')
    expect(identities.size()).toBe(0)
  })
})

describe('Verifications under way', () => {
  test('are shared by whoever brings the same token', async () => {
    const identities = identitiesOf()
    const token = tokenOf()
    const results = [identities.verify(token), identities.verify(token)]
    expect(results[0]).toBe(results[1])
    const [one, other] = await Promise.all(results)
    expect(one).toBe(other)
  })

  test('are 1,000 at most; who comes then is told to come back', async () => {
    const identities = identitiesOf()
    await identities.verify(tokenOf())
    const tokens = Array.from({ length: 1_500 }, (_, number) => tokenOf({ sub: `p${number}` }))
    const reasons = (await Promise.all(tokens.map((token) => identities.verify(token)))).map(reasonOf)
    expect(reasons.filter((reason) => reason === 'known')).toHaveLength(1_000)
    expect(reasons.slice(1_000)).toEqual(Array(500).fill('identity-unavailable'))
    expect(reasonOf(await identities.verify(tokenOf({ sub: 'later' })))).toBe('known')
  })

  test('of what is no token at all never reach the provider', async () => {
    const identities = identitiesOf()
    for (const token of ['', 'a', 'a.b', 'a.b.c', '....', tokenOf({}, key, { alg: 'none' })])
      expect(reasonOf(await identities.verify(token))).toBe('token-invalid')
    expect(provider.calls).toEqual([])
  })
})

describe('Somebody who is forgotten', () => {
  test('is verified anew, and nobody else is', async () => {
    const identities = identitiesOf()
    const [ana, again, ben] = [tokenOf(), tokenOf({ jti: 'again' }), tokenOf({ sub: 'ben' })]
    for (const token of [ana, again, ben]) await identities.verify(token)
    identities.forget(`${provider.issuer} ana`)
    expect(identities.known(ana, now)).toBeUndefined()
    expect(identities.known(again, now)).toBeUndefined()
    expect(identities.known(ben, now)).toBeDefined()
    expect(identities.size()).toBe(1)
    expect(reasonOf(await identities.verify(ana))).toBe('known')
  })

  test('is verified anew also where that was under way: by then the key may be gone', async () => {
    const identities = identitiesOf()
    const held = holdBack()
    const token = tokenOf()
    const result = identities.verify(token)
    await held.asked()
    identities.forget(`${provider.issuer} ana`)
    identities.forget(`${provider.issuer} nobody`)
    held.letGo()
    const first = await result
    expect(reasonOf(first)).toBe('known')
    expect(identities.known(token, now)).toBe('identity' in first ? first.identity : undefined)
  })

  test('again and again is told to come back, and not remembered', async () => {
    const identities = identitiesOf()
    await identities.verify(tokenOf({ sub: 'ben' }))
    const token = tokenOf()
    let over = false
    const result = identities.verify(token).finally(() => {
      over = true
    })
    while (!over) {
      identities.forget(`${provider.issuer} ana`)
      await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(reasonOf(await result)).toBe('identity-unavailable')
    expect(identities.known(token, now)).toBeUndefined()
  })
})

describe('Key strength', () => {
  test.each<[string, () => SigningKey]>([
    ['RSA of 1024 bits', () => rsaKey('weak', 1_024)],
    ['RSA with the exponent 3', () => rsaKey('weak', 2_048, 3)],
    ['a key for encryption', () => ecKey('weak', { use: 'enc' })],
    ['a key for signing alone', () => ecKey('weak', { key_ops: ['sign'] })],
    ['P-521', () => ecKey('weak', {}, 'P-521')],
  ])('a token signed by %s is refused, though the provider publishes it', async (_, make) => {
    const weak = make()
    provider.publish(weak.jwk, key.jwk)
    const identities = identitiesOf()
    expect(reasonOf(await identities.verify(tokenOf({}, weak)))).toBe('token-invalid')
    expect(reasonOf(await identities.verify(tokenOf()))).toBe('known')
  })

  test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])(
    'a key published for %s verifies nothing else',
    async (alg) => {
      const rsa = rsaKey('rsa', 2_048, 65_537, { alg })
      provider.publish(rsa.jwk)
      const identities = identitiesOf()
      // Signed by RS256.
      expect(reasonOf(await identities.verify(tokenOf({}, rsa)))).toBe(
        alg === 'RS256' ? 'known' : 'token-invalid',
      )
    },
  )

  test('a token without a key id is for the one key that fits; of two, for none', async () => {
    const withoutId = (by: SigningKey) => tokenOf({}, by, { kid: undefined })
    expect(reasonOf(await identitiesOf().verify(withoutId(key)))).toBe('known')
    const other = ecKey('other')
    provider.publish(key.jwk, other.jwk)
    const identities = identitiesOf()
    expect(reasonOf(await identities.verify(withoutId(key)))).toBe('token-invalid')
    expect(reasonOf(await identities.verify(tokenOf({}, other)))).toBe('known')
  })
})

test('The times of a token: the leeway is 30 s and no more', async () => {
  const identities = identitiesOf()
  const seconds = now / 1_000
  const cases: readonly (readonly [object, string])[] = [
    [{ exp: seconds - 29 }, 'known'],
    [{ exp: seconds - 30 }, 'token-expired'],
    [{ nbf: seconds + 30 }, 'known'],
    [{ nbf: seconds + 31 }, 'token-invalid'],
    [{ iat: seconds + 30 }, 'known'],
    [{ iat: seconds + 31 }, 'token-invalid'],
    [{ iat: 'now' }, 'token-invalid'],
    [{ exp: 1e300 }, 'known'],
    [{ exp: -1e300 }, 'token-expired'],
  ]
  const found = []
  for (const [claims] of cases) found.push([claims, reasonOf(await identities.verify(tokenOf(claims)))])
  expect(found).toEqual(cases)
})
