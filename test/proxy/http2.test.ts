import { once } from 'node:events'
import { connect, constants, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { createHttp2 } from '#proxy/http2/sessions.ts'
import { patienceWithClients } from '#proxy/http2/watch-connection.ts'
import { type Http2Client, http2Client } from '../builders/http2-client.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { rawClient } from '../builders/raw-client.ts'
import {
  codes,
  endHeaders,
  endStream,
  type Fields,
  frames,
  http2Frame,
  literals,
  rawHttp2Client,
  resetFrame,
} from '../builders/raw-http2-client.ts'
import { onlyRequestTo, type Received, valuesOf } from '../builders/upstream.ts'
import { startedAnew } from '../started-anew.ts'

let proxy: ProxyUnderTest
let ana: string
let client: Http2Client
startedAnew(
  async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 70, { tls: 'own' })
    await proxy.give('ana')
    await proxy.give('ana', { service: 'payments-svc' })
    ana = await proxy.token('ana')
  },
  () => proxy.stop(),
)
beforeEach(async () => {
  await proxy.startOver()
  client = http2Client(proxy.port)
})
afterEach(() => client.end())

const onlyRequest = (): Received => onlyRequestTo(proxy.orders)

test('A GET reaches the service with its exact target, and its answer comes back', async () => {
  const path = '/v1/orders/7?since=a/../b%2F&x'
  const answer = await client.ask({ token: ana, path })
  expect(answer).toMatchObject({ status: 200, body: `hello ${path}\n` })
  expect(answer.code()).toBe(0)
  expect(onlyRequest()).toMatchObject({ method: 'GET', target: path, body: '' })
  expect(await proxy.records(2)).toMatchObject([
    { kind: 'admitted', method: 'GET', path: '/v1/orders/7', client: '127.0.0.1' },
    { kind: 'closed', outcome: 'done', status: 200 },
  ])
})

test('The service sees who asks exactly once each, over which protocol, and one cookie', async () => {
  await client.ask({
    token: ana,
    headers: {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'gopher',
      forwarded: 'for=6.6.6.6',
      te: 'trailers',
      accept: 'text/plain',
      cookie: ['a=1', 'b=2'],
    },
  })
  const seen = onlyRequest()
  expect(valuesOf(seen, 'forwarded')).toEqual([`for=127.0.0.1;host=orders-svc.${domain};proto=https`])
  expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
  expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['https'])
  expect(valuesOf(seen, 'x-forwarded-host')).toEqual([`orders-svc.${domain}`])
  expect(valuesOf(seen, 'x-pagepass-assertion')).toHaveLength(1)
  expect(valuesOf(seen, 'host')).toHaveLength(1)
  expect(valuesOf(seen, 'cookie')).toEqual(['a=1; b=2'])
  expect(valuesOf(seen, 'accept')).toEqual(['text/plain'])
  for (const name of ['authorization', 'te']) expect(valuesOf(seen, name)).toEqual([])
  expect(seen.rawHeaders.filter(([name]) => name.startsWith(':'))).toEqual([])
})

test.each([
  ['of a known length', { 'content-length': '11' }, []],
  ['of no length', {}, []],
  ['announced by Expect', { expect: '100-continue', 'content-length': '11' }, [100]],
])('A body %s arrives whole', async (_, headers, before) => {
  const answer = await client.ask({ token: ana, method: 'POST', headers, body: 'hello world' })
  expect(answer.status).toBe(200)
  expect(answer.before).toEqual(before)
  expect(onlyRequest()).toMatchObject({ body: 'hello world', complete: true })
  expect(valuesOf(onlyRequest(), 'expect')).toEqual([])
})

test('A POST without a body is one, and so is a body of nothing', async () => {
  await client.ask({ token: ana, method: 'POST' })
  await client.ask({ token: ana, method: 'POST', body: '' })
  expect(proxy.orders.received().map(({ body, complete }) => [body, complete])).toEqual([
    ['', true],
    ['', true],
  ])
})

