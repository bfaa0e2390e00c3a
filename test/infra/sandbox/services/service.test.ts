import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createService, type Service } from '#infra/sandbox/services/service.ts'

let service: Service
let url: string
let port: number

beforeEach(async () => {
  service = createService('orders-svc')
  const listening = await service.listen(0)
  url = listening.url
  port = listening.port
})
afterEach(() => service.close())

const json = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${url}${path}`, init)
  return { status: response.status, body: await response.json() }
}

describe('A demo service', () => {
  test('has orders', async () => {
    expect((await json('/')).body).toEqual({
      service: 'orders-svc',
      status: 'ok',
      paths: expect.arrayContaining(['GET /v1/orders', 'WS /ws', 'GET /fail/reset']),
    })
    expect((await json('/v1/orders')).body).toMatchObject({
      orders: [{ id: '1001' }, { id: '1002' }, { id: '1003' }],
    })
    expect((await json('/v1/orders/1002')).body).toEqual({ id: '1002', status: 'stuck' })
    expect((await json('/v1/orders/9')).status).toBe(404)
  })

  test.each([
    ['POST', '/v1/orders/1002/retry', { done: 'retried', order: '1002' }],
    ['PUT', '/v1/flags/dark', { done: 'set', flag: 'dark' }],
  ])('answers %s %s with what it did and how many bytes it read', async (method, path, done) => {
    const answer = await json(path, { method, body: 'x'.repeat(100_000) })
    expect(answer).toEqual({ status: 200, body: { ...done, bodyBytes: 100_000 } })
  })

  test('echoes the request as it came over the wire', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /echo?a=%2F..%2f HTTP/1.1\r\nhOsT: orders\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    )
    let answer = ''
    for await (const chunk of socket) answer += chunk
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      method: 'POST',
      target: '/echo?a=%2F..%2f',
      rawHeaders: [
        'hOsT',
        'orders',
        'X-Two',
        'a',
        'x-two',
        'b',
        'Content-Length',
        '3',
        'Connection',
        'close',
      ],
      bodyBytes: 3,
    })
  })

  test('answers /slow after the time asked for', async () => {
    expect((await json('/slow?ms=1')).body).toEqual({ waitedMs: 1 })
  })

  test('counts the requests it saw, also those it has no answer for', async () => {
    await json('/v1/orders')
    await json('/nowhere', { method: 'DELETE' })
    expect(service.requests()).toBe(2)
    expect(service.latestRequests()).toMatchObject([
      { method: 'GET', target: '/v1/orders' },
      { method: 'DELETE', target: '/nowhere' },
    ])
  })

  test('does not tell on its own port what it saw', async () => {
    expect((await json('/requests')).status).toBe(404)
  })
})

describe('An event stream', () => {
  test('sends numbered events until its reader leaves, and notes when the socket closed', async () => {
    const reader = new AbortController()
    const response = await fetch(`${url}/events?every=5`, { signal: reader.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let received = ''
    for await (const chunk of response.body ?? []) {
      received += Buffer.from(chunk).toString()
      if (received.includes('id: 3\n')) break
    }
    reader.abort()
    await expect.poll(() => service.streams()[0]?.closedAt, { timeout: 30_000 }).toBeDefined()
    const [stream] = service.streams()
    expect(stream).toMatchObject({ id: 1, events: expect.any(Number) })
    expect(stream?.lastByteAt).toBeGreaterThan(stream?.openedAt ?? Number.POSITIVE_INFINITY)
    expect(stream?.closedAt).toBeGreaterThanOrEqual(stream?.lastByteAt ?? Number.POSITIVE_INFINITY)
  })

  test('has no end in its record while it is open', async () => {
    const reader = new AbortController()
    await fetch(`${url}/events?every=5`, { signal: reader.signal })
    expect(service.streams()[0]).not.toHaveProperty('closedAt')
    reader.abort()
  })

  test('answers HEAD without starting one', async () => {
    expect((await fetch(`${url}/events`, { method: 'HEAD' })).status).toBe(200)
    expect(service.streams()).toEqual([])
  })
})
