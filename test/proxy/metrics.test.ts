import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { reasons } from '#access/domain/reasons.ts'
import { startAdmin } from '#access/runtime/admin.ts'
import { createProxyMetrics, type Measured } from '#proxy/metrics.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, talk } from '../builders/raw-client.ts'

/** What stands in the text for Prometheus: series → figure. */
const read = async (registry: Registry): Promise<ReadonlyMap<string, number>> =>
  new Map(
    (await registry.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const [, series = '', figure = ''] = /^(.*) (\S+)$/.exec(line) ?? []
        return [series, figure === '+Inf' ? Number.POSITIVE_INFINITY : Number(figure)]
      }),
  )

describe('What a proxy counts', () => {
  const quiet: Measured = {
    view: { age: () => 1_500 },
    audit: { pending: () => ({ bytes: 7, waiting: 2 }) },
    identities: { size: () => 3 },
    uses: { all: () => [] },
    now: () => 0,
    mode: () => ({ mode: 'stale', closed: ['admin'] }),
  }
  const registryOf = (metrics: ReturnType<typeof createProxyMetrics>, measured: Measured = quiet) => {
    const registry = new Registry()
    metrics.register(registry, measured)
    return registry
  }

  test('costs two looks at the stopwatch for each request, of which about half are timed on each way', async () => {
    let looks = 0
    let now = 1_000
    const metrics = createProxyMetrics(() => {
      looks += 1
      return now
    })
    for (let number = 0; number < 10_000; number += 1) {
      const arrived = metrics.arrived()
      now += 0.2
      const sent = metrics.sent(arrived)
      now += 20
      metrics.answered(sent)
    }
    expect(looks).toBe(20_000)
    const figures = await read(registryOf(metrics))
    const added = figures.get('pagepass_added_seconds_count') ?? 0
    const upstream = figures.get('pagepass_upstream_seconds_count') ?? 0
    expect(added + upstream).toBe(10_000)
    expect(Math.abs(added - upstream)).toBeLessThan(400)
    expect(figures.get('pagepass_added_seconds_sum')).toBeCloseTo(added * 0.0002)
    expect(figures.get('pagepass_upstream_seconds_sum')).toBeCloseTo(upstream * 0.02)
    expect(figures.get('pagepass_added_seconds_bucket{le="0.0001"}')).toBe(0)
    expect(figures.get('pagepass_added_seconds_bucket{le="0.00025"}')).toBe(added)
  })

  test('has a series for each reason of the closed list, and none for anything that somebody sends', async () => {
    const metrics = createProxyMetrics(() => 0)
    const decisions = async () =>
      [...(await read(registryOf(metrics)))].filter(([series]) => series.startsWith('pagepass_decisions'))
    expect((await decisions()).map(([series]) => series)).toEqual(
      ['admitted', ...Object.keys(reasons)].map((reason) => `pagepass_decisions_total{reason="${reason}"}`),
    )
    metrics.admitted()
    metrics.refused('frozen')
    metrics.refused('frozen')
    expect((await decisions()).filter(([, count]) => count > 0)).toEqual([
      ['pagepass_decisions_total{reason="admitted"}', 1],
      ['pagepass_decisions_total{reason="frozen"}', 2],
    ])
  })

  test('is read from where it is kept, whenever Prometheus asks', async () => {
    let age = 1_500
    const registry = registryOf(
      createProxyMetrics(() => 0),
      { ...quiet, view: { age: () => age } },
    )
    expect(Object.fromEntries(await read(registry))).toMatchObject({
      pagepass_view_age_seconds: 1.5,
      'pagepass_mode{mode="stale"}': 1,
      'pagepass_mode{mode="in step"}': 0,
      pagepass_closed_tiers: 1,
      pagepass_audit_pending_bytes: 7,
      pagepass_audit_pending_records: 2,
      pagepass_identities_cached: 3,
    })
    age = Number.POSITIVE_INFINITY
    expect((await read(registry)).get('pagepass_view_age_seconds')).toBe(Number.POSITIVE_INFINITY)
  })

  test('tells by how much the event loop was late, since it was last asked', async () => {
    const registry = registryOf(createProxyMetrics(() => 0))
    const series = 'pagepass_event_loop_delay_seconds{quantile="1"}'
    // It sees what lies between two of its own ticks, so a tick has to come before and after.
    const tick = () => new Promise((resolve) => setTimeout(resolve, 25))
    await until(async () => {
      await tick()
      const begun = performance.now()
      while (performance.now() - begun < 250);
      await tick()
      return ((await read(registry)).get(series) ?? 0) > 0.1
    }, 'the delay to be seen')
    await until(async () => {
      await tick()
      return ((await read(registry)).get(series) ?? 1) < 0.008
    }, 'the delay to be over')
    for (const [name, value] of await read(registry))
      if (name.startsWith('pagepass_event_loop')) expect(value).not.toBeNaN()
  })
})

