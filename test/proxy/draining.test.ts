import { createConnection } from 'node:net'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { readReports } from '#access/adapters/redis/reports.ts'
import { type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import type { RawClient } from '../builders/raw-client.ts'
import type { WebSocketClient } from '../builders/web-socket-client.ts'

const second = 1_000

let proxy: ProxyUnderTest
beforeEach(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 52, { drain: 60 * second })
})
afterEach(async () => {
  await proxy.stop()
  expect(proxy.faults).toEqual([])
})

/** A stream of events that goes on until it is cut, or until the service is told to end it. */
const openStream = async (): Promise<{ client: RawClient; goesOn: () => Promise<void>; end: () => void }> => {
  let end = (): void => undefined
  proxy.orders.answerWith((_, response) => {
    const timer = setInterval(() => response.write('data: more\n\n'), 5)
    response.on('close', () => clearInterval(timer))
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n')
    end = () => {
      clearInterval(timer)
      response.end('data: last\n\n')
    }
  })
  const client = proxy.client()
  client.send(await proxy.request('ana', 'GET', '/v1/events'))
  await client.when(() => client.text().includes('data: first'), 'the first event')
  return {
    client,
    goesOn: () => {
      const before = client.size()
      return client.when(() => client.size() > before, 'more events')
    },
    end: () => end(),
  }
}

const openLine = async (): Promise<{ client: WebSocketClient; goesOn: (word: string) => Promise<void> }> => {
  const client = await proxy.webSocket('ana')
  await client.opened()
  const line = proxy.orders.lines().at(-1)
  return {
    client,
    goesOn: (word) => {
      line?.socket.send(word)
      return client.said(word)
    },
  }
}

/** Begins to drain; what came of it once it is over. */
const drain = (): { over: () => string | undefined; done: Promise<string> } => {
  let came: string | undefined
  const done = proxy.drainProxy().then((what) => {
    came = what
    return what
  })
  return { over: () => came, done }
}
const isRefused = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
const closings = async (count: number) =>
  (await proxy.records(count, ['closed'])).map(({ outcome }) => outcome).sort()

/** As long as a request may still be on its way on an old connection. */
const lastRequestsMs = 5 * second

test('With nothing open, draining is over at once', async () => {
  expect(await proxy.drainProxy()).toBe('nothing is open any more')
  expect(await isRefused()).toBe(true)
})

test('A request that was on its way on an open connection is answered, as the last one there', async () => {
  await proxy.give('ana')
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await client.answers(1)
  const { over, done } = drain()
  expect(await isRefused()).toBe(true)
  client.send(await proxy.request('ana', 'GET', '/v1/last'))
  await client.closed()
  expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/orders', '/v1/last'])
  expect(client.text().split('HTTP/1.1 200 OK')).toHaveLength(3)
  expect(client.text().match(/connection: close/gi)).toHaveLength(1)
  await done
  expect(over()).toBe('nothing is open any more')
})

test('A connection that carries nothing is closed after a moment, and then nothing more is answered', async () => {
  await proxy.give('ana')
  const idle = proxy.client()
  idle.send(await proxy.request('ana'))
  await idle.answers(1)
  const { over, done } = drain()
  expect(await isRefused()).toBe(true)
  expect(over()).toBeUndefined()
  proxy.ahead(lastRequestsMs)
  await idle.closed()
  expect(await done).toBe('nothing is open any more')
})

test('What is open goes on, new connections are refused, and it is over when the last has ended', async () => {
  await proxy.give('ana')
  const stream = await openStream()
  const line = await openLine()
  const { over, done } = drain()
  expect(await isRefused()).toBe(true)
  await stream.goesOn()
  await line.goesOn('still here')
  stream.end()
  await stream.client.closed()
  expect(stream.client.text()).toContain('data: last')
  await line.goesOn('and still')
  expect(over()).toBeUndefined()
  line.client.socket.close(1000)
  expect(await done).toBe('nothing is open any more')
  expect(await closings(2)).toEqual(['done', 'done'])
})

test('A revocation cuts what is open, is confirmed with its count, and ends the drain', async () => {
  const grant = await proxy.give('ana')
  const stream = await openStream()
  const line = await openLine()
  const { done } = drain()
  expect(await proxy.end(grant)).toMatchObject({ confirmed: ['tested'], missing: [], streamsCut: 2 })
  await stream.client.closed()
  expect(await line.client.closed()).toBe(1008)
  expect(await done).toBe('nothing is open any more')
  expect(await closings(2)).toEqual(['cut', 'cut'])
})

