import { constants } from 'node:http2'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import type { Service } from '#access/domain/rule-set.ts'
import { createHttp2Upstreams } from '#proxy/http2/upstreams.ts'
import { AddressRefused, createAddressGuard } from '#proxy/upstream-address.ts'
import { answerCall, type Call, message, messagesIn, startGrpcService } from '../builders/grpc-service.ts'
import { type Http2Asks, type Http2Client, http2Client } from '../builders/http2-client.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { endHeaders, endStream, frames, rawHttp2Client } from '../builders/raw-http2-client.ts'

// No library of gRPC is among our dependencies, so messages are framed by hand, and clients are Node's own of HTTP/2.

let service: Awaited<ReturnType<typeof startGrpcService>>
let proxy: ProxyUnderTest
let ana: string
let client: Http2Client
beforeAll(async () => {
  service = await startGrpcService()
  proxy = await startProxyForTest(inject('redisUrl'), 121, {
    tls: 'own',
    timeouts: { headers: 5_000 },
    mend: (text) =>
      text
        .replace(/(orders-svc:[\s\S]*?blue: )\S+/, `$1"${service.url}"`)
        .replace('POST /v1/**', 'POST /v1/**, POST /shop.v1.Orders/*'),
  })
  await proxy.give('ana')
  await proxy.give('ana', { service: 'payments-svc' })
  ana = await proxy.token('ana')
})
afterAll(async () => {
  await proxy.stop()
  await service.close()
})
beforeEach(async () => {
  await proxy.startOver()
  service.forget()
  client = http2Client(proxy.port)
})
afterEach(() => client.end())

const call = ({ headers, ...asks }: Partial<Http2Asks> = {}) =>
  client.start({
    token: ana,
    method: 'POST',
    path: '/shop.v1.Orders/Get',
    open: asks.body === undefined,
    ...asks,
    headers: { 'content-type': 'application/grpc', te: 'trailers', ...headers },
  })
type Started = ReturnType<typeof call>
const said = ({ body }: Started): string[] => messagesIn(Buffer.from(body, 'latin1'))

const theCall = async (): Promise<Call> => {
  await until(() => service.calls().length > 0, 'the call at the service')
  const [first, ...more] = service.calls()
  expect(more).toEqual([])
  return first as Call
}

test('A call goes through whole: metadata, deadline, messages, and the status in its trailers', async () => {
  service.answerWith((it) =>
    it.stream.on('end', () => answerCall(it, ['an order'], { 'grpc-status': '0', 'x-served-by': 'blue' })),
  )
  const get = call({
    headers: { 'grpc-timeout': '5S', 'x-trace': '7', 'x-forwarded-for': '6.6.6.6' },
    body: message('which'),
  })
  await get.over()
  expect(get).toMatchObject({ status: 200, headers: { 'content-type': 'application/grpc' } })
  expect(get.trailers).toMatchObject({ 'grpc-status': '0', 'x-served-by': 'blue' })
  expect(said(get)).toEqual(['an order'])
  expect(get.code()).toBe(0)
  const seen = await theCall()
  expect(messagesIn(seen.bytes())).toEqual(['which'])
  expect(seen.headers).toMatchObject({
    ':method': 'POST',
    ':path': '/shop.v1.Orders/Get',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '5S',
    'x-trace': '7',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': `orders-svc.${domain}`,
    'x-pagepass-assertion': expect.stringMatching(/^ey[^,]+$/),
  })
  expect(seen.headers).not.toHaveProperty('authorization')
  expect(await proxy.records(2)).toMatchObject([
    { kind: 'admitted', method: 'POST', path: '/shop.v1.Orders/Get' },
    { kind: 'closed', outcome: 'done', status: 200 },
  ])
})

test('Both sides talk at once, message by message', async () => {
  service.answerWith(({ stream }) => {
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('data', (chunk: Buffer) => stream.write(message(`you said ${messagesIn(chunk)[0]}`)))
    stream.on('end', () => stream.end())
  })
  const talk = call()
  for (const word of ['one', 'two', 'three']) {
    talk.stream.write(message(word))
    await talk.says(`you said ${word}`)
  }
  talk.stream.end()
  await talk.over()
  expect(talk.trailers).toMatchObject({ 'grpc-status': '0' })
})

test('A status without messages stays in one frame, as clients demand', async () => {
  service.answerWith(({ stream }) =>
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': '5',
        'grpc-message': 'no such order',
      },
      { endStream: true },
    ),
  )
  const raw = rawHttp2Client(proxy.port, `orders-svc.${domain}`)
  raw.request(1, [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', `orders-svc.${domain}`],
    [':path', '/shop.v1.Orders/Get'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['authorization', `Bearer ${ana}`],
  ])
  expect(await raw.ended(1)).toBe('answered')
  const answer = raw.seen().filter(({ stream }) => stream === 1)
  expect(answer.map(({ type, flags }) => [type, flags & (endStream | endHeaders)])).toEqual([
    [frames.headers, endStream | endHeaders],
  ])
  raw.end()
})

