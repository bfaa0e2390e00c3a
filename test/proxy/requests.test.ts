import { readFileSync } from 'node:fs'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { onlyRequestTo, type Received, startUpstream, valuesOf } from '../builders/upstream.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 8)
  await proxy.give('ana')
  await proxy.give('ana', { service: 'payments-svc' })
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())

const onlyRequest = (): Received => onlyRequestTo(proxy.orders)

test('A GET reaches the service with its exact target, and its answer comes back', async () => {
  const answer = await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/orders/7?since=a/../b%2F&x'))
  expect(answer).toMatchObject({ status: 200, body: 'hello /v1/orders/7?since=a/../b%2F&x\n' })
  expect(onlyRequest()).toMatchObject({ method: 'GET', target: '/v1/orders/7?since=a/../b%2F&x', body: '' })
})

test('The service sees who asks exactly once each, and neither the token nor what the client said of itself', async () => {
  await ask(
    proxy.port,
    await proxy.request('ana', 'GET', '/v1/orders', [
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Proto: https',
      'Forwarded: for=6.6.6.6',
      'X-Real-IP: 6.6.6.6',
      'Accept: text/plain',
    ]),
  )
  const seen = onlyRequest()
  expect(valuesOf(seen, 'forwarded')).toEqual([`for=127.0.0.1;host=orders-svc.${domain};proto=http`])
  expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
  expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['http'])
  expect(valuesOf(seen, 'x-forwarded-host')).toEqual([`orders-svc.${domain}`])
  expect(valuesOf(seen, 'x-pagepass-assertion')).toHaveLength(1)
  expect(valuesOf(seen, 'accept')).toEqual(['text/plain'])
  for (const name of ['authorization', 'x-real-ip']) expect(valuesOf(seen, name)).toEqual([])
  expect(proxy.orders.bytes()).not.toContain(await proxy.token('ana'))
})

test('The trace context is passed on as it came (W3C Trace Context, Baggage)', async () => {
  const traced = [
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['tracestate', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    ['baggage', 'userId=alice,serverNode=DF%2028'],
  ] as const
  const headers = traced.map(([name, value]) => `${name}: ${value}`)
  await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/orders', headers))
  for (const [name, value] of traced) expect(valuesOf(onlyRequest(), name)).toEqual([value])
})

test('A redirect is the client’s to follow, and nobody else does', async () => {
  const location = `${proxy.payments.url}/v1/elsewhere`
  proxy.orders.answerWith((_, response) => response.writeHead(302, { location }).end())
  const answer = await ask(proxy.port, await proxy.request('ana'))
  expect(answer).toMatchObject({ status: 302, headers: { location: [location] } })
  expect(onlyRequest().target).toBe('/v1/orders')
  expect(proxy.payments.received()).toEqual([])
})

test('A password in a target that is no path of ours is in no record', async () => {
  const asked = `GET http://ana:canary@orders-svc.${domain}/v1 HTTP/1.1\r\nHost: orders-svc.${domain}\r\n\r\n`
  expect((await ask(proxy.port, asked)).status).toBe(400)
  expect(JSON.stringify(await proxy.records(1))).not.toContain('canary')
})

test('X-Pagepass-Authorization leaves Authorization to the application', async () => {
  await ask(
    proxy.port,
    `GET /v1/orders HTTP/1.1\r\nHost: orders-svc.${domain}\r\nAuthorization: Basic YTpi\r\n` +
      `X-Pagepass-Authorization: Bearer ${await proxy.token('ana')}\r\n\r\n`,
  )
  expect(valuesOf(onlyRequest(), 'authorization')).toEqual(['Basic YTpi'])
  expect(valuesOf(onlyRequest(), 'x-pagepass-authorization')).toEqual([])
})

test('The assertion verifies with our public keys, for exactly this service, and is no credential', async () => {
  await ask(proxy.port, await proxy.request('ana'))
  const [assertion = ''] = valuesOf(onlyRequest(), 'x-pagepass-assertion')
  const jwks = await ask(
    proxy.port,
    `GET /.pagepass/jwks.json HTTP/1.1\r\nHost: orders-svc.${domain}\r\n\r\n`,
  )
  const keys = createLocalJWKSet(JSON.parse(jwks.body) as JSONWebKeySet)
  const ours = { issuer: 'pagepass:sandbox', typ: 'pagepass-assertion+jwt', algorithms: ['EdDSA'] }
  const { payload } = await jwtVerify(assertion, keys, { ...ours, audience: 'orders-svc' })
  expect(payload).toMatchObject({ sub: 'idp-ana', name: 'Ana Lopes', tier: 'operate', aud: 'orders-svc' })
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(90)
  await expect(jwtVerify(assertion, keys, { ...ours, audience: 'payments-svc' })).rejects.toMatchObject({
    claim: 'aud',
  })
  const again = (await proxy.request('ana')).replace(await proxy.token('ana'), assertion)
  expect((await ask(proxy.port, again)).status).toBe(401)
  expect(jwks.body).not.toContain('"d"')
})

test('HEAD is a GET whose body stays away', async () => {
  proxy.orders.answerWith((_, response) => response.writeHead(200, { 'content-length': '5' }).end())
  const client = proxy.client()
  client.send((await proxy.request('ana', 'HEAD')) + (await proxy.request('ana')))
  proxy.orders.answerWith((request, response) =>
    response.writeHead(200, { 'content-length': '5' }).end(request.method === 'HEAD' ? '' : 'hello'),
  )
  const { answers, rest } = await client.answers(2, ['HEAD', 'GET'])
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [200, ''],
    [200, 'hello'],
  ])
  expect(answers[0]?.headers['content-length']).toEqual(['5'])
  expect(rest).toBe('')
})

