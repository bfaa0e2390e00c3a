/**
 * The attack: keep a line open beyond what was granted, open one that was never granted, or use one to hurt the proxy.
 * An upgrade turns a request into a tunnel that nobody decides on any more (h2c smuggling, Jake Miller, 2020), so a
 * `GET` pattern must never open one. A socket that Node hands over on an upgrade has no listener for errors left, and
 * one reset of it ends a process that forgot to add its own. And clients that go away at every possible moment, or
 * never finish, must leave nothing behind.
 */
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, rawClient, talk } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 7)
  await proxy.give('ana')
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())

const upgrade = { status: 403, reason: 'upgrade-not-admitted' }
const websocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAA',
]

const upstreamClosed = (): Promise<void> =>
  until(
    () => proxy.orders.connections().every((one) => one.bytes() === '' || one.closed()),
    'the connections to the service to close',
  )

describe('A GET pattern opens no upgrade', () => {
  test.each([
    ['a WebSocket', websocket],
    ['a WebSocket in other words', ['connection: keep-alive, UPGRADE', 'UPGRADE: WebSocket']],
    ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']],
    ['TLS', ['Connection: Upgrade', 'Upgrade: TLS/1.0']],
    ['something unknown', ['Connection: Upgrade', 'Upgrade: anything/7']],
    ['an upgrade from another origin', [...websocket, 'Origin: https://evil.example']],
    ['an upgrade with a length', ['Content-Length: 0', ...websocket]],
  ])('%s', async (_, headers) => {
    await expectRefused(proxy, await proxy.request('ana', 'GET', '/v1/x', headers), upgrade)
    await expectRefused(proxy, await proxy.request('ana', 'POST', '/v1/x', headers), upgrade)
  })

  test('An upgrade to a target that no request may have', async () => {
    await expectRefused(proxy, await proxy.request('ana', 'GET', '/v1/../admin', websocket), upgrade)
    await expectRefused(proxy, await proxy.request('ana', 'GET', '/.pagepass/../v1', websocket), upgrade)
  })

  test('Without the pair of headers it is a request like any other, and says nothing of an upgrade', async () => {
    for (const header of ['Upgrade: h2c', 'Connection: Upgrade', 'Upgrade: websocket']) {
      const seen = await expectOneRequest(proxy, await proxy.request('ana', 'GET', '/v1/x', [header]))
      expect(valuesOf(seen, 'upgrade')).toEqual([])
      expect(valuesOf(seen, 'connection')).toEqual(['keep-alive'])
    }
  })

  test('What is sent after the refused upgrade goes nowhere', async () => {
    const client = rawClient(proxy.port)
    client.send((await proxy.request('ana', 'GET', '/v1/x', websocket)) + (await proxy.request('ana')))
    await client.closed()
    expect(client.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403'])
    expect(proxy.orders.bytes()).toBe('')
  })

  test('A service that switches protocols unasked gets no line to the client', async () => {
    proxy.orders.scriptWith((socket) =>
      socket.on('data', () =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
        ),
      ),
    )
    expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(502)
    await upstreamClosed()
    await proxy.startOver()
    await expectGoodRequest(proxy)
  })
})

