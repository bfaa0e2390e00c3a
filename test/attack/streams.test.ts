/**
 * The attack: keep a line open beyond what was granted, open one that was never granted, or use one to hurt the proxy.
 * An upgrade turns a request into a tunnel that nobody decides on any more (h2c smuggling, Jake Miller, 2020), so a
 * `GET` pattern must never open one. A socket that Node hands over on an upgrade has no listener for errors left, and
 * one reset of it ends a process that forgot to add its own. And clients that go away at every possible moment, or
 * never finish, must leave nothing behind.
 */
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { principalKey } from '#access/domain/principal.ts'
import { people } from '#infra/sandbox/people.ts'
import { expectGoodRequest, expectOneRequest, expectOurIdentity, expectRefused } from '../builders/attack.ts'
import { backEnds, deafTarget, startBackEnd } from '../builders/back-ends.ts'
import { domain, handshakeHeaders, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, frame, type RawClient, rawClient, talk } from '../builders/raw-client.ts'
import { events, type Line, valuesOf } from '../builders/upstream.ts'

const upgrade = { status: 403, reason: 'upgrade-not-admitted' }
const websocket = handshakeHeaders
/** The handshake without this header, and with these. */
const changed = (without: string, ...more: string[]): string[] => [
  ...websocket.filter((header) => !header.startsWith(without)),
  ...more,
]

/** Waits until a figure is the same for a while. */
const standingStill = async (figure: () => number): Promise<void> => {
  let [last, times] = [figure(), 0]
  await until(() => {
    const now = figure()
    times = now === last ? times + 1 : 0
    last = now
    return times > 20
  }, 'a figure to stand still')
}

