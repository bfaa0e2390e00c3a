import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, type RawClient } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 11)
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(async () => {
  await proxy.endAll()
  await until(() => proxy.waitingFor().length === 0, 'the proxy to be in step')
  expect(proxy.faults).toEqual([])
})

/** A stream of events that goes on until it is cut. */
const openStream = async (it = proxy, target = '/v1/events'): Promise<RawClient> => {
  const before = it.orders.received().length
  it.orders.answerWith(events)
  const client = it.client()
  client.send(await it.request('ana', 'GET', target))
  await client.when(() => client.text().includes(target), 'the first event')
  expect(it.orders.received()).toHaveLength(before + 1)
  return client
}

/** An upload of which only the first half has come. */
const openUpload = async (it = proxy): Promise<RawClient> => {
  it.orders.answerWith(() => undefined)
  const client = it.client()
  client.send(await it.request('ana', 'POST', '/v1/upload', ['Content-Length: 1000'], 'first half'))
  await until(
    () => it.orders.received().some(({ target, body }) => target === '/v1/upload' && body === 'first half'),
    'the first half at the service',
  )
  return client
}

const upstreamClosed = (it = proxy): Promise<void> =>
  until(
    () => it.orders.connections().every((one) => one.bytes() === '' || one.closed()),
    'the connections to the service to close',
  )

test('A revocation cuts an open stream and a slow upload on both sides, and the receipt counts them', async () => {
  const grant = await proxy.give('ana')
  const stream = await openStream()
  const upload = await openUpload()
  expect(await proxy.end(grant)).toMatchObject({ confirmed: ['tested'], missing: [], streamsCut: 2 })
  await Promise.all([stream.closed(), upload.closed(), upstreamClosed()])
  const bytes = proxy.orders.bytes()
  upload.send('the second half')
  await proxy.records(4)
  expect(proxy.orders.bytes()).toBe(bytes)
  expect(proxy.orders.received().find(({ target }) => target === '/v1/upload')?.complete).toBe(false)
  expect((await proxy.records(4)).filter(({ kind }) => kind === 'closed')).toMatchObject([
    { outcome: 'cut' },
    { outcome: 'cut' },
  ])
})

test('A revocation cuts a client that reads nothing, and an answer held back by it', async () => {
  const grant = await proxy.give('ana')
  proxy.orders.answerWith((_, response) => {
    response.writeHead(200)
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) {}
    }
    response.on('drain', more)
    more()
  })
  const client = proxy.client()
  client.socket.pause()
  client.send(await proxy.request('ana'))
  await until(
    () => proxy.orders.received()[0]?.response.writableNeedDrain === true,
    'the service to be held back',
  )
  expect(await proxy.end(grant)).toMatchObject({ streamsCut: 1 })
  await upstreamClosed()
})

test('A revocation cuts a request that the service has not answered yet', async () => {
  const grant = await proxy.give('ana')
  proxy.orders.answerWith(() => undefined)
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await until(() => proxy.orders.received().length === 1, 'the request at the service')
  expect(await proxy.end(grant)).toMatchObject({ streamsCut: 1 })
  await Promise.all([client.closed(), upstreamClosed()])
  expect(client.text()).toBe('')
})

test('A revocation reaches the requests that wait on the same connection', async () => {
  const grant = await proxy.give('ana')
  const client = await openStream()
  client.send(
    (await proxy.request('ana', 'GET', '/v1/second')) + (await proxy.request('ana', 'POST', '/v1/third')),
  )
  await proxy.end(grant)
  await client.closed()
  expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/events'])
})

test('What another pass still admits goes on under it, and is cut with it', async () => {
  const first = await proxy.give('ana', { lasts: 7_000_000 })
  const second = await proxy.give('ana', { tier: 'observe', lasts: 3_000_000 })
  const stream = await openStream()
  const upload = await openUpload()
  expect(await proxy.end(first)).toMatchObject({ streamsCut: 1 })
  await upload.closed()
  const before = stream.size()
  await stream.when(() => stream.size() > before, 'more events')
  expect(await proxy.end(second)).toMatchObject({ streamsCut: 1 })
  await Promise.all([stream.closed(), upstreamClosed()])
})

test('Another’s revocation cuts nothing of mine', async () => {
  await proxy.give('ana')
  const others = await proxy.give('ben')
  const stream = await openStream()
  expect(await proxy.end(others)).toMatchObject({ streamsCut: 0 })
  const before = stream.size()
  await stream.when(() => stream.size() > before, 'more events')
})

test('A finished request is not counted, nor cut', async () => {
  const grant = await proxy.give('ana')
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await client.answers(1)
  await proxy.records(2)
  expect(await proxy.end(grant)).toMatchObject({ streamsCut: 0 })
  expect(client.isClosed()).toBe(false)
})

test('An end whose event was lost is found by the resync that the gap brings, and cuts', async () => {
  const grant = await proxy.give('ana')
  const other = await proxy.give('ben')
  const stream = await openStream()
  const { redis } = proxy
  const statement = (await redis.hget('{pagepass}:live', other.id)) ?? ''
  await redis.hdel('{pagepass}:live', grant.id)
  await redis.hset('{pagepass}:versions', grant.id, '2 3')
  const next = await redis.incrby('{pagepass}:sequence', 2)
  await redis.xadd('{pagepass}:events', `${next}-0`, 'kind', 'grant', 'id', other.id, 'statement', statement)
  await stream.closed()
  await upstreamClosed()
})

test('Expiry needs nobody: no bot, no worker, no Redis', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 5)
  try {
    const given = await it.give('ana')
    const stream = await openStream(it)
    const upload = await openUpload(it)
    // Only now does it have little time left, so that all is open by then.
    const grant = await it.renew(given, { until: it.now() + 1_500, step: 'shortened' })
    await it.stopBot()
    it.cutRedis()
    await Promise.all([stream.closed(), upload.closed(), upstreamClosed(it)])
    expect(it.now()).toBeGreaterThanOrEqual(grant.until)
    const cut = (await it.records(4)).filter(({ kind }) => kind === 'closed')
    expect(cut).toMatchObject([{ outcome: 'cut' }, { outcome: 'cut' }])
    await it.startOver()
    expect((await ask(it.port, await it.request('ana'))).status).toBe(403)
    expect(it.orders.bytes()).toBe('')
  } finally {
    await it.stop()
  }
})

test('A wall clock set ahead ends what is open, although the timers know nothing of it', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 4)
  try {
    await it.give('ana')
    const stream = await openStream(it)
    it.ahead(3_600_000)
    await Promise.all([stream.closed(), upstreamClosed(it)])
    expect(it.faults).toEqual([])
  } finally {
    await it.stop()
  }
})
