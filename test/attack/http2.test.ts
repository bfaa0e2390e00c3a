/**
 * The attack: smuggle through the change of protocol. What is a length, a line end or a separator in HTTP/1.1 is just bytes
 * in HTTP/2, so a proxy that writes a request of HTTP/2 out as HTTP/1.1 may write two ("HTTP/2: The Sequel is Always
 * Worse", James Kettle, 2021; CVE-2021-21295, CVE-2021-33193; RFC 9113 10.3). And what costs the client a few bytes may
 * cost the server much: streams reset as soon as they are asked for (CVE-2023-44487), headers without end
 * (CVE-2024-27983, CVE-2024-28182), fields that unfold, floods of frames that must be answered. So a request of HTTP/2 is
 * read as strictly as it goes on, a malformed one is reset before anything looks at it, and each connection is bounded.
 *
 * What nghttp2 itself resets as malformed never becomes a request, and leaves no record: Node tells nobody of it. What it
 * lets through is refused by us, with a record.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { expectOurIdentity } from '../builders/attack.ts'
import { http2Client } from '../builders/http2-client.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import {
  codes,
  endHeaders,
  endStream,
  type Fields,
  frames,
  http2Frame,
  literals,
  type RawHttp2Client,
  rawHttp2Client,
  resetFrame,
} from '../builders/raw-http2-client.ts'
import { type Received, valuesOf } from '../builders/upstream.ts'

const host = `orders-svc.${domain}`
let proxy: ProxyUnderTest
let ana: string
let client: RawHttp2Client
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 120, { tls: 'own' })
  await proxy.give('ana')
  ana = await proxy.token('ana')
})
afterAll(() => proxy.stop())
beforeEach(async () => {
  await proxy.startOver()
  client = rawHttp2Client(proxy.port, host)
})
afterEach(() => client.end())

/** The fields of a good request, with some of them said otherwise (or left out) and more behind. */
const fields = (instead: Readonly<Record<string, string | undefined>> = {}, more: Fields = []): Fields => [
  ...[
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', host],
    [':path', '/v1/x'],
    ['authorization', `Bearer ${ana}`],
  ].flatMap(([name = '', value = '']): [string, string][] => {
    const said = name in instead ? instead[name] : value
    return said === undefined ? [] : [[name, said]]
  }),
  ...more,
]
const hidden = `\r\n\r\nGET /v1/hidden HTTP/1.1\r\nHost: ${host}\r\n\r\n`

/** The next good request works, on the same connection or, where that is over, on another; and nothing made a fault. */
const expectGoodRequest = async (stream: number): Promise<void> => {
  if (client.isClosed()) client = rawHttp2Client(proxy.port, host)
  const before = proxy.orders.received().length
  client.request(stream, fields({ ':path': '/v1/good' }))
  expect(await client.ended(stream)).toBe('answered')
  expect(
    proxy.orders
      .received()
      .slice(before)
      .map(({ target }) => target),
  ).toEqual(['/v1/good'])
  expect(proxy.faults).toEqual([])
}

/**
 * Starts over once the service has read what was sent to it before it was given up: it takes connections in their
 * order.
 */
const startAfresh = async (): Promise<void> => {
  await proxy.startOver()
  const last = proxy.client()
  last.send(await proxy.request('ana'))
  await last.answers(1)
  await proxy.startOver()
}

const refusals = async (): Promise<unknown[]> =>
  (await proxy.readAudit())
    .filter(({ kind }) => kind === 'refused')
    .map(({ reason, status }) => [reason, status])

const onlyRequest = async (): Promise<Received> => {
  await until(() => proxy.orders.received().length > 0, 'the request')
  const [first, ...more] = proxy.orders.received()
  expect(more).toEqual([])
  expectHttps(first as Received)
  return first as Received
}
const expectHttps = (seen: Received): void => {
  expectOurIdentity(seen)
  expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['https'])
}

