import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import type { Lock } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import { people } from '#infra/sandbox/people.ts'
import { domain, instance, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'
import { aLift, aLock } from '../builders.ts'
import { startedAnew } from '../started-anew.ts'

const holdBack = (): undefined => undefined

describe('A signed lock', () => {
  let proxy: ProxyUnderTest
  let last: Lock | undefined
  startedAnew(
    async () => {
      last = undefined
      proxy = await startProxyForTest(inject('redisUrl'), 110)
    },
    () => proxy.stop(),
  )
  beforeEach(() => proxy.startOver())
  afterEach(async () => {
    if (last?.state === 'locked') await lift()
    await proxy.endAll()
    expect(proxy.faults).toEqual([])
  })

  const lock = async (subject: string): Promise<number> => {
    const before = last
    const now = Math.max(proxy.now(), (before?.at ?? 0) + 1)
    const who = { issuer: proxy.idp.issuer, subject, name: subject }
    const version =
      before !== undefined && principalKey(before.who) === principalKey(who) ? before.version + 1 : 1
    last = aLock({ environment: proxy.rules.environment, who, version, since: now, at: now })
    return proxy.putLock(last)
  }
  const lift = async (): Promise<void> => {
    if (last === undefined) throw new Error('nobody is locked')
    last = aLift(last)
    await proxy.putLock(last)
  }
  const { ana } = people

  test('cuts what its principal has open and refuses what comes, until it is lifted; the receipt says so', async () => {
    await proxy.give('ana')
    await proxy.give('ben')
    proxy.orders.answerWith(events)
    const stream = proxy.client()
    stream.send(await proxy.request('ana', 'GET', '/v1/events'))
    await stream.when(() => stream.text().includes('/v1/events'), 'the first event')
    proxy.orders.answerWith(holdBack)
    const line = await proxy.webSocket('ana')
    await line.opened()

    const sequence = await lock(ana.subject)
    expect(await line.closed()).toBe(1008)
    await stream.closed()
    let receipt = await proxy.receiptOf(sequence)
    await until(async () => {
      receipt = await proxy.receiptOf(sequence)
      return receipt.confirmed.includes(instance)
    }, 'the receipt')
    expect(receipt).toEqual({ confirmed: [instance], missing: [], streamsCut: 2 })
    proxy.orders.forget()
    const refused = await ask(proxy.port, await proxy.request('ana'))
    expect([refused.status, problemOf(refused).reason]).toEqual([403, 'principal-locked'])
    expect((await ask(proxy.port, await proxy.request('ben'))).status).toBe(200)

    await lift()
    await until(
      async () => (await ask(proxy.port, await proxy.request('ana'))).status === 200,
      'them to be let in again',
    )
  })

  test('holds for a standing rule, and goes on holding when Redis is gone', async () => {
    const asCheckout = async (): Promise<string> =>
      `POST /hooks/paid HTTP/1.1\r\nHost: payments-svc.${domain}\r\nAuthorization: Bearer ${await proxy.signed({ sub: 'client-checkout', groups: [] })}\r\nContent-Length: 0\r\n\r\n`
    proxy.payments.answerWith(holdBack)
    const client = proxy.client()
    client.send(await asCheckout())
    await until(() => proxy.payments.received().length === 1, 'the request at the service')
    await lock('client-checkout')
    await client.closed()
    proxy.cutRedis()
    const refused = await ask(proxy.port, await asCheckout())
    expect([refused.status, problemOf(refused).reason]).toEqual([403, 'principal-locked'])
    expect(proxy.payments.received()).toHaveLength(1)
    last = undefined
  })
})