test('Trailers of the client go on, but for what only we may say', async () => {
  service.answerWith((it) => it.stream.on('end', () => answerCall(it, [])))
  const asked = client.session.request(
    {
      ':method': 'POST',
      ':path': '/shop.v1.Orders/Get',
      ':authority': `orders-svc.${domain}`,
      'content-type': 'application/grpc',
      authorization: `Bearer ${ana}`,
    },
    { waitForTrailers: true },
  )
  asked.on('wantTrailers', () =>
    asked.sendTrailers({ 'x-sum': '42', 'x-pagepass-assertion': 'mine', 'x-forwarded-for': '6.6.6.6' }),
  )
  asked.end(message('hello'))
  asked.resume()
  await new Promise((resolve) => asked.once('close', resolve))
  expect(Object.fromEntries(Object.entries((await theCall()).trailers()))).toEqual({ 'x-sum': '42' })
})

test('A client that cancels cancels the call at the service', async () => {
  const get = call({ body: message('which') })
  const { stream } = await theCall()
  get.cancel()
  await until(() => stream.closed, 'the end at the service')
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
  expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'aborted' })
})

test('A reset by the service reaches the client as it is, before and after the headers', async () => {
  for (const early of [true, false]) {
    service.forget()
    service.answerWith(({ stream }) => {
      if (!early) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
        stream.write(message('begun'))
      }
      setTimeout(() => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM), early ? 0 : 50)
    })
    const get = call()
    get.stream.write(message('which'))
    await get.over()
    expect(get.code()).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }
})

test('An answer that ends without its status is no whole one', async () => {
  service.answerWith(({ stream }) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
    stream.end(message('half'))
  })
  const get = call({ body: message('which') })
  await get.over()
  expect(get.code()).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'failed' })
})

test('A service that dies and comes back is unavailable, and available again', async () => {
  service.answerWith(() => service.die())
  const dying = call({ body: message('which') })
  await dying.over()
  expect(dying).toMatchObject({ status: 200, headers: { 'grpc-status': '14' } })
  service.forget()
  service.answerWith((it) => answerCall(it, ['back']))
  const again = call({ body: message('which') })
  await again.over()
  expect(said(again)).toEqual(['back'])
})

const part = message(Buffer.alloc(16_000, 'x'))
const parts = 1_000

test('A client that does not read holds back the service', async () => {
  let sent = 0
  service.answerWith((it) => {
    if (it.headers['x-quick'] !== undefined) return answerCall(it, ['quick'])
    const { stream } = it
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    const more = (): void => {
      sent += 1
      if (sent > parts) stream.end()
      else stream.write(part, more)
    }
    more()
  })
  const slow = call({ body: message('all') })
  slow.stream.pause()
  await slow.answered()
  for (let count = 0; count < 20; count += 1) {
    const quick = call({ body: message('one'), headers: { 'x-quick': '1' } })
    await quick.over()
    expect(said(quick)).toEqual(['quick'])
  }
  expect(sent).toBeLessThan(parts)
  slow.stream.resume()
  await slow.over()
  expect(slow.size).toBe(part.length * parts)
  expect(slow.trailers).toMatchObject({ 'grpc-status': '0' })
})

test('A service that does not read holds back the client', async () => {
  service.answerWith((it) => {
    it.stream.pause()
    it.stream.on('end', () => answerCall(it, [String(it.bytes().length)]))
  })
  const upload = call()
  let sent = 0
  const more = (): void => {
    sent += 1
    if (sent > parts) upload.stream.end()
    else upload.stream.write(part, more)
  }
  more()
  const { stream } = await theCall()
  await until(() => sent > 1, 'the upload to begin')
  expect(sent).toBeLessThan(parts)
  stream.resume()
  await upload.over()
  expect(said(upload)).toEqual([String(part.length * parts)])
})

const messageOf = ({ headers }: Started): string => decodeURIComponent(String(headers['grpc-message']))

test('A refusal is a status of gRPC, with the reason and the command to paste', async () => {
  const refused = async (asks: Partial<Http2Asks>) => {
    const it = call({ body: message('which'), ...asks })
    await it.over()
    expect(it).toMatchObject({ status: 200, body: '', headers: { 'content-type': 'application/grpc' } })
    return [it.headers['grpc-status'], messageOf(it)]
  }
  expect(await refused({ token: 'none' })).toEqual([
    '16',
    expect.stringContaining('Your token does not verify'),
  ])
  expect(await refused({ token: await proxy.token('ben') })).toEqual([
    '7',
    expect.stringContaining('/access grant orders-svc'),
  ])
  expect(await refused({ path: '/shop.v1.Admin/Drop' })).toEqual(['7', expect.any(String)])
  expect(await refused({ service: 'unknown-svc' })).toEqual(['12', expect.any(String)])
  expect(service.calls()).toEqual([])
  expect((await proxy.records(4)).map(({ reason }) => reason)).toEqual([
    'token-invalid',
    'grant-missing',
    'tier-none',
    'service-unknown',
  ])
})

