import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Front, fronts, frontSecret, startFront } from '../../builders/front-proxy.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../../builders/proxy.ts'
import { ask } from '../../builders/raw-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 63, { authz: { secrets: [frontSecret], tls: undefined } })
  await proxy.give('ana')
})
afterAll(() => proxy.stop())

describe.each(fronts)('%s, as shipped', (name) => {
  let front: Front
  beforeAll(async () => {
    front = await startFront(name, {
      authzPort: proxy.authzPort,
      orders: proxy.orders.port,
      payments: proxy.payments.port,
    })
  })
  afterAll(() => front.stop())
  beforeEach(() => proxy.startOver())

  test('x', async () => {
    const a = await ask(front.port, await proxy.request('ana', 'GET', '/v1/orders?a=%2F', ['X-Forwarded-User: root']))
    console.log(a, proxy.orders.received().map((r) => [r.method, r.target, r.rawHeaders]), await proxy.records(1, ['decided', 'refused']))
    await proxy.startOver()
    const b = await ask(front.port, await proxy.request('ana', 'GET', '/v1//orders'))
    console.log(b, proxy.orders.received().length, await proxy.records(1, ['decided', 'refused']))
  })
})
