/**
 * The attack: be somebody by a token that the provider never gave. The usual ways: no signature at all, the public key
 * used as a shared secret (CVE-2015-9235, CVE-2016-5431), a key brought along in the header (`jwk`, `jku`, `x5u`:
 * CVE-2018-0114), a `kid` that is a path or a prototype, a critical extension nobody knows, and a true token of the
 * same provider that was made for something else (RFC 8725, RFC 9068). And make the proxy work or call out for each.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CompactEncrypt,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { expectOneRequest, expectRefused } from '../builders/attack.ts'
import { otherServers, startBackEnd } from '../builders/back-ends.ts'
import { type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'

let proxy: ProxyUnderTest
let published: JWK
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 15)
  await proxy.give('ana')
  await proxy.give('ben')
  const { keys } = (await (await fetch(`${proxy.idp.issuer}/jwks`)).json()) as { keys: JWK[] }
  published = keys[0] as JWK
})
afterAll(() => proxy.stop())

const seconds = (it = proxy) => Math.floor(it.now() / 1_000)
const claims = (more: object = {}, it = proxy) => ({
  iss: it.idp.issuer,
  aud: 'pagepass',
  sub: people.ana.subject,
  groups: ['team-payments'],
  iat: seconds(it),
  exp: seconds(it) + 600,
  ...more,
})
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const withToken = async (token: string, it = proxy) =>
  (await it.request('ana')).replace(await it.token('ana'), token)
const invalid = { status: 401, reason: 'token-invalid' }

test('What these tests alter is accepted unaltered', async () => {
  await expectOneRequest(proxy, await withToken(await proxy.signed({})))
})

describe('Signatures', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg “%s”', async (alg) => {
    const unsigned = `${encoded({ alg, typ: 'at+jwt', kid: published.kid })}.${encoded(claims())}`
    await expectRefused(proxy, await withToken(`${unsigned}.`), invalid)
    await expectRefused(proxy, await withToken(`${unsigned}.AAAA`), invalid)
  })

  test('the public key as a shared secret', async () => {
    const key = (await importJWK(published, 'ES256')) as CryptoKey
    const pem = await exportSPKI(key)
    const { alg: _, use: __, ...bare } = published
    for (const secret of [
      pem,
      pem.trim(),
      JSON.stringify(published),
      JSON.stringify(bare),
      published.x ?? '',
    ]) {
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const bytes = Buffer.from(secret.padEnd(64, '\0'))
        for (const exact of [Buffer.from(secret), bytes].filter(({ length }) => length >= 64)) {
          const token = await new SignJWT(claims())
            .setProtectedHeader({ alg, typ: 'at+jwt', kid: published.kid ?? '' })
            .sign(exact)
          await expectRefused(proxy, await withToken(token), invalid)
        }
      }
    }
  })

  test('a key brought along, in every header that may name one, and nothing is fetched', async () => {
    const calls: string[] = []
    const trap = createServer((request, response) => {
      calls.push(request.url ?? '')
      response.end('{}')
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    for (const header of [
      { jwk },
      { jwk: { ...jwk, kid: published.kid ?? '' } },
      { jku: url },
      { x5u: url },
      { jku: url, kid: published.kid ?? '' },
      { x5c: ['MIIB'], kid: published.kid ?? '' },
      { x5t: 'AAAA' },
    ]) {
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header })
        .sign(privateKey)
      await expectRefused(proxy, await withToken(token), invalid)
    }
    trap.close()
    expect(calls).toEqual([])
  })

  test.each([
    ['an unknown one', 'nobody'],
    ['a path', '../../../../dev/null'],
    ['a prototype', '__proto__'],
    ['a statement', "' OR 1=1 --"],
    ['an address', 'http://127.0.0.1:1/'],
    ['an empty one', ''],
    ['a long one', 'k'.repeat(4_000)],
  ])('a key id that is %s', async (_, kid) => {
    const { privateKey } = await generateKeyPair('ES256')
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .sign(privateKey)
    await expectRefused(proxy, await withToken(token), invalid)
  })

  test.each(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'])(
    'another key’s %s under the known key id',
    async (alg) => {
      const { privateKey } = await generateKeyPair(alg)
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: published.kid ?? '' })
        .sign(privateKey)
      await expectRefused(proxy, await withToken(token), invalid)
    },
  )

  test('a body or a header changed after it was signed', async () => {
    const [header = '', , signature = ''] = (await proxy.token('ana')).split('.')
    const bens = encoded(claims({ sub: people.ben.subject, groups: ['sre'] }))
    await expectRefused(proxy, await withToken(`${header}.${bens}.${signature}`), invalid)
    const [, body = ''] = (await proxy.token('ana')).split('.')
    const other = encoded({ alg: 'ES256', typ: 'at+jwt', kid: published.kid, extra: 1 })
    await expectRefused(proxy, await withToken(`${other}.${body}.${signature}`), invalid)
    await expectRefused(proxy, await withToken(`${header}.${body}.`), invalid)
    await expectRefused(proxy, await withToken(`${header}.${body}.${'A'.repeat(86)}`), invalid)
  })
})

describe('Tokens made for something else', () => {
  test.each([
    ['another audience', { aud: 'another' }, {}],
    ['our control API’s audience', { aud: 'pagepass-control' }, {}],
    ['the service as audience', { aud: 'orders-svc' }, {}],
    ['no audience', { aud: undefined }, {}],
    ['an empty list of audiences', { aud: [] }, {}],
    ['another issuer', { iss: 'https://evil.example' }, {}],
    ['an issuer with a slash more', { iss: 'slash' }, {}],
    ['no issuer', { iss: undefined }, {}],
    ['the type of an ID token', {}, { typ: 'JWT' }],
    ['no type', {}, { typ: undefined }],
    ['our own assertion’s type', {}, { typ: 'pagepass-assertion+jwt' }],
    ['the type of a logout token', {}, { typ: 'logout+jwt' }],
    ['no subject', { sub: undefined }, {}],
    ['an empty subject', { sub: '' }, {}],
    ['a subject that is none', { sub: 7 }, {}],
    ['a subject too long', { sub: 's'.repeat(256) }, {}],
    ['groups that are none', { groups: 'sre' }, {}],
    ['groups within groups', { groups: [['sre']] }, {}],
    ['no end', { exp: undefined }, {}],
    ['an end that is none', { exp: 'tomorrow' }, {}],
    ['a start to come', { nbf: 4_000_000_000 }, {}],
    ['an issue to come', { iat: 4_000_000_000 }, {}],
    ['a critical extension', {}, { crit: ['exp'], exp: 1 }],
    ['a critical extension that the library knows', {}, { crit: ['b64'], b64: true }],
    ['a payload that is not encoded', {}, { crit: ['b64'], b64: false }],
    ['critical extensions, but none', {}, { crit: [] }],
  ])('%s', async (_, body, header) => {
    const changed = 'iss' in body && body.iss === 'slash' ? { iss: `${proxy.idp.issuer}/` } : body
    const given = { ...claims(), ...changed } as Record<string, unknown>
    const head = { alg: 'ES256', typ: 'at+jwt', kid: published.kid, ...header } as Record<string, unknown>
    // Signed with the provider's own key, so that nothing but the change can be what is refused.
    const token = await proxy
      .signed(given, head as never)
      .catch(() => `${encoded(head)}.${encoded(given)}.AAAA`)
    await expectRefused(proxy, await withToken(token), invalid)
  })

  test('Another’s address, client and name in a true token make nobody somebody else', async () => {
    const token = await proxy.signed({
      email: people.ben.email,
      email_verified: false,
      preferred_username: 'ben',
      azp: 'another-client',
      client_id: 'another-client',
    })
    const seen = await expectOneRequest(proxy, await withToken(token))
    const [, body = ''] = (valuesOf(seen, 'x-pagepass-assertion')[0] ?? '').split('.')
    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toMatchObject({ sub: people.ana.subject })
  })

  test('a token of another provider', async () => {
    const other = await startIdp({}, 0)
    await expectRefused(proxy, await withToken(await other.tokenFor(people.ana)), invalid)
    await other.close()
  })

  test('an expired one, by more than the leeway', async () => {
    const expired = { status: 401, reason: 'token-expired' }
    await expectRefused(
      proxy,
      await withToken(await proxy.idp.tokenFor(people.ana, { expiresIn: -31 })),
      expired,
    )
    await expectRefused(proxy, await withToken(await proxy.signed({ exp: 1 })), expired)
    await expectRefused(proxy, await withToken(await proxy.signed({ exp: -1 })), expired)
  })

  test('our own assertion', async () => {
    const seen = await expectOneRequest(proxy, await proxy.request('ana'))
    const [assertion = ''] = valuesOf(seen, 'x-pagepass-assertion')
    await expectRefused(proxy, await withToken(assertion), invalid)
  })

  test('a statement of ours', async () => {
    const [statement = ''] = await proxy.redis.hvals('{pagepass}:live')
    await expectRefused(proxy, await withToken(statement), invalid)
  })
})

describe('What is no token', () => {
  test.each([
    ['one part', 'abc'],
    ['two parts', 'a.b'],
    ['four parts', 'a.b.c.d'],
    ['dots', '..'],
    ['four dots', '....'],
    ['no JSON', 'YQ.YQ.YQ'],
    ['JSON that is no object', 'MQ.MQ.MQ'],
    ['null', 'bnVsbA.bnVsbA.AAAA'],
    ['controls in base64', '\x80\x81.\xff.\xfe'],
    ['deep JSON', `${Buffer.from('['.repeat(3_000)).toString('base64url')}.e30.AA`],
    ['12 KiB', 'a'.repeat(12_288)],
    ['a comma', 'a.b.c, Bearer d.e.f'],
    ['quotes', '"a.b.c"'],
  ])('%s', async (_, token) => {
    await expectRefused(proxy, await withToken(token), invalid)
  })

  test('an encrypted one, in five parts', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES')
    const token = await new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'at+jwt' })
      .encrypt(publicKey)
    await expectRefused(proxy, await withToken(token), invalid)
  })

  test('a good token in a bad place', async () => {
    const token = await proxy.token('ana')
    const missing = { status: 401, reason: 'token-missing' }
    const bare = (await proxy.request('ana')).replace(/Authorization: [^\r]+\r\n/, '')
    await expectRefused(proxy, bare.replace('/v1/orders', `/v1/orders?access_token=${token}`), missing)
    await expectRefused(proxy, bare.replace('\r\n\r\n', `\r\nCookie: token=${token}\r\n\r\n`), missing)
    for (const scheme of ['Basic', 'Token', 'DPoP', 'Bearer:', 'Bearer,'])
      await expectRefused(proxy, (await proxy.request('ana')).replace('Bearer', scheme), missing)
  })
})

test('No token is in any record or log', async () => {
  await proxy.startOver()
  const bad = `canary.${'a'.repeat(40)}.canary`
  await ask(proxy.port, await withToken(bad))
  await ask(proxy.port, await proxy.request('ana'))
  const told = JSON.stringify([await proxy.records(3), proxy.logged])
  expect(told).not.toContain('canary')
  expect(told).not.toContain(await proxy.token('ana'))
})

test('A flood of unknown key ids asks the provider for its keys at most once more', async () => {
  const called = vi.spyOn(globalThis, 'fetch')
  const { privateKey } = await generateKeyPair('ES256')
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async (_, number) => {
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: `flood-${number}` })
        .sign(privateKey)
      return (await ask(proxy.port, await withToken(token))).status
    }),
  )
  expect(new Set(statuses)).toEqual(new Set([401]))
  expect(called.mock.calls.length).toBeLessThanOrEqual(1)
  called.mockRestore()
})

test('Identities are remembered by the exact token: asking in turns never mixes two people up', async () => {
  await proxy.startOver()
  const names = ['ana', 'ben', 'cho', 'eve'] as const
  const all = await Promise.all(
    Array.from({ length: 200 }, async (_, number) => {
      const name = names[number % names.length] as (typeof names)[number]
      const answer = await ask(proxy.port, await proxy.request(name, 'GET', `/v1/${name}`))
      return [name, answer.status] as const
    }),
  )
  for (const [name, status] of all)
    expect([name, status]).toEqual([name, name === 'ana' || name === 'ben' ? 200 : 403])
  for (const seen of proxy.orders.received()) {
    const [, body = ''] = (valuesOf(seen, 'x-pagepass-assertion')[0] ?? '').split('.')
    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toMatchObject({
      sub: `idp-${seen.target.slice(4)}`,
    })
  }
})

test('A remembered identity ends with its token', async () => {
  const short = await withToken(await proxy.signed({ exp: seconds() + 100 }))
  await expectOneRequest(proxy, short)
  proxy.ahead(131_000)
  await expectRefused(proxy, short, { status: 401, reason: 'token-expired' })
})

test('A key that the provider takes back ends what it verified, also where that is remembered', async () => {
  await proxy.startOver()
  const old = await withToken(await proxy.signed({ sub: people.ben.subject, groups: ['sre'] }))
  expect((await ask(proxy.port, old)).status).toBe(200)
  await proxy.idp.rotateKeys()
  proxy.idp.withdrawOldKeys()
  expect((await ask(proxy.port, old)).status).toBe(200)
  // The first token of the new key makes the proxy ask for the keys, which it does every 30 s at most.
  proxy.ahead(31_000)
  expect((await ask(proxy.port, await withToken(await proxy.idp.tokenFor(people.ana)))).status).toBe(200)
  const seen = proxy.orders.received().length
  const answer = await ask(proxy.port, old)
  expect([answer.status, answer.body]).toEqual([401, expect.stringContaining('token-invalid')])
  expect(proxy.orders.received()).toHaveLength(seen)
  expect(proxy.faults).toEqual([])
})

/** All of it is decided before any server is asked; so that nothing reaches these either is shown by a few. */
describe.each(otherServers)('Before a service on %s:', (server) => {
  let it: ProxyUnderTest
  beforeAll(async () => {
    it = await startProxyForTest(inject('redisUrl'), 106, { orders: await startBackEnd(server) })
    await it.give('ana')
  })
  afterAll(() => it.stop())

  test('a true token', async () => {
    const seen = await expectOneRequest(it, await withToken(await it.signed({}), it))
    expect(valuesOf(seen, 'authorization')).toEqual([])
  })

  const partsOf = async () => (await it.token('ana')).split('.')
  const signedByAnother = async () => {
    const [header = ''] = await partsOf()
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
    const { privateKey } = await generateKeyPair('ES256')
    const head = { alg: 'ES256', typ: 'at+jwt', kid }
    return new SignJWT(claims({}, it)).setProtectedHeader(head).sign(privateKey)
  }
  const anothersClaims = async () => {
    const [header, , signature] = await partsOf()
    return [header, encoded(claims({ sub: people.ben.subject }, it)), signature].join('.')
  }
  const bad: [string, () => Promise<string>, string][] = [
    [
      'unsigned',
      async () => `${encoded({ alg: 'none', typ: 'at+jwt' })}.${encoded(claims({}, it))}.`,
      'token-invalid',
    ],
    ['signed with another key', signedByAnother, 'token-invalid'],
    ['changed after it was signed', anothersClaims, 'token-invalid'],
    ['of another audience', () => it.signed({ aud: 'another' }), 'token-invalid'],
    ['of another type', () => it.signed({}, { typ: 'JWT' }), 'token-invalid'],
    ['that is over', () => it.signed({ exp: 1 }), 'token-expired'],
  ]
  test.each(bad)('one %s', async (_, token, reason) => {
    await expectRefused(it, await withToken(await token(), it), { status: 401, reason })
  })
})