test.each([
  ['of a known length', ['Content-Length: 11'], 'hello world'],
  ['in chunks', ['Transfer-Encoding: chunked'], '6\r\nhello \r\n5;x=y\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n'],
  ['announced by Expect', ['Expect: 100-continue', 'Content-Length: 11'], 'hello world'],
])('A body %s arrives whole', async (_, headers, body) => {
  const answer = await ask(proxy.port, await proxy.request('ana', 'POST', '/v1/orders', headers, body))
  expect(answer.status).toBe(200)
  expect(onlyRequest()).toMatchObject({ body: 'hello world', complete: true })
  expect(valuesOf(onlyRequest(), 'expect')).toEqual([])
})

test('A POST without a body is one', async () => {
  for (const headers of [[], ['Content-Length: 0']]) {
    await ask(proxy.port, await proxy.request('ana', 'POST', '/v1/orders', headers))
  }
  expect(proxy.orders.received().map(({ body, complete }) => [body, complete])).toEqual([
    ['', true],
    ['', true],
  ])
})

test.each([
  [204, {}],
  [304, { etag: '"a"' }],
  [304, { etag: '"a"', 'content-length': '5' }],
])('%i has no body, and the connection goes on (%j)', async (status, headers) => {
  proxy.orders.answerWith((_, response) => response.writeHead(status, headers).end())
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  expect((await client.answers(1)).answers[0]?.status).toBe(status)
  proxy.orders.answerWith((_, response) => response.end('next'))
  client.send(await proxy.request('ana'))
  expect((await client.answers(2)).answers[1]).toMatchObject({ status: 200, body: 'next' })
})

test('Every event of a stream is flushed at once', async () => {
  let next = (): void => undefined
  proxy.orders.answerWith((_, response) => {
    let count = 0
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    next = () => {
      count += 1
      response.write(`data: ${count}\n\n`)
    }
  })
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await client.when(() => client.text().includes('text/event-stream'), 'the headers, before any event')
  for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
    next()
    await client.when(() => client.text().includes(event), event)
  }
})

const big = 64 * 1024 * 1024

test('A client that does not read holds back the service, and gets everything in the end', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let written = 0
  let stalled = false
  proxy.orders.answerWith((_, response) => {
    response.writeHead(200, { 'content-length': String(big) })
    const more = (): void => {
      while (written < big) {
        written += chunk.length
        if (!response.write(chunk)) {
          stalled = true
          response.once('drain', () => {
            stalled = false
            more()
          })
          return
        }
      }
      response.end()
    }
    more()
  })
  const client = proxy.client()
  client.socket.pause()
  client.send(await proxy.request('ana'))
  let before = -1
  await until(async () => {
    const still = stalled && written === before
    before = written
    await new Promise((resolve) => setTimeout(resolve, 50))
    return still
  }, 'the service to be held back')
  expect(written).toBeLessThan(big)
  client.socket.resume()
  await client.when(() => client.size() > big, 'the whole body')
  const { answers } = await client.answers(1)
  expect(answers[0]?.body.length).toBe(big)
})

