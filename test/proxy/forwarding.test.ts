import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'

let proxy: ProxyUnderTest
/** Where `payments-svc` is said to be: at addresses that no service has. */
let elsewhere: ProxyUnderTest | undefined

beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 71)
})
beforeEach(async () => {
  await proxy.startOver()
  await proxy.give('ana')
})
afterAll(() => proxy.stop())

describe('Whoever waits before they send a body', () => {
  const waiting = ['Expect: 100-continue', 'Content-Length: 5']

  test('is told to once it is decided that it goes on', async () => {
    const client = proxy.client()
    client.send(await proxy.request('ana', 'POST', '/v1/orders', waiting))
    await client.when(() => client.text().includes('\r\n\r\n'), 'the go-ahead')
    expect(client.text()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    expect(await proxy.records(1, ['admitted'])).toHaveLength(1)
    client.send('hello')
    expect((await client.answers(1)).answers[0]?.status).toBe(200)
    expect(proxy.orders.received()).toMatchObject([{ body: 'hello', complete: true }])
  })

  test('is not told to where it is refused', async () => {
    const client = proxy.client()
    client.send(await proxy.request('ana', 'POST', '/admin/x', waiting))
    const { answers, text } = await client.answers(1)
    expect(answers[0]?.status).toBe(403)
    expect(text).not.toContain('100 Continue')
    await client.closed()
    expect(proxy.orders.received()).toEqual([])
  })

  test('is not told to without a body', async () => {
    const { status } = await ask(
      proxy.port,
      await proxy.request('ana', 'GET', '/v1/orders', ['Expect: 100-continue']),
    )
    expect(status).toBe(200)
  })
})

describe('Trailers of an answer', () => {
  const answerOf = async (trailers: string, headers = 'Transfer-Encoding: chunked') => {
    proxy.orders.scriptWith((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n5\r\nhello\r\n0\r\n${trailers}\r\n`),
    )
    const client = proxy.client()
    client.send(await proxy.request('ana'))
    await client.when(() => /\r\n0\r\n(?:[^\r]+\r\n)*\r\n$/.test(client.text()), 'the end of the answer')
    return client.text().split('\r\n0\r\n')[1] ?? ''
  }

  test('go on', async () => {
    expect(await answerOf('X-Checksum: abc\r\nGrpc-Status: 0\r\n')).toBe(
      'X-Checksum: abc\r\nGrpc-Status: 0\r\n\r\n',
    )
  })

  test.each([
    'Transfer-Encoding: chunked',
    'Set-Cookie: a=b',
    'X-Pagepass-Assertion: forged',
    'Connection: close',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    'Location: https://elsewhere.example',
    'Content-Type: text/html',
    'Access-Control-Allow-Origin: *',
  ])('are left out where they would be taken for headers: %s', async (trailer) => {
    expect(await answerOf(`${trailer}\r\nX-Checksum: abc\r\n`)).toBe('X-Checksum: abc\r\n\r\n')
  })
})

describe('Early hints', () => {
  const hinted = async (hints: string) => {
    proxy.orders.scriptWith((socket) =>
      socket.write(`HTTP/1.1 103 Early Hints\r\n${hints}\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
    )
    const client = proxy.client()
    client.send(await proxy.request('ana'))
    const { answers, text } = await client.answers(1)
    expect(answers).toMatchObject([{ status: 200, body: 'ok' }])
    return text.slice(0, text.indexOf('HTTP/1.1 200'))
  }

  test('go on as links', async () => {
    expect(
      await hinted('Link: </style.css>; rel=preload; as=style\r\nX-Pagepass-Assertion: forged\r\n'),
    ).toBe('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n')
  })

  test.each(['X-Other: 1\r\n', 'Link: no link\r\n', ''])(
    'are left out where they are none: %j',
    async (hints) => {
      expect(await hinted(hints)).toBe('')
    },
  )

  test.each([
    ['that a check of Node’s would never be done with', `Link: <a>${';a=b'.repeat(60)}"\r\n`],
    ['with more parameters than a link has', 'Link: </a>; rel=preload; a=b; c=d; e=f; g=h\r\n'],
    ['of endless length', `Link: </${'a'.repeat(2_000)}>; rel=preload\r\n`],
  ])('are left out %s', async (_, hints) => {
    expect(await hinted(hints)).toBe('')
  })

  test('are few, however many the service sends', async () => {
    const one = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>; rel=preload\r\n\r\n'
    proxy.orders.scriptWith((socket) =>
      socket.write(`${one.repeat(1_000)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
    )
    const client = proxy.client()
    client.send(await proxy.request('ana'))
    const { answers, text } = await client.answers(1)
    expect(answers).toMatchObject([{ status: 200, body: 'ok' }])
    expect(text.match(/HTTP\/1\.1 103/g)).toHaveLength(4)
  })

  test('are not for HTTP/1.0', async () => {
    proxy.orders.scriptWith((socket) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    )
    const client = proxy.client()
    client.send((await proxy.request('ana')).replace('HTTP/1.1', 'HTTP/1.0'))
    const { text } = await client.answers(1)
    expect(text).not.toContain('103')
  })
})

describe('An address that no service has', () => {
  afterAll(async () => {
    await elsewhere?.stop()
  })

  test.each([
    ['link-local', () => 'http://169.254.169.254'],
    ['link-local within IPv6', () => 'http://[::ffff:169.254.169.254]'],
    ['link-local behind NAT64', () => 'http://[64:ff9b::a9fe:a9fe]'],
    ['this host', () => 'http://0.0.0.0:8080'],
    [
      'Redis',
      () =>
        new URL(inject('redisUrl')).origin
          .replace('redis:', 'http:')
          .replace('null', `http://${new URL(inject('redisUrl')).host}`),
    ],
    ['Redis by its name', () => `http://localhost:${new URL(inject('redisUrl')).port}`],
  ])('is not connected to: %s', async (_, address) => {
    await elsewhere?.stop()
    elsewhere = await startProxyForTest(inject('redisUrl'), 72, {
      mend: (text) =>
        text.replace(/(payments-svc:\n {4}profile: web\n {4}releases: \{ blue: )[^ ]+/, `$1"${address()}"`),
    })
    await elsewhere.give('ana', { service: 'payments-svc' })
    const request = (await elsewhere.request('ana')).replace('orders-svc.', 'payments-svc.')
    const answer = await ask(elsewhere.port, request)
    expect([answer.status, problemOf(answer)['reason']]).toEqual([502, 'upstream-failed'])
    const closed = await elsewhere.records(1, ['closed'])
    expect(closed).toMatchObject([{ outcome: 'failed' }])
  })
})

describe('A service that takes longer than its time-outs say', () => {
  let hasty: ProxyUnderTest
  beforeAll(async () => {
    hasty = await startProxyForTest(inject('redisUrl'), 73, { timeouts: { headers: 1_000, idle: 1_000 } })
    await hasty.give('ana')
  })
  beforeEach(() => hasty.startOver())
  afterAll(() => hasty.stop())

  test('to begin its answer is late', async () => {
    hasty.orders.scriptWith(() => undefined)
    const answer = await ask(hasty.port, await hasty.request('ana'))
    expect([answer.status, problemOf(answer)['reason']]).toEqual([504, 'upstream-late'])
  })

  test('within its answer is cut off', async () => {
    hasty.orders.scriptWith((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'))
    const client = hasty.client()
    client.send(await hasty.request('ana'))
    await client.closed()
    expect(client.text()).toMatch(/half$/)
    expect(await hasty.records(1, ['closed'])).toMatchObject([{ outcome: 'failed' }])
  })
})
