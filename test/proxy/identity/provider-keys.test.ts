import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { usableKeys } from '#access/adapters/identity/usable-keys.ts'
import { createIdentities, type Identified } from '#proxy/identities.ts'
import { verifyToken } from '#proxy/identity/verify-token.ts'
import { ecKey, type Provider, type SigningKey, signedBy, startProvider } from '../../builders/provider.ts'
import { until } from '../../builders/proxy.ts'

const minute = 60_000
const hour = 60 * minute
const discovery = '/.well-known/openid-configuration'

let provider: Provider
let now = Date.parse('2026-11-20T10:00:00Z')
beforeEach(async () => {
  provider = await startProvider()
})
afterEach(() => provider.close())

const first = ecKey('first')
const second = ecKey('second')

const identitiesOf = () =>
  createIdentities(
    {
      identity: { issuer: provider.issuer, audience: 'pagepass', client: 'pagepass', sessionMax: 12 * hour },
    },
    () => now,
  )
const tokenOf = (key: SigningKey, claims: object = {}) =>
  signedBy(key, {
    iss: provider.issuer,
    aud: 'pagepass',
    sub: 'ana',
    groups: ['sre'],
    exp: now / 1_000 + 100 * 3_600,
    ...claims,
  })
const reasonOf = (result: Identified) => ('refused' in result ? result.refused : 'known')
/** Nothing but these questions came to the provider since the last time. */
const expectCalls = (...paths: readonly string[]) => {
  expect(provider.calls).toEqual(paths)
  provider.calls.length = 0
}

test('Its keys are found by discovery, asked for once, and again for a key nobody knows, every 30 s at most', async () => {
  provider.publish(first.jwk)
  const identities = identitiesOf()
  expect(reasonOf(await identities.verify(tokenOf(first)))).toBe('known')
  expectCalls(discovery, '/jwks')

  provider.publish(second.jwk, first.jwk)
  now += 29_000
  expect(reasonOf(await identities.verify(tokenOf(second)))).toBe('token-invalid')
  expectCalls()
  now += 1_000
  expect(reasonOf(await identities.verify(tokenOf(second)))).toBe('known')
  expectCalls('/jwks')
  expect(reasonOf(await identities.verify(tokenOf(second, { sub: 'ben' })))).toBe('known')
  expectCalls()
})

test('A flood of unknown key ids brings one question in 30 s, and holds up nobody with a known key', async () => {
  provider.publish(first.jwk)
  const identities = identitiesOf()
  await identities.verify(tokenOf(first))
  now += 31_000
  expectCalls(discovery, '/jwks')
  let answerLate: () => void = () => undefined
  provider.answerWith((request, response) => {
    answerLate = () => provider.serve(request.url ?? '', response)
  })
  const flood = Array.from({ length: 900 }, (_, number) =>
    identities.verify(tokenOf({ ...first, jwk: { ...first.jwk, kid: `flood-${number}` } })),
  )
  expect(reasonOf(await identities.verify(tokenOf(first, { sub: 'ben' })))).toBe('known')
  await until(() => provider.calls.length > 0, 'the question')
  answerLate()
  const reasons = (await Promise.all(flood)).map(reasonOf)
  expect(new Set(reasons)).toEqual(new Set(['token-invalid', 'identity-unavailable']))
  // Only so many wait for the provider.
  expect(reasons.filter((reason) => reason === 'token-invalid')).toHaveLength(500)
  expectCalls('/jwks')
})

test('While it never answered it is asked every 5 s at most, whoever comes', async () => {
  provider.answerWith((_, response) => response.writeHead(500).end())
  const identities = identitiesOf()
  const all = async () =>
    new Set(
      await Promise.all(
        ['ana', 'ben', 'cho'].map(async (sub) => reasonOf(await identities.verify(tokenOf(first, { sub })))),
      ),
    )
  expect(await all()).toEqual(new Set(['identity-unavailable']))
  expect(await all()).toEqual(new Set(['identity-unavailable']))
  now += 4_999
  expect(await all()).toEqual(new Set(['identity-unavailable']))
  expectCalls(discovery)
  provider.answerWith(undefined)
  provider.publish(first.jwk)
  now += 1
  expect(await all()).toEqual(new Set(['known']))
  expectCalls(discovery, '/jwks')
})

