import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { algorithms, createKeys } from '#access/adapters/keys.ts'
import { anAssertion, casesOf, type Signing } from '#infra/assertions/check/cases.ts'
import { buildSample, outcomesOf, type Sample, startSample } from '#infra/assertions/check/samples.ts'
import { type ProxyUnderTest, startProxyForTest } from '../../builders/proxy.ts'
import { ask } from '../../builders/raw-client.ts'
import { onlyRequestTo, valuesOf } from '../../builders/upstream.ts'

/** Stands before the published keys, and counts who fetches them. */
const countFetches = async (url: string) => {
  let fetched = 0
  const server = createServer(async (_, response) => {
    fetched += 1
    const answer = await fetch(url)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/.pagepass/jwks.json`,
    fetched: () => fetched,
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** The samples for services, as shipped, beside a real proxy whose keys they fetch. Go and Java: infra/assertions/README.md. */
describe.each(algorithms)('With assertions signed with %s', (algorithm) => {
  let proxy: ProxyUnderTest
  let signing: Signing
  let jwks: string
  beforeAll(async () => {
    let secret = ''
    proxy = await startProxyForTest(inject('redisUrl'), 84, {
      makeKeys: async (folder, environment) => {
        await createKeys(folder, environment, algorithm)
        secret = await readFile(join(folder, 'proxy', 'assertion.private.json'), 'utf8')
      },
    })
    await proxy.give('ana')
    jwks = `http://127.0.0.1:${proxy.port}/.pagepass/jwks.json`
    const { keys } = (await (await fetch(jwks)).json()) as JSONWebKeySet
    const [jwk] = keys
    if (jwk?.kid === undefined) throw new Error('no key is published')
    const privateKey = createPrivateKey({ key: JSON.parse(secret), format: 'jwk' })
    signing = { alg: algorithm, kid: jwk.kid, privateKey, jwk }
  })
  afterAll(() => proxy.stop())

  describe.each(['node', 'python'] as const)('the sample for %s', (name) => {
    let sample: Sample
    let remove: (() => Promise<void>) | undefined
    let published: Awaited<ReturnType<typeof countFetches>>
    beforeAll(async () => {
      published = await countFetches(jwks)
      const made = await buildSample(name, process.env)
      remove = made.remove
      const settings = { jwks: published.url, issuer: 'pagepass:sandbox', service: 'orders-svc' }
      sample = await startSample(made.built, settings, process.env)
    })
    afterAll(async () => {
      await sample?.stop()
      await remove?.()
      await published?.close()
    })

    test('takes what the proxy sends, and knows who asks', async () => {
      await proxy.startOver()
      expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(200)
      const sent = valuesOf(onlyRequestTo(proxy.orders), 'x-pagepass-assertion')
      const { status, body } = await sample.ask(sent)
      expect(status).toBe(200)
      expect(JSON.parse(body)).toMatchObject({ sub: 'idp-ana', name: 'Ana Lopes', tier: 'operate' })
    })

    test('refuses whatever is not one', async () => {
      const now = Math.floor(Date.now() / 1_000)
      const cases = casesOf({ signing, issuer: 'pagepass:sandbox', service: 'orders-svc', now })
      const outcomes = await outcomesOf(sample, cases)
      expect(outcomes.length).toBeGreaterThan(35)
      expect(outcomes.filter(({ status, expected }) => status !== expected)).toEqual([])
    })

    test('does not fetch the keys again and again for names that nobody knows', async () => {
      const world = { issuer: 'pagepass:sandbox', service: 'orders-svc', now: Math.floor(Date.now() / 1_000) }
      for (let index = 0; index < 30; index += 1) {
        const unknown = anAssertion({ ...world, signing: { ...signing, kid: `nobody-${index}` } })
        expect((await sample.ask([unknown])).status).toBe(401)
      }
      // Once at first, and once more for each 30 s that a slow machine takes.
      expect(published.fetched()).toBeLessThanOrEqual(5)
    })
  })
})
