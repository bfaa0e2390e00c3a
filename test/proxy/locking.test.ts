import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { principalKey } from '#access/domain/principal.ts'
import { OpenSet } from '#access/runtime/open-set.ts'
import { people } from '#infra/sandbox/people.ts'
import type { Exchange, GrantUse } from '#proxy/exchange.ts'
import { createLocks } from '#proxy/locks.ts'
import { asForwardAuth, asNginx, frontSecret } from '../builders/front-proxy.ts'
import { ecKey, signedBy, startProvider } from '../builders/provider.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'
import { aGrant } from '../builders.ts'

const holdBack = (): undefined => undefined

describe('Who is locked', () => {
  let proxy: ProxyUnderTest
  let ana: string
  let checkout: string
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 85, {
      authz: { secrets: [frontSecret], tls: undefined },
    })
    const { issuer } = proxy.idp
    ana = principalKey({ issuer, subject: people.ana.subject })
    checkout = principalKey({ issuer, subject: 'client-checkout' })
  })
  afterAll(() => proxy.stop())
  beforeEach(() => proxy.startOver())
  afterEach(async () => {
    proxy.locks.unlock(ana)
    proxy.locks.unlock(checkout)
    await proxy.endAll()
    expect(proxy.faults).toEqual([])
  })

  const asCheckout = async (): Promise<string> =>
    `POST /hooks/paid HTTP/1.1\r\nHost: payments-svc.${domain}\r\nAuthorization: Bearer ${await proxy.signed({ sub: 'client-checkout', groups: [] })}\r\nContent-Length: 0\r\n\r\n`

  test('is refused whatever pass they hold, until they are unlocked, and nobody else is', async () => {
    await proxy.give('ana')
    await proxy.give('ben')
    const request = await proxy.request('ana')
    expect((await ask(proxy.port, request)).status).toBe(200)
    proxy.orders.forget()
    expect(proxy.locks.lock(ana)).toBe(0)
    const refused = await ask(proxy.port, request)
    expect([refused.status, problemOf(refused).reason]).toEqual([403, 'principal-locked'])
    expect(proxy.orders.received()).toEqual([])
    expect((await ask(proxy.port, await proxy.request('ben'))).status).toBe(200)
    expect(await proxy.records(1, ['refused'])).toMatchObject([{ reason: 'principal-locked', who: ana }])
    proxy.locks.unlock(ana)
    expect((await ask(proxy.port, request)).status).toBe(200)
  })

  test('is cut at once: a stream, a request without an answer yet, and a WebSocket, which is told so', async () => {
    await proxy.give('ana')
    await proxy.give('ben')
    proxy.orders.answerWith(events)
    const stream = proxy.client()
    stream.send(await proxy.request('ana', 'GET', '/v1/events'))
    const bens = proxy.client()
    bens.send(await proxy.request('ben', 'GET', '/v1/of-ben'))
    await stream.when(() => stream.text().includes('/v1/events'), 'the first event')
    await bens.when(() => bens.text().includes('/v1/of-ben'), 'Ben’s first event')
    proxy.orders.answerWith(holdBack)
    const waiting = proxy.client()
    waiting.send(await proxy.request('ana', 'GET', '/v1/waiting'))
    await until(
      () => proxy.orders.received().some(({ target }) => target === '/v1/waiting'),
      'the request at the service',
    )
    const line = await proxy.webSocket('ana')
    await line.opened()

    expect(proxy.locks.lock(ana)).toBe(3)
    expect(await line.closed()).toBe(1008)
    await Promise.all([stream.closed(), waiting.closed()])
    expect(waiting.text()).toBe('')
    const before = bens.size()
    await bens.when(() => bens.size() > before, 'more of Ben’s events')
    const closed = await proxy.records(3, ['closed'])
    expect(closed.map(({ outcome }) => outcome)).toEqual(['cut', 'cut', 'cut'])
  })

  test('is refused and cut under a standing rule', async () => {
    proxy.payments.answerWith(holdBack)
    const client = proxy.client()
    client.send(await asCheckout())
    await until(() => proxy.payments.received().length === 1, 'the request at the service')
    expect(proxy.locks.lock(checkout)).toBe(1)
    await client.closed()
    const refused = await ask(proxy.port, await asCheckout())
    expect([refused.status, problemOf(refused).reason]).toEqual([403, 'principal-locked'])
    expect(proxy.payments.received()).toHaveLength(1)
  })

  test.each([
    ['nginx', asNginx],
    ['a forward-auth proxy', asForwardAuth],
  ])('is refused where %s asks', async (_name, asking) => {
    await proxy.give('ana')
    const question = asking({ token: await proxy.token('ana') })
    expect((await ask(proxy.authzPort, question)).status).toBeLessThan(300)
    await proxy.startOver()
    proxy.locks.lock(ana)
    expect((await ask(proxy.authzPort, question)).status).toBe(403)
    expect(await proxy.records(1, ['refused', 'decided'])).toMatchObject([
      { kind: 'refused', reason: 'principal-locked' },
    ])
  })
})

