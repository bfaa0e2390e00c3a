/**
 * The attack: where another proxy forwards and Pagepass only decides, have one thing decided on and another one done. The
 * two programs read the same request on their own, and each difference is a way in: a path that one decodes or mends and
 * the other takes as it is (CVE-2021-32637: Authelia behind nginx), a host that stands twice (in an absolute target and in
 * `Host`), a method named in a header. Or speak for the front proxy: send the headers by which it says what it was asked
 * (`X-Original-URI`, `X-Forwarded-Uri`, …) or by which the application learns who asks, also in spellings that only the
 * application takes for them, or have ours taken away by naming them in `Connection` (CVE-2024-45410: Traefik). Or ask the
 * endpoint directly, as if one were a front proxy. Whatever the application receives must be what was decided, byte for
 * byte, once, with our assertion; what is unclear is a no.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import {
  asEnvoy,
  asForwardAuth,
  asNginx,
  expectOneAssertion,
  type Front,
  frontSecret,
  fronts,
  startFront,
} from '../builders/front-proxy.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask, problemOf, rawClient, talk } from '../builders/raw-client.ts'
import type { Received } from '../builders/upstream.ts'
import { randomFrom } from '../proofs/random.ts'

let proxy: ProxyUnderTest
let token: string
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 64, {
    authz: { secrets: [frontSecret], tls: undefined },
  })
  token = await proxy.token('ana')
  await proxy.give('ana')
  await proxy.give('ben', { tier: 'observe' })
  await proxy.give('cho', { service: 'payments-svc' })
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())

const decisions = ['decided', 'refused']
const good = '/v1/good'

describe.each(fronts)('Through %s', (name) => {
  let front: Front
  beforeAll(async () => {
    front = await startFront(name, {
      authzPort: proxy.authzPort,
      orders: proxy.orders.port,
      payments: proxy.payments.port,
    })
  })
  afterAll(() => front?.stop())

  /** Sends these bytes, then a good request, and answers with what came of the first. */
  const attack = async (bytes: string) => {
    await proxy.startOver()
    const { answers } = await talk(front.port, bytes)
    expect((await ask(front.port, await proxy.request('ana', 'GET', good))).status).toBe(200)
    const others = async () => {
      const all = await proxy.records(1, decisions)
      const last = all.findIndex(({ kind, path }) => kind === 'decided' && path === good)
      return last === -1 ? undefined : all.filter((_, index) => index !== last)
    }
    await expect.poll(others, { timeout: 30_000 }).toBeDefined()
    const seenOf = (service: string, all: readonly Received[]) =>
      all
        .filter(({ target }) => target !== good)
        .map(({ method, target, rawHeaders }) => ({ service, method, target, rawHeaders }))
    expect(proxy.faults).toEqual([])
    return {
      status: answers[0]?.status,
      records: (await others()) ?? [],
      seen: [
        ...seenOf('orders-svc', proxy.orders.received()),
        ...seenOf('payments-svc', proxy.payments.received()),
      ],
    }
  }

  /** Whatever arrived was decided, as it arrived, and is ours. Answers with how many did. */
  const expectOneThing = async (bytes: string): Promise<number> => {
    const { records, seen } = await attack(bytes)
    const decided = records.filter(({ kind }) => kind === 'decided')
    for (const [index, one] of seen.entries()) {
      const path = one.target.split('?')[0] ?? ''
      expect(decided[index]).toMatchObject({ service: one.service, method: one.method, path })
      expectOneAssertion(one, { aud: one.service })
    }
    expect(seen.length).toBe(decided.length)
    return seen.length
  }

  const expectNothing = async (bytes: string, reason?: string): Promise<void> => {
    const { records, seen, status } = await attack(bytes)
    expect(seen).toEqual([])
    expect(status).not.toBe(200)
    expect(records.map(({ kind }) => kind)).not.toContain('decided')
    if (reason !== undefined) expect(records).toMatchObject([{ kind: 'refused', reason }])
  }

  const get = (target: string, more: readonly string[] = []) => proxy.request('ana', 'GET', target, more)

  test.each([
    '/v1/../admin/x',
    '/v1/%2e%2e/admin/x',
    '/v1/%2E%2E/admin/x',
    '/v1/..%2fadmin/x',
    '/v1/..%5cadmin',
    '/v1/..\\admin',
    '/v1/a%2Fb',
    '/v1/%252e%252e/admin',
    '//v1/x',
    '//admin/x',
    '/v1//x',
    '/v1/./x',
    '/v1/x;admin',
    '/v1/..;/admin/x',
    '/v1/x%00',
    '/v1/%61',
    '/v1/x%0aHost:%20evil',
    'v1/x',
    '*',
    '/.pagepass/ask',
    '/.pagepass/whoami',
    '/nginx',
    '/forward-auth',
    '/envoy/v1/x',
  ])('nothing is forwarded of %s', async (target) => {
    await expectNothing(await get(target))
  })

  test.each([
    '/v1/x?next=/../admin',
    '/v1/x?a=%2e%2e%2f&b=//&c=;',
    '/v1/caf%C3%A9',
    '/v1/x%20y',
    '/v1/x?',
    // Caddy forwards this one escaped, and shows it so.
    '/v1/x#/admin',
    `http://orders-svc.${domain}/v1/x`,
    `HTTP://orders-svc.${domain}:80/v1/x`,
  ])('what is decided of %s is what is forwarded', async (target) => {
    await expectOneThing(await get(target))
  })

  test('two hosts: neither is decided on for the other', async () => {
    for (const absolute of [`http://payments-svc.${domain}/v1/x`, `http://ana@payments-svc.${domain}/v1/x`]) {
      // Ana has a pass for orders-svc only, Cho one for payments-svc only.
      await expectNothing(await get(absolute))
      const cho = await proxy.request('cho', 'GET', absolute)
      expect(await expectOneThing(cho)).toBe(name === 'nginx' ? 0 : 1)
    }
  })

  test('a host that nobody set up is nobody’s, and not the first one’s', async () => {
    const alone = await startFront(name, {
      authzPort: proxy.authzPort,
      orders: proxy.orders.port,
      payments: 1,
      alone: true,
    })
    try {
      // Cho’s pass for payments-svc is no way to the application of orders-svc.
      const bytes = (await proxy.request('cho', 'GET', '/v1/x')).replace('orders-svc.', 'payments-svc.')
      await talk(alone.port, bytes)
      expect((await ask(alone.port, await proxy.request('ana', 'GET', good))).status).toBe(200)
      expect(proxy.orders.received().map(({ target }) => target)).toEqual([good])
    } finally {
      await alone.stop()
    }
  })

  test('random targets: nothing else is forwarded than was decided', async () => {
    const parts = [
      ...[
        '/v1/',
        '/v1',
        '/',
        '//',
        '.',
        '..',
        '%2e',
        '%2F',
        '%5c',
        '\\',
        ';',
        'x',
        '%61',
        '?',
        '&',
        '=',
        '%',
      ],
      ...[
        '#',
        ':',
        '@',
        'http://',
        `payments-svc.${domain}`,
        `orders-svc.${domain}`,
        '%00',
        '%252e',
        '+',
        '*',
      ],
    ]
    const random = randomFrom(20_261_122)
    let forwarded = 0
    for (let round = 0; round < 150; round += 1) {
      const some = Array.from({ length: random.whole(1, 5) }, () => random.pick(parts))
      const start = random.chance(0.8) ? '/v1/x' : ''
      forwarded += await expectOneThing(await get(`${start}${some.join('')}`))
    }
    expect(forwarded).toBeGreaterThan(5)
  })

  test('headers that say what was asked are the front proxy’s alone', async () => {
    const forged = [
      ...['X-Original-Method: GET', 'X-Original-URI: /v1/x', `X-Original-Host: orders-svc.${domain}`],
      ...['X-Original-Upgrade: no', 'X-Original-For: 198.51.100.1', 'X-Forwarded-Method: GET'],
      ...['X-Forwarded-Uri: /v1/x', `X-Forwarded-Host: orders-svc.${domain}`, 'X-Forwarded-Proto: https'],
      'X-Forwarded-For: 198.51.100.1',
    ]
    // Ben may only read, and nobody may go to /admin without approval.
    await expectNothing(await proxy.request('ben', 'DELETE', '/v1/x', forged), 'tier-too-low')
    await expectNothing(await get('/admin/x', forged), 'tier-too-low')
    const elsewhere = await get('/v1/x', forged)
    await expectNothing(elsewhere.replace(`Host: orders-svc`, 'Host: payments-svc'), 'grant-missing')
    expect(await expectOneThing(await get('/v1/x', forged))).toBe(1)
    const [record] = await proxy.records(1, ['decided'])
    expect(record).toMatchObject({ client: '127.0.0.1' })
  })

  test.each([
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Original-URL',
    'X-Rewrite-URL',
  ])('%s, which frameworks obey, reaches nobody, named in Connection or not', async (header) => {
    for (const more of [[], [`Connection: ${header}`], [`Connection: close, ${header}`]])
      await expectNothing(await get('/v1/x', [`${header}: DELETE`, ...more]))
  })

  test.each([
    'X-Pagepass-Assertion',
    'x-pagepass-assertion',
    'X_Pagepass_Assertion',
    'X-Pagepass_Assertion',
    'X.Pagepass.Assertion',
    'X-Forwarded-User',
    'X_Forwarded_User',
    'X-Forwarded_User',
    'X-Pagepass-User',
  ])('%s of a client never tells the application who asks', async (header) => {
    const { seen } = await attack(await get('/v1/x', [`${header}: forged`, `${header}: forged too`]))
    expect(JSON.stringify(seen.map(({ rawHeaders }) => rawHeaders))).not.toContain('forged')
    for (const one of seen) expectOneAssertion(one, { aud: 'orders-svc', sub: 'idp-ana' })
  })

  test('naming our headers in Connection takes none away', async () => {
    for (const named of [
      ...['X-Pagepass-Assertion', 'X-Pagepass-Front', 'X-Pagepass-Authorization', 'X-Forwarded-Uri'],
      ...[
        'X-Forwarded-Method',
        'X-Forwarded-Host',
        'X-Original-URI',
        'X-Original-Method',
        'Authorization',
        'Host',
      ],
    ]) {
      expect(await expectOneThing(await get('/v1/x', [`Connection: close, ${named}`]))).toBe(1)
    }
  })

  test('two credentials that disagree are a no', async () => {
    const other = await proxy.token('ben')
    for (const more of [`Authorization: Bearer ${other}`, `X-Pagepass-Authorization: Bearer ${other}`])
      await expectNothing(await get('/v1/x', [more]))
    const twice = [token, other].map((one) => `X-Pagepass-Authorization: Bearer ${one}`)
    await expectNothing((await get('/v1/x', twice)).replace(/Authorization: Bearer .*\r\n/, ''))
  })

  test('other protocols are begun neither with a handshake nor with half of one', async () => {
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
    for (const more of [
      ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', key],
      ['Upgrade: websocket', key],
      ['Connection: keep-alive, Upgrade', 'Upgrade: websocket, h2c', key],
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', key],
    ])
      await expectNothing(await get('/v1/x', more), 'upgrade-not-admitted')
    expect(await expectOneThing(await get('/v1/x', ['Connection: Upgrade', 'Upgrade: h2c']))).toBe(
      name === 'nginx' ? 0 : 1,
    )
    for (const { rawHeaders } of proxy.orders.received())
      expect(rawHeaders.map(([header]) => header.toLowerCase())).not.toContain('upgrade')
  })

  test('methods that are not forwarded are not decided on either', async () => {
    for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'get', 'WS'])
      await expectNothing(await proxy.request('ana', method, '/any/x'))
  })

  test('a hundred headers more push none out of sight', async () => {
    const many = Array.from({ length: 90 }, (_, index) => `X-Pad-${index}: x`)
    expect(await expectOneThing(await get('/v1/x', many))).toBe(1)
    await expectNothing(await get('/v1/x', [...many, ...many, 'X-HTTP-Method-Override: DELETE']))
    await expectNothing(await get('/v1/x', [...many, ...many]), 'headers-ambiguous')
    const long = Array.from({ length: 6 }, (_, index) => `X-Pad-${index}: ${'x'.repeat(5_000)}`)
    await expectNothing(await get('/v1/x', long))
  })
})

