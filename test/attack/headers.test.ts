/**
 * The attack: say who you are in a header that the service believes, because it takes it for the proxy's. Servers
 * differ in what they take for the same name (case, `_` and `.` for `-`: CGI, WSGI, Rack, PHP), in which of two equal
 * headers counts, and a client can have the proxy's own headers taken away by naming them in `Connection`
 * ("Abusing HTTP hop-by-hop request headers", Nathan Davison, 2019; CVE-2021-33197, CVE-2022-31813). The same with
 * credentials: two that disagree, of which one is checked and the other one passed on. The service must see each of
 * our headers exactly once and with our value; what could be read in two ways is refused.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { backEnds, startBackEnd } from '../builders/back-ends.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'

describe.each(backEnds)('Before a service on %s:', (backEnd) => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 13, { orders: await startBackEnd(backEnd) })
    await proxy.give('ana')
    await proxy.give('ben')
  })
  afterAll(() => proxy.stop())

  const get = (...headers: string[]) => proxy.request('ana', 'GET', '/v1/x', headers)
  const reserved = { status: 400, reason: 'header-reserved' }
  const ambiguous = { status: 400, reason: 'headers-ambiguous' }

  describe('Headers that only Pagepass may set are refused, however they are spelled', () => {
    test.each([
      'X-Pagepass-Assertion',
      'x-pagepass-assertion',
      'X-PAGEPASS-ASSERTION',
      'X_Pagepass_Assertion',
      'X-Pagepass_Assertion',
      'X.Pagepass.Assertion',
      'X-Pagepass-User',
      'X-Pagepass',
      'x_pagepass_authorization',
      'X!Pagepass!Assertion',
      "X'Pagepass'Assertion",
      'X~Pagepass|Assertion',
    ])('%s', async (name) => {
      await expectRefused(proxy, await get(`${name}: forged`), reserved)
    })

    test.each([
      'Content_Length: 5',
      'Transfer_Encoding: chunked',
      'Transfer.Encoding: chunked',
      'HTTP2_Settings: x',
    ])('%s, which some servers take for what it looks like', async (header) => {
      await expectRefused(proxy, await get(header), reserved)
    })

    test.each([
      ['a space before the colon', 'X-Pagepass-Assertion : forged'],
      ['a tab before the colon', 'X-Pagepass-Assertion\t: forged'],
      ['a space before the name', ' X-Pagepass-Assertion: forged'],
      ['a NUL in the name', 'X-Pagepass\0-Assertion: forged'],
      ['a high byte in the name', 'X-Pagepass\xad-Assertion: forged'],
      ['no name', ': forged'],
      ['no colon', 'X-Pagepass-Assertion'],
      ['a line feed in a value', 'X: a\nX-Pagepass-Assertion: forged'],
      ['a carriage return in a value', 'X: a\rX-Pagepass-Assertion: forged'],
      ['a folded line', 'X: a\r\n X-Pagepass-Assertion: forged'],
      ['a NUL in a value', 'X: a\0b'],
    ])('%s', async (_, header) => {
      await expectRefused(proxy, await get('Accept: */*', header), { status: 400 })
    })
  })

  describe('What the client says of where it comes from is never passed on', () => {
    test.each([
      'Forwarded: for=6.6.6.6;host=evil',
      'forwarded: for=6.6.6.6',
      'X-Forwarded-For: 6.6.6.6',
      'x-forwarded-for: 127.0.0.1',
      'X_Forwarded_For: 6.6.6.6',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Port: 443',
      'X-Forwarded-User: root',
      'X.Forwarded.User: root',
      'X-Forwarded-Email: root@example.com',
      'X-Forwarded-Prefix: /admin',
      'X-Real-IP: 6.6.6.6',
      'X_Real_IP: 6.6.6.6',
      'Via: 1.1 evil',
      'Proxy-Authorization: Basic YTpi',
      'Proxy-Connection: keep-alive',
      'Keep-Alive: timeout=1',
      'TE: trailers',
      'Trailer: X-Pagepass-Assertion',
      'Upgrade: websocket',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ])('%s', async (header) => {
      const seen = await expectOneRequest(proxy, await get(header, header))
      const value = header.slice(header.indexOf(':') + 2)
      for (const [name, one] of seen.rawHeaders) {
        if (name.toLowerCase() !== 'connection' && name.toLowerCase() !== 'x-forwarded-for')
          expect(one).not.toBe(value)
      }
    })
  })

  describe('Naming a header in Connection takes nothing of ours away', () => {
    test.each([
      'x-pagepass-assertion',
      'X-Pagepass-Assertion, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto',
      'host',
      'close, host, authorization',
      'keep-alive, x-pagepass-authorization',
      'connection',
      ',,,',
      'x-forwarded-for\t,\tx-pagepass-assertion',
    ])('Connection: %s', async (value) => {
      await expectOneRequest(proxy, await get(`Connection: ${value}`))
      await expectOneRequest(proxy, await get(...value.split(',').map((one) => `Connection: ${one}`)))
    })

    test('Framing named in Connection stays, so that the body stays one', async () => {
      for (const headers of [
        ['Connection: content-length', 'Content-Length: 5'],
        ['Content-Length: 5', 'Connection: Content-Length, transfer-encoding'],
      ]) {
        const seen = await expectOneRequest(
          proxy,
          await proxy.request('ana', 'POST', '/v1/x', headers, 'hello'),
        )
        expect(seen).toMatchObject({ body: 'hello', complete: true })
        expect(valuesOf(seen, 'content-length')).toEqual(['5'])
      }
      const chunked = await expectOneRequest(
        proxy,
        await proxy.request(
          'ana',
          'POST',
          '/v1/x',
          ['Connection: transfer-encoding', 'Transfer-Encoding: chunked'],
          '5\r\nhello\r\n0\r\n\r\n',
        ),
      )
      expect(chunked).toMatchObject({ body: 'hello', complete: true })
    })

    test('What is named there and is the client’s own goes no further', async () => {
      const seen = await expectOneRequest(proxy, await get('Connection: X-Mine', 'X-Mine: 1', 'X-Other: 2'))
      expect(valuesOf(seen, 'x-mine')).toEqual([])
      expect(valuesOf(seen, 'x-other')).toEqual(['2'])
    })
  })

  describe('Two of what must be one are refused', () => {
    test('two Host', async () => {
      await expectRefused(proxy, await get(`Host: payments-svc.${domain}`), ambiguous)
      await expectRefused(proxy, await get(`Host: orders-svc.${domain}`), ambiguous)
      await expectRefused(proxy, await get(`hOST: orders-svc.${domain}`), ambiguous)
    })

    test('no Host', async () => {
      await expectRefused(proxy, (await get()).replace(/Host: [^\r]+\r\n/, ''), ambiguous)
      await expectRefused(
        proxy,
        (await get()).replace(/Host: [^\r]+\r\n/, '').replace('1.1', '1.0'),
        ambiguous,
      )
    })

    test('two Authorization', async () => {
      const bens = await proxy.token('ben')
      await expectRefused(proxy, await get(`Authorization: Bearer ${bens}`), ambiguous)
      await expectRefused(proxy, await get('authorization: Basic YTpi'), ambiguous)
      await expectRefused(proxy, await get(`Authorization: Bearer ${await proxy.token('ana')}`), ambiguous)
    })

    test('two credentials that disagree', async () => {
      const bens = await proxy.token('ben')
      await expectRefused(proxy, await get(`X-Pagepass-Authorization: Bearer ${bens}`), ambiguous)
      await expectRefused(proxy, await get('X-Pagepass-Authorization: Basic YTpi'), ambiguous)
      await expectRefused(proxy, await get('X-Pagepass-Authorization: '), ambiguous)
      const twice = `X-Pagepass-Authorization: Bearer ${await proxy.token('ana')}`
      await expectRefused(proxy, await get(twice, twice), ambiguous)
      const seen = await expectOneRequest(proxy, await get(twice))
      expect(valuesOf(seen, 'authorization')).toEqual([])
    })

    test.each([
      ['two equal', ['Content-Length: 5', 'Content-Length: 5']],
      ['two unequal', ['Content-Length: 5', 'Content-Length: 6']],
      ['a list', ['Content-Length: 5, 5']],
    ])('Content-Length: %s', async (_, headers) => {
      await expectRefused(proxy, await proxy.request('ana', 'POST', '/v1/x', headers, 'hello'), {
        status: 400,
      })
    })
  })

  test('Names that are special in JavaScript are names like any other', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']
    const seen = await expectOneRequest(proxy, await get(...names.map((name) => `${name}: polluted`)))
    for (const name of names) expect(valuesOf(seen, name.toLowerCase())).toEqual(['polluted'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    for (const name of ['__proto__', 'constructor'])
      await expectOneRequest(proxy, await get(`Connection: ${name}`))
  })

  test('An ordinary header of the client reaches the service as it was sent, in order and repeated', async () => {
    const seen = await expectOneRequest(
      proxy,
      await get('X-A: 1', 'x-b: \xe9', 'X-A: 2', 'Cookie: a=b; __Host-x=y'),
    )
    expect(valuesOf(seen, 'x-a')).toEqual(['1', '2'])
    expect(valuesOf(seen, 'x-b')).toEqual(['\xe9'])
    expect(valuesOf(seen, 'cookie')).toEqual(['a=b; __Host-x=y'])
  })

  describe('Too much', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `x-${index}: 1`)

    test('more than 100 headers', async () => {
      expect((await expectOneRequest(proxy, await get(...many(98)))).rawHeaders.length).toBeGreaterThan(98)
      for (const count of [99, 127, 128, 129, 400, 1_500])
        await expectRefused(proxy, await get(...many(count)), { status: 431 })
    })

    test('a second Host, an identity header or a length behind a hundred others', async () => {
      for (const last of [
        `Host: payments-svc.${domain}`,
        'X-Pagepass-Assertion: forged',
        'Content-Length: 5',
      ])
        await expectRefused(proxy, await get(...many(140), last), { status: 431 })
    })

    test('more than 16 KiB', async () => {
      await expectRefused(proxy, await get(`x: ${'a'.repeat(16_384)}`), { status: 431 })
      await expectRefused(proxy, await get(`${'x'.repeat(16_384)}: a`), { status: 431 })
      await expectRefused(proxy, await proxy.request('ana', 'GET', `/v1/${'a'.repeat(16_384)}`), {
        status: 431,
      })
    })

    test('a thousand names nobody has seen leave the next request as it was', async () => {
      for (let round = 0; round < 25; round += 1) {
        const names = Array.from({ length: 90 }, (_, index) => `x-${round}-${index}: 1`)
        expect((await ask(proxy.port, await get(...names))).status).toBe(200)
      }
      await expectRefused(proxy, await get('X_PagePass_Assertion: forged'), reserved)
      await expectOneRequest(proxy, await get('X-FORWARDED-for: 6.6.6.6'))
    })
  })

  test('Headers after the body are not passed on', async () => {
    const seen = await expectOneRequest(
      proxy,
      await proxy.request(
        'ana',
        'POST',
        '/v1/x',
        ['Transfer-Encoding: chunked', 'Trailer: X-Pagepass-Assertion'],
        '5\r\nhello\r\n0\r\nX-Pagepass-Assertion: forged\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n',
      ),
    )
    expect(seen.body).toBe('hello')
    expect(seen.request.rawTrailers).toEqual([])
    expect(proxy.orders.bytes()).not.toContain('forged')
  })

  test('An expectation is answered here and goes no further', async () => {
    for (const expectation of ['100-continue', '100-Continue', 'something-else']) {
      const seen = await expectOneRequest(
        proxy,
        await proxy.request('ana', 'POST', '/v1/x', [`Expect: ${expectation}`, 'Content-Length: 5'], 'hello'),
      )
      expect(seen.body).toBe('hello')
      expect(valuesOf(seen, 'expect')).toEqual([])
    }
  })

  // Other servers have dropped or kept some of it themselves by then.
  test.runIf(backEnd === 'node')('What the service says in our name goes no further', async () => {
    await proxy.startOver()
    proxy.orders.answerWith((_, response) =>
      response
        .writeHead(200, {
          'X-Pagepass-Assertion': 'leaked',
          'x-pagepass-anything': 'leaked',
          Connection: 'close, X-Hop',
          'X-Hop': 'leaked',
          'Proxy-Authenticate': 'leaked',
          'Keep-Alive': 'timeout=1',
          'X-Mine': 'kept',
        })
        .end('x'),
    )
    const answer = await ask(proxy.port, await get())
    expect(JSON.stringify(answer)).not.toContain('leaked')
    expect(answer.headers['x-mine']).toEqual(['kept'])
    await proxy.startOver()
    await expectGoodRequest(proxy)
  })
})