test('A lock forgets who the principal is, and looks again at nothing but what is open of theirs', () => {
  const who = { issuer: 'https://idp.example.com', subject: 'idp-ana', name: 'Ana' }
  const useOf = (subject: string, count: number) => {
    const open = new OpenSet<Exchange>()
    for (let number = 0; number < count; number += 1) open.add({ place: -1 } as Exchange)
    return { held: { grant: aGrant({ who: { ...who, subject } }) }, open } as GrantUse
  }
  const mine = [useOf('idp-ana', 2), useOf('idp-ana', 0)]
  const calls: unknown[] = []
  const locks = createLocks({
    view: { lock: (one) => void calls.push(['lock', one]), unlock: () => undefined },
    identities: { forget: (one) => void calls.push(['forget', one]) },
    uses: { all: () => [useOf('idp-an', 1), ...mine, useOf('idp-ana2', 1)] },
    recheck: (open) => {
      calls.push(open)
      return [...open].length
    },
  })
  expect(locks.lock(principalKey(who))).toBe(2)
  expect(calls).toEqual([['lock', principalKey(who)], ['forget', principalKey(who)], mine[0]?.open])
  expect(calls[2]).toBe(mine[0]?.open)
})

test('A lock beats the verification of a token that is under way', async () => {
  const provider = await startProvider()
  const key = ecKey('slow')
  provider.publish(key.jwk)
  const proxy = await startProxyForTest(inject('redisUrl'), 86, {
    mend: (text) => text.replace(/issuer: [^,]+/, `issuer: "${provider.issuer}"`),
  })
  try {
    const { ana } = people
    const who = { issuer: provider.issuer, subject: ana.subject, name: ana.fullName }
    await proxy.give('ana', { who })
    const seconds = Math.floor(proxy.now() / 1_000)
    const token = signedBy(key, {
      iss: provider.issuer,
      aud: 'pagepass',
      sub: ana.subject,
      groups: ana.groups,
      iat: seconds,
      exp: seconds + 600,
    })
    const late: (() => void)[] = []
    provider.answerWith(({ url = '' }, response) => {
      late.push(() => provider.serve(url, response))
    })
    const client = proxy.client()
    client.send(
      `GET /v1/orders HTTP/1.1\r\nHost: orders-svc.${domain}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    await until(() => late.length > 0, 'the provider to be asked')
    expect(proxy.locks.lock(principalKey(who))).toBe(0)
    provider.answerWith(undefined)
    for (const answer of late) answer()
    const { answers } = await client.answers(1)
    expect(answers.map((answer) => [answer.status, problemOf(answer).reason])).toEqual([
      [403, 'principal-locked'],
    ])
    expect(proxy.orders.received()).toEqual([])
    expect(proxy.faults).toEqual([])
  } finally {
    await proxy.stop()
    await provider.close()
  }
})