describe('A proxy', () => {
  let proxy: ProxyUnderTest
  let registry: Registry
  let before: ReadonlyMap<string, number>
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 66)
    registry = new Registry()
    proxy.measure(registry)
  })
  afterAll(() => proxy.stop())
  beforeEach(async () => {
    await proxy.startOver()
    before = await read(registry)
  })
  afterEach(() => proxy.endAll())

  /** By how much these series have grown since the test began; those that have not are left out. */
  const growth = async (prefix: string) =>
    Object.fromEntries(
      [...(await read(registry))]
        .filter(([series]) => series.startsWith(prefix))
        .map(([series, figure]) => [series.slice(prefix.length), figure - (before.get(series) ?? 0)] as const)
        .filter(([, grown]) => grown !== 0),
    )

  test('counts each decision under its reason, as the audit does', async () => {
    await proxy.give('ana')
    for (const bytes of [
      await proxy.request('ana'),
      await proxy.request('ana', 'POST'),
      await proxy.request('ben'),
      await proxy.request('ana', 'GET', '/v1/../x'),
      (await proxy.request('ana')).replace('Bearer ', 'Bearer x'),
      'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
      'GET / HTTP/1.1\r\nbad header\r\n\r\n',
    ])
      await talk(proxy.port, bytes)
    const records = await proxy.records(7, ['admitted', 'refused'])
    const counted: Record<string, number> = {}
    for (const { kind, reason } of records) {
      const series = `{reason="${kind === 'admitted' ? kind : String(reason)}"}`
      counted[series] = (counted[series] ?? 0) + 1
    }
    expect(await growth('pagepass_decisions_total')).toEqual(counted)
    expect(Object.keys(counted).length).toBeGreaterThan(5)
  })

  test('times what goes upstream: every request once, on one of both ways', async () => {
    await proxy.give('ana')
    for (let number = 0; number < 40; number += 1) await ask(proxy.port, await proxy.request('ana'))
    const added = (await growth('pagepass_added_seconds'))['_count'] ?? 0
    const upstream = (await growth('pagepass_upstream_seconds'))['_count'] ?? 0
    expect(added).toBeGreaterThan(0)
    expect(upstream).toBeGreaterThan(0)
    expect(added + upstream).toBe(40)
    expect((await growth('pagepass_added_seconds'))['_sum']).toBeGreaterThan(0)
  })

  test('knows what is open, and what was cut', async () => {
    const grant = await proxy.give('ana')
    proxy.orders.answerWith((_, response) => response.writeHead(200).write('first'))
    const client = proxy.client()
    client.send(await proxy.request('ana'))
    await client.when(() => client.text().includes('first'), 'the first bytes')
    for (const line of [await proxy.webSocket('ana'), await proxy.webSocket('ana')]) await line.opened()
    expect(await growth('pagepass_open')).toEqual({ '{kind="request"}': 1, '{kind="websocket"}': 2 })
    await proxy.end(grant)
    expect(await growth('pagepass_open')).toEqual({})
    expect(await growth('pagepass_cuts_total')).toEqual({ '{kind="request"}': 1, '{kind="websocket"}': 2 })
  })

  test('counts what a service did not answer', async () => {
    await proxy.give('ana')
    proxy.orders.answerWith((request) => request.socket.destroy())
    expect((await ask(proxy.port, await proxy.request('ana', 'POST', '/v1/x'))).status).toBe(502)
    proxy.orders.answerWith((request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half', () => request.socket.destroy())
    })
    await talk(proxy.port, await proxy.request('ana', 'POST', '/v1/x'))
    await proxy.records(4)
    expect(await growth('pagepass_upstream_errors_total')).toEqual({ '{kind="failed"}': 2 })
  })

  test('tells of its view, its audit log and its identities', async () => {
    await proxy.give('ana')
    await ask(proxy.port, await proxy.request('ana'))
    await proxy.records(2)
    const figures = await read(registry)
    expect(figures.get('pagepass_view_age_seconds')).toBeGreaterThanOrEqual(0)
    expect(figures.get('pagepass_view_age_seconds')).toBeLessThan(60)
    expect(figures.get('pagepass_identities_cached')).toBeGreaterThan(0)
    await until(async () => {
      const now = await read(registry)
      return now.get('pagepass_audit_pending_bytes') === 0 && now.get('pagepass_audit_pending_records') === 0
    }, 'the audit log to be written')
  })

  test('shows them on its admin port, and on the public one to nobody', async () => {
    const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, () => [], undefined, registry)
    try {
      const text = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text()
      expect(text).toContain('pagepass_decisions_total{reason="admitted"}')
    } finally {
      await admin.close()
    }
    await proxy.give('ana')
    for (const host of [`orders-svc.${domain}`, domain, `pagepass.${domain}`, '127.0.0.1'])
      for (const target of ['/metrics', '/.pagepass/metrics', '/healthz', '/readyz']) {
        const bytes = (await proxy.request('ana', 'GET', target)).replace(`orders-svc.${domain}`, host)
        const answer = await ask(proxy.port, bytes)
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.body).not.toContain('pagepass_')
      }
  })
})