describe('What is malformed is reset, and never becomes a request', () => {
  test.each<[string, Fields]>([
    ['a name in capitals', fields({}, [['X-A', '1']])],
    ['a header of the connection', fields({}, [['connection', 'x-forwarded-for']])],
    ['a coding', fields({}, [['transfer-encoding', 'chunked']])],
    ['an upgrade', fields({}, [['upgrade', 'websocket']])],
    ['keep-alive', fields({}, [['keep-alive', 'timeout=5']])],
    ['proxy-connection', fields({}, [['proxy-connection', 'keep-alive']])],
    ['te of anything but trailers', fields({}, [['te', 'gzip']])],
    ['a method twice', [[':method', 'GET'], ...fields()]],
    ['a path twice', [[':path', '/v1/y'], ...fields()]],
    ['an authority twice', [[':authority', `payments-svc.${domain}`], ...fields()]],
    ['a scheme twice', [[':scheme', 'https'], ...fields()]],
    [
      'a host twice',
      fields({}, [
        ['host', host],
        ['host', host],
      ]),
    ],
    ['a pseudo-header that there is not', [[':foo', '1'], ...fields()]],
    ['a status', [[':status', '200'], ...fields()]],
    ['a pseudo-header behind a header', fields({ ':path': undefined }, [[':path', '/v1/x']])],
    ['no method', fields({ ':method': undefined })],
    ['no path', fields({ ':path': undefined })],
    ['no scheme', fields({ ':scheme': undefined })],
    ['neither authority nor host', fields({ ':authority': undefined })],
    ['an empty path', fields({ ':path': '' })],
    ['a path that is a URL', fields({ ':path': `https://${host}/v1/x` })],
    ['a space in the path', fields({ ':path': '/v1/x HTTP/1.1' })],
    ['a line end in the path', fields({ ':path': `/v1/x HTTP/1.1${hidden}` })],
    ['a NUL in the path', fields({ ':path': '/v1/x\0' })],
    ['a space in the method', fields({ ':method': 'GET /v1/hidden HTTP/1.1' })],
    ['a line end in the method', fields({ ':method': `GET /v1/hidden HTTP/1.1${hidden}` })],
    ['a line end in the authority', fields({ ':authority': `${host}${hidden}` })],
    ['a space in the authority', fields({ ':authority': `${host} x` })],
    ['a user in the authority', fields({ ':authority': `x@${host}` })],
    ['a scheme with a line end', fields({ ':scheme': `https${hidden}` })],
    ['a length without a body', fields({ ':method': 'POST' }, [['content-length', '5']])],
    ['a length with a sign', fields({ ':method': 'POST' }, [['content-length', '+0']])],
    [
      'two lengths',
      fields({ ':method': 'POST' }, [
        ['content-length', '0'],
        ['content-length', '0'],
      ]),
    ],
    ['an extended CONNECT', [[':protocol', 'websocket'], ...fields({ ':method': 'CONNECT' })]],
  ])('%s', async (_, malformed) => {
    client.request(1, malformed)
    expect(await client.ended(1)).toBe(codes.protocolError)
    await expectGoodRequest(3)
    expect(await refusals()).toEqual([])
    expect(proxy.orders.bytes()).not.toContain('hidden')
    expect((await proxy.records(2)).map(({ kind }) => kind)).toEqual(['admitted', 'closed'])
  })
})