describe('With the provider down', () => {
  test('its last keys count for a day, and nobody waits for it', async () => {
    provider.publish(first.jwk)
    const identities = identitiesOf()
    await identities.verify(tokenOf(first))
    const begun = now
    provider.answerWith((request) => request.socket.destroy())
    for (const after of [11 * minute, hour, 23 * hour, 24 * hour]) {
      now = begun + after
      expect(reasonOf(await identities.verify(tokenOf(first)))).toBe('known')
    }
    now = begun + 24 * hour + 1
    expect(identities.known(tokenOf(first), now)).toBeUndefined()
    expect(reasonOf(await identities.verify(tokenOf(first)))).toBe('identity-unavailable')
    now += minute
    provider.answerWith(undefined)
    expect(reasonOf(await identities.verify(tokenOf(first)))).toBe('known')
  })

  test('nobody waits for it again and again', async () => {
    provider.publish(first.jwk)
    const identities = identitiesOf()
    await identities.verify(tokenOf(first))
    now += 11 * minute
    provider.answerWith((request) => request.socket.destroy())
    await identities.verify(tokenOf(first))
    let isOver = false
    provider.answerWith((request) => {
      request.socket.on('close', () => {
        isOver = true
      })
    })
    provider.calls.length = 0
    now += minute
    expect(reasonOf(await identities.verify(tokenOf(first)))).toBe('known')
    await until(() => provider.calls.length > 0, 'the provider to be asked')
    expect(isOver).toBe(false)
  })

  test('what it verified ends with that day too', async () => {
    provider.publish(first.jwk)
    const identities = identitiesOf()
    await identities.verify(tokenOf(first))
    const begun = now
    provider.answerWith((request) => request.socket.destroy())
    now = begun + 24 * hour - 1_000
    const token = tokenOf(first)
    const result = await identities.verify(token)
    expect(result).toMatchObject({ identity: { validUntil: begun + 24 * hour } })
    expect(identities.known(token, now)).toBeDefined()
    expect(identities.known(token, begun + 24 * hour)).toBeUndefined()
  })

  test('only the discovery document missing: the keys are where they were', async () => {
    provider.publish(first.jwk)
    const identities = identitiesOf()
    await identities.verify(tokenOf(first))
    expectCalls(discovery, '/jwks')
    provider.answerWith((request, response) =>
      request.url === '/jwks'
        ? provider.json(response, { keys: [second.jwk] })
        : response.writeHead(503).end(),
    )
    now += 20 * minute
    expect(reasonOf(await identities.verify(tokenOf(second)))).toBe('known')
    expectCalls(discovery, '/jwks')
  })

  test('a flood of unknown keys doesn’t make an old address count for longer', async () => {
    provider.publish(first.jwk)
    const identities = identitiesOf()
    await identities.verify(tokenOf(first))
    const begun = now
    provider.answerWith((request, response) =>
      request.url === '/jwks' ? provider.serve('/jwks', response) : response.writeHead(503).end(),
    )
    for (now = begun; now <= begun + 25 * hour; now += 4 * minute) await identities.verify(tokenOf(second))
    now = begun + 48 * hour + 10 * minute
    expect(reasonOf(await identities.verify(tokenOf(first)))).toBe('identity-unavailable')
  })
})

describe('A key that is taken back', () => {
  test('ends what it verified as soon as that is heard of', async () => {
    provider.publish(first.jwk, second.jwk)
    const identities = identitiesOf()
    const [old, kept] = [tokenOf(first), tokenOf(second)]
    await identities.verify(old)
    await identities.verify(kept)
    provider.publish(second.jwk)
    now += 31_000
    expect(identities.known(old, now)).toBeDefined()
    await identities.verify(tokenOf(ecKey('third')))
    expect(identities.known(old, now)).toBeUndefined()
    expect(identities.known(kept, now)).toBeDefined()
    expect(reasonOf(await identities.verify(old))).toBe('token-invalid')
  })

  test.each([
    ['other material under the same id', () => ecKey('first').jwk],
    ['the same material under another id', () => ({ ...first.jwk, kid: 'renamed' })],
    ['the same for encryption', () => ({ ...first.jwk, use: 'enc' })],
  ])('so does %s', async (_, changed) => {
    provider.publish(first.jwk, second.jwk)
    const identities = identitiesOf()
    const old = tokenOf(first)
    await identities.verify(old)
    provider.publish(changed(), second.jwk)
    now += 31_000
    await identities.verify(tokenOf(ecKey('third')))
    expect(identities.known(old, now)).toBeUndefined()
    expect(reasonOf(await identities.verify(old))).toBe('token-invalid')
  })

  test('is heard of in the background while in use, and after a pause before anything is verified', async () => {
    provider.publish(first.jwk, second.jwk)
    const identities = identitiesOf()
    const old = tokenOf(first)
    await identities.verify(old)
    provider.publish(second.jwk)
    now += 4 * minute
    const others = tokenOf(first, { sub: 'ben' })
    await identities.verify(others)
    expectCalls(discovery, '/jwks')
    now += 2 * minute
    expect(identities.known(others, now)).toBeDefined()
    expect(reasonOf(await identities.verify(old))).toBe('known')
    await until(() => identities.known(others, now) === undefined, 'the keys to be fetched')
    expect(identities.size()).toBe(0)

    const later = identitiesOf()
    provider.publish(first.jwk, second.jwk)
    await later.verify(old)
    provider.publish(second.jwk)
    now += 10 * minute
    expect(reasonOf(await later.verify(old))).toBe('token-invalid')
  })

  test('also refuses what was being verified by it at that moment', async () => {
    const [key] = await usableKeys({ keys: [first.jwk] })
    const identity = { issuer: provider.issuer, audience: 'pagepass', client: 'pagepass', sessionMax: hour }
    for (const [held, expected] of [
      [true, { proven: { subject: 'ana' } }],
      [false, { refused: 'token-invalid' }],
    ] as const) {
      const keys = { find: async () => key, holds: () => held, goodUntil: () => now + hour }
      expect(await verifyToken(tokenOf(first), identity, keys, () => now)).toMatchObject(expected)
    }
  })
})

