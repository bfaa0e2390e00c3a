import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect, createServer as createRelay, type Server, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createHttp2Upstreams, type Http2Upstreams } from '#proxy/http2/upstreams.ts'
import type { Http2Connection, Patience } from '#proxy/http2/watch-connection.ts'
import { createAddressGuard } from '#proxy/upstream-address.ts'
import { rulesOf, serviceIn, until } from '../../builders.ts'

// Looks come when the test says so; bytes, as ever, when they come.
const patience: Patience = { lookMs: 5_000, quiet: 3, soon: 2, later: 10, idle: 12 }

/** A service of HTTP/2 that answers nothing by itself, behind a relay that can stop passing bytes, with no word of it. */
const startService = async () => {
  const streams: ServerHttp2Stream[] = []
  const sessions: ServerHttp2Session[] = []
  let pings = 0
  const service = createServer()
  service.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => undefined)
    session.on('ping', () => {
      pings += 1
    })
  })
  service.on('stream', (stream) => {
    stream.on('error', () => undefined)
    streams.push(stream)
  })
  const sockets = new Set<Socket>()
  const passing: [Socket, Socket][] = []
  const relay = createRelay((near) => {
    const far = connect((service.address() as AddressInfo).port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    near.pipe(far).pipe(near)
    passing.push([near, far])
  })
  for (const server of [service, relay] as Server[]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return {
    url: `h2c://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    streams,
    connections: () => passing.length,
    pings: () => pings,
    goAway: () => sessions.at(-1)?.goaway(),
    /** From now on nothing passes on the connections that are open, and neither side hears that it doesn't. */
    loseTheWay: () => {
      for (const [near, far] of passing) {
        near.unpipe(far)
        far.unpipe(near)
        near.pause()
        far.pause()
      }
    },
    stop: () => {
      for (const socket of sockets) socket.destroy()
      service.close()
      relay.close()
    },
  }
}

let service: Awaited<ReturnType<typeof startService>>
let upstreams: Http2Upstreams
beforeEach(async () => {
  service = await startService()
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  upstreams = createHttp2Upstreams(createAddressGuard(new Set()), patience)
})
afterEach(() => {
  vi.useRealTimers()
  upstreams.close()
  service.stop()
})

const look = (times = 1): void => {
  for (let count = 0; count < times; count += 1) vi.advanceTimersByTime(patience.lookMs)
}
/** One turn of the event loop, in which what lies there is read. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const startConnecting = () => {
  const one = { ...serviceIn(rulesOf()), releases: { blue: service.url }, serve: 'blue' }
  return (): Http2Connection => upstreams.of(one)
}

/** Opens a stream as a request does, and waits until the service has it and nothing more is on the way. */
const ask = async (on: Http2Connection) => {
  const before = service.streams.length
  const stream = on.session.request({ ':path': '/v1/orders' })
  on.open += 1
  let closed = false
  stream.on('error', () => undefined)
  stream.on('response', () => {
    on.answers += 1
  })
  stream.on('close', () => {
    on.open -= 1
    closed = true
  })
  stream.resume()
  await until(() => service.streams.length > before, 'the request at the service')
  await new Promise((resolve) => on.session.ping(resolve))
  return { stream, isClosed: () => closed, atService: service.streams[before] as ServerHttp2Stream }
}

/** So many looks in which nothing comes, after which the service is asked, and answers. */
const expectPingAfter = async (on: Http2Connection, looks: number): Promise<void> => {
  const { socket } = on.session
  const [pings, read] = [service.pings(), socket.bytesRead]
  look(looks - 1)
  await turn()
  look()
  await until(() => socket.bytesRead >= read + pongBytes, 'the answer to the ping')
  expect([service.pings(), socket.bytesRead]).toEqual([pings + 1, read + pongBytes])
  // What came counts at the next look.
  look()
}
/** RFC 9113 4.1 and 6.7. */
const pongBytes = 17

test('A service that vanished without a word: what is open fails, and the next request goes another way', async () => {
  const of = startConnecting()
  const first = of()
  const asked = await ask(first)
  look()
  service.loseTheWay()
  look(patience.quiet)
  await turn()
  expect([asked.isClosed(), first.session.destroyed, of() === first]).toEqual([false, false, true])
  look()
  await until(asked.isClosed, 'the end of the stream')
  expect(first.session.destroyed).toBe(true)
  const second = of()
  expect(second).not.toBe(first)
  await ask(second)
  expect(service.connections()).toBe(2)
})

test('One that is there and silent is asked, less often with time, and what is open goes on', async () => {
  const first = startConnecting()()
  const { stream, isClosed, atService } = await ask(first)
  look()
  for (const looks of [patience.quiet, patience.quiet, patience.later, patience.later])
    await expectPingAfter(first, looks)
  expect([isClosed(), first.session.destroyed]).toEqual([false, false])
  // An answer, and it may be asked soon again.
  const before = first.session.socket.bytesRead
  atService.respond({ ':status': 200 })
  await once(stream, 'response')
  await until(() => first.session.socket.bytesRead > before, 'the answer')
  look()
  await expectPingAfter(first, patience.quiet)
})

test('Whatever comes puts the question off', async () => {
  const first = startConnecting()()
  const { stream, atService } = await ask(first)
  atService.respond({ ':status': 200 })
  await once(stream, 'response')
  const pings = service.pings()
  for (let rounds = 0; rounds < 5; rounds += 1) {
    look(patience.quiet)
    atService.write('x')
    await once(stream, 'data')
  }
  expect(service.pings()).toBe(pings)
})

test('An answer that lies there unread, as after a standstill of this process, counts', async () => {
  const pinged = new Int32Array(new SharedArrayBuffer(4))
  const elsewhere = new Worker(serviceElsewhere, { eval: true, workerData: pinged })
  const [port] = (await once(elsewhere, 'message')) as [number]
  const one = { ...serviceIn(rulesOf()), releases: { blue: `h2c://127.0.0.1:${port}` }, serve: 'blue' }
  const first = upstreams.of(one)
  const stream = first.session.request({ ':path': '/v1/orders' })
  first.open += 1
  stream.on('error', () => undefined)
  await once(first.session, 'connect')
  await new Promise((resolve) => first.session.ping(resolve))
  await until(() => Atomics.exchange(pinged, 0, 0) === 1, 'the ping of the test to be over')
  look(1 + patience.quiet)
  // The ping leaves, and nothing is read until its answer is there.
  await turn()
  expect(Atomics.wait(pinged, 0, 0, 30_000)).not.toBe('timed-out')
  look()
  await turn()
  await turn()
  expect(first.session.destroyed).toBe(false)
  await elsewhere.terminate()
})
/** Tells of a ping once its answer has left. */
const serviceElsewhere = `
const { createServer } = require('node:http2')
const { parentPort, workerData } = require('node:worker_threads')
const server = createServer()
server.on('stream', (stream) => stream.on('error', () => undefined))
server.on('session', (session) => {
  session.on('error', () => undefined)
  session.on('ping', () => setTimeout(() => {
    Atomics.store(workerData, 0, 1)
    Atomics.notify(workerData, 0)
  }, 50))
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

test('Nobody is asked where nothing is open, and after a while the connection is closed', async () => {
  const of = startConnecting()
  const first = of()
  const { stream, atService } = await ask(first)
  atService.respond({ ':status': 200 }, { endStream: true })
  await once(stream, 'close')
  const pings = service.pings()
  // What was answered counts at the next look.
  look()
  look(patience.idle - 1)
  await turn()
  expect([first.session.closed, service.pings()]).toEqual([false, pings])
  look()
  expect(first.session.closed).toBe(true)
  expect(of()).not.toBe(first)
})

test('A connection that takes no more requests is not asked, and what is open there goes on', async () => {
  const first = startConnecting()()
  const { stream, atService } = await ask(first)
  service.goAway()
  await once(first.session, 'goaway')
  look(patience.later * 2)
  await turn()
  atService.respond({ ':status': 200 }, { endStream: true })
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  expect(headers[':status']).toBe(200)
})
