import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { type Upstream, valuesOf } from '../builders/upstream.ts'

const checkout = { sub: 'client-checkout', groups: [] }
const auditor = { sub: 'idp-noor', groups: [], roles: ['auditor'] }

const asking = async (it: ProxyUnderTest, claims: JWTPayload, line: string, service = 'payments-svc') =>
  ask(
    it.port,
    `${line} HTTP/1.1\r\nHost: ${service}.${domain}\r\nAuthorization: Bearer ${await it.signed(claims)}\r\nContent-Length: 0\r\n\r\n`,
  )

/** The claims of the assertion that came with the last request. */
const asserted = (upstream: Upstream): Record<string, unknown> => {
  const [last] = upstream.received().slice(-1)
  const [, claims = ''] = (last && valuesOf(last, 'x-pagepass-assertion')[0])?.split('.') ?? []
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
}

describe('A standing rule', () => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 58)
  })
  afterAll(() => proxy.stop())
  beforeEach(() => proxy.startOver())

  test('lets a workload do what it names, without a pass, and the audit names the rule', async () => {
    expect((await asking(proxy, checkout, 'POST /hooks/paid')).status).toBe(200)
    expect(await proxy.records(2)).toMatchObject([
      {
        kind: 'admitted',
        pattern: 'POST /hooks/*',
        grant: 'standing[0] client-checkout',
        tier: 'standing[0]',
      },
      { kind: 'closed' },
    ])
    expect(proxy.payments.received()).toHaveLength(1)
    const claims = asserted(proxy.payments)
    expect(claims).toMatchObject({ sub: 'client-checkout', aud: 'payments-svc' })
    expect(claims).not.toHaveProperty('tier')
  })

  test('lets nobody do more, and nobody else do as much', async () => {
    const refused = [
      await asking(proxy, checkout, 'GET /hooks/paid'),
      await asking(proxy, checkout, 'POST /hooks/paid/twice'),
      await asking(proxy, checkout, 'POST /hooks/paid', 'orders-svc'),
      await asking(proxy, { ...checkout, sub: 'client-checkout2' }, 'POST /hooks/paid'),
      await asking(proxy, { sub: 'idp-x', groups: ['client-checkout', 'auditor'] }, 'POST /hooks/paid'),
      await asking(proxy, { ...auditor, roles: ['auditors'] }, 'GET /v1/ledger'),
      await asking(proxy, auditor, 'POST /v1/ledger'),
    ]
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
    expect(proxy.payments.received()).toEqual([])
    expect(proxy.orders.received()).toEqual([])
  })

  test('has a rate of its own for each of its patterns together', async () => {
    const workload = { ...checkout }
    const statuses = []
    for (let turn = 0; turn < 4; turn += 1)
      statuses.push((await asking(proxy, workload, 'POST /hooks/paid')).status)
    expect(statuses.at(-1)).toBe(429)
  })

  test('lets people of a role read as its tier does', async () => {
    expect((await asking(proxy, auditor, 'GET /v1/ledger')).status).toBe(200)
    expect(await proxy.records(2)).toMatchObject([{ kind: 'admitted', tier: 'observe' }, { kind: 'closed' }])
    expect(asserted(proxy.payments)).toMatchObject({ sub: 'idp-noor', tier: 'observe' })
  })
})

test('A standing rule goes on where nothing is known of passes', async () => {
  const proxy = await startProxyForTest(inject('redisUrl'), 58, { bot: false })
  try {
    expect((await asking(proxy, auditor, 'GET /v1/ledger')).status).toBe(200)
    expect(
      (await asking(proxy, { sub: 'idp-ana', groups: ['team-payments'] }, 'GET /v1/ledger')).status,
    ).toBe(503)
  } finally {
    await proxy.stop()
  }
})
