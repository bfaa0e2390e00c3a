import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { WebSocket } from 'ws'
import { expectOurIdentity } from '../../builders/attack.ts'
import {
  handshakeAccept,
  instance,
  type ProxyUnderTest,
  startProxyForTest,
  until,
} from '../../builders/proxy.ts'
import { type Answer, ask, frame, problemOf, type RawClient } from '../../builders/raw-client.ts'
import { type Line, valuesOf } from '../../builders/upstream.ts'
import type { WebSocketClient } from '../../builders/web-socket-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 32)
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(async () => {
  await proxy.endAll()
  expect(proxy.faults).toEqual([])
})

const openLine = async (it = proxy, target = '/live'): Promise<{ client: WebSocketClient; line: Line }> => {
  const client = await it.webSocket('ana', target)
  await client.opened()
  const line = it.orders.lines().at(-1)
  if (line === undefined) throw new Error('the service has no line')
  return { client, line }
}

/** A line of bare bytes on the client's side. */
const openRaw = async (it = proxy): Promise<RawClient> => {
  const client = it.client()
  client.send(await it.handshake('ana'))
  await client.when(() => client.text().includes('\r\n\r\n'), 'the answer to the handshake')
  expect(client.text()).toMatch(/^HTTP\/1\.1 101 /)
  return client
}

const closedBy = (code: number): string =>
  String.fromCharCode(0x88, 0x02) + String.fromCharCode(code >> 8, code & 0xff)

const serviceClosed = (it = proxy): Promise<void> =>
  until(() => it.orders.connections().every((one) => one.closed()), 'the connections to the service to close')