describe('Asked directly', () => {
  const expectTurnedAway = async (bytes: string): Promise<void> => {
    await proxy.startOver()
    const { answers } = await talk(proxy.authzPort, bytes)
    expect(answers.map(({ status }) => status)).toEqual([403])
    expect(answers[0]?.headers).not.toHaveProperty('x-pagepass-assertion')
    // Nothing that it says counts, so nothing of it is kept.
    expect(await proxy.records(1, decisions)).toMatchObject([
      {
        kind: 'refused',
        reason: 'front-unknown',
        status: 403,
        client: '127.0.0.1',
        method: '',
        host: '',
        path: '',
      },
    ])
    expect((await ask(proxy.authzPort, asNginx({ token }))).status).toBe(200)
    expect(proxy.faults).toEqual([])
  }

  test.each([
    ['no secret', undefined],
    ['an empty one', ''],
    ['a wrong one', 'w'.repeat(frontSecret.length)],
    ['the beginning of the right one', frontSecret.slice(0, -1)],
    ['the right one twice in one', `${frontSecret}, ${frontSecret}`],
  ])('with %s nobody is heard', async (_, secret) => {
    for (const speak of [asNginx, asForwardAuth, asEnvoy]) await expectTurnedAway(speak({ token, secret }))
  })

  test('the secret counts in its own header only, and once', async () => {
    const line = `X-Pagepass-Front: ${frontSecret}`
    await expectTurnedAway(asNginx({ token, more: [line] }))
    await expectTurnedAway(asNginx({ token, secret: 'x', more: [line] }))
    await expectTurnedAway(asNginx({ token, secret: undefined, more: [line.replace(/-/g, '_')] }))
    await expectTurnedAway(
      asNginx({ token, secret: undefined }).replace('/nginx', `/nginx?secret=${frontSecret}`),
    )
  })

  test('bytes that are no question are turned away, and recorded', async () => {
    for (const bytes of [
      'nonsense\r\n\r\n',
      `CONNECT orders-svc.${domain}:80 HTTP/1.1\r\nHost: x\r\nX-Pagepass-Front: ${frontSecret}\r\n\r\n`,
      `GET /nginx HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nX-Pagepass-Front: ${frontSecret}\r\n\r\n`,
      asNginx({ token, more: [`X-Long: ${'x'.repeat(30_000)}`] }),
    ])
      await expectTurnedAway(bytes)
  })

  const expectNo = async (bytes: string, reason: string): Promise<void> => {
    await proxy.startOver()
    const answer = await ask(proxy.authzPort, bytes)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(problemOf(answer)).toMatchObject({ reason })
    expect(answer.headers).not.toHaveProperty('x-pagepass-assertion')
    expect(await proxy.records(1, decisions)).toMatchObject([{ kind: 'refused', reason }])
  }

  test('each header that says what was asked comes exactly once, and none of another dialect stands in for it', async () => {
    const byDialect = [
      [
        asNginx,
        [
          'X-Original-Method',
          'X-Original-URI',
          'X-Original-Host',
          'X-Original-Vhost',
          'X-Original-Upgrade',
          'X-Original-For',
        ],
      ],
      [asForwardAuth, ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Forwarded-Host', 'X-Forwarded-Proto']],
      [asEnvoy, ['Host']],
    ] as const
    const allOf = (speak: typeof asNginx) =>
      speak({})
        .split('\r\n')
        .filter((line) => /^X-(?:Orig|Forw)/.test(line))
    const everything = [...allOf(asNginx), ...allOf(asForwardAuth)]
    for (const [speak, names] of byDialect)
      for (const header of names) {
        const own =
          speak({})
            .split('\r\n')
            .find((line) => line.startsWith(`${header}: `)) ?? ''
        await expectNo(speak({ token, more: [own] }), 'front-unclear')
        await expectNo(speak({ token, more: [own.toLowerCase()] }), 'front-unclear')
        const others = everything.filter((line) => !line.startsWith(header))
        await expectNo(speak({ token, without: [header] }), 'front-unclear')
        const foreign = others.filter((line) => !speak({}).includes(line))
        await expectNo(speak({ token, without: [header], more: foreign }), 'front-unclear')
      }
  })

  test('headers of another dialect decide nothing', async () => {
    const nginx = asNginx({ method: 'DELETE', target: '/admin/x', host: `payments-svc.${domain}` })
    const lines = nginx.split('\r\n').filter((line) => line.startsWith('X-Original'))
    for (const speak of [asForwardAuth, asEnvoy]) {
      await proxy.startOver()
      expect((await ask(proxy.authzPort, speak({ token, more: lines }))).status).toBe(200)
      const [record] = await proxy.records(1, decisions)
      expect(record).toMatchObject({
        kind: 'decided',
        method: 'GET',
        path: '/v1/orders',
        service: 'orders-svc',
      })
    }
  })

  test.each([
    ['/nginx/', 'front-unclear'],
    ['/NGINX', 'front-unclear'],
    ['/nginx/../envoy/v1/x', 'front-unclear'],
    ['/envoy', 'front-unclear'],
    ['/envoyv1/x', 'front-unclear'],
    ['//envoy/v1/x', 'front-unclear'],
    ['/', 'front-unclear'],
    ['/envoy//v1/x', 'target-not-canonical'],
    ['/envoy/../nginx', 'target-not-canonical'],
    ['/envoy/v1/../admin', 'target-not-canonical'],
  ])('asked at %s: %s', async (path, reason) => {
    await expectNo(asEnvoy({ token, target: '/v1/x' }).replace('/envoy/v1/x', path), reason)
  })

  test('two hosts of one question are one, or it is a no', async () => {
    const host = `X-Original-Vhost: payments-svc.${domain}`
    await expectNo(asNginx({ token, without: ['X-Original-Vhost'], more: [host] }), 'headers-ambiguous')
  })

  test('an answer is of its own question, also on a connection shared by many', async () => {
    const client = rawClient(proxy.authzPort)
    const ben = await proxy.token('ben')
    const questions = Array.from({ length: 40 }, (_, index) =>
      [asNginx, asForwardAuth, asEnvoy][index % 3]?.({
        token: index % 2 === 0 ? token : ben,
        method: index % 5 === 0 ? 'POST' : 'GET',
      }),
    )
    client.send(questions.join(''))
    const { answers } = await client.answers(40)
    client.end()
    for (const [index, { status, headers }] of answers.entries()) {
      const isAna = index % 2 === 0
      expect(status).toBe(isAna || index % 5 !== 0 ? 200 : 403)
      const [, claims = ''] = (headers['x-pagepass-assertion']?.[0] ?? '').split('.')
      if (status === 200)
        expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
          sub: isAna ? 'idp-ana' : 'idp-ben',
        })
    }
  })

  test('no canary of a question is in the audit or the log', async () => {
    const target = '/v1/orders?password=canary-of-the-query'
    await ask(proxy.authzPort, asNginx({ token, target, more: ['Cookie: canary-of-the-cookie'] }))
    await ask(proxy.authzPort, asNginx({ token: `${token}x`, target: `/v1//x?canary-of-the-query` }))
    const text = JSON.stringify([await proxy.records(2, decisions), proxy.logged])
    for (const canary of ['canary', frontSecret, token.slice(-20)]) expect(text).not.toContain(canary)
  })
})
