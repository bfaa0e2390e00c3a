import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createKeys } from '#access/adapters/keys.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { onlyRequestTo, valuesOf } from '../builders/upstream.ts'

/** How services verify, whichever algorithm their library knows. */
const demands = { issuer: 'pagepass:sandbox', typ: 'pagepass-assertion+jwt', audience: 'orders-svc' }

let proxy: ProxyUnderTest
const jwksOf = async (): Promise<JSONWebKeySet> => {
  const asked = `GET /.pagepass/jwks.json HTTP/1.1\r\nHost: orders-svc.${domain}\r\n\r\n`
  return JSON.parse((await ask(proxy.port, asked)).body) as JSONWebKeySet
}
/** What the service gets with a request of Ana's. */
const anAssertion = async (): Promise<string> => {
  expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(200)
  const [assertion = '', ...more] = valuesOf(onlyRequestTo(proxy.orders), 'x-pagepass-assertion')
  expect(more).toEqual([])
  return assertion
}

describe('With a P-256 key', () => {
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 83, {
      makeKeys: (folder, environment) => createKeys(folder, environment, 'ES256'),
    })
    await proxy.give('ana')
  })
  afterAll(() => proxy.stop())
  beforeEach(() => proxy.startOver())

  test('assertions are signed with ES256, and verify with what is published, for exactly one service', async () => {
    const assertion = await anAssertion()
    expect(decodeProtectedHeader(assertion)).toEqual({
      alg: 'ES256',
      typ: 'pagepass-assertion+jwt',
      kid: 'proxy-assertion-es256-1',
    })
    const jwks = await jwksOf()
    expect(jwks.keys).toMatchObject([{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' }])
    expect(jwks.keys[0]).not.toHaveProperty('d')
    expect(jwks.keys[0]).not.toHaveProperty('role')
    const keys = createLocalJWKSet(jwks)
    const { payload } = await jwtVerify(assertion, keys, { ...demands, algorithms: ['ES256'] })
    expect(payload).toMatchObject({ sub: 'idp-ana', aud: 'orders-svc', tier: 'operate' })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(90)
    for (const wrong of [
      { audience: 'payments-svc' },
      { issuer: 'pagepass:production' },
      { typ: 'at+jwt' },
      { algorithms: ['EdDSA'] },
    ])
      await expect(jwtVerify(assertion, keys, { ...demands, ...wrong })).rejects.toThrow()
  })

  test('an assertion is no credential, wherever it comes back', async () => {
    const assertion = await anAssertion()
    const token = await proxy.token('ana')
    await proxy.startOver()
    const asked = await proxy.request('ana')
    const asToken = asked.replace(token, assertion)
    const beside = asked.replace(
      `Authorization: Bearer ${token}`,
      `X-Pagepass-Authorization: Bearer ${assertion}`,
    )
    const asItself = asked.replace(`Authorization: Bearer ${token}`, `X-Pagepass-Assertion: ${assertion}`)
    const both = asked.replace(
      '\r\nAuthorization',
      `\r\nX-Pagepass-Authorization: Bearer ${assertion}\r\nAuthorization`,
    )
    expect((await ask(proxy.port, asToken)).status).toBe(401)
    expect((await ask(proxy.port, beside)).status).toBe(401)
    expect((await ask(proxy.port, asItself)).status).toBe(400)
    expect((await ask(proxy.port, both)).status).toBeGreaterThanOrEqual(400)
    expect(proxy.orders.received()).toEqual([])
  })

  test('it is signed once for many requests', async () => {
    const first = await anAssertion()
    await proxy.startOver()
    expect(await anAssertion()).toBe(first)
  })
})

describe('While the key is replaced by one of the other kind', () => {
  let old: JWK
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 83, {
      makeKeys: async (folder, environment) => {
        const next = `${folder}-next`
        await createKeys(folder, environment)
        await createKeys(next, environment, 'ES256')
        const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'))
        const mine = join(folder, 'proxy', 'assertion.private.json')
        old = await read(mine)
        await copyFile(join(next, 'proxy', 'assertion.private.json'), mine)
        const file = join(folder, 'proxy', 'trusted.json')
        const [trusted, coming] = await Promise.all([read(file), read(join(next, 'proxy', 'trusted.json'))])
        const added = coming.keys.filter(({ role }: { role: string }) => role === 'assertion')
        await writeFile(file, JSON.stringify({ ...trusted, keys: [...trusted.keys, ...added] }))
      },
    })
    await proxy.give('ana')
  })
  afterAll(() => proxy.stop())
  beforeEach(() => proxy.startOver())

  test('services trust both: what one proxy signs with the old one and another with the new one', async () => {
    const jwks = await jwksOf()
    expect(jwks.keys.map(({ kid, alg }) => [kid, alg])).toEqual([
      ['proxy-assertion-1', 'EdDSA'],
      ['proxy-assertion-es256-1', 'ES256'],
    ])
    const keys = createLocalJWKSet(jwks)
    const algorithms = ['EdDSA', 'ES256']
    const fresh = await anAssertion()
    expect(decodeProtectedHeader(fresh)).toMatchObject({ alg: 'ES256' })
    const { payload } = await jwtVerify(fresh, keys, { ...demands, algorithms })
    const older = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'EdDSA', typ: demands.typ, kid: old.kid ?? '' })
      .sign(await importJWK(old, 'EdDSA'))
    expect((await jwtVerify(older, keys, { ...demands, algorithms })).payload).toEqual(payload)
    // Neither is a credential.
    for (const assertion of [fresh, older]) {
      const asked = (await proxy.request('ana')).replace(await proxy.token('ana'), assertion)
      expect((await ask(proxy.port, asked)).status).toBe(401)
    }
  })
})
