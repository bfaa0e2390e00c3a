/**
 * The attack: smuggle a request. Where the proxy and the service disagree on where one message ends, what one takes
 * for a body the other takes for the next request, which nobody has decided on (RFC 9112 11.2; "HTTP Desync Attacks",
 * James Kettle, 2019; CVE-2022-35256, CVE-2023-30589, CVE-2024-27982 of Node itself). The same backwards: an answer
 * that the proxy frames otherwise than the service meant it makes a client take one answer for another's. So every
 * message is framed anew from what was parsed, strictly, and a connection on which something was unclear is closed.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { claimsOf } from '../builders/agreement.ts'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { backEnds, startBackEnd } from '../builders/back-ends.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { rawClient, talk } from '../builders/raw-client.ts'
import { type Received, valuesOf } from '../builders/upstream.ts'

const hidden = `GET /v1/hidden HTTP/1.1\r\nHost: orders-svc.${domain}\r\n\r\n`

describe.each(backEnds)('Before a service on %s:', (backEnd) => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 14, { orders: await startBackEnd(backEnd) })
    await proxy.give('ana')
    await proxy.give('ben')
  })
  afterAll(() => proxy.stop())

  const post = (headers: readonly string[], body = '') => proxy.request('ana', 'POST', '/v1/x', headers, body)
  describe('Lengths that can be read in two ways are refused', () => {
    test.each([
      ['both, the length first', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
      ['both, the coding first', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
      ['both, the length 0', ['Content-Length: 0', 'Transfer-Encoding: chunked']],
      ['a sign', ['Content-Length: +5']],
      ['a minus', ['Content-Length: -5']],
      ['a hexadecimal', ['Content-Length: 0x5']],
      ['an exponent', ['Content-Length: 5e0']],
      ['a fraction', ['Content-Length: 5.0']],
      ['a space within', ['Content-Length: 1 5']],
      ['an empty one', ['Content-Length: ']],
      ['a word', ['Content-Length: five']],
      ['more than fits', ['Content-Length: 18446744073709551621']],
      ['another coding', ['Transfer-Encoding: gzip']],
      ['another coding before', ['Transfer-Encoding: gzip, chunked']],
      ['another coding in a line before', ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked']],
      ['another coding after', ['Transfer-Encoding: chunked, gzip']],
      ['chunked twice', ['Transfer-Encoding: chunked, chunked']],
      ['chunked in two lines', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
      ['identity', ['Transfer-Encoding: identity']],
      ['identity and chunked', ['Transfer-Encoding: identity, chunked']],
      ['almost chunked', ['Transfer-Encoding: xchunked']],
      ['chunked with a parameter', ['Transfer-Encoding: chunked;q=1']],
      ['chunked in quotes', ['Transfer-Encoding: "chunked"']],
      ['chunked after a vertical tab', ['Transfer-Encoding: \x0bchunked']],
      ['an empty coding', ['Transfer-Encoding: ']],
      ['a space before the colon', ['Transfer-Encoding : chunked']],
      ['a folded coding', ['Transfer-Encoding:\r\n chunked']],
    ])('%s', async (_, headers) => {
      await expectRefused(proxy, await post(headers, `5\r\nhello\r\n0\r\n\r\n${hidden}`), { status: 400 })
    })

    test('chunks in HTTP/1.0', async () => {
      const bytes = await post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n')
      await expectRefused(proxy, bytes.replace('HTTP/1.1', 'HTTP/1.0'), { status: 400 })
    })
  })

  describe('Chunks that can be read in two ways end the connection, and the service gets no whole request', () => {
    test.each([
      ['a size after 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
      ['a negative size', '-5\r\nhello\r\n0\r\n\r\n'],
      ['a size that wraps', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
      ['no size', '\r\nhello\r\n0\r\n\r\n'],
      ['a space before the size', ' 5\r\nhello\r\n0\r\n\r\n'],
      ['a size too small', '4\r\nhello\r\n0\r\n\r\n'],
      ['a bare line feed after the size', '5\nhello\r\n0\r\n\r\n'],
      ['a bare carriage return after the size', '5\rhello\r\n0\r\n\r\n'],
      ['a bare line feed after the data', '5\r\nhello\n0\r\n\r\n'],
      ['a bare line feed in an extension', '5;a\nhello\r\n0\r\n\r\n'],
      ['a carriage return in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
      ['a length after the body', '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n'],
      ['a coding after the body', '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ])('%s', async (_, body) => {
      await proxy.startOver()
      const { text } = await talk(proxy.port, await post(['Transfer-Encoding: chunked'], body + hidden), {
        answers: 2,
      })
      expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
      const [admitted, closed, ...more] = await proxy.records(2)
      expect([admitted, closed]).toMatchObject([{ kind: 'admitted' }, { kind: 'closed', outcome: 'aborted' }])
      expect(more).toEqual([])
      await until(
        () => proxy.orders.connections().every((one) => one.bytes() === '' || one.closed()),
        'the end',
      )
      expect(proxy.orders.received().filter(({ complete }) => complete)).toEqual([])
      expect(proxy.orders.bytes()).not.toContain('hidden')
      await expectGoodRequest(proxy)
    })

    test('Extensions and trailers are undone: the service sees a plain body', async () => {
      const body = `5;ext="${'x'.repeat(100)}"\r\nhello\r\n6;a=b\r\n world\r\n0;last\r\nX-T: 1\r\n\r\n`
      const seen = await expectOneRequest(proxy, await post(['Transfer-Encoding: Chunked'], body))
      expect(seen).toMatchObject({ body: 'hello world', complete: true })
    })
  })

  describe('What is no HTTP/1.1 is refused', () => {
    test.each([
      ['bare line feeds', (bytes: string) => bytes.replaceAll('\r\n', '\n')],
      ['one bare line feed', (bytes: string) => bytes.replace('\r\nAuth', '\nAuth')],
      ['a bare carriage return', (bytes: string) => bytes.replace('\r\nAuth', '\rAuth')],
      ['a version to come', (bytes: string) => bytes.replace('HTTP/1.1', 'HTTP/1.2')],
      ['version 2', (bytes: string) => bytes.replace('HTTP/1.1', 'HTTP/2.0')],
      ['version 0.9', (bytes: string) => bytes.replace(' HTTP/1.1', '')],
      ['another protocol', (bytes: string) => bytes.replace('HTTP/1.1', 'ICE/1.1')],
      ['a lower-case protocol', (bytes: string) => bytes.replace('HTTP/1.1', 'http/1.1')],
      ['a version with a space', (bytes: string) => bytes.replace('HTTP/1.1', 'HTTP/1. 1')],
      ['a tab for a space', (bytes: string) => bytes.replace('GET ', 'GET\t')],
      ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a TLS hello', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['an answer', () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ])('%s', async (_, altered) => {
      await expectRefused(proxy, altered(await proxy.request('ana')), { status: 400 })
    })

    test('HTTP/1.0 is served, and its connection ends', async () => {
      await proxy.startOver()
      const bytes = (await proxy.request('ana')).replace('HTTP/1.1', 'HTTP/1.0')
      const { text, closed } = await talk(proxy.port, bytes + hidden, { answers: 2 })
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(text).not.toMatch(/transfer-encoding/i)
      expect(closed).toBe(true)
      expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/orders'])
    })
  })

  describe('Pipelined requests', () => {
    test('Two identities on one connection are two, and are answered in order', async () => {
      await proxy.startOver()
      proxy.orders.answerWith((request, response, received) => {
        const { target } = received
        const late = target.endsWith('first') ? 30 : 0
        request.on('end', () => setTimeout(() => response.end(`${target} ${received.body}`), late))
      })
      const bytes = [
        await proxy.request('ana', 'POST', '/v1/first', ['Content-Length: 5'], 'hello'),
        await proxy.request('ben', 'GET', '/v1/second'),
        hidden,
        await proxy.request(
          'ana',
          'POST',
          '/v1/third',
          ['Transfer-Encoding: chunked'],
          '2\r\nhi\r\n0\r\n\r\n',
        ),
        await proxy.request('cho', 'GET', '/v1/fourth'),
      ].join('')
      const { answers } = await talk(proxy.port, bytes, { answers: 5 })
      expect(answers.map(({ status, body }) => (status === 200 ? body : status))).toEqual([
        '/v1/first hello',
        '/v1/second ',
        401,
        '/v1/third hi',
        403,
      ])
      expect(proxy.orders.received().map((one) => [one.target, subjectOf(one)])).toEqual([
        ['/v1/first', 'idp-ana'],
        ['/v1/second', 'idp-ben'],
        ['/v1/third', 'idp-ana'],
      ])
    })

    test('What follows a refused body that was never read is not read either', async () => {
      await proxy.startOver()
      const bytes = await proxy.request('cho', 'POST', '/v1/x', ['Content-Length: 100000'], hidden)
      const { text, closed } = await talk(proxy.port, bytes, { answers: 2 })
      expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403'])
      expect(closed).toBe(true)
      expect(proxy.orders.bytes()).toBe('')
    })

    test.each([
      ['garbage', '\0\0\0\r\n\r\n'],
      ['an unknown method', 'FOO /v1/hidden HTTP/1.1\r\n\r\n'],
      ['an upgrade', `GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
      ['a tunnel', 'CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n'],
    ])(
      '%s after a request is never answered in its place, nor in the middle of its answer',
      async (_, second) => {
        await proxy.startOver()
        const early = rawClient(proxy.port)
        early.send((await proxy.request('ana')) + second)
        await early.closed()
        expect(early.text()).not.toMatch(/HTTP\/1\.1 (?!200)/)
        await proxy.startOver()
        proxy.orders.answerWith((__, response) => response.writeHead(200).write('the first half'))
        const late = rawClient(proxy.port)
        late.send(await proxy.request('ana'))
        await late.when(() => late.text().includes('the first half'), 'the first half')
        late.send(second)
        await late.closed()
        expect(late.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
        await until(
          () => proxy.orders.connections().every((one) => one.bytes() === '' || one.closed()),
          'the end',
        )
        expect((await proxy.records(2, ['admitted', 'closed'])).map(({ kind }) => kind)).toEqual([
          'admitted',
          'closed',
        ])
        await proxy.startOver()
        await expectGoodRequest(proxy)
      },
    )

    test('A client that is gone has the rest of its pipeline undone', async () => {
      await proxy.startOver()
      proxy.orders.answerWith((_, response) => response.writeHead(200).write('for ever'))
      const client = rawClient(proxy.port)
      const more = await Promise.all(
        [1, 2, 3, 4].map((number) => proxy.request('ana', 'GET', `/v1/${number}`)),
      )
      client.send((await proxy.request('ana')) + more.join(''))
      await client.when(() => client.text().includes('for ever'), 'the first answer')
      client.reset()
      await proxy.records(2)
      await until(
        () => proxy.orders.connections().every((one) => one.bytes() === '' || one.closed()),
        'the end',
      )
      expect(proxy.orders.received()).toHaveLength(1)
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })
  })
})

describe('Before a service that answers as it likes:', () => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 14)
    await proxy.give('ana')
    await proxy.give('ben')
  })
  afterAll(() => proxy.stop())

  const post = (headers: readonly string[], body = '') => proxy.request('ana', 'POST', '/v1/x', headers, body)
  describe('Answers that can be read in two ways', () => {
    const ok = 'HTTP/1.1 200 OK\r\n'
    const answerWith = (raw: string) =>
      proxy.orders.scriptWith((socket) => socket.once('data', () => socket.end(Buffer.from(raw, 'latin1'))))

    test.each([
      ['both lengths', `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
      [
        'both lengths, turned round',
        `${ok}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      ],
      ['two lengths', `${ok}Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello`],
      ['two equal lengths', `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
      ['a length too large to be one', `${ok}Content-Length: 99999999999999999999999\r\n\r\nok`],
      ['a negative length', `${ok}Content-Length: -1\r\n\r\nok`],
      ['a space in a name', `${ok}a b: c\r\nContent-Length: 2\r\n\r\nok`],
      ['a control in a value', `${ok}X: a\x01b\r\nContent-Length: 2\r\n\r\nok`],
      ['a NUL in a value', `${ok}X: a\0b\r\nContent-Length: 2\r\n\r\nok`],
      ['no name', `${ok}: x\r\nContent-Length: 2\r\n\r\nok`],
      ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
      ['a folded header', `${ok}X: a\r\n b\r\nContent-Length: 2\r\n\r\nok`],
      ['status 000', 'HTTP/1.1 000 No\r\nContent-Length: 2\r\n\r\nok'],
      ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok'],
      ['an unasked upgrade', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw'],
      ['an unasked continue', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
      ['no HTTP', 'hello\r\n\r\n'],
      ['headers without end', `${ok}X: ${'a'.repeat(70_000)}\r\n\r\n`],
    ])('%s: 502', async (_, raw) => {
      for (const method of ['GET', 'POST']) {
        await proxy.startOver()
        answerWith(raw)
        const { answers, rest } = await talk(proxy.port, await proxy.request('ana', method), { answers: 1 })
        expect(answers).toMatchObject([{ status: 502 }])
        expect(rest).toBe('')
        expect((await proxy.records(2)).map(({ outcome }) => outcome)).toEqual([undefined, 'failed'])
      }
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })

    test.each([
      ['a body too short', `${ok}Content-Length: 10\r\n\r\nhello`],
      ['chunks without an end', `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`],
      ['a broken chunk', `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`],
      ['a body on a 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'],
    ])('%s ends the connection of the client', async (_, raw) => {
      await proxy.startOver()
      answerWith(raw)
      const client = rawClient(proxy.port)
      client.send(await proxy.request('ana'))
      await client.closed()
      expect(client.text()).not.toMatch(/\r\n0\r\n\r\n|HTTP\/1\.1 204/)
      expect((await proxy.records(2)).map(({ outcome }) => outcome)).toEqual([undefined, 'failed'])
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })

    test.each([
      ['two answers at once', `${ok}Content-Length: 2\r\n\r\nok${ok}Content-Length: 6\r\n\r\nPOISON`, 'ok'],
      ['a body on a 304', `HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nPOISON`, ''],
      [
        'a chunked body on a 204',
        `HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nPOISON\r\n0\r\n\r\n`,
        '',
      ],
      ['hints first', `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`, 'ok'],
      ['two status lines', `${ok}${ok}Content-Length: 2\r\n\r\nok`, undefined],
    ])('%s: nobody gets what was not theirs', async (_, raw, body) => {
      await proxy.startOver()
      proxy.orders.scriptWith((socket) => socket.on('data', () => socket.write(raw)))
      const client = rawClient(proxy.port)
      client.send(await proxy.request('ana'))
      const { answers } = await client.answers(1)
      if (body === undefined) expect(answers[0]?.status).toBe(502)
      else expect(answers[0]?.body).toBe(body)
      await proxy.records(2)
      proxy.orders.scriptWith(undefined)
      client.send(await proxy.request('ben', 'GET', '/v1/next'))
      const next = (await client.answers(2)).answers[1]
      expect(
        next === undefined || ['hello /v1/next\n', 'ok', ''].includes(next.body) || next.status === 502,
      ).toBe(true)
      expect(client.text()).not.toContain('POISON')
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })

    test('An answer before the body has come ends both connections; the rest of the body is no request', async () => {
      await proxy.startOver()
      proxy.orders.answerWith((_, response) => response.writeHead(413, { 'content-length': '0' }).end())
      const client = rawClient(proxy.port)
      client.send(await post(['Content-Length: 100000'], 'a little'))
      await client.when(() => client.isClosed() || client.text().includes('413'), 'the answer or the end')
      client.send(hidden.repeat(10))
      await client.closed()
      expect(client.text()).not.toContain('hello')
      await until(
        () => proxy.orders.connections().every((one) => one.bytes() === '' || one.closed()),
        'the end',
      )
      expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/x'])
      await proxy.startOver()
      await expectGoodRequest(proxy)
    })
  })
})

const subjectOf = (seen: Received): unknown =>
  claimsOf(valuesOf(seen, 'x-pagepass-assertion')[0] ?? '')['sub']