describe.each(backEnds)('Before a service on %s:', (backEnd) => {
  const onNode = backEnd === 'node'
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 7, { orders: await startBackEnd(backEnd) })
    await proxy.give('ana')
  })
  afterAll(() => proxy.stop())
  beforeEach(() => proxy.startOver())

  const upstreamClosed = (it = proxy): Promise<void> =>
    until(
      () => it.orders.connections().every((one) => one.bytes() === '' || one.closed()),
      'the connections to the service to close',
    )

  const everythingClosed = (): Promise<void> =>
    until(async () => {
      const records = await proxy.readAudit()
      const of = (kind: string) => records.filter((one) => one.kind === kind).length
      return of('admitted') > 0 && of('admitted') === of('closed')
    }, 'everything admitted to be closed')

  /**
   * The attack: an upgrade takes another way through a proxy than a request, and that way often forgets a check
   * (WebSocket smuggling, Mikhail Egorov, 2019). Whoever may only read asks for
   * a line instead.
   */
  describe('A GET pattern tried as a WebSocket', () => {
    test.each([
      ['as it should be asked for', websocket],
      ['in other words', changed('Connection', 'connection: keep-alive, UPGRADE')],
      ['from another origin', [...websocket, 'Origin: https://evil.example']],
      ['from a sibling service', [...websocket, `Origin: http://payments-svc.${domain}`]],
    ])('%s', async (_, headers) => {
      const refused = { status: 403, reason: 'tier-none' }
      await expectRefused(proxy, await proxy.request('ana', 'GET', '/v1/x', headers), refused)
      expect(proxy.orders.lines()).toEqual([])
    })

    test('by somebody without a pass: the service is not even connected to', async () => {
      await expectRefused(proxy, await proxy.handshake('eve'), { status: 403, reason: 'grant-missing' })
      expect(proxy.orders.connections().every((one) => !one.bytes().includes('Upgrade'))).toBe(true)
    })
  })

  /**
   * The attack: ask for something that the proxy takes for a WebSocket and the service does not, or the other way round.
   * Then one of the two reads requests where the other sees an opaque tunnel.
   */
  describe('Only a clean handshake of a WebSocket is an upgrade', () => {
    const targets = onNode ? ['/v1/x', '/live'] : ['/live']
    test.each([
      ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']],
      ['TLS', ['Connection: Upgrade', 'Upgrade: TLS/1.0']],
      ['something unknown', ['Connection: Upgrade', 'Upgrade: anything/7']],
      ['two protocols in one header', changed('Upgrade', 'Upgrade: websocket, h2c')],
      ['two protocols', [...websocket, 'Upgrade: h2c']],
      ['one twice', [...websocket, 'Upgrade: websocket']],
      ['an older version', changed('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8')],
      ['two versions', [...websocket, 'Sec-WebSocket-Version: 8']],
      ['no version', changed('Sec-WebSocket-Version')],
      ['no key', changed('Sec-WebSocket-Key')],
      ['two keys', [...websocket, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']],
      ['a short key', changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAA')],
      [
        'a key in another spelling',
        changed('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB=='),
      ],
      ['an empty body', ['Content-Length: 0', ...websocket]],
      ['a body', ['Content-Length: 5', ...websocket]],
      ['chunks', ['Transfer-Encoding: chunked', ...websocket]],
    ])('%s', async (_, headers) => {
      for (const target of targets)
        await expectRefused(proxy, await proxy.request('ana', 'GET', target, headers), upgrade)
    })

    test.each(['POST', 'HEAD', 'OPTIONS', 'DELETE'])('%s', async (method) => {
      for (const target of targets)
        await expectRefused(proxy, await proxy.request('ana', method, target, websocket), upgrade)
    })

    test('of HTTP/1.0', async () => {
      const bytes = (await proxy.handshake('ana')).replace('HTTP/1.1', 'HTTP/1.0')
      await expectRefused(proxy, bytes, upgrade)
    })

    test('to a target that no request may have', async () => {
      const unclear = { status: 400, reason: 'target-not-canonical' }
      for (const target of ['/v1/../admin', '/live/%2e%2e/x', '/live//x', 'http://x/live'])
        await expectRefused(proxy, await proxy.handshake('ana', target), unclear)
    })

    test('to our own prefix', async () => {
      for (const target of ['/.pagepass/jwks.json', '/.pagepass/../live'])
        await expectRefused(proxy, await proxy.handshake('ana', target), upgrade)
    })

    test('with frames behind it that nobody has agreed to', async () => {
      const bytes = Buffer.concat([Buffer.from(await proxy.handshake('ana')), frame('early')])
      await expectRefused(proxy, bytes, upgrade)
    })

    test('behind a request that is not answered yet', async () => {
      proxy.orders.answerWith(() => undefined)
      const client = rawClient(proxy.port)
      client.send((await proxy.request('ana')) + (await proxy.handshake('ana')))
      await client.closed()
      expect(proxy.orders.lines()).toEqual([])
      expect(client.text()).not.toContain('101')
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })

    test('Without the pair of headers it is a request like any other, and says nothing of an upgrade', async () => {
      for (const header of ['Upgrade: h2c', 'Connection: Upgrade', 'Upgrade: websocket']) {
        const seen = await expectOneRequest(proxy, await proxy.request('ana', 'GET', '/v1/x', [header]))
        expect(valuesOf(seen, 'upgrade')).toEqual([])
        // As the server itself received it: what it sends on says it in its own way.
        const said = proxy.orders.bytes().matchAll(/^(?:connection|upgrade):.*$/gim)
        expect(new Set([...said].map(([line]) => line.toLowerCase()))).toEqual(
          new Set(['connection: keep-alive']),
        )
      }
    })

    test('What is sent after the refused upgrade goes nowhere', async () => {
      const client = rawClient(proxy.port)
      client.send((await proxy.handshake('ana', '/v1/x')) + (await proxy.request('ana')))
      await client.closed()
      expect(client.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403'])
      expect(proxy.orders.bytes()).toBe('')
    })

    // A scripted answer: other servers would not pass it on as it is.
    test.runIf(onNode)('A service that switches protocols unasked gets no line to the client', async () => {
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
      ['a refused upgrade', () => proxy.handshake('ana', '/v1/x')],
      ['an upgrade', () => proxy.handshake('ana')],
      [
        'an upgrade with frames',
        async () => `${await proxy.handshake('ana')}${frame('early').toString('latin1')}`,
      ],
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
      for (let round = 0; round < (onNode ? 30 : 6); round += 1) {
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

  /**
   * The attack: a service that was taken over, or is only misread, answers an upgrade with an ordinary answer. A proxy
   * that pipes it through (http-proxy does) leaves the client with a line to the service that nobody follows.
   */
  describe('A service that answers an upgrade with 200', () => {
    test('gets no line to the client, and the client none to the service', async () => {
      if (onNode)
        proxy.orders.scriptWith((socket) => {
          socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\na usable channel'))
        })
      const client = rawClient(proxy.port)
      client.send(await proxy.handshake('ana', deafTarget))
      await client.when(() => client.text().includes('\r\n\r\n'), 'an answer')
      client.send(await proxy.request('ana', 'GET', '/v1/smuggled'))
      await client.closed()
      expect(client.text()).toMatch(/^HTTP\/1\.1 502 /)
      expect(client.text()).not.toContain('channel')
      await upstreamClosed()
      expect(proxy.orders.bytes()).not.toContain('smuggled')
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })

    // A scripted answer again.
    test.runIf(onNode)('nor does one that keeps the client waiting with informational answers', async () => {
      // A proxy of its own: every other handshake may take as long as a busy machine needs.
      const it = await startProxyForTest(inject('redisUrl'), 3, { timeouts: { headers: 1_000 } })
      try {
        await it.give('ana')
        it.orders.scriptWith((socket) => {
          const more = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'), 20)
          socket.on('close', () => clearInterval(more))
        })
        expect((await ask(it.port, await it.handshake('ana'))).status).toBe(504)
        await upstreamClosed(it)
        expect(it.faults).toEqual([])
      } finally {
        await it.stop()
      }
    })
  })

  test('A WebSocket carries texts both ways, under our identity', async () => {
    const client = await proxy.webSocket('ana')
    await client.opened()
    const [line, ...others] = proxy.orders.lines()
    if (line === undefined) throw new Error('no line at the service')
    expect(others).toEqual([])
    expect(line.target).toBe('/live')
    expectOurIdentity(line)
    client.socket.send('there')
    await until(() => line.messages.length > 0, 'a text at the service')
    expect(line.messages).toEqual(['there'])
    line.socket.send('and back')
    await client.said('and back')
  })

  /**
   * The attack: go on using what was open when the right to it ended: silent, flooding, in the middle of a frame, or held
   * back by a side that reads nothing, so that the cut would wait behind it. A server between holds some of it back
   * itself: what was sent before the cut may still arrive, and nothing that is sent after it.
   */
  describe.each(['a revocation', 'a lock'] as const)('What is open when %s comes is cut:', (how) => {
    const ben = () => principalKey({ issuer: proxy.idp.issuer, subject: people.ben.subject })
    let grant: Grant
    beforeEach(async () => {
      grant = await proxy.give('ben')
    })
    afterEach(async () => {
      if (how !== 'a lock') return
      proxy.locks.unlock(ben())
      await proxy.end(grant)
    })
    /** How much was cut. */
    const cut = async (): Promise<number> =>
      how === 'a lock' ? proxy.locks.lock(ben()) : (await proxy.end(grant)).streamsCut

    const openLine = async (): Promise<{ readonly client: RawClient; readonly line: Line }> => {
      const client = proxy.client()
      client.send(await proxy.handshake('ben'))
      await client.when(() => client.text().includes('\r\n\r\n'), 'an answer')
      const [line] = proxy.orders.lines()
      if (line === undefined) throw new Error(`no line at the service, but ${client.text()}`)
      return { client, line }
    }
    const lineOver = (line: Line): Promise<void> =>
      until(() => line.code() !== undefined, 'the line to be over for the service')

    test('a silent WebSocket, and both sides are told', async () => {
      const { client, line } = await openLine()
      expect(await cut()).toBe(1)
      client.send(frame('late'))
      await Promise.all([client.closed(), upstreamClosed(), lineOver(line)])
      expect(client.text().endsWith('\x88\x02\x03\xf0')).toBe(true)
      expect([line.code(), line.messages]).toEqual([1008, []])
    })

    test('a WebSocket that is flooded', async () => {
      const { client, line } = await openLine()
      let text = 'early'
      const flood = async (): Promise<void> => {
        while (!client.isClosed())
          await new Promise((resolve) => client.socket.write(frame(text), () => setImmediate(resolve)))
      }
      const flooding = flood()
      await until(() => line.messages.length > 50, 'the flood at the service')
      expect(await cut()).toBe(1)
      text = 'late'
      client.send(frame(text))
      await Promise.all([client.closed(), upstreamClosed(), lineOver(line), flooding])
      expect(new Set(line.messages)).toEqual(new Set(['early']))
    })

    test('a WebSocket in the middle of a frame', async () => {
      const { client, line } = await openLine()
      const before = proxy.orders.bytes().length
      const whole = frame('x'.repeat(100))
      client.send(whole.subarray(0, 60))
      await until(() => proxy.orders.bytes().length === before + 60, 'half a frame at the service')
      expect(await cut()).toBe(1)
      client.send(whole.subarray(60))
      await Promise.all([client.closed(), upstreamClosed(), lineOver(line)])
      expect([line.code(), line.messages]).toEqual([1006, []])
      expect(proxy.orders.bytes()).toHaveLength(before + 60)
    })

    test('a WebSocket whose client reads nothing', async () => {
      const { client, line } = await openLine()
      client.socket.pause()
      const much = Buffer.alloc(1_000_000)
      // More than all the buffers on its way may hold.
      for (let number = 0; number < 60; number += 1) line.socket.send(much)
      await standingStill(() => line.socket.bufferedAmount)
      expect(line.socket.bufferedAmount).toBeGreaterThan(0)
      expect(await cut()).toBe(1)
      client.send(frame('late'))
      await Promise.all([upstreamClosed(), lineOver(line)])
      expect(line.messages).toEqual([])
    })

    test('a WebSocket whose service reads nothing', async () => {
      const { client, line } = await openLine()
      line.socket.pause()
      const much = frame('x'.repeat(60_000))
      while (client.socket.writableLength < 1_000_000) {
        client.send(much)
        await new Promise(setImmediate)
      }
      expect(await cut()).toBe(1)
      client.send(frame('late'))
      await client.closed()
      line.socket.resume()
      await Promise.all([upstreamClosed(), lineOver(line)])
      expect(line.messages).not.toContain('late')
    })

    test('a stream of events, a half upload, and what is not answered yet', async () => {
      const received = (target: string) => proxy.orders.received().find((one) => one.target === target)
      const [stream, upload, waiting] = [proxy.client(), proxy.client(), proxy.client()]
      proxy.orders.answerWith(events)
      stream.send(await proxy.request('ben', 'GET', '/v1/events'))
      await stream.when(() => stream.text().includes('/v1/events'), 'the first event')
      proxy.orders.answerWith(() => undefined)
      upload.send(await proxy.request('ben', 'POST', '/v1/upload', ['Content-Length: 100'], 'half'))
      await until(() => received('/v1/upload')?.body === 'half', 'the first half at the service')
      waiting.send(await proxy.request('ben', 'GET', '/v1/waiting'))
      await until(() => received('/v1/waiting') !== undefined, 'the request at the service')
      expect(await cut()).toBe(3)
      upload.send('late'.repeat(24))
      waiting.send(await proxy.request('ben', 'GET', '/v1/late'))
      await Promise.all([stream.closed(), upload.closed(), waiting.closed(), upstreamClosed()])
      // HAProxy lets a service finish its answer to what was asked in full.
      const told = ['/v1/events', '/v1/upload', ...(backEnd === 'haproxy' ? [] : ['/v1/waiting'])]
      await until(
        () => told.every((target) => received(target)?.response.destroyed === true),
        'the service to see them end',
      )
      expect(received('/v1/upload')).toMatchObject({ body: 'half', complete: false })
      expect(waiting.text()).toBe('')
      expect(proxy.orders.received()).toHaveLength(3)
    })

    test('an answer whose client reads nothing', async () => {
      let written = 0
      proxy.orders.answerWith((_, response) => {
        response.writeHead(200)
        const much = Buffer.alloc(65_536)
        const more = (): void => {
          do written += much.length
          while (!response.destroyed && response.write(much))
        }
        response.on('drain', more)
        more()
      })
      const client = proxy.client()
      client.socket.pause()
      client.send(await proxy.request('ben'))
      await until(() => written > 0, 'the answer')
      await standingStill(() => written)
      expect(await cut()).toBe(1)
      await upstreamClosed()
      await until(() => proxy.orders.received()[0]?.response.destroyed === true, 'the service to see it end')
    })
  })

  /**
   * The attack: hold as many lines open as the proxy takes, silent, and hope that it tires: in memory, in time per line,
   * or when it has to end them all at once.
   */
  test(`${onNode ? 'A thousand' : 'A hundred'} idle WebSockets keep nobody out, and are all cut at once`, {
    timeout: 180_000,
  }, async () => {
    const grant = await proxy.give('ben')
    const bytes = await proxy.handshake('ben')
    const clients: RawClient[] = []
    for (let batch = 0; batch < (onNode ? 10 : 1); batch += 1) {
      const more = Array.from({ length: 100 }, () => proxy.client())
      for (const client of more) client.send(bytes)
      await Promise.all(more.map((client) => client.when(() => client.size() > 0, 'an answer')))
      // A disk that stalls closes the proxy for a moment, on purpose.
      clients.push(...more.filter((client) => !client.text().startsWith('HTTP/1.1 503 ')))
    }
    expect(proxy.orders.lines()).toHaveLength(clients.length)
    await expectGoodRequest(proxy)
    expect(await proxy.end(grant)).toMatchObject({ streamsCut: clients.length })
    await Promise.all(clients.map((client) => client.closed()))
    for (const client of clients) expect(client.text().endsWith('\x88\x02\x03\xf0')).toBe(true)
    await until(() => proxy.orders.lines().every((line) => line.code() === 1008), 'the service to be told')
  })

  /**
   * The attack: leave at every moment of a line's life, from either side and in every manner, so that something stays
   * behind: a socket, a timer, a record without its end.
   */
  test('WebSockets left at every stage leave nothing behind', async () => {
    const handshake = await proxy.handshake('ana')
    const leave = [
      (client: RawClient) => client.end(),
      (client: RawClient) => client.reset(),
      (client: RawClient) => void client.socket.end(),
    ]
    for (let round = 0; round < (onNode ? 150 : 50); round += 1) {
      const client = proxy.client()
      const sent = new Promise((resolve) => client.socket.write(handshake, resolve))
      // Before it connects, right behind the handshake, once it is answered, in the middle of a frame.
      if (round % 5 > 0) await sent
      if (round % 5 > 2) await client.when(() => client.size() > 0, 'an answer')
      if (round % 5 === 4) client.send(frame('x'.repeat(100), { claims: round % 2 === 0 ? 200 : 100 }))
      if (round % 7 === 0) for (const line of proxy.orders.lines()) line.socket.terminate()
      leave[round % 3]?.(client)
    }
    await everythingClosed()
    await upstreamClosed()
    await proxy.startOver()
    await expectGoodRequest(proxy)
  })

  test('Clients that go away at every stage leave no connection, no record open, and no use behind', async () => {
    proxy.orders.answerWith((request, response) => {
      request.resume()
      setTimeout(() => response.end('late'), 2)
    })
    for (let round = 0; round < (onNode ? 300 : 60); round += 1) {
      const client = rawClient(proxy.port)
      client.send(
        await proxy.request('ana', 'POST', '/v1/x', ['Content-Length: 4'], round % 2 === 0 ? 'body' : 'bo'),
      )
      if (round % 4 > 1) await new Promise((resolve) => setTimeout(resolve, round % 5))
      client.end()
    }
    await everythingClosed()
    await until(
      () => proxy.orders.received().every(({ response }) => response.writableEnded || response.destroyed),
      'every answer of the service to be over',
    )
    await proxy.startOver()
    await expectGoodRequest(proxy)
  })

  // They never reach the service.
  test.runIf(onNode)('2,000 idle connections and half-sent headers keep nobody out', async () => {
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
    expect(await proxy.records(2)).toMatchObject([
      { kind: 'admitted' },
      { kind: 'closed', outcome: 'aborted' },
    ])
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
})
