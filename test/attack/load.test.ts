import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import type { RunningRedis } from '#infra/sandbox/redis/start-redis.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { aFolder } from '../builders.ts'

/**
 * More than one may: by looking like many, or by asking when nobody can count. The attacker holds one good pass, or is
 * one workload; they choose every byte of their requests, and when Redis is away.
 */

let folder: Awaited<ReturnType<typeof aFolder>>
let redis: RunningRedis
beforeAll(async () => {
  folder = await aFolder()
  redis = await ensureRedis({ folder: folder.folder })
})
afterAll(async () => {
  await redis.stop()
  await folder.remove()
})

/** Counts what got through, and how long it really took, in milliseconds. */
const counting = async (proxy: ProxyUnderTest, send: () => Promise<number>, ms: number) => {
  const start = proxy.now()
  let admitted = 0
  let refused = 0
  while (proxy.now() - start < ms) {
    const status = await send()
    if (status === 200) admitted += 1
    else if (status === 429) refused += 1
    else throw new Error(`answered with ${status}`)
  }
  return { admitted, refused, elapsed: proxy.now() - start }
}

describe('One principal with one pass of two requests a minute', () => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(redis.url, 0)
    await proxy.give('ana')
  })
  afterAll(() => proxy.stop())

  const spellings: readonly (readonly [string, (good: string, turn: number) => string | Promise<string>])[] =
    [
      ['X-Forwarded-For', (good, turn) => plus(good, `X-Forwarded-For: 10.0.${turn}.1`)],
      ['several X-Forwarded-For', (good, turn) => plus(good, `X-Forwarded-For: 10.0.${turn}.1, 9.9.9.9`)],
      ['Forwarded', (good, turn) => plus(good, `Forwarded: for=10.0.${turn}.1;proto=https`)],
      ['X-Real-IP', (good, turn) => plus(good, `X-Real-IP: 10.0.${turn}.1`)],
      ['True-Client-IP', (good, turn) => plus(good, `True-Client-IP: 10.0.${turn}.1`)],
      ['User-Agent', (good, turn) => plus(good, `User-Agent: agent ${turn}`)],
      ['another path', (good, turn) => good.replace('/scarce/x', `/scarce/${turn}`)],
      ['another query', (good, turn) => good.replace('/scarce/x', `/scarce/x?turn=${turn}`)],
      ['capitals in the host', (good) => good.replace('orders-svc', 'Orders-SVC')],
      ['a port of the host', (good, turn) => good.replace(domain, `${domain}:${8_000 + turn}`)],
      ['another scheme', (good) => good.replace('Bearer', 'bEARER')],
      ['our own header', (good) => good.replace('Authorization:', 'X-Pagepass-Authorization:')],
      [
        'another token',
        async (good, turn) =>
          good.replace(
            await proxy.token('ana'),
            await proxy.signed({ jti: `token ${turn}`, name: `Ana ${turn}` }),
          ),
      ],
      [
        'another pass',
        async (good) => {
          await proxy.give('ana', { lasts: 7_000_000 })
          return good
        },
      ],
    ]
  const plus = (good: string, header: string): string => good.replace('\r\nHost:', `\r\n${header}\r\nHost:`)

  test('gets no more by looking like another', async () => {
    const start = proxy.now()
    let admitted = 0
    const statuses: Record<string, readonly number[]> = {}
    for (const [name, change] of spellings) {
      const got = []
      for (let turn = 1; turn <= 5; turn += 1) {
        const bytes = await change(await proxy.request('ana', 'GET', '/scarce/x'), turn)
        const { status, headers } = await ask(proxy.port, bytes)
        got.push(status)
        if (status === 200) admitted += 1
        if (status !== 429) continue
        expect(Number(headers['retry-after']?.[0])).toBeGreaterThan(0)
        expect(headers['ratelimit-policy']).toEqual(['"scarce";q=2;w=60'])
        expect(headers['ratelimit']?.[0]).toBe(`"scarce";r=0;t=${headers['retry-after']?.[0]}`)
      }
      statuses[name] = got
    }
    const minutes = (proxy.now() - start) / 60_000
    expect(admitted, JSON.stringify(statuses)).toBeGreaterThan(0)
    expect(admitted, JSON.stringify(statuses)).toBeLessThanOrEqual(2 + 2 * minutes)
    for (const [name, got] of Object.entries(statuses)) {
      expect(got, name).toContain(429)
      expect(
        got.filter((status) => status !== 200 && status !== 429),
        name,
      ).toEqual([])
    }
  })
})

test('Redis stopped in the middle gives nobody more, nor does its return', async () => {
  const rate = 40
  const proxy = await startProxyForTest(redis.url, 0, {
    mend: (text) => text.replace('rate: 2/m, when_stale', `rate: ${rate}/s, when_stale`),
  })
  proxy.redis.on('error', () => undefined)
  try {
    await proxy.give('ana')
    const bytes = await proxy.request('ana', 'GET', '/scarce/x')
    const send = async (): Promise<number> => (await ask(proxy.port, bytes)).status
    const most = (elapsed: number): number => rate + (1.1 * rate * elapsed) / 1_000 + rate / 4
    const before = await counting(proxy, send, 3_000)
    expect(before.admitted).toBeLessThanOrEqual(most(before.elapsed))
    const { port } = redis
    await redis.stop()
    const without = await counting(proxy, send, 4_000)
    redis = await ensureRedis({ folder: folder.folder, port })
    expect(without.admitted).toBeLessThanOrEqual(most(without.elapsed))
    // It keeps the part it had, which was all.
    expect(without.admitted).toBeGreaterThan(rate)
    const after = await counting(proxy, send, 3_000)
    expect(after.admitted).toBeLessThanOrEqual(most(after.elapsed))
    expect(before.refused + without.refused + after.refused).toBeGreaterThan(0)
  } finally {
    await proxy.stop()
  }
})

test('A Redis that was never there serves a workload a little at once, and no more than a little', async () => {
  const proxy = await startProxyForTest(redis.url, 0, { bot: false, proxyRedisUrl: 'redis://127.0.0.1:1' })
  try {
    const token = await proxy.signed({ sub: 'client-checkout', groups: [] })
    const bytes = `POST /hooks/paid HTTP/1.1\r\nHost: payments-svc.${domain}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`
    const first = await ask(proxy.port, bytes)
    expect(first.status).toBe(200)
    const { admitted, elapsed } = await counting(
      proxy,
      async () => (await ask(proxy.port, bytes)).status,
      2_000,
    )
    expect(admitted).toBeLessThanOrEqual((2 * elapsed) / 60_000)
  } finally {
    await proxy.stop()
  }
})