test.each([
  ['HEAD', 200, { 'content-length': '5' }],
  ['GET', 204, {}],
  ['GET', 304, { etag: '"a"' }],
])('%s answered with %i has no body', async (method, status, headers) => {
  proxy.orders.answerWith((_, response) => response.writeHead(status, headers).end())
  const answer = await client.ask({ token: ana, method })
  expect(answer).toMatchObject({ status, body: '', headers })
  expect(answer.code()).toBe(0)
  expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'done', status })
})

test('Of the answer, what is of its connection stays away, and what is repeated stays repeated', async () => {
  proxy.orders.answerWith((_, response) => {
    response.writeHead(200, [
      ...['Connection', 'keep-alive, X-Hop', 'X-Hop', '1', 'Keep-Alive', 'timeout=5'],
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Pagepass-Forged', '1', 'X-Two', '1', 'X-Two', '2'],
    ])
    response.end('ok')
  })
  const { status, headers } = await client.ask({ token: ana })
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-two': '1, 2' })
  for (const name of ['connection', 'keep-alive', 'x-hop', 'x-pagepass-forged', 'transfer-encoding'])
    expect(headers).not.toHaveProperty(name)
})

test('Hints come before the answer, and trailers after it; those of the client go no further', async () => {
  proxy.orders.answerWith((request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' })
    request.on('end', () => {
      response.writeHead(200, { trailer: 'x-sum' }).write('body')
      response.addTrailers({ 'x-sum': '42', 'set-cookie': 'a=1' })
      response.end()
    })
    request.resume()
  })
  const asked = client.start({ token: ana, method: 'POST', open: true })
  asked.stream.on('wantTrailers', () => asked.stream.sendTrailers({ 'x-pagepass-assertion': 'mine' }))
  asked.stream.end('hello')
  await asked.over()
  expect(asked).toMatchObject({ status: 200, body: 'body', before: [103], trailers: { 'x-sum': '42' } })
  expect(asked.trailers).not.toHaveProperty('set-cookie')
  expect(proxy.orders.bytes()).not.toContain('mine')
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
  const events = client.start({ token: ana })
  await events.answered()
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    next()
    await events.says(event)
  }
})

const megabyte = Buffer.alloc(1024 * 1024, 'x')
const huge = 32

test('A client that does not read holds back the service, and others of its connection go on', async () => {
  let written = 0
  let finished = false
  proxy.orders.answerWith((request, response) => {
    if (request.url !== '/v1/huge') return void response.end('small')
    const more = (): void => {
      while (written < huge) {
        written += 1
        if (!response.write(megabyte)) return void response.once('drain', more)
      }
      response.end(() => {
        finished = true
      })
    }
    more()
  })
  const slow = client.start({ token: ana, path: '/v1/huge' })
  slow.stream.pause()
  await slow.answered()
  for (let count = 0; count < 20; count += 1)
    expect(await client.ask({ token: ana, path: '/v1/small' })).toMatchObject({ status: 200, body: 'small' })
  expect(finished).toBe(false)
  expect(written).toBeLessThan(huge)
  slow.stream.resume()
  await slow.over()
  expect(slow.size).toBe(huge * megabyte.length)
  await until(() => finished, 'the service to be done')
})

test('A service that does not read holds back the client, and gets everything in the end', async () => {
  let size = 0
  let read = (): void => undefined
  proxy.orders.answerWith((request, response) => {
    request.removeAllListeners('data')
    request.pause()
    read = () => {
      request.on('data', (chunk: Buffer) => {
        size += chunk.length
      })
      request.on('end', () => response.end(String(size)))
      request.resume()
    }
  })
  const upload = client.start({ token: ana, method: 'POST', open: true })
  let handedOver = 0
  const part = megabyte.subarray(0, 16_384)
  const parts = huge * 64
  const more = (): void => {
    handedOver += 1
    if (handedOver > parts) upload.stream.end()
    else upload.stream.write(part, more)
  }
  more()
  await until(() => proxy.orders.received().length === 1 && handedOver > 0, 'the upload to begin')
  for (let count = 0; count < 20; count += 1)
    expect(await client.ask({ token: ana, service: 'payments-svc', path: '/v1/x' })).toMatchObject({
      status: 200,
    })
  expect(handedOver).toBeLessThan(parts)
  read()
  await upload.over()
  expect(upload.body).toBe(String(huge * megabyte.length))
})

