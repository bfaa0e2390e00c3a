import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, type RawClient } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'
import type { WebSocketClient } from '../builders/web-socket-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 50)
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(async () => {
  await proxy.endAll()
  expect(proxy.faults).toEqual([])
})

const openLine = async (it = proxy): Promise<WebSocketClient> => {
  const line = await it.webSocket('ana')
  await line.opened()
  return line
}

const openStream = async (it = proxy): Promise<RawClient> => {
  it.orders.answerWith((request, response, received) =>
    request.url === '/v1/events' ? events(request, response, received) : response.end('answered'),
  )
  const stream = it.client()
  stream.send(await it.request('ana', 'GET', '/v1/events'))
  await stream.when(() => stream.text().includes('data: /v1/events'), 'the first event')
  return stream
}

const expectLineOpen = async (line: WebSocketClient, it = proxy): Promise<void> => {
  const words = `still here at ${it.now()}`
  line.socket.send(words)
  await until(() => it.orders.lines().some(({ messages }) => messages.includes(words)), 'the message')
}

const expectStreamOpen = async (stream: RawClient): Promise<void> => {
  const before = stream.size()
  await stream.when(() => stream.size() > before, 'more events')
}

const statusOf = async (method: string): Promise<number> =>
  (await ask(proxy.port, await proxy.request('ana', method, '/v1/orders'))).status

const longer = { lasts: 7_000_000 }
const shorter = { lasts: 3_000_000 }

test.each([
  ['the longer one', longer, shorter],
  ['the shorter one', shorter, longer],
])('Two overlapping grants are a union; revoking one leaves the other: first %s', async (_, one, other) => {
  const first = await proxy.give('ana', one)
  const second = await proxy.give('ana', other)
  const line = await openLine()
  const stream = await openStream()
  expect(await proxy.end(first)).toMatchObject({ missing: [], streamsCut: 0 })
  await expectLineOpen(line)
  await expectStreamOpen(stream)
  expect([await statusOf('GET'), await statusOf('POST')]).toEqual([200, 200])
  await (await openLine()).opened()
  expect(await proxy.end(second)).toMatchObject({ missing: [], streamsCut: 3 })
  expect(await line.closed()).toBe(1008)
  await stream.closed()
  expect([await statusOf('GET'), await statusOf('POST')]).toEqual([403, 403])
})

test('Two overlapping grants are a union: each admits what the other does not', async () => {
  const wide = await proxy.give('ana', longer)
  const narrow = await proxy.give('ana', { tier: 'observe', lasts: 8_000_000 })
  const stream = await openStream()
  const line = await openLine()
  expect([await statusOf('GET'), await statusOf('POST')]).toEqual([200, 200])
  expect(await proxy.end(wide)).toMatchObject({ streamsCut: 1 })
  expect(await line.closed()).toBe(1008)
  await expectStreamOpen(stream)
  expect([await statusOf('GET'), await statusOf('POST')]).toEqual([200, 403])
  expect(await proxy.end(narrow)).toMatchObject({ streamsCut: 1 })
  await stream.closed()
})

test('What goes on under another pass is on record, and counted under both', async () => {
  const left = await proxy.give('ana', longer)
  const taken = await proxy.give('ana', shorter)
  const line = await openLine()
  await proxy.end(left)
  await expectLineOpen(line)
  expect(await proxy.usageOf(left)).toMatchObject({ patterns: { 'WS /live': { continued: 1 } }, writes: 1 })
  expect(await proxy.usageOf(taken)).toBeUndefined()
  await proxy.end(taken)
  expect(await line.closed()).toBe(1008)
  const [admitted, continued, closed] = await continuing(3)
  expect(admitted).toMatchObject({ kind: 'admitted', grant: left.id })
  const id = admitted?.['id']
  expect(continued).toEqual({
    v: 1,
    kind: 'continued',
    at: expect.any(Number),
    id,
    grant: taken.id,
    version: taken.version,
    rules: proxy.rules.hash,
  })
  expect(closed).toMatchObject({ kind: 'closed', id, outcome: 'cut' })
  expect(await proxy.usageOf(left)).toMatchObject({ patterns: { 'WS /live': { continued: 1 } } })
  expect(await proxy.usageOf(taken)).toMatchObject({ patterns: { 'WS /live': { cut: 1 } }, writes: 1 })
})

test('What goes on under another pass, and ends by itself, is done under that one', async () => {
  const left = await proxy.give('ana', longer)
  const taken = await proxy.give('ana', shorter)
  const line = await openLine()
  await proxy.end(left)
  line.socket.close(1000)
  await continuing(3)
  await proxy.end(taken)
  expect(await proxy.usageOf(left)).toMatchObject({ patterns: { 'WS /live': { continued: 1 } } })
  expect(await proxy.usageOf(taken)).toMatchObject({ patterns: { 'WS /live': { 101: 1 } } })
})

test('An extension is on record once, and nothing is counted for it', async () => {
  const grant = await proxy.give('ana')
  const line = await openLine()
  const newer = await proxy.renew(grant, { until: grant.until + 1_000 })
  expect((await continuing(2))[1]).toMatchObject({ kind: 'continued', grant: newer.id, version: 2 })
  await expectLineOpen(line)
  await proxy.end(newer)
  expect((await continuing(3)).map(({ kind }) => kind)).toEqual(['admitted', 'continued', 'closed'])
  expect(await proxy.usageOf(grant)).toMatchObject({ patterns: { 'WS /live': { cut: 1 } } })
})

test('Looking again at what is open is no record: not the resyncs', async () => {
  const grant = await proxy.give('ana')
  const line = await openLine()
  const resyncs = (): number => proxy.logged.filter(({ msg }) => msg === 'in step with Redis').length
  for (let round = 0; round < 3; round += 1) {
    const before = resyncs()
    await skipEvent(grant)
    await until(() => resyncs() > before, 'a resync')
  }
  await expectLineOpen(line)
  await proxy.end(grant)
  expect((await continuing(2)).map(({ kind }) => kind)).toEqual(['admitted', 'closed'])
})

test('Looking again at what is open is no record: not the sweeps while the view is old', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 51)
  try {
    const grant = await it.give('ana')
    const line = await openLine(it)
    await it.stopBot()
    // Older than fresh, and younger than the two minutes of this tier: each sweep looks, and leaves it open.
    it.ahead(60_000)
    const sweeps = it.now() + 1_000
    await until(() => it.now() > sweeps, 'some sweeps')
    await expectLineOpen(line, it)
    it.ahead(120_000)
    expect(await line.closed()).toBe(1008)
    expect((await it.records(2, kinds)).map(({ kind }) => kind)).toEqual(['admitted', 'closed'])
    expect(it.now()).toBeLessThan(grant.until)
    expect(it.faults).toEqual([])
  } finally {
    await it.stop()
  }
})

const kinds = ['admitted', 'continued', 'closed']
const continuing = (count: number) => proxy.records(count, kinds)

/** An event that is lost: the next one shows the gap. */
const skipEvent = async (grant: Grant): Promise<void> => {
  const { redis } = proxy
  const statement = (await redis.hget('{pagepass}:live', grant.id)) ?? ''
  const next = await redis.incrby('{pagepass}:sequence', 2)
  await redis.xadd('{pagepass}:events', `${next}-0`, 'kind', 'grant', 'id', grant.id, 'statement', statement)
}