describe('A reset ends nothing but its own connection', () => {
  test.each([
    ['an upgrade', () => proxy.request('ana', 'GET', '/v1/x', websocket)],
    [
      'an upgrade without any credential',
      async () => `GET / HTTP/1.1\r\nHost: x\r\n${websocket.join('\r\n')}\r\n\r\n`,
    ],
    ['a tunnel', async () => `CONNECT orders-svc.${domain}:443 HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['garbage', async () => '\0\0\0\0\r\n\r\n'],
    ['a request', () => proxy.request('ana')],
    ['a refused request', () => proxy.request('eve')],
    ['half a request', async () => (await proxy.request('ana')).slice(0, 60)],
    ['half a body', () => proxy.request('ana', 'POST', '/v1/x', ['Content-Length: 100'], 'half')],
    [
      'half a chunk',
      () => proxy.request('ana', 'POST', '/v1/x', ['Transfer-Encoding: chunked'], 'ff\r\nhalf'),
    ],
    ['a pipeline', async () => (await proxy.request('ana')).repeat(20)],
  ])('right after %s', async (_, bytesOf) => {
    const bytes = await bytesOf()
    for (let round = 0; round < 30; round += 1) {
      const client = rawClient(proxy.port)
      client.send(bytes)
      if (round % 3 === 0) await new Promise((resolve) => client.socket.once('connect', resolve))
      if (round % 3 === 1) await new Promise((resolve) => setTimeout(resolve, round % 7))
      client.reset()
    }
    await proxy.startOver()
    await expectGoodRequest(proxy)
  })

  test('in the middle of an answer, by the client or by the service', async () => {
    proxy.orders.answerWith((_, response) => {
      response.writeHead(200)
      const more = setInterval(() => response.write('x'.repeat(10_000)), 1)
      response.on('close', () => clearInterval(more))
    })
    for (let round = 0; round < 20; round += 1) {
      const client = rawClient(proxy.port)
      client.send(await proxy.request('ana'))
      await client.when(() => client.size() > round * 1_000, 'some of it')
      if (round % 2 === 0) client.reset()
      else {
        for (const { socket } of proxy.orders.connections()) socket.resetAndDestroy()
        await client.closed()
      }
    }
    await upstreamClosed()
    await proxy.startOver()
    await expectGoodRequest(proxy)
  })
})

test('Clients that go away at every stage leave no connection, no record open, and no use behind', async () => {
  proxy.orders.answerWith((request, response) => {
    request.resume()
    setTimeout(() => response.end('late'), 2)
  })
  for (let round = 0; round < 300; round += 1) {
    const client = rawClient(proxy.port)
    client.send(
      await proxy.request('ana', 'POST', '/v1/x', ['Content-Length: 4'], round % 2 === 0 ? 'body' : 'bo'),
    )
    if (round % 4 > 1) await new Promise((resolve) => setTimeout(resolve, round % 5))
    client.end()
  }
  let open = 1
  await until(async () => {
    const records = await proxy.readAudit()
    const of = (kind: string) => records.filter((one) => one.kind === kind).length
    open = of('admitted') - of('closed')
    return of('admitted') > 0 && open === 0
  }, 'everything admitted to be closed')
  expect(
    proxy.orders.received().filter(({ response }) => !response.writableEnded && !response.destroyed),
  ).toEqual([])
  await proxy.startOver()
  await expectGoodRequest(proxy)
})

test('2,000 idle connections and half-sent headers keep nobody out', async () => {
  const sockets = Array.from({ length: 2_000 }, (_, number) => {
    const socket = connect(proxy.port, '127.0.0.1')
    socket.on('error', () => undefined)
    if (number % 2 === 0) socket.write('GET /v1/x HTTP/1.1\r\nHost: ')
    return socket
  })
  await expectGoodRequest(proxy)
  for (const socket of sockets) socket.resetAndDestroy()
  await expectGoodRequest(proxy)
})

test('Requests behind one that is not answered are not done, and beyond a hundred the connection ends', async () => {
  proxy.orders.answerWith(() => undefined)
  const client = rawClient(proxy.port)
  client.send(await proxy.request('ana', 'GET', '/v1/never'))
  await until(() => proxy.orders.received().length === 1, 'the first')
  client.send((await proxy.request('ana', 'GET', '/v1/later')).repeat(99))
  client.send((await proxy.request('ana', 'GET', '/v1/last')).repeat(1_000))
  await client.closed()
  await upstreamClosed()
  expect(await proxy.records(2)).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'aborted' }])
  expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/never'])
  await proxy.startOver()
  await expectGoodRequest(proxy)
})

test('A hundred requests at once are answered in order', async () => {
  const targets = Array.from({ length: 100 }, (_, number) => `/v1/${number}`)
  const bytes = (await Promise.all(targets.map((target) => proxy.request('ana', 'GET', target)))).join('')
  const { answers } = await talk(proxy.port, bytes, { answers: 100 })
  expect(answers.map(({ body }) => body)).toEqual(targets.map((target) => `hello ${target}\n`))
})

test('Without a pass the service is not even connected to', async () => {
  await expectRefused(proxy, await proxy.request('eve', 'GET', '/v1/events'), {
    status: 403,
    reason: 'grant-missing',
  })
})

test('Nothing above made a fault', () => {
  expect(proxy.faults).toEqual([])
})