test('A service that does not read holds back the client, and gets everything in the end', async () => {
  proxy.orders.scriptWith((socket, received) => {
    socket.pause()
    socket.on('data', () => {
      if (received().length > big) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const client = proxy.client()
  client.send(await proxy.request('ana', 'POST', '/v1/orders', [`Content-Length: ${big}`]))
  client.send(Buffer.alloc(big, 'x'))
  let before = -1
  await until(async () => {
    const still =
      proxy.orders.connections().length === 1 &&
      client.socket.bytesWritten > 0 &&
      client.socket.writableLength === before
    before = client.socket.writableLength
    await new Promise((resolve) => setTimeout(resolve, 50))
    return still
  }, 'the client to be held back')
  expect(client.socket.writableLength).toBeGreaterThan(0)
  proxy.orders.connections()[0]?.socket.resume()
  expect((await client.answers(1)).answers[0]).toMatchObject({ status: 200, body: 'ok' })
})

test('The admit record is in the file before the service sees the first byte', async () => {
  let record = ''
  proxy.orders.scriptWith((socket) => {
    socket.once('data', () => {
      record = readFileSync(proxy.auditFile, 'utf8').split('\n').at(-2) ?? ''
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
  })
  await ask(proxy.port, await proxy.request('ana', 'DELETE', '/v1/orders/once'))
  expect(JSON.parse(record)).toMatchObject({
    kind: 'admitted',
    method: 'DELETE',
    path: '/v1/orders/once',
    who: `${proxy.idp.issuer} idp-ana`,
    tier: 'operate',
    pattern: 'DELETE /v1/**',
    service: 'orders-svc',
  })
  expect(await proxy.records(2)).toMatchObject([
    { kind: 'admitted' },
    { kind: 'closed', outcome: 'done', status: 200 },
  ])
})

test('Queries are in no record', async () => {
  await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/orders?token=canary-1'))
  await ask(proxy.port, await proxy.request('ana', 'GET', '/nowhere?token=canary-2'))
  await ask(proxy.port, await proxy.request('ana', 'GET', '/a//b?token=canary-3'))
  expect(JSON.stringify(await proxy.records(4))).not.toContain('canary')
})

test('A client that goes away takes its request with it', async () => {
  proxy.orders.answerWith((_, response) => response.writeHead(200).write('and then'))
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await client.when(() => client.text().includes('and then'), 'the first bytes')
  client.end()
  await until(
    () => proxy.orders.connections()[0]?.closed() === true,
    'the connection to the service to close',
  )
  expect(await proxy.records(2)).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'aborted' }])
})

test('A client that goes away while it uploads takes its request with it', async () => {
  proxy.orders.answerWith(() => undefined)
  const client = proxy.client()
  client.send(await proxy.request('ana', 'POST', '/v1/orders', ['Content-Length: 100'], 'half'))
  await until(() => proxy.orders.received()[0]?.body === 'half', 'the first half')
  client.reset()
  await until(
    () => proxy.orders.connections()[0]?.closed() === true,
    'the connection to the service to close',
  )
  expect(onlyRequest().complete).toBe(false)
  expect(await proxy.records(2)).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'aborted' }])
})

test.each([
  ['of a known length', { 'content-length': '100' }],
  ['in chunks', {}],
])('A service that dies in the middle of a body %s ends the connection of the client', async (_, headers) => {
  proxy.orders.answerWith((__, response) => {
    response.writeHead(200, headers).write('the first half', () => response.destroy())
  })
  const client = proxy.client()
  client.send(await proxy.request('ana'))
  await client.closed()
  expect(client.text()).not.toContain('\r\n0\r\n\r\n')
  expect(await proxy.records(2)).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'failed' }])
})

test('A service that closes without an answer is a 502, asked once', async () => {
  proxy.orders.scriptWith((socket) => socket.once('data', () => socket.destroy()))
  for (const method of ['GET', 'POST']) {
    const answer = await ask(proxy.port, await proxy.request('ana', method))
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'upstream-failed', service: 'orders-svc' })
  }
  expect(proxy.orders.connections().filter((one) => one.bytes() !== '')).toHaveLength(2)
})

test('A service that is down is a 502, and comes back by itself', async () => {
  const gone = await startUpstream()
  const other = await startProxyForTest(inject('redisUrl'), 6, { orders: gone })
  try {
    await other.give('ana')
    await gone.close()
    const answer = await ask(other.port, await other.request('ana'))
    expect(answer).toMatchObject({ status: 502 })
    expect(answer.headers['content-type']).toEqual(['application/problem+json; charset=utf-8'])
    const upload = await ask(
      other.port,
      await other.request('ana', 'POST', '/v1/x', ['Content-Length: 3'], 'abc'),
    )
    expect(upload.status).toBe(502)
  } finally {
    await other.stop().catch(() => undefined)
  }
})

test('Two services are told apart by host, with the assertion for each', async () => {
  const answer = await ask(
    proxy.port,
    (await proxy.request('ana'))
      .replace('Host: orders-svc', 'Host: PAYMENTS-svc')
      .replace(domain, `${domain}:8080`),
  )
  expect(answer.status).toBe(200)
  expect(proxy.orders.received()).toEqual([])
  const [seen] = proxy.payments.received()
  const [, claims = ''] = (seen === undefined ? '' : (valuesOf(seen, 'x-pagepass-assertion')[0] ?? '')).split(
    '.',
  )
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ aud: 'payments-svc' })
})

test('Nothing above made a fault', () => {
  expect(proxy.faults).toEqual([])
})