describe('A provider that answers badly', () => {
  const endless = Buffer.alloc(65_536, ' ')
  test.each<[string, Parameters<Provider['answerWith']>[0]]>([
    [
      'without end',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const more = (): void => {
          while (!response.destroyed && response.write(endless));
          if (!response.destroyed) response.once('drain', more)
        }
        more()
      },
    ],
    [
      'with good keys in more than 1 MB',
      (_, response) => response.writeHead(200).end(JSON.stringify({ keys: [second.jwk] }).padEnd(1_048_577)),
    ],
    [
      'with another address',
      (request, response) =>
        request.url === '/moved'
          ? provider.json(response, { keys: [second.jwk] })
          : response.writeHead(302, { location: '/moved' }).end(),
    ],
    ['with another status', (_, response) => response.writeHead(201).end('{"keys":[]}')],
    ['with nothing', (_, response) => response.writeHead(200).end()],
    ['with no JSON', (_, response) => response.writeHead(200).end('<html>')],
    ['with deep JSON', (_, response) => response.writeHead(200).end('['.repeat(500_000))],
    ['with what is no key set', (_, response) => response.writeHead(200).end('{"keys":{}}')],
    ['with no key', (_, response) => response.writeHead(200).end('{"keys":[]}')],
    [
      'with 101 keys',
      (_, response) => response.writeHead(200).end(JSON.stringify({ keys: Array(101).fill(second.jwk) })),
    ],
    ['with a cut connection', (request) => request.socket.destroy()],
  ])('%s: nobody is recognised by that, and its last good answer counts', async (_, answering) => {
    const never = identitiesOf()
    provider.answerWith(answering)
    expect(reasonOf(await never.verify(tokenOf(second)))).toBe('identity-unavailable')

    now += minute
    provider.answerWith((request, response) =>
      request.url === '/jwks' ? answering?.(request, response) : provider.serve(discovery, response),
    )
    expect(reasonOf(await never.verify(tokenOf(second)))).toBe('identity-unavailable')

    now += minute
    provider.answerWith(undefined)
    provider.publish(first.jwk)
    expect(reasonOf(await never.verify(tokenOf(first)))).toBe('known')
    now += 11 * minute
    provider.answerWith(answering)
    expect(reasonOf(await never.verify(tokenOf(first)))).toBe('known')
    expect(reasonOf(await never.verify(tokenOf(second)))).toBe('token-invalid')
  })

  test('drop by drop: it has 5 s', async () => {
    provider.answerWith((_, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(drip))
    })
    expect(reasonOf(await identitiesOf().verify(tokenOf(first)))).toBe('identity-unavailable')
    expectCalls(discovery)
  })

  test.each([
    ['another issuer', () => ({ issuer: 'https://evil.example', jwks_uri: `${provider.issuer}/jwks` })],
    ['no address', () => ({ issuer: provider.issuer })],
    ['a file', () => ({ issuer: provider.issuer, jwks_uri: 'file:///etc/passwd' })],
    ['inline data', () => ({ issuer: provider.issuer, jwks_uri: 'data:application/json,{"keys":[]}' })],
    [
      'an address with a password',
      () => ({ issuer: provider.issuer, jwks_uri: provider.issuer.replace('//', '//a:b@') }),
    ],
  ])('with a discovery document that names %s', async (_, document) => {
    provider.publish(first.jwk)
    provider.answerWith((request, response) =>
      request.url === discovery
        ? provider.json(response, document())
        : provider.serve(request.url ?? '', response),
    )
    expect(reasonOf(await identitiesOf().verify(tokenOf(first)))).toBe('identity-unavailable')
    expectCalls(discovery)
  })
})