describe('What can be read in two ways is refused, and recorded', () => {
  test.each<[string, Fields, string, number]>([
    [
      'a host that is not the authority',
      fields({}, [['host', `payments-svc.${domain}`]]),
      'headers-ambiguous',
      400,
    ],
    ['a host in other letters', fields({}, [['host', host.toUpperCase()]]), 'headers-ambiguous', 400],
    ['the scheme of a plain request', fields({ ':scheme': 'http' }), 'headers-ambiguous', 400],
    ['a scheme of its own', fields({ ':scheme': 'file' }), 'headers-ambiguous', 400],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', `${host}:443`],
      ],
      'method-not-allowed',
      400,
    ],
    ['a method in small letters', fields({ ':method': 'get' }), 'method-not-allowed', 400],
    ['TRACE', fields({ ':method': 'TRACE' }), 'method-not-allowed', 400],
    ['a path with dots', fields({ ':path': '/v1/../admin' }), 'target-not-canonical', 400],
    ['a path with an escaped line end', fields({ ':path': '/v1/%0d%0a' }), 'target-not-canonical', 400],
    ['an asterisk', fields({ ':method': 'OPTIONS', ':path': '*' }), 'target-not-canonical', 400],
    ['a header that is ours', fields({}, [['x-pagepass-assertion', 'mine']]), 'header-reserved', 400],
    ['a header that reads as ours', fields({}, [['x_pagepass_assertion', 'mine']]), 'header-reserved', 400],
    ['an override of the method', fields({}, [['x-http-method-override', 'DELETE']]), 'header-reserved', 400],
    ['two tokens', fields({}, [['authorization', 'Bearer x']]), 'headers-ambiguous', 400],
    ['another host', fields({ ':authority': 'example.com' }), 'host-wrong', 421],
    [
      'a hundred and one headers',
      fields(
        {},
        Array.from({ length: 100 }, (_, at) => [`x-${at}`, '1'] as const),
      ),
      'headers-ambiguous',
      431,
    ],
  ])('%s', async (_, ambiguous, reason, status) => {
    client.request(1, ambiguous)
    expect(await client.ended(1)).toBe('answered')
    await proxy.records(1)
    expect(await refusals()).toEqual([[reason, status]])
    expect(proxy.orders.bytes() + proxy.payments.bytes()).toBe('')
    await expectGoodRequest(3)
    expect((await proxy.records(3)).map(({ kind }) => kind)).toEqual(['refused', 'admitted', 'closed'])
  })
})

describe('A header that can’t be one is left out, and one request goes on, ours', () => {
  test.each<[string, readonly [string, string]]>([
    ['a line end in a value', ['x-a', `1${hidden}`]],
    ['a carriage return in a value', ['x-a', '1\rX-Forwarded-For: 6.6.6.6']],
    ['a line feed in a value', ['x-a', '1\nX-Forwarded-For: 6.6.6.6']],
    ['a NUL in a value', ['x-a', '1\0']],
    ['a space behind a value', ['x-a', '1 ']],
    ['a line end in a name', ['x-a: 1\r\nx-b', '1']],
    ['a colon in a name', ['transfer-encoding: chunked', '1']],
    ['a space in a name', ['transfer-encoding ', 'chunked']],
    ['a name of nothing', ['', '1']],
  ])('%s', async (_, header) => {
    client.request(1, fields({}, [header]))
    expect(await client.ended(1)).toBe('answered')
    const seen = await onlyRequest()
    expect(seen.target).toBe('/v1/x')
    expect(seen.rawHeaders.filter(([name]) => /^(?:x-[ab]|transfer-encoding|)$/i.test(name))).toEqual([])
    expect(proxy.orders.bytes()).not.toMatch(/hidden|6\.6\.6\.6/)
    await proxy.records(2)
    await expectGoodRequest(3)
    expect(await refusals()).toEqual([])
  })
})

describe('A body is framed anew, and one that is not as long as it says is no request', () => {
  const post = (length: string | undefined) =>
    literals(fields({ ':method': 'POST' }, length === undefined ? [] : [['content-length', length]]))
  const data = (text: string, flags = endStream) => http2Frame(frames.data, flags, 1, Buffer.from(text))

  test.each([
    ['longer', '5', `hello${hidden}`],
    ['shorter', '50', 'hello'],
    ['longer, and announced as nothing', '0', hidden],
  ])('%s', async (_, length, body) => {
    client.send(http2Frame(frames.headers, endHeaders, 1, post(length)), data(body))
    // The stream, or with it the whole connection of whoever breaks the protocol.
    expect([codes.protocolError, 'closed']).toContain(await client.ended(1))
    await until(
      () => proxy.orders.connections().every((one) => one.bytes() === '' || one.closed()),
      'the end at the service',
    )
    expect(proxy.orders.received().filter(({ complete }) => complete)).toEqual([])
    expect(proxy.orders.bytes()).not.toContain('hidden')
    await proxy.startOver()
    client.end()
    client = rawHttp2Client(proxy.port, host)
    await expectGoodRequest(1)
  })

  test('A body that looks like a request, or like the end of chunks, is a body', async () => {
    const body = `0\r\n\r\n${hidden}`
    client.send(http2Frame(frames.headers, endHeaders, 1, post(undefined)), data(body))
    expect(await client.ended(1)).toBe('answered')
    expect(await onlyRequest()).toMatchObject({ body, complete: true })
    await proxy.records(2)
    await expectGoodRequest(3)
  })

  test('What comes after the end of a request is nobody’s', async () => {
    client.request(1, fields())
    expect(await client.ended(1)).toBe('answered')
    client.send(data(hidden))
    client.request(3, fields({ ':path': '/v1/next' }))
    await client.ended(3)
    expect(proxy.orders.bytes()).not.toContain('hidden')
    await proxy.startOver()
    client = rawHttp2Client(proxy.port, host)
    await expectGoodRequest(1)
  })
})