/** What a service answers that has understood the handshake. */
const agreed = (more = '', accept = handshakeAccept): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`

const answerWith = (bytes: string | Buffer): void => {
  proxy.orders.scriptWith((socket) => socket.on('data', () => socket.write(bytes)))
}

describe('A WebSocket', () => {
  test('goes through in both directions, is recorded first, and counted by its bytes', async () => {
    await proxy.give('ana')
    const { client, line } = await openLine(proxy, '/live/orders?since=4')
    expect(await proxy.records(1)).toMatchObject([
      { kind: 'admitted', method: 'WS', path: '/live/orders', pattern: 'WS /live/**', tier: 'operate' },
    ])
    client.socket.send('from the client')
    await until(() => line.messages.includes('from the client'), 'the message')
    line.socket.send('from the service')
    await client.said('from the service')
    client.socket.close(4_001)
    expect(await client.closed()).toBe(4_001)
    await until(() => line.code() === 4_001, 'the service to hear of it')
    const [, closed] = await proxy.records(2)
    expect(closed).toMatchObject({ kind: 'closed', outcome: 'done', status: 101 })
    expect(closed?.['bytes']).toBe(2 + 'from the service'.length + 4)
    await serviceClosed()
  })

  test('reaches the service as asked, with our identity headers and without the credential', async () => {
    await proxy.give('ana')
    const target = '/live/http:/x?a=http://y//z&b=%2f..'
    const client = proxy.client()
    const more = [
      'Cookie: a=1',
      'Cookie: b=2',
      'Sec-WebSocket-Protocol: chat',
      'Origin: https://elsewhere.example',
      'X-Forwarded-For: 6.6.6.6',
      'Keep-Alive: timeout=5',
      'Connection: X-Secret',
      'X-Secret: hop',
      '__proto__: x',
    ]
    client.send(await proxy.handshake('ana', target, { more }))
    await until(() => proxy.orders.lines().length === 1, 'the line')
    const [line] = proxy.orders.lines()
    if (line === undefined) throw new Error('no line')
    expect(line.target).toBe(target)
    expectOurIdentity(line)
    for (const name of ['authorization', 'keep-alive', 'x-secret']) expect(valuesOf(line, name)).toEqual([])
    expect(valuesOf(line, 'cookie').join('; ')).toBe('a=1; b=2')
    expect(valuesOf(line, 'connection')).toEqual(['Upgrade'])
    expect(valuesOf(line, 'upgrade')).toEqual(['websocket'])
    expect(valuesOf(line, 'sec-websocket-protocol')).toEqual(['chat'])
    expect(valuesOf(line, 'sec-websocket-key')).toEqual(['dGhlIHNhbXBsZSBub25jZQ=='])
    expect(valuesOf(line, 'origin')).toEqual(['https://elsewhere.example'])
    expect(valuesOf(line, 'host')).toEqual([`127.0.0.1:${proxy.orders.port}`])
    expect(valuesOf(line, '__proto__')).toEqual(['x'])
  })

  test('gets none of the service’s hop-by-hop headers, nor what only we may say', async () => {
    await proxy.give('ana')
    answerWith(
      agreed(
        'X-Pagepass-Assertion: forged\r\nKeep-Alive: timeout=9\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n',
      ),
    )
    const client = await openRaw()
    expect(client.text().split('\r\n').slice(1, -2).sort()).toEqual([
      'connection: Upgrade',
      `sec-websocket-accept: ${handshakeAccept}`,
      'set-cookie: a',
      'set-cookie: b',
      'upgrade: websocket',
    ])
  })

  test('carries long messages in both directions', async () => {
    await proxy.give('ana')
    const { client, line } = await openLine()
    const long = 'x'.repeat(3_000_000)
    client.socket.send(long)
    line.socket.send(long)
    await client.said(long)
    await until(() => line.messages.includes(long), 'the long message')
  })

  test('ends with the service, and the client still gets its last word', async () => {
    await proxy.give('ana')
    const { client, line } = await openLine()
    line.socket.send('the last word')
    line.socket.close(4_002)
    expect(await client.closed()).toBe(4_002)
    expect(client.messages).toEqual(['the last word'])
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'done' })
  })

  test.each([
    ['aborted', (client: WebSocketClient) => client.socket.terminate()],
    ['failed', (_: WebSocketClient, line: Line) => line.socket.terminate()],
  ])('whose one side resets or goes ends on the other: %s', async (_, go) => {
    await proxy.give('ana')
    const { client, line } = await openLine()
    go(client, line)
    expect(await client.closed()).toBe(1006)
    await until(() => line.code() === 1006, 'the service to see the end')
    await proxy.records(2)
  })

  test('that is reset on the client’s side is aborted, on the service’s failed', async () => {
    await proxy.give('ana')
    const client = await openRaw()
    client.reset()
    await serviceClosed()
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'aborted' })
    await proxy.startOver()
    const other = await openRaw()
    for (const { socket } of proxy.orders.connections()) socket.resetAndDestroy()
    await other.closed()
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'failed' })
  })

  test('does not outlive a client that closed its half', async () => {
    await proxy.give('ana')
    proxy.orders.scriptWith((socket) => socket.once('data', () => socket.write(agreed())))
    const client = await openRaw()
    client.socket.end()
    await client.closed()
    await serviceClosed()
  })
})

describe('An upgrade is refused as a request is', () => {
  const expectRefusal = async (bytes: string, status: number, reason: string): Promise<Answer> => {
    const answer = await ask(proxy.port, bytes)
    expect({ status: answer.status, reason: problemOf(answer)['reason'] }).toEqual({ status, reason })
    expect(answer.headers['content-type']).toEqual(['application/problem+json; charset=utf-8'])
    expect(answer.headers['connection']).toEqual(['close'])
    expect(await proxy.records(1)).toMatchObject([{ kind: 'refused', reason, status }])
    expect(proxy.orders.connections()).toEqual([])
    expect(proxy.payments.connections()).toEqual([])
    return answer
  }

  test.each([
    ['a GET pattern', '/v1/orders'],
    ['a pattern for any method', '/any/thing'],
  ])('by %s', async (_, target) => {
    await proxy.give('ana')
    expect((await ask(proxy.port, await proxy.request('ana', 'GET', target))).status).toBe(200)
    await proxy.startOver()
    proxy.orders.forget()
    await expectRefusal(await proxy.handshake('ana', target), 403, 'tier-none')
    expect((await proxy.records(1))[0]).toMatchObject({ method: 'WS' })
  })

  test('without a pass, and the answer says how to ask for one', async () => {
    const answer = await expectRefusal(await proxy.handshake('ana'), 403, 'grant-missing')
    expect(problemOf(answer)).toMatchObject({
      needs: 'operate',
      ask: '/access grant orders-svc 1h operate because …',
    })
  })

  test('with a pass of too low a tier, for another service, of another person', async () => {
    await proxy.give('ana', { tier: 'observe' })
    await expectRefusal(await proxy.handshake('ana'), 403, 'tier-too-low')
    await proxy.startOver()
    await proxy.give('ben')
    await proxy.give('eve', { service: 'payments-svc' })
    await expectRefusal(await proxy.handshake('eve'), 403, 'grant-missing')
  })

  test('without a token, with a bad one, on a wrong host, at an unclear target', async () => {
    await proxy.give('ana')
    const good = await proxy.handshake('ana')
    for (const [bytes, status, reason] of [
      [good.replace(/Authorization: .*\r\n/, ''), 401, 'token-missing'],
      [good.replace(/Bearer .*\r\n/, 'Bearer nonsense\r\n'), 401, 'token-invalid'],
      [good.replace(/Host: .*\r\n/, 'Host: elsewhere.example\r\n'), 421, 'host-wrong'],
      [good.replace('orders-svc.', 'other-svc.'), 404, 'service-unknown'],
      [good.replace('GET /live', 'GET /live/../v1'), 400, 'target-not-canonical'],
      [good.replace('\r\nHost', '\r\nX-Pagepass-Assertion: x\r\nHost'), 400, 'header-reserved'],
      [good.replace('\r\nHost', '\r\nSec_WebSocket_Key: x\r\nHost'), 400, 'header-reserved'],
    ] as const) {
      await proxy.startOver()
      await expectRefusal(bytes, status, reason)
    }
  })

  test('by the rate', async () => {
    await proxy.give('ana')
    await (await proxy.webSocket('ana', '/rare')).opened()
    // The rate is two a minute.
    await (await proxy.webSocket('ana', '/rare')).over()
    const opened = proxy.orders.lines().length
    const answer = await ask(proxy.port, await proxy.handshake('ana', '/rare'))
    expect(answer.status).toBe(429)
    expect(Number(answer.headers['retry-after']?.[0])).toBeGreaterThan(0)
    expect(proxy.orders.lines()).toHaveLength(opened)
  })
})

describe('A service that does not agree gets no line', () => {
  test.each([
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
    ['200 without end', 'HTTP/1.1 200 OK\r\n\r\nhello'],
    [
      '200 in the words of an upgrade',
      'HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
    ],
    ['401', 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n'],
    ['500', 'HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['a wrong accept', `${agreed('', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=')}hello`],
    ['two accepts', agreed('Sec-WebSocket-Accept: x\r\n')],
    ['no accept', 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello'],
    ['another protocol', agreed().replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['no upgrade', 'HTTP/1.1 101 S\r\n\r\nhello'],
    ['no HTTP', 'hello\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    await proxy.give('ana')
    answerWith(bytes)
    const client = proxy.client()
    client.send(await proxy.handshake('ana'))
    const { answers, rest } = await client.answers(1)
    expect(answers.map(({ status }) => status)).toEqual([502])
    expect(rest).toBe('')
    expect(client.text()).not.toContain('hello')
    client.send(frame('a usable channel?'))
    await client.closed()
    await serviceClosed()
    expect(await proxy.records(2)).toMatchObject([
      { kind: 'admitted' },
      { kind: 'closed', outcome: 'failed' },
    ])
  })

  test.each([
    ['closes', (socket: import('node:net').Socket) => void socket.end()],
    ['resets', (socket: import('node:net').Socket) => void socket.resetAndDestroy()],
  ])('one that %s', async (_, go) => {
    await proxy.give('ana')
    proxy.orders.scriptWith((socket) => socket.once('data', () => go(socket)))
    expect((await ask(proxy.port, await proxy.handshake('ana'))).status).toBe(502)
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'failed' })
  })

  test('one that never answers: 504', async () => {
    const it = await startProxyForTest(inject('redisUrl'), 33, { timeouts: { headers: 300 } })
    try {
      await it.give('ana')
      it.orders.scriptWith(() => undefined)
      const answer = await ask(it.port, await it.handshake('ana'))
      expect({ status: answer.status, reason: problemOf(answer)['reason'] }).toEqual({
        status: 504,
        reason: 'upstream-late',
      })
      await serviceClosed(it)
      expect(it.faults).toEqual([])
    } finally {
      await it.stop()
    }
  })

  test('A client that leaves before the answer leaves nothing behind', async () => {
    await proxy.give('ana')
    for (const leave of ['end', 'reset'] as const) {
      proxy.orders.scriptWith(() => undefined)
      const client = proxy.client()
      client.send(await proxy.handshake('ana'))
      await until(() => proxy.orders.bytes().includes('Sec-WebSocket-Key'), 'the handshake')
      client[leave]()
      await serviceClosed()
      expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'aborted' })
      await proxy.startOver()
    }
  })
})

