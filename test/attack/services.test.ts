import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { type Http2Client, http2Client } from '../builders/http2-client.ts'
import { type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { codes, endHeaders, endStream, frames, http2Frame, literals } from '../builders/raw-http2-client.ts'

/*
 * A service behind the proxy is taken over. It can answer what it likes to whoever may ask it; it must not get at
 * the others: hang the process, end it, or use up what all need. `orders-svc` speaks HTTP/1.1 and `payments-svc`
 * HTTP/2, as bytes on a bare socket; the client speaks HTTP/2.
 */

let proxy: ProxyUnderTest
let ana: string
let client: Http2Client
let says: (socket: Socket) => void = () => undefined
const sockets = new Set<Socket>()
const taken = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
  socket.once('data', () => says(socket))
})

beforeAll(async () => {
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  proxy = await startProxyForTest(inject('redisUrl'), 75, {
    tls: 'own',
    mend: (text) => text.replace(/(payments-svc:[\s\S]*?blue: )\S+/, `$1"h2c://127.0.0.1:${port}"`),
  })
  await proxy.give('ana')
  await proxy.give('ana', { service: 'payments-svc' })
  ana = await proxy.token('ana')
})
afterAll(async () => {
  await proxy.stop()
  for (const socket of sockets) socket.destroy()
  taken.close()
})
beforeEach(async () => {
  await proxy.startOver()
  client = http2Client(proxy.port)
})
afterEach(() => {
  client.end()
  for (const socket of sockets) socket.destroy()
})

const answering = (...answer: readonly Buffer[]): void => {
  says = (socket) => void socket.write(Buffer.concat([http2Frame(frames.settings, 0, 0), ...answer]))
}
const status = (code: string): Buffer => literals([[':status', code]])

/** The process lives, and another service is asked as before. */
const expectOthersServed = async (): Promise<void> => {
  proxy.orders.forget()
  expect((await client.ask({ token: ana })).status).toBe(200)
  expect(proxy.faults).toEqual([])
}

test('A trailer that HTTP/2 knows no more ends nothing', async () => {
  proxy.orders.scriptWith((socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nHTTP2-Settings: x\r\nX-Sum: 1\r\n\r\n',
    ),
  )
  const answer = await client.ask({ token: ana })
  expect([answer.status, answer.body]).toEqual([200, 'ok'])
  expect(Object.entries(answer.trailers)).toEqual([['x-sum', '1']])
  await expectOthersServed()
})

test.each<[string, () => Buffer, number]>([
  [
    'a header that HTTP/2 knows no more',
    () => Buffer.concat([status('200'), literals([['http2-settings', 'x']])]),
    200,
  ],
  ['a status that there is none of', () => status('999'), 502],
  ['a status that is no number of three', () => status('042'), 502],
])('An answer with %s is left out or refused', async (_, block, expected) => {
  answering(http2Frame(frames.headers, endHeaders | endStream, 1, block()))
  expect((await client.ask({ token: ana, service: 'payments-svc' })).status).toBe(expected)
  await expectOthersServed()
})

test('What is pushed without being asked for is refused, and its reset ends nothing', async () => {
  const promised = Buffer.concat([
    Buffer.from([0, 0, 0, 2]),
    Buffer.from([0x82, 0x86, 0x84, 1, 1]),
    Buffer.from('x'),
  ])
  answering(
    http2Frame(frames.push, endHeaders, 1, promised),
    http2Frame(frames.headers, endHeaders, 2, status('200')),
    http2Frame(frames.reset, 0, 2, Buffer.from([0, 0, 0, codes.internalError])),
    http2Frame(frames.headers, endHeaders | endStream, 1, status('200')),
  )
  const answer = await client.ask({ token: ana, service: 'payments-svc' })
  expect([200, 502]).toContain(answer.status)
  await expectOthersServed()
})

test('A service that takes no streams is connected to no more than so often', async () => {
  const noStreams = Buffer.from([0, 3, 0, 0, 0, 0])
  says = (socket) => void socket.write(http2Frame(frames.settings, 0, 0, noStreams))
  let told = 0
  const acknowledged = http2Frame(frames.settings, 1, 0)
  const heard = (socket: Socket): void => {
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      const before = bytes.includes(acknowledged)
      bytes = Buffer.concat([bytes, chunk])
      if (!before && bytes.includes(acknowledged)) told += 1
    })
  }
  taken.on('connection', heard)
  for (let number = 1; number <= 60; number += 1) {
    const before = told
    const one = client.start({ token: ana, service: 'payments-svc' })
    await until(() => told > before || one.closed, 'a connection, or a refusal')
    if (one.closed) break
  }
  taken.off('connection', heard)
  expect(sockets.size).toBeLessThanOrEqual(32)
  await expectOthersServed()
})

test('Hints without end fill nobody’s memory, and the answer behind them comes', async () => {
  const hint = `HTTP/1.1 103 Early Hints\r\n${'Link: </a>; rel=preload\r\n'.repeat(50)}\r\n`
  proxy.orders.scriptWith((socket) =>
    socket.write(`${hint.repeat(500)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
  )
  const answer = await client.ask({ token: ana })
  expect([answer.status, answer.body]).toEqual([200, 'ok'])
  expect(answer.before.length).toBeLessThanOrEqual(4)
  await expectOthersServed()
})