// The clock is set ahead by less than the view may be old.

test('The end of a grant by the clock cuts what is open', async () => {
  await proxy.give('ana', { lasts: 30 * second })
  const stream = await openStream()
  const line = await openLine()
  const { done } = drain()
  proxy.ahead(30 * second)
  await stream.client.closed()
  expect(await line.client.closed()).toBe(1008)
  expect(await done).toBe('nothing is open any more')
})

test('A grant that is extended meanwhile keeps what is open, until the drain is over', async () => {
  const grant = await proxy.give('ana', { lasts: 30 * second })
  const stream = await openStream()
  const line = await openLine()
  const { over, done } = drain()
  await proxy.renew(grant, { until: grant.until + 3_600 * second, duration: 3_630 * second })
  proxy.ahead(40 * second)
  await proxy.records(2, ['continued'])
  await stream.goesOn()
  await line.goesOn('longer')
  expect(over()).toBeUndefined()
  proxy.ahead(20 * second)
  expect(await done).toBe('2 still open')
  const stopped = proxy.stopProxy()
  expect(await line.client.closed()).toBe(1012)
  stream.client.end()
  await stopped
})

test('A stop meanwhile ends the drain: WebSockets are told 1012', async () => {
  await proxy.give('ana')
  const line = await openLine()
  const { done } = drain()
  await line.goesOn('still here')
  const stopped = proxy.stopProxy()
  expect(await line.client.closed()).toBe(1012)
  await Promise.all([stopped, done])
  expect(await closings(1)).toEqual(['aborted'])
})

test('A request under way is answered, and its connection is told that this was the last', async () => {
  await proxy.give('ana')
  let answer = (): void => undefined
  proxy.orders.answerWith((_, response) => {
    answer = () => void response.writeHead(200).end('late')
  })
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await until(() => proxy.orders.received().length === 1, 'the request at the service')
  const { done } = drain()
  answer()
  await client.closed()
  expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*late\r\n0\r\n\r\n$/is)
  expect(await done).toBe('nothing is open any more')
})

test('An old connection is no way past the new rules: what waits behind a stream is not served', async () => {
  await proxy.give('ana')
  const stream = await openStream()
  stream.client.send(await proxy.request('ana', 'POST', '/v1/second'))
  const { done } = drain()
  stream.client.send(await proxy.request('ana', 'POST', '/v1/third'))
  proxy.ahead(lastRequestsMs)
  await stream.goesOn()
  stream.end()
  await stream.client.closed()
  expect(await done).toBe('nothing is open any more')
  expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/events'])
  expect((await proxy.records(1, ['admitted'])).map(({ path }) => path)).toEqual(['/v1/events'])
})

test('A silent connection does not hold it up', async () => {
  await proxy.give('ana')
  const silent = proxy.client()
  silent.send('GET /v1/orders HTTP/1.1\r\nHost: ')
  await until(() => silent.socket.readyState === 'open', 'the connection')
  const { done } = drain()
  proxy.ahead(lastRequestsMs)
  expect(await done).toBe('nothing is open any more')
})

test('It reports that it drains, and by which rules, and what is used meanwhile', async () => {
  const grant = await proxy.give('ana')
  const aliveness = async () =>
    (await proxy.redis.xrange(names.reports, '-', '+'))
      .flatMap(([, fields]) => readReports(fields))
      .filter((report) => report.kind === 'alive')
  const { hash: rules } = proxy.rules
  await until(async () => (await aliveness()).length > 0, 'a sign of life')
  expect((await aliveness()).at(-1)).toMatchObject({ proxy: 'tested', rules, draining: false })
  const line = await openLine()
  const { done } = drain()
  await until(async () => (await aliveness()).at(-1)?.draining === true, 'it to report that it drains')
  expect((await aliveness()).at(-1)).toMatchObject({ proxy: 'tested', rules })
  line.client.socket.close(1000)
  await done
  await proxy.stopProxy()
  expect(await proxy.usageOf(grant)).toMatchObject({ patterns: { 'WS /live': { 101: 1 } } })
})
