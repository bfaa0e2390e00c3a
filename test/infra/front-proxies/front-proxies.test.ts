import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import {
  expectOneAssertion,
  type Front,
  frontSecret,
  fronts,
  startFront,
} from '../../builders/front-proxy.ts'
import { domain, handshakeHeaders, type ProxyUnderTest, startProxyForTest } from '../../builders/proxy.ts'
import { type Answer, ask, talk } from '../../builders/raw-client.ts'
import { type Received, valuesOf } from '../../builders/upstream.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 63, {
    authz: { secrets: [frontSecret], tls: undefined },
  })
  await proxy.give('ana')
  await proxy.give('ben', { tier: 'observe' })
})
afterAll(() => proxy.stop())

const decisions = ['decided', 'refused']
const placesOf = () => ({
  authzPort: proxy.authzPort,
  orders: proxy.orders.port,
  payments: proxy.payments.port,
})

/** What the application received, of which there is one. */
const theOne = (): Received => {
  const [one, ...more] = proxy.orders.received()
  expect(more).toEqual([])
  if (one === undefined) throw new Error('nothing reached the application')
  return one
}

/** Ours are not in a single byte that the application received. */
const expectNoCanary = (...canaries: string[]): void => {
  const bytes = proxy.orders.bytes() + proxy.payments.bytes()
  for (const canary of [frontSecret, 'x-pagepass-authorization', 'x-pagepass-front', ...canaries])
    expect(bytes.toLowerCase()).not.toContain(canary.toLowerCase())
}

const expectRefused = async (answer: Answer, status: number, reason: string): Promise<void> => {
  expect({ status: answer.status, told: answer.headers['x-pagepass-reason'] }).toEqual({
    status,
    told: [reason],
  })
  expect(await proxy.records(1, decisions)).toMatchObject([{ kind: 'refused', reason }])
  expect(proxy.orders.bytes() + proxy.payments.bytes()).toBe('')
}

const bytesOf = (headers: readonly string[], method = 'GET', target = '/v1/orders', body = ''): string =>
  [`${method} ${target} HTTP/1.1`, `Host: orders-svc.${domain}`, ...headers, '', body].join('\r\n')