test('A refusal says why, and the rest of a refused upload is not sent; the connection goes on', async () => {
  const cho = await proxy.token('cho')
  const upload = client.start({ token: cho, method: 'POST', open: true })
  upload.stream.write(megabyte)
  await upload.over()
  expect(upload).toMatchObject({
    status: 403,
    headers: { 'content-type': 'application/problem+json; charset=utf-8' },
  })
  expect(JSON.parse(upload.body)).toMatchObject({ reason: 'grant-missing', status: 403 })
  expect(upload.code()).toBe(0)
  expect((await client.ask({ token: 'none' })).status).toBe(401)
  expect((await client.ask({ token: ana })).status).toBe(200)
  expect(await proxy.records(4)).toMatchObject([
    { kind: 'refused', reason: 'grant-missing' },
    { kind: 'refused', reason: 'token-invalid' },
    { kind: 'admitted' },
    { kind: 'closed' },
  ])
  expect(proxy.orders.received()).toHaveLength(1)
})

const forEver = (): void =>
  proxy.orders.answerWith((request, response) => {
    response.writeHead(200).write(`for ever ${request.url}\n`)
  })

test('The end of a pass cuts its streams, and nobody else’s of the same connection', async () => {
  const grant = await proxy.give('ben')
  const ben = await proxy.token('ben')
  forEver()
  const mine = client.start({ token: ana })
  const his = [client.start({ token: ben, path: '/v1/1' }), client.start({ token: ben, path: '/v1/2' })]
  for (const one of [mine, ...his]) await one.says('for ever')
  await proxy.end(grant)
  for (const one of his) {
    await one.over()
    expect(one.code()).toBe(constants.NGHTTP2_CANCEL)
  }
  const before = mine.size
  proxy.orders.received()[0]?.response.write('and on')
  await mine.when(() => mine.size > before, 'what comes after')
  expect((await client.ask({ token: ben })).status).toBe(403)
  expect(client.session.closed).toBe(false)
  mine.cancel()
})

test('A client that resets a stream ends the request at the service, and nothing else', async () => {
  forEver()
  const [one, other] = [
    client.start({ token: ana, path: '/v1/1' }),
    client.start({ token: ana, path: '/v1/2' }),
  ]
  await one.says('for ever')
  await other.says('for ever')
  one.cancel()
  await until(
    () => proxy.orders.received().some(({ target, response }) => target === '/v1/1' && response.destroyed),
    'the end at the service',
  )
  expect((await proxy.records(3))[2]).toMatchObject({ kind: 'closed', outcome: 'aborted' })
  expect(proxy.orders.received().find(({ target }) => target === '/v1/2')?.response.destroyed).toBe(false)
  other.cancel()
})

test('A HEAD that is reset before its answer is over, too', async () => {
  proxy.orders.answerWith(() => undefined)
  const head = client.start({ token: ana, method: 'HEAD' })
  await until(() => proxy.orders.received().length === 1, 'the request')
  head.cancel()
  expect((await proxy.records(2))[1]).toMatchObject({ kind: 'closed', outcome: 'aborted' })
})

test.each(['a reset', 'a reset that says nothing was wrong', 'the end of the connection'])(
  'A body broken off by %s never reaches the service as a whole one',
  async (how) => {
    const raw = rawHttp2Client(proxy.port, `orders-svc.${domain}`)
    const fields: [string, string][] = [
      ...([
        [':method', 'POST'],
        [':scheme', 'https'],
        [':authority', `orders-svc.${domain}`],
      ] as [string, string][]),
      ...([
        [':path', '/v1/x'],
        ['authorization', `Bearer ${ana}`],
      ] as [string, string][]),
    ]
    raw.request(1, fields, endHeaders)
    raw.send(http2Frame(frames.data, 0, 1, Buffer.from('the first half')))
    await until(() => proxy.orders.received()[0]?.body === 'the first half', 'the first half')
    if (how === 'a reset') raw.send(resetFrame(1))
    else if (how === 'a reset that says nothing was wrong') raw.send(resetFrame(1, codes.noError))
    else raw.end()
    expect((await proxy.records(2))[1]).toMatchObject({ kind: 'closed', outcome: 'aborted' })
    await until(() => proxy.orders.received()[0]?.request.destroyed === true, 'the end at the service')
    expect(onlyRequest().complete).toBe(false)
    raw.end()
  },
)