/** What Node has seen of a half-close before anybody listened for it, it never tells again. */
describe('A client that leaves while its handshake is looked at', () => {
  test.each([
    ['closes its half', (client: RawClient) => void client.socket.end()],
    ['closes', (client: RawClient) => void client.end()],
    ['resets', (client: RawClient) => client.reset()],
  ])('and %s leaves a closed record, and no line', async (_, leave) => {
    await proxy.give('ana')
    const bytes = await proxy.handshake('ana')
    const clients = Array.from({ length: 20 }, () => proxy.client())
    await Promise.all(
      clients.map(async (client) => {
        await once(client.socket, 'connect')
        await new Promise((sent) => client.socket.write(bytes, sent))
        leave(client)
      }),
    )
    // One that is gone before it is decided on leaves no record at all.
    await expectGoodUpgrade()
    await until(async () => {
      const records = await proxy.readAudit()
      const count = (of: string): number => records.filter(({ kind }) => kind === of).length
      return count('closed') === count('admitted')
    }, 'a closed record for each admitted one')
    await serviceClosed()
  })

  const expectGoodUpgrade = async (): Promise<void> => {
    const { client } = await openLine()
    client.socket.close(1000)
    await client.closed()
  }
})

describe('What is no frame ends the line', () => {
  test.each([
    ['an unmasked frame', frame('hello', { masked: false })],
    ['a reserved opcode', frame('hello', { first: 0x83 })],
    ['a request', Buffer.from('GET /v1/orders HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('%s of the client', async (_, bytes) => {
    await proxy.give('ana')
    const client = await openRaw()
    const before = proxy.orders.bytes()
    client.send(bytes)
    await client.closed()
    await serviceClosed()
    expect(proxy.orders.bytes()).toBe(before)
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'aborted' })
  })

  test('a masked frame of the service', async () => {
    await proxy.give('ana')
    answerWith(Buffer.concat([Buffer.from(agreed()), frame('hello')]))
    const client = proxy.client()
    client.send(await proxy.handshake('ana'))
    await client.closed()
    expect(client.text()).toMatch(/\r\n\r\n$/)
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'failed' })
  })
})

