import { expect, inject, test } from 'vitest'
import { type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { startedAnew } from '../started-anew.ts'

let proxy: ProxyUnderTest
startedAnew(
  async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 117)
  },
  () => proxy.stop(),
)

/** Well below what the view may be old. */
const aheadMs = 120_000

test('A pass that was asked for ahead opens nothing until it begins, and then needs nobody to open', async () => {
  const from = proxy.now() + aheadMs
  const begins = { at: from, zone: 'Europe/Berlin' }
  await proxy.give('ana', { begins, from, until: from + 3_600_000 })
  // Nobody is there to start it: no worker ever was, and no bot is any more.
  await proxy.stopBot()
  const before = await ask(proxy.port, await proxy.request('ana'))
  expect([before.status, proxy.orders.received().length]).toEqual([403, 0])
  proxy.ahead(from - proxy.now())
  const after = await ask(proxy.port, await proxy.request('ana'))
  expect([after.status, proxy.orders.received().length]).toEqual([200, 1])
})