describe('Floods', () => {
  test('A thousand streams reset at once are decided once each, or not at all; then the connection ends', async () => {
    const head = literals(fields())
    for (let stream = 1; stream < 2_000; stream += 2)
      client.send(http2Frame(frames.headers, endStream | endHeaders, stream, head), resetFrame(stream))
    await client.closed()
    await proxy.startOver()
    const ordinary = http2Client(proxy.port)
    expect((await ordinary.ask({ token: ana, path: '/v1/good' })).status).toBe(200)
    ordinary.end()
    expect(proxy.faults).toEqual([])
  })

  test('Each of them has at most one record, and what went upstream was admitted', async () => {
    const head = literals(fields())
    for (let stream = 1; stream < 200; stream += 2)
      client.send(http2Frame(frames.headers, endStream | endHeaders, stream, head), resetFrame(stream))
    await expectGoodRequest(201)
    const { length } = await closedOf()
    const admitted = (await proxy.readAudit()).filter(({ kind }) => kind === 'admitted')
    expect(new Set(admitted.map(({ id }) => id)).size).toBe(admitted.length)
    expect(admitted.length).toBeLessThanOrEqual(101)
    expect(length).toBe(admitted.length)
    expect(proxy.orders.received().length).toBeLessThanOrEqual(admitted.length)
  })

  test.each([
    ['a window of nothing', (stream: number) => http2Frame(frames.window, 0, stream, Buffer.alloc(4))],
    [
      'a window that overflows',
      (stream: number) => http2Frame(frames.window, 0, stream, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ],
    [
      'a priority of itself',
      (stream: number) => http2Frame(frames.priority, 0, stream, Buffer.from([0, 0, 0, stream & 0xff, 0])),
    ],
    ['data after the end', (stream: number) => http2Frame(frames.data, 0, stream, Buffer.from('x'))],
  ])('Streams that make the server reset them, by %s (CVE-2025-8671)', async (_, provoke) => {
    proxy.orders.answerWith(() => undefined)
    const head = literals(fields())
    for (let stream = 1; stream < 2_000; stream += 2)
      client.send(http2Frame(frames.headers, endStream | endHeaders, stream, head), provoke(stream))
    await client.when(() => client.isClosed() || client.seen().some(({ stream }) => stream > 0), 'an answer')
    client.end()
    await closedOf()
    const admitted = (await proxy.readAudit()).filter(({ kind }) => kind === 'admitted')
    expect(admitted.length).toBeLessThanOrEqual(300)
    await startAfresh()
    client = rawHttp2Client(proxy.port, host)
    await expectGoodRequest(1)
  })

  /** Once all that was admitted is closed. */
  const closedOf = async () => {
    const of = async (kind: string) => (await proxy.readAudit()).filter((one) => one.kind === kind)
    await until(
      async () => (await of('closed')).length === (await of('admitted')).length,
      'everything to be closed',
    )
    return of('closed')
  }

  test('More streams at once than a hundred are not served', async () => {
    proxy.orders.answerWith(() => undefined)
    await client.when(() => client.seen().some(({ type }) => type === frames.settings), 'the settings')
    for (let stream = 1; stream <= 241; stream += 2) client.request(stream, fields())
    // Refused one by one; once the limit was acknowledged, the whole connection (RFC 9113 5.1.2).
    expect([codes.refused, 'closed']).toContain(await client.ended(241))
    client.end()
    await closedOf()
    expect((await proxy.readAudit()).filter(({ kind }) => kind === 'admitted').length).toBeLessThanOrEqual(
      100,
    )
    expect(proxy.orders.received().length).toBeLessThanOrEqual(100)
    await startAfresh()
    client = rawHttp2Client(proxy.port, host)
    await expectGoodRequest(1)
  })

  const bomb = (one: number, times: number): Buffer =>
    literals(
      fields(
        {},
        Array.from({ length: times }, (_, at) => [`x-${at}`, 'x'.repeat(one)] as const),
      ),
    )
  const inFrames = (block: Buffer): Buffer => {
    const parts: Buffer[] = []
    for (let at = 0; at < block.length; at += 16_384) {
      const isLast = at + 16_384 >= block.length
      const flags = (at === 0 ? endStream : 0) | (isLast ? endHeaders : 0)
      const type = at === 0 ? frames.headers : frames.continuation
      parts.push(http2Frame(type, flags, 1, block.subarray(at, at + 16_384)))
    }
    return Buffer.concat(parts)
  }

  test.each([
    ['headers of 20 KiB', () => inFrames(bomb(10_000, 2)), true],
    ['a thousand headers', () => inFrames(bomb(1, 1_000)), true],
    ['headers of a megabyte', () => inFrames(bomb(1_000, 1_000)), false],
    // The index of a long value that was just told: a byte each (RFC 7541 6.1).
    ['one long header told a thousand times', () => unfolding(), false],
  ])('%s', async (_, bytes, goesOn) => {
    await client.when(
      () => client.seen().some(({ type, flags }) => type === frames.settings && flags === 1),
      'the settings',
    )
    client.send(bytes())
    expect([codes.calm, 'answered', 'closed', codes.protocolError]).toContain(await client.ended(1))
    expect(proxy.orders.bytes()).toBe('')
    if (!goesOn) client.end()
    if (!goesOn) client = rawHttp2Client(proxy.port, host)
    await expectGoodRequest(goesOn ? 3 : 1)
  })

  const unfolding = (): Buffer => {
    // Literal with incremental indexing (RFC 7541 6.2.1), then its index, the first of the dynamic table.
    const told = literals([['x-long', 'x'.repeat(3_000)]])
    told.writeUInt8(0x40)
    return inFrames(Buffer.concat([literals(fields()), told, Buffer.alloc(1_000, 0x80 | 62)]))
  }

  test.each([
    [
      'headers that never end',
      () => [
        http2Frame(frames.headers, endStream, 1, literals(fields())),
        ...Array.from({ length: 1_000 }, () =>
          http2Frame(frames.continuation, 0, 1, literals([['x-a', '1']])),
        ),
      ],
    ],
    ['settings', () => Array.from({ length: 20_000 }, () => http2Frame(frames.settings, 0, 0))],
    ['pings', () => Array.from({ length: 20_000 }, () => http2Frame(frames.ping, 0, 0, Buffer.alloc(8)))],
    [
      'resets of streams that never were',
      () => Array.from({ length: 20_000 }, (_, at) => resetFrame(at * 2 + 1)),
    ],
    [
      'windows that overflow',
      () =>
        Array.from({ length: 3 }, () =>
          http2Frame(frames.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
        ),
    ],
    ['a push', () => [http2Frame(frames.push, endHeaders, 1, Buffer.alloc(4))]],
    [
      'a stream of the server’s',
      () => [http2Frame(frames.headers, endStream | endHeaders, 2, literals(fields()))],
    ],
    ['no HTTP/2 at all', () => [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
  ])('%s: the process lives, and nothing goes upstream', async (_, all) => {
    client.socket.pause()
    client.send(...all())
    client.socket.resume()
    const other = http2Client(proxy.port)
    expect((await other.ask({ token: ana, path: '/v1/good' })).status).toBe(200)
    other.end()
    expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/good'])
    expect(proxy.faults).toEqual([])
  })
})