describe('The end of a pass', () => {
  test('closes with 1008 on both sides, and the receipt counts it', async () => {
    const grant = await proxy.give('ana')
    const { client, line } = await openLine()
    const before = proxy.orders.bytes().length
    expect(await proxy.end(grant)).toMatchObject({ confirmed: ['tested'], missing: [], streamsCut: 1 })
    expect(await client.closed()).toBe(1008)
    await until(() => line.code() === 1008, 'the service to be told')
    client.socket.send('after the end', () => undefined)
    await serviceClosed()
    expect(line.messages).toEqual([])
    // Only the close frame: two bytes of header, four of mask, two of code.
    expect(proxy.orders.bytes().length - before).toBe(8)
    expect((await proxy.records(2))[1]).toMatchObject({ kind: 'closed', outcome: 'cut', status: 101 })
  })

  test('by the clock closes with 1008, without bot, worker or Redis', async () => {
    const it = await startProxyForTest(inject('redisUrl'), 33)
    try {
      const given = await it.give('ana')
      const { client, line } = await openLine(it)
      // Only now does it have little time left, so that the line is open by then.
      const grant = await it.renew(given, { until: it.now() + 1_500, step: 'shortened' })
      await it.stopBot()
      it.cutRedis()
      expect(await client.closed()).toBe(1008)
      expect(it.now()).toBeGreaterThanOrEqual(grant.until)
      await until(() => line.code() === 1008, 'the service to be told')
      expect((await it.records(2))[1]).toMatchObject({ outcome: 'cut' })
      expect(it.faults).toEqual([])
    } finally {
      await it.stop()
    }
  })

  test('by a view grown stale closes with 1008', async () => {
    const it = await startProxyForTest(inject('redisUrl'), 33)
    try {
      await it.give('ana')
      const { client } = await openLine(it)
      await it.stopBot()
      it.ahead(3 * 60_000)
      expect(await client.closed()).toBe(1008)
    } finally {
      await it.stop()
    }
  })

  test('in the middle of a client’s frame: the service’s connection just ends', async () => {
    const grant = await proxy.give('ana')
    const client = await openRaw()
    client.send(frame('first half', { claims: 100 }))
    await until(() => proxy.orders.bytes().length > 0, 'the first half')
    const [connection] = proxy.orders.connections()
    await until(
      () => connection?.bytes().endsWith(frame('first half').subarray(6).toString('latin1')) === true,
      'it',
    )
    const before = proxy.orders.bytes()
    await proxy.end(grant)
    client.send('second half')
    await client.closed()
    await serviceClosed()
    expect(proxy.orders.bytes()).toBe(before)
    expect(client.text().endsWith(closedBy(1008))).toBe(true)
  })

  test('in the middle of a service’s frame: the client’s connection just ends', async () => {
    const grant = await proxy.give('ana')
    answerWith(Buffer.concat([Buffer.from(agreed()), frame('first half', { masked: false, claims: 100 })]))
    const client = await openRaw()
    await client.when(() => client.text().endsWith('first half'), 'the first half')
    await proxy.end(grant)
    await client.closed()
    await serviceClosed()
    expect(client.text().endsWith('first half')).toBe(true)
  })

  test('while both sides flood', async () => {
    const grant = await proxy.give('ana')
    const { client, line } = await openLine()
    let flooding = true
    const flood = (socket: WebSocket): void => {
      if (!flooding || socket.readyState !== WebSocket.OPEN) return
      socket.send('x'.repeat(1_000), () => setImmediate(flood, socket))
    }
    for (let streams = 0; streams < 20; streams += 1) {
      flood(client.socket)
      flood(line.socket)
    }
    await until(() => line.messages.length > 500 && client.messages.length > 500, 'the flood')
    expect(await proxy.end(grant)).toMatchObject({ streamsCut: 1 })
    await serviceClosed()
    expect([1006, 1008]).toContain(await client.closed())
    flooding = false
    expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'cut' })
  })

  test('before a client that reads nothing', async () => {
    const grant = await proxy.give('ana')
    const client = await openRaw()
    client.socket.pause()
    const [line] = proxy.orders.lines()
    const more = (): void => line?.socket.send(Buffer.alloc(1_000_000))
    for (let number = 0; number < 20; number += 1) more()
    await until(() => (line?.socket.bufferedAmount ?? 0) > 1_000_000, 'the service to be held back')
    expect(await proxy.end(grant)).toMatchObject({ streamsCut: 1 })
    await serviceClosed()
    client.socket.resume()
    await client.closed()
  })

  test('before a service that reads nothing: what waits for it is not sent', async () => {
    const grant = await proxy.give('ana')
    proxy.orders.scriptWith((socket) =>
      socket.once('data', () => {
        socket.write(agreed())
        socket.pause()
      }),
    )
    const client = await openRaw()
    const [connection] = proxy.orders.connections()
    const bytes = frame('x'.repeat(60_000))
    while (client.socket.writableLength < 1_000_000) {
      client.send(bytes)
      await new Promise(setImmediate)
    }
    const before = client.size()
    await proxy.end(grant)
    await client.closed()
    connection?.socket.resume()
    await serviceClosed()
    expect(connection?.bytes()).not.toContain(String.fromCharCode(0x88, 0x82))
    expect(client.size()).toBe(before + closedBy(1008).length)
  })

  test('while the service has not agreed yet', async () => {
    const it = await startProxyForTest(inject('redisUrl'), 33)
    try {
      const grant = await it.give('ana')
      it.orders.scriptWith(() => undefined)
      const client = it.client()
      client.send(await it.handshake('ana'))
      await until(() => it.orders.bytes().includes('Sec-WebSocket-Key'), 'the handshake')
      expect(await it.end(grant)).toMatchObject({ streamsCut: 1 })
      await Promise.all([client.closed(), serviceClosed(it)])
      expect(client.text()).toBe('')
      expect(it.faults).toEqual([])
    } finally {
      await it.stop()
    }
  })

  test('moves to what another pass still admits', async () => {
    const first = await proxy.give('ana', { lasts: 7_000_000 })
    const second = await proxy.give('ana', { lasts: 3_000_000 })
    const { client, line } = await openLine()
    expect(await proxy.end(first)).toMatchObject({ streamsCut: 0 })
    client.socket.send('still here')
    await until(() => line.messages.includes('still here'), 'the message')
    expect(await proxy.end(second)).toMatchObject({ streamsCut: 1 })
    expect(await client.closed()).toBe(1008)
  })
})