test('A service that dies in the middle resets the stream, and nobody takes the half for the whole', async () => {
  forEver()
  const broken = client.start({ token: ana })
  await broken.says('for ever')
  proxy.orders.received()[0]?.response.destroy()
  await broken.over()
  expect(broken.code()).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  expect((await proxy.records(2))[1]).toMatchObject({ kind: 'closed', outcome: 'failed' })
  proxy.orders.answerWith((_, response) => response.end('again'))
  expect((await client.ask({ token: ana })).body).toBe('again')
})

test('A service that is down is a 502, also with a body', async () => {
  proxy.orders.scriptWith((socket) => socket.destroy())
  const answer = await client.ask({ token: ana, method: 'POST', body: 'hello' })
  expect(answer.status).toBe(502)
  expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'failed' })
})

test('A hundred requests at once are a hundred', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => client.ask({ token: ana, path: `/v1/${index}` })),
  )
  expect(answers.map(({ body }) => body)).toEqual(answers.map((_, index) => `hello /v1/${index}\n`))
  expect((await proxy.records(200)).filter(({ kind }) => kind === 'admitted')).toHaveLength(100)
})

test('Our public keys are there, and nothing else of ours', async () => {
  const jwks = await client.ask({ token: ana, path: '/.pagepass/jwks.json' })
  expect(jwks).toMatchObject({ status: 200, body: expect.stringContaining('"keys"') })
  expect((await client.ask({ token: ana, path: '/.pagepass/more' })).status).toBe(404)
})

test('A connection without a request is closed after a while, whatever drips in; one with a request is not', async () => {
  const streams: ServerHttp2Stream[] = []
  const http2 = createHttp2(
    ({ stream }) => void streams.push(stream),
    () => undefined,
    { ...patienceWithClients, lookMs: 10, idle: 5 },
  )
  const server = createServer((socket) => http2.take(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const pings = setInterval(() => {
    if (!session.closed) session.ping(() => undefined)
  }, 10)
  const asked = session.request({ ':path': '/' })
  asked.resume()
  await until(() => streams.length === 1, 'the request')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(session.closed).toBe(false)
  streams[0]?.respond({ ':status': 204 }, { endStream: true })
  await once(session, 'close')
  expect(asked.rstCode).toBe(0)
  clearInterval(pings)
  server.close()
})

test('A client that vanished without a word is found, and what it asked for is ended', async () => {
  const asked: ServerHttp2Stream[] = []
  const http2 = createHttp2(
    ({ stream }) => void asked.push(stream),
    () => undefined,
    { ...patienceWithClients, lookMs: 20 },
  )
  const server = createServer((socket) => http2.take(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = rawClient((server.address() as AddressInfo).port)
  const get: Fields = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'x'],
    [':path', '/'],
  ]
  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  client.send(http2Frame(frames.settings, 0, 0))
  client.send(http2Frame(frames.headers, endStream | endHeaders, 1, literals(get)))
  await until(() => asked.length === 1, 'the request')
  const stream = asked[0] as ServerHttp2Stream
  await client.closed()
  await until(() => stream.destroyed, 'the request to be ended')
  // RFC 9113 6.7, by its head.
  expect(client.text()).toContain('\0\0\x08\x06\0\0\0\0\0')
  client.end()
  server.close()
})

test('A proxy that drains says GOAWAY; what is open goes on to its end, and nothing new begins', async () => {
  let finish = (): void => undefined
  proxy.orders.answerWith((_, response) => {
    response.writeHead(200).write('first half, ')
    finish = () => void response.end('second half')
  })
  const open = client.start({ token: ana })
  await open.says('first half')
  const draining = proxy.drainProxy()
  await client.goneAway()
  await client.closing()
  const late = client.start({ token: ana, path: '/v1/late' })
  await late.over()
  expect(late.status).toBeUndefined()
  expect(onlyRequest().target).toBe('/v1/orders')
  finish()
  await open.over()
  expect(open).toMatchObject({ body: 'first half, second half', ended: true })
  expect(open.code()).toBe(0)
  expect(await draining).toBe('nothing is open any more')
  await client.closed()
})