describe.each(fronts)('%s, as shipped', (name) => {
  let front: Front
  beforeAll(async () => {
    front = await startFront(name, placesOf())
  })
  afterAll(() => front?.stop())
  beforeEach(() => proxy.startOver())

  test('forwards what was decided, with the assertion and without the token', async () => {
    const token = await proxy.token('ana')
    const answer = await ask(front.port, await proxy.request('ana', 'GET', '/v1/orders/7?a=%2f%2E%2E&b=//x'))
    expect(answer).toMatchObject({ status: 200, body: 'hello /v1/orders/7?a=%2f%2E%2E&b=//x\n' })
    expect(answer.headers).not.toHaveProperty('x-pagepass-assertion')
    expect(theOne()).toMatchObject({ method: 'GET', target: '/v1/orders/7?a=%2f%2E%2E&b=//x' })
    expect(valuesOf(theOne(), 'host')).toEqual([`orders-svc.${domain}`])
    expect(valuesOf(theOne(), 'authorization')).toEqual([])
    expectOneAssertion(theOne(), { aud: 'orders-svc', sub: 'idp-ana' })
    expectNoCanary(token)
    expect(await proxy.records(1, decisions)).toMatchObject([
      { kind: 'decided', method: 'GET', path: '/v1/orders/7', client: '127.0.0.1', service: 'orders-svc' },
    ])
  })

  test('passes a body on whole, and shows none of it when it asks', async () => {
    const body = 'x'.repeat(100_000)
    const bytes = await proxy.request('ana', 'POST', '/v1/orders', [`Content-Length: ${body.length}`], body)
    expect((await ask(front.port, bytes)).status).toBe(200)
    expect(theOne()).toMatchObject({ method: 'POST', body, complete: true })
    expect(await proxy.records(1, decisions)).toMatchObject([{ kind: 'decided', method: 'POST' }])
  })

  test.each([
    ['Authorization', (token: string) => [`Authorization: Bearer ${token}`], []],
    ['Authorization, in odd case', (token: string) => [`AUTHORIZATION: bEaReR ${token}`], []],
    ['X-Pagepass-Authorization', (token: string) => [`X-Pagepass-Authorization: Bearer ${token}`], []],
    [
      'X-Pagepass-Authorization, beside one that is the application’s',
      (token: string) => [`X-Pagepass-Authorization: Bearer ${token}`, 'Authorization: Basic eHl6'],
      ['Basic eHl6'],
    ],
    [
      'both',
      (token: string) => [`X-Pagepass-Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
      [],
    ],
  ])('takes our credential away: in %s', async (_, headers, kept) => {
    const token = await proxy.token('ana')
    expect((await ask(front.port, bytesOf(headers(token)))).status).toBe(200)
    expect(valuesOf(theOne(), 'authorization')).toEqual(kept)
    expectOneAssertion(theOne(), { aud: 'orders-svc' })
    expectNoCanary(token)
  })

  test('lets nobody say who they are', async () => {
    const answer = await ask(
      front.port,
      await proxy.request('ana', 'GET', '/v1/orders', [
        'X-Pagepass-Assertion: forged',
        'X-Forwarded-User: forged',
        'X-Forwarded-Email: forged',
        'X-Forwarded-Groups: forged',
        'X-Forwarded-Preferred-Username: forged',
        'X-Forwarded-Host: forged',
        'X-Forwarded-For: 198.51.100.1',
        'X-Real-IP: 198.51.100.1',
        'Forwarded: for=198.51.100.1;host=forged',
      ]),
    )
    expect(answer.status).toBe(200)
    expectOneAssertion(theOne(), { sub: 'idp-ana' })
    expect(valuesOf(theOne(), 'x-forwarded-for')).toEqual(['127.0.0.1'])
    expectNoCanary('forged', '198.51.100.1')
  })

  test('tells whoever is refused why', async () => {
    const noToken = await ask(front.port, bytesOf([]))
    await expectRefused(noToken, 401, 'token-missing')
    expect(noToken.headers['www-authenticate']).toEqual(['Bearer'])
    await proxy.startOver()
    await expectRefused(await ask(front.port, await proxy.request('cho')), 403, 'grant-missing')
    await proxy.startOver()
    await expectRefused(await ask(front.port, await proxy.request('ben', 'POST')), 403, 'tier-too-low')
  })

  test('asks anew for each request, also on one connection and of the same client', async () => {
    const both = `${await proxy.request('ana')}${await proxy.request('cho')}${await proxy.request('ana')}`
    const { answers } = await talk(front.port, both, { answers: 3 })
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 200])
    expect(proxy.orders.received()).toHaveLength(2)
  })

  test('forwards nothing once a pass is revoked', async () => {
    const grant = await proxy.give('cho')
    expect((await ask(front.port, await proxy.request('cho'))).status).toBe(200)
    await proxy.end(grant)
    await proxy.startOver()
    await expectRefused(await ask(front.port, await proxy.request('cho')), 403, 'grant-missing')
  })

  test('opens no WebSocket', async () => {
    const bytes = await proxy.request('ana', 'GET', '/v1/live', handshakeHeaders)
    await expectRefused(await ask(front.port, bytes), 403, 'upgrade-not-admitted')
    expect(proxy.orders.lines()).toEqual([])
  })

  test('forwards nothing for a front proxy that can’t show the secret, whatever the client shows', async () => {
    const other = await startFront(name, { ...placesOf(), secret: 'another secret of the right length' })
    try {
      for (const more of [[], [`X-Pagepass-Front: ${frontSecret}`]]) {
        await proxy.startOver()
        const answer = await ask(other.port, await proxy.request('ana', 'GET', '/v1/orders', more))
        await expectRefused(answer, 403, 'front-unknown')
        expect(await proxy.records(1, decisions)).toMatchObject([{ method: '', host: '', path: '' }])
      }
    } finally {
      await other.stop()
    }
  })

  test('forwards nothing while nobody decides', async () => {
    const other = await startFront(name, { ...placesOf(), authzPort: 1 })
    try {
      const answer = await ask(other.port, await proxy.request('ana'))
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(proxy.orders.bytes()).toBe('')
    } finally {
      await other.stop()
    }
  })
})
