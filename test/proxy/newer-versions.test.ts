import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, type RawClient } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'
import type { WebSocketClient } from '../builders/web-socket-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 34)
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(async () => {
  await proxy.endAll()
  await until(() => proxy.waitingFor().length === 0, 'the proxy to be in step')
  expect(proxy.faults).toEqual([])
})

/** A WebSocket and a stream of events, both open under what ana holds. */
const openBoth = async (it = proxy): Promise<{ line: WebSocketClient; stream: RawClient }> => {
  it.orders.answerWith((_, response) => {
    response.on('close', () => clearInterval(timer))
    response.writeHead(200).write('first')
    const timer = setInterval(() => response.write('more'), 5)
  })
  const line = await it.webSocket('ana')
  await line.opened()
  const stream = it.client()
  stream.send(await it.request('ana'))
  await stream.when(() => stream.text().includes('first'), 'the first bytes')
  return { line, stream }
}

const expectBothOpen = async (
  { line, stream }: Awaited<ReturnType<typeof openBoth>>,
  it = proxy,
): Promise<void> => {
  const before = stream.size()
  await stream.when(() => stream.size() > before + 4, 'more of the stream')
  line.socket.send(`still here at ${before}`)
  await until(
    () => it.orders.lines()[0]?.messages.includes(`still here at ${before}`) === true,
    'the message at the service',
  )
}

test('An extension lets what is open live past the old end, and it is cut at the new one', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 35)
  try {
    const grant = await it.give('ana')
    const open = await openBoth(it)
    const short = await it.renew(grant, { until: it.now() + 4_000, step: 'shortened' })
    const longer = await it.renew(short, { until: short.until + 20_000 })
    await until(() => it.now() > short.until + 300, 'the old end to be over')
    await expectBothOpen(open, it)
    it.ahead(longer.until - 500 - it.now())
    await open.stream.closed()
    expect(await open.line.closed()).toBe(1008)
    expect(it.now()).toBeGreaterThanOrEqual(longer.until)
    expect(it.faults).toEqual([])
  } finally {
    await it.stop()
  }
})

test('A shortening cuts at the new end', async () => {
  const grant = await proxy.give('ana')
  const open = await openBoth()
  const shorter = await proxy.renew(grant, { until: proxy.now() + 700, step: 'shortened' })
  const ends = [open.stream.closed(), open.line.closed()].map((end) => end.then(() => proxy.now()))
  for (const end of await Promise.all(ends)) expect(end).toBeGreaterThanOrEqual(shorter.until)
  expect(await open.line.closed()).toBe(1008)
  expect((await proxy.records(4)).filter(({ kind }) => kind === 'closed')).toMatchObject([
    { outcome: 'cut' },
    { outcome: 'cut' },
  ])
})

test('A shortening to a moment that is over cuts at once', async () => {
  const grant = await proxy.give('ana')
  const { line } = await openBoth()
  await proxy.renew(grant, { until: proxy.now() - 1, from: grant.from - 10_000, step: 'shortened' })
  expect(await line.closed()).toBe(1008)
})

test('A newer version with another service, or another tier, cuts what it does not admit', async () => {
  const grant = await proxy.give('ana')
  const { line, stream } = await openBoth()
  const lower = await proxy.renew(grant, { tier: 'observe' })
  expect(await line.closed()).toBe(1008)
  const before = stream.size()
  await stream.when(() => stream.size() > before + 4, 'the stream that the lower tier admits')
  await proxy.renew(lower, { services: ['payments-svc'] })
  await stream.closed()
})

test('However requests race with it, a newer version is looked at for all that is open', async () => {
  for (let round = 0; round < 10; round += 1) {
    const grant = await proxy.give('ana')
    const line = await proxy.webSocket('ana')
    await line.opened()
    const renewing = proxy.renew(grant, { tier: 'observe' })
    const bytes = await proxy.request('ana')
    while (line.isOpen()) await ask(proxy.port, bytes)
    expect(await line.closed()).toBe(1008)
    await proxy.end(await renewing)
  }
})

test('A newer version is one grant: what it admits is recorded with it, and ends with it', async () => {
  const grant = await proxy.give('ana')
  const open = await openBoth()
  const newer = await proxy.renew(grant, { until: grant.until + 1_000 })
  await expectBothOpen(open)
  proxy.client().send(await proxy.request('ana', 'POST'))
  const admitted = await proxy.records(3, ['admitted'])
  expect(admitted.map(({ grant: id, version }) => ({ id, version }))).toEqual([
    { id: grant.id, version: 1 },
    { id: grant.id, version: 1 },
    { id: grant.id, version: 2 },
  ])
  expect(await proxy.end(newer)).toMatchObject({ missing: [] })
  await open.stream.closed()
  expect(await open.line.closed()).toBe(1008)
})

test('A forged newer version lengthens nothing', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 35)
  try {
    const grant = await it.give('ana')
    const open = await openBoth(it)
    const short = await it.renew(grant, { until: it.now() + 1_500, step: 'shortened' })
    await it.forge(short, { until: grant.until })
    await open.stream.closed()
    expect(await open.line.closed()).toBe(1008)
    await it.startOver()
    expect((await ask(it.port, await it.request('ana'))).status).toBe(403)
    expect(it.orders.bytes()).toBe('')
    await until(
      () => it.logged.some(({ msg }) => msg === 'a grant does not verify'),
      'the forgery to be noticed',
    )
    expect(it.faults).toEqual([])
  } finally {
    await it.stop()
  }
})

test('What the service is shown never outlives the newest version', async () => {
  const grant = await proxy.give('ana', { lasts: 600_000 })
  const shown = async (): Promise<number> => {
    proxy.orders.forget()
    expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(200)
    const [seen] = proxy.orders.received()
    if (seen === undefined) throw new Error('nothing was received')
    const [, claims = ''] = (valuesOf(seen, 'x-pagepass-assertion')[0] ?? '').split('.')
    return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number }).exp * 1_000
  }
  const before = await shown()
  const shorter = await proxy.renew(grant, { until: proxy.now() + 20_000, step: 'shortened' })
  expect(before).toBeGreaterThan(shorter.until)
  expect(await shown()).toBeLessThanOrEqual(shorter.until)
  const longer = await proxy.renew(shorter, { until: proxy.now() + 3_600_000 })
  expect(await shown()).toBeGreaterThan(shorter.until)
  await proxy.end(longer)
})