test('A call to a service that speaks HTTP/1.1 only is unavailable; nothing reaches it', async () => {
  const get = call({ service: 'payments-svc', body: message('which'), path: '/v1/Get' })
  await get.over()
  expect(get).toMatchObject({ status: 200, headers: { 'grpc-status': '14' } })
  expect(proxy.payments.received()).toEqual([])
  expect(await proxy.records(2)).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'failed' }])
})

test('What browsers speak instead of gRPC is ordinary HTTP', async () => {
  const headers = { 'content-type': 'application/grpc-web+proto' }
  const get = call({ service: 'payments-svc', body: message('which'), path: '/v1/Get', headers })
  await get.over()
  expect(get).toMatchObject({ status: 200, body: 'hello /v1/Get\n' })
})

test('The end of a pass ends its calls, and says so', async () => {
  const grant = await proxy.give('ben')
  const ben = await proxy.token('ben')
  service.answerWith(({ stream, headers }) => {
    if (headers['x-silent'] !== undefined) return
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
    stream.write(message('begun'))
  })
  const open = call({ token: ben })
  const silent = call({ token: ben, headers: { 'x-silent': '1' } })
  const mine = call()
  await open.says('begun')
  await mine.says('begun')
  await until(() => service.calls().length === 3, 'three calls')
  await proxy.end(grant)
  await open.over()
  expect(open.trailers).toMatchObject({ 'grpc-status': '7', 'grpc-message': 'Your pass has ended.' })
  await silent.over()
  expect(silent.headers).toMatchObject({ 'grpc-status': '7', 'grpc-message': 'Your pass has ended.' })
  await until(
    () => service.calls().filter(({ stream }) => stream.closed).length === 2,
    'the ends at the service',
  )
  expect(mine.closed).toBe(false)
  mine.cancel()
})

test('A service that speaks only HTTP/2 serves ordinary requests, too', async () => {
  service.answerWith(({ stream, headers }) => {
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    stream.respond({ ':status': 200, 'content-type': 'text/plain' }, { waitForTrailers: true })
    stream.end(`hello ${headers[':path']}\n`)
  })
  const answer = await client.ask({ token: ana, path: '/v1/plain' })
  expect(answer).toMatchObject({ status: 200, body: 'hello /v1/plain\n', trailers: { 'x-sum': '42' } })
  const old = proxy.client()
  old.send(await proxy.request('ana', 'POST', '/v1/old', ['Content-Length: 2'], 'hi'))
  expect((await old.answers()).answers).toMatchObject([{ status: 200, body: 'hello /v1/old\n' }])
  expect(service.calls()[1]?.bytes().toString()).toBe('hi')
})

test('An address that no service has is not gone to', () => {
  const upstreams = createHttp2Upstreams(createAddressGuard(new Set()))
  const of = (release: string) =>
    upstreams.of({ ...(proxy.rules.services.get('orders-svc') as Service), releases: { blue: release } })
  expect(() => of('h2c://169.254.169.254')).toThrow(AddressRefused)
  expect(() => of('h2c://[::ffff:169.254.169.254]:80')).toThrow(AddressRefused)
  expect(() => of('http://127.0.0.1:1')).toThrow('gRPC needs a release that speaks HTTP/2')
})

test('A service that does not answer an ordinary request in time is late; a call may wait for longer', async () => {
  const waiting = call({ body: message('which') })
  await theCall()
  const silent = await client.ask({ token: ana, path: '/v1/silent' })
  expect(silent.status).toBe(504)
  const [first, second] = service.calls()
  await until(() => second?.stream.closed === true, 'the end at the service')
  const kinds = (await proxy.records(3)).map(({ kind, outcome }) => [kind, outcome])
  expect(kinds).toEqual([
    ['admitted', undefined],
    ['admitted', undefined],
    ['closed', 'failed'],
  ])
  answerCall(first as Call, ['at last'])
  await waiting.over()
  expect(said(waiting)).toEqual(['at last'])
})

const late = { 'grpc-status': '4', 'grpc-message': expect.stringContaining('did not answer in time') }

test('A call that its client gave no more time is over, at the service as well', async () => {
  const get = call({ headers: { 'grpc-timeout': '300m' }, body: message('which') })
  await get.over()
  expect(get).toMatchObject({ status: 200, body: '', headers: late })
  const { stream, headers } = await theCall()
  expect(headers['grpc-timeout']).toBe('300m')
  await until(() => stream.closed, 'the end at the service')
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
  expect((await proxy.records(2))[1]).toMatchObject({ outcome: 'failed' })
})

test('The time is that of the whole call, messages or not', async () => {
  service.answerWith(({ stream }) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
    stream.write(message('begun'))
  })
  const get = call({ headers: { 'grpc-timeout': '4S' } })
  await get.says('begun')
  await get.over()
  expect(get).toMatchObject({ status: 200, trailers: late })
  expect(said(get)).toEqual(['begun'])
  const { stream } = await theCall()
  await until(() => stream.closed, 'the end at the service')
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
})