test('A handshake that can’t be recorded is not forwarded: 503', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 33, {
    prepareAudit: async (folder) => {
      await mkdir(folder, { recursive: true })
      symlinkSync('/dev/full', join(folder, `proxy-${instance}.jsonl`))
    },
  })
  try {
    await it.give('ana')
    const answer = await ask(it.port, await it.handshake('ana'))
    expect({ status: answer.status, reason: problemOf(answer)['reason'] }).toEqual({
      status: 503,
      reason: 'audit-unavailable',
    })
    expect(it.orders.connections()).toEqual([])
    expect(it.faults).toEqual([])
  } finally {
    await it.stop()
  }
})

test('A handshake is on record before the service sees it', async () => {
  await proxy.give('ana')
  const atConnect: Promise<string[]>[] = []
  proxy.orders.scriptWith((socket) => {
    atConnect.push(proxy.readAudit().then((records) => records.map(({ kind }) => kind)))
    socket.destroy()
  })
  await ask(proxy.port, await proxy.handshake('ana'))
  expect(await Promise.all(atConnect)).toEqual([['admitted']])
})

test('A proxy that stops closes WebSockets with 1012 on both sides, and does not wait for them', async () => {
  const it = await startProxyForTest(inject('redisUrl'), 33)
  try {
    await it.give('ana')
    const { client, line } = await openLine(it)
    it.orders.scriptWith(() => undefined)
    const waiting = it.client()
    waiting.send(await it.handshake('ana'))
    await until(() => it.orders.connections().length === 2, 'the second handshake')
    const silent = it.client()
    silent.send(`GET /live HTTP/1.1\r\nHost: `)
    const stopped = it.stopProxy()
    expect(await client.closed()).toBe(1012)
    await until(() => line.code() === 1012, 'the service to be told')
    await waiting.closed()
    silent.end()
    await stopped
    expect((await it.readAudit()).filter(({ kind }) => kind === 'closed')).toMatchObject([
      { outcome: 'aborted' },
      { outcome: 'aborted' },
    ])
    expect(it.faults).toEqual([])
  } finally {
    await it.stop()
  }
})

test('http-proxy’s deprecation is not told, and others still are', () => {
  const program = `
    import { createUpgrades } from ${JSON.stringify(fileURLToPath(new URL('../../../proxy/websockets/upgrade.ts', import.meta.url)))}
    import util from 'node:util'
    createUpgrades(1)
    util._extend({}, {})
    process.emitWarning('something else', 'DeprecationWarning', 'DEP9999')
    process.on('warning', (warning) => console.log(warning.code))
  `
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'pipe' })
  expect(String(said).trim()).toBe('DEP9999')
})
