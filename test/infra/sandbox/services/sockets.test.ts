import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createService, type Service } from '#infra/sandbox/services/service.ts'

let service: Service
let url: string
let close: () => Promise<void>

beforeEach(async () => {
  service = createService('orders-svc')
  const listening = await service.listen(0)
  url = listening.url
  close = listening.close
})
afterEach(() => close())

const open = async (path: string): Promise<WebSocket> => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`)
  await once(socket, 'open')
  return socket
}

describe('A WebSocket at /ws', () => {
  test('answers text with the text and bytes with the bytes', async () => {
    const socket = await open('/ws')
    socket.send('grüße')
    const [text, isBinary] = await once(socket, 'message')
    expect([String(text), isBinary]).toEqual(['grüße', false])
    socket.send(Buffer.from([0, 255]))
    const [bytes, binary] = await once(socket, 'message')
    expect([bytes, binary]).toEqual([Buffer.from([0, 255]), true])
    socket.terminate()
  })

  test('is recorded with what came when, and how it was closed', async () => {
    const socket = await open('/ws?a=1')
    expect(service.sockets()[0]).not.toHaveProperty('closedAt')
    for (const message of ['one', 'three']) {
      socket.send(message)
      await once(socket, 'message')
    }
    socket.close(4001)
    await once(socket, 'close')
    await expect.poll(() => service.sockets()[0]?.closeCode, { timeout: 30_000 }).toBe(4001)
    const record = service.sockets()[0] ?? expect.fail('no record')
    expect(record).toMatchObject({
      id: 1,
      path: '/ws?a=1',
      framesIn: 2,
      framesOut: 2,
      frames: [
        { bytes: 3, binary: false },
        { bytes: 5, binary: false },
      ],
    })
    const [first, second] = record.frames.map(({ at }) => at)
    const order = [record.openedAt, first, second, record.lastByteInAt, record.closedAt]
    expect(order).toEqual(order.toSorted((one, other) => (one ?? 0) - (other ?? 0)))
    expect(service.latestRequests()).toMatchObject([{ method: 'GET', target: '/ws?a=1' }])
  })

  test('cut off without a close frame has the code 1006', async () => {
    const socket = await open('/ws')
    socket.terminate()
    await expect.poll(() => service.sockets()[0]?.closeCode, { timeout: 30_000 }).toBe(1006)
    expect(service.sockets()[0]?.closedAt).toBeDefined()
  })

  test('notes bytes that are no whole message yet', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await once(socket, 'data')
    const record = service.sockets()[0] ?? expect.fail('no record')
    expect(record.lastByteInAt).toBe(record.openedAt)
    socket.write(Buffer.from([0x81]))
    await expect.poll(() => record.lastByteInAt, { timeout: 30_000 }).toBeGreaterThan(record.openedAt)
    expect(record.framesIn).toBe(0)
    socket.destroy()
  })

  test('does not keep the service from closing', async () => {
    const socket = await open('/ws')
    const closed = once(socket, 'close')
    await close()
    await closed
  })

  test('is asked for when the request is no upgrade', async () => {
    expect((await fetch(`${url}/ws`)).status).toBe(426)
  })
})

test('A WebSocket at /ws/ticker counts by itself', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/ticker?every=5`)
  const heard: string[] = []
  socket.on('message', (message) => heard.push(String(message)))
  await expect.poll(() => heard.slice(0, 3), { timeout: 30_000 }).toEqual(['1', '2', '3'])
  expect(service.sockets()[0]?.framesOut).toBeGreaterThanOrEqual(3)
  expect(service.sockets()[0]?.framesIn).toBe(0)
  socket.terminate()
})

describe('An upgrade', () => {
  test.each(['/fail/refuse-upgrade', '/v1/orders'])('of %s is answered with 200', async (path) => {
    const asking = httpRequest(`${url}${path}`, { headers: { connection: 'Upgrade', upgrade: 'websocket' } })
    asking.end()
    const [response] = await once(asking, 'response')
    expect(response.statusCode).toBe(200)
    response.destroy()
    expect(service.sockets()).toEqual([])
  })
})

test('An upgrade of a target that is no address is an error of its own, and the service lives', async () => {
  const asking = httpRequest(url, { path: '//', headers: { connection: 'Upgrade', upgrade: 'websocket' } })
  asking.end()
  const [response] = await once(asking, 'response')
  expect(response.statusCode).toBe(500)
  response.destroy()
  expect((await fetch(`${url}/v1/orders`)).status).toBe(200)
})

describe('A failing answer', () => {
  test.each([200, 404, 503])('has the status %i when that is asked for', async (status) => {
    expect((await fetch(`${url}/status/${status}`)).status).toBe(status)
  })

  test.each([204, 304])('has no body with the status %i', async (status) => {
    const response = await fetch(`${url}/status/${status}`)
    expect([response.status, await response.text()]).toEqual([status, ''])
  })

  test('to a status that is none is 404', async () => {
    expect((await fetch(`${url}/status/101`)).status).toBe(404)
  })

  test('may break off in the middle, its connection reset', async () => {
    const asking = httpRequest(`${url}/fail/reset`)
    // The request tells the reset as well as its response.
    asking.on('error', () => {})
    asking.end()
    const [response] = await once(asking, 'response')
    expect(response.statusCode).toBe(200)
    let received = ''
    response.on('data', (chunk: Buffer) => {
      received += chunk
    })
    const [error] = await once(response, 'error')
    expect(error).toMatchObject({ code: 'ECONNRESET' })
    expect(received).toBe('the beginning')
  })

  test('may never come', async () => {
    const leaving = new AbortController()
    const asking = fetch(`${url}/fail/hang`, { signal: leaving.signal }).then(
      () => 'an answer',
      () => 'none',
    )
    await expect.poll(() => service.requests(), { timeout: 30_000 }).toBe(1)
    setTimeout(() => leaving.abort(), 50)
    expect(await asking).toBe('none')
  })
})
