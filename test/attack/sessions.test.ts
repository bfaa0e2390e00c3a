/**
 * The attack: use the session of somebody else's browser. A browser sends a cookie with whatever any page makes it ask
 * for: a form, an image, a frame, a WebSocket of another site (CSRF; cross-site WebSocket hijacking, Christian Schneider,
 * 2013), or of a sibling service, which is the same site, so that SameSite does not help. Or plant one's own session there,
 * under a name that one parser takes for ours and another does not ("Cookie Chaos", PortSwigger, 2025; CVE-2022-2860), or
 * beside the real one. Or get the cookie out, through the service, an error, a record or a log. What comes with our cookie
 * must come from the host's own pages, or open a tab; two of what must be one are refused; the service never sees it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { otherServers, startBackEnd } from '../builders/back-ends.ts'
import { plantedSessions } from '../builders/planted-sessions.ts'
import { domain, handshakeHeaders, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'

const host = `orders-svc.${domain}`
const secret = 'Canary.of-a_session~1'
const own = `Cookie: __Host-pagepass=${secret}`
const sameOrigin = ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty']
const link = [
  'Sec-Fetch-Site: cross-site',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-User: ?1',
]
const foreign = { status: 403, reason: 'origin-foreign' }
const ambiguous = { status: 400, reason: 'headers-ambiguous' }
const over = { status: 401, reason: 'session-over' }

const planted = plantedSessions()
let proxy: ProxyUnderTest
let without: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 80, { sessions: planted.sessions })
  without = await startProxyForTest(inject('redisUrl'), 82)
  for (const one of [proxy, without]) {
    await one.give('ana')
    await one.give('ana', { service: 'payments-svc' })
  }
})
afterAll(async () => {
  await proxy.stop()
  await without.stop()
})
beforeEach(() => {
  planted.answerWith()
  planted.plant(proxy, secret, 'ana', 'orders-svc')
  planted.asked.length = 0
})

const bytesOf = (headers: readonly string[], method = 'GET', target = '/v1/x', body = ''): string =>
  [`${method} ${target} HTTP/1.1`, ...headers, '', body].join('\r\n')

/** A request without a token. */
const browser = (headers: readonly string[], method = 'GET', target = '/v1/x', at = host): string =>
  bytesOf([`Host: ${at}`, ...headers], method, target)

const expectNothingLeaked = async (it = proxy): Promise<void> => {
  expect(it.orders.bytes() + it.payments.bytes()).not.toContain(secret)
  expect(JSON.stringify(await it.readAudit())).not.toContain(secret)
  expect(JSON.stringify(it.logged)).not.toContain(secret)
}

describe('A session', () => {
  test.each([
    ['of the own page', 'GET', sameOrigin],
    [
      'of the own page, changing something',
      'POST',
      [...sameOrigin, `Origin: https://${host}`, 'Content-Length: 0'],
    ],
    ['of the own page in an old browser', 'PUT', [`Origin: https://${host}`, 'Content-Length: 0']],
    ['of a link elsewhere', 'GET', link],
    ['of an address typed by hand', 'GET', ['Sec-Fetch-Site: none', ...link.slice(1)]],
  ])('is who asks: %s', async (_, method, headers) => {
    const seen = await expectOneRequest(proxy, browser([own, ...headers], method))
    expect(valuesOf(seen, 'cookie')).toEqual([])
    expect(planted.asked).toEqual([{ cookie: secret, host }])
    await expectNothingLeaked()
  })

  test('is recorded as the person, under their pass', async () => {
    await proxy.startOver()
    await ask(proxy.port, browser([own, ...sameOrigin]))
    expect(await proxy.records(1, ['admitted'])).toMatchObject([
      { who: `${proxy.idp.issuer} idp-ana`, service: 'orders-svc', tier: 'observe' },
    ])
  })

  test('may be looked up for a while', async () => {
    planted.answerWith((found) => Promise.resolve(found))
    await expectOneRequest(proxy, browser([own, ...sameOrigin]))
  })

  test('is for the host however that is spelled', async () => {
    for (const spelled of [`${host}:443`, `${host}:${proxy.port}`, host.toUpperCase()]) {
      await proxy.startOver()
      const origin = `Origin: https://${spelled.toLowerCase().replace(/:443$/, '')}`
      const answer = await ask(proxy.port, browser([own, origin], 'GET', '/v1/x', spelled))
      expect(answer.status).toBe(200)
      expect(planted.asked.at(-1)).toEqual({ cookie: secret, host })
    }
  })

  test('leaves Authorization to the application', async () => {
    const seen = await expectOneRequest(proxy, browser([own, ...sameOrigin, 'Authorization: Basic YTpi']))
    expect(valuesOf(seen, 'authorization')).toEqual(['Basic YTpi'])
  })

  test('needs a pass like any other credential', async () => {
    planted.plant(proxy, 'bens', 'ben', 'orders-svc')
    const bytes = browser(['Cookie: __Host-pagepass=bens', ...sameOrigin])
    await expectRefused(proxy, bytes, { status: 403, reason: 'grant-missing' })
  })
})

describe('A session that proves nothing', () => {
  test.each([
    ['made up', `${secret}x`],
    ['that is a token', 'token'],
    ['named like what an object has', '__proto__'],
    ['as long as a cookie may be', 'a'.repeat(4_096)],
  ])('%s', async (_, value) => {
    const cookie = value === 'token' ? await proxy.token('ana') : value
    await expectRefused(proxy, browser([`Cookie: __Host-pagepass=${cookie}; a=1`, ...sameOrigin]), over)
    expect(planted.asked).toEqual([{ cookie, host }])
  })

  test.each([
    ['empty', ''],
    ['in quotes', `"${secret}"`],
    ['with space behind it', `${secret} `],
    ['with a comma', `${secret},x`],
    ['with a high byte', `${secret}\xe9`],
    ['with a backslash', `${secret}\\`],
    ['too long', 'a'.repeat(4_097)],
  ])('%s, which none can be: nobody is asked', async (_, cookie) => {
    planted.plant(proxy, cookie, 'ana', 'orders-svc')
    await expectRefused(proxy, browser([`Cookie: __Host-pagepass=${cookie}; a=1`, ...sameOrigin]), over)
    expect(planted.asked).toEqual([])
  })

  test('of another host, whoever’s', async () => {
    const at = `payments-svc.${domain}`
    await expectRefused(proxy, browser([own, ...sameOrigin], 'GET', '/v1/x', at), over)
    expect(planted.asked).toEqual([{ cookie: secret, host: at }])
  })

  test('that is over, also while it was looked up', async () => {
    planted.plant(proxy, secret, 'ana', 'orders-svc', { validUntil: proxy.now() })
    await expectRefused(proxy, browser([own, ...sameOrigin]), over)
    planted.plant(proxy, secret, 'ana', 'orders-svc', { validUntil: proxy.now() + 1_000 })
    planted.answerWith((found) => {
      proxy.ahead(1_001)
      return Promise.resolve(found)
    })
    await expectRefused(proxy, browser([own, ...sameOrigin]), over)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no session store')
      },
    ],
    ['fails later', () => Promise.reject(new Error('no session store'))],
  ])('whose source %s: nobody is let through, and the process lives', async (_, answer) => {
    planted.answerWith(answer)
    await expectRefused(proxy, browser([own, ...sameOrigin]), { status: 503, reason: 'identity-unavailable' })
  })

  test('at the address of a WebSocket, of TRACE, of an odd path: refused before anybody is asked', async () => {
    await expectRefused(proxy, browser([own, ...link], 'TRACE'), {
      status: 400,
      reason: 'method-not-allowed',
    })
    await expectRefused(proxy, browser([own, ...link], 'GET', '/v1//x'), {
      status: 400,
      reason: 'target-not-canonical',
    })
    expect(planted.asked).toEqual([])
  })
})

describe('A page of another site or service acts with the session of whoever looks at it', () => {
  test.each([
    ['an image', 'GET', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image']],
    [
      'a script of a sibling',
      'GET',
      ['Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: script'],
    ],
    [
      'a fetch of a sibling',
      'GET',
      [
        'Sec-Fetch-Site: same-site',
        'Sec-Fetch-Mode: cors',
        'Sec-Fetch-Dest: empty',
        `Origin: https://payments-svc.${domain}`,
      ],
    ],
    [
      'a preflight',
      'OPTIONS',
      [
        'Sec-Fetch-Site: cross-site',
        'Sec-Fetch-Mode: cors',
        'Sec-Fetch-Dest: empty',
        'Origin: https://evil.example',
      ],
    ],
    ['a form', 'POST', [...link, 'Origin: https://evil.example', 'Content-Length: 0']],
    [
      'a form of a sibling',
      'POST',
      [
        'Sec-Fetch-Site: same-site',
        ...link.slice(1),
        `Origin: https://payments-svc.${domain}`,
        'Content-Length: 0',
      ],
    ],
    ['a frame', 'GET', [...link.slice(0, 2), 'Sec-Fetch-Dest: iframe']],
    ['a HEAD', 'HEAD', link],
    ['a link that is only fetched ahead', 'GET', [...link, 'Sec-Purpose: prefetch']],
    ['a form of an old browser', 'POST', ['Origin: https://evil.example', 'Content-Length: 0']],
    ['a form of nobody', 'POST', ['Origin: null', 'Content-Length: 0']],
    ['the same host by another scheme', 'POST', [`Origin: http://${host}`, 'Content-Length: 0']],
    ['the same host at another port', 'POST', [`Origin: https://${host}:8080`, 'Content-Length: 0']],
    ['something that says nothing, changing something', 'POST', ['Content-Length: 0']],
    ['something that says nothing', 'GET', []],
    ['something that says it in Referer only', 'GET', [`Referer: https://${host}/`]],
    [
      'something that says it in headers that look like these',
      'POST',
      [
        'Sec_Fetch_Site: same-origin',
        'X-Sec-Fetch-Site: same-origin',
        `X-Origin: https://${host}`,
        'Content-Length: 0',
      ],
    ],
    [
      'something that says it for a host that the client made up',
      'POST',
      [
        `Origin: https://${host}`,
        `X-Forwarded-Proto: https`,
        'Content-Length: 0',
        'Sec-Fetch-Site: cross-site',
      ],
    ],
    [
      'words of no browser',
      'GET',
      ['Sec-Fetch-Site: SAME-ORIGIN', 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty'],
    ],
  ])('%s', async (_, method, headers) => {
    await expectRefused(proxy, browser([own, ...headers], method), foreign)
    // Nor does it say whether the session is one.
    await expectRefused(proxy, browser(['Cookie: __Host-pagepass=none', ...headers], method), foreign)
    expect(planted.asked).toEqual([])
  })

  test.each([
    ['site', ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site']],
    ['site, twice the same', ['Sec-Fetch-Site: same-origin', 'sec-fetch-site: same-origin']],
    ['mode', [...link, 'Sec-Fetch-Mode: navigate']],
    ['dest', [...link, 'Sec-Fetch-Dest: document']],
    ['user', [...link, 'Sec-Fetch-User: ?1']],
    ['purpose', [...sameOrigin, 'Sec-Purpose: prefetch', 'Sec-Purpose: prefetch']],
    ['origin', [`Origin: https://${host}`, `Origin: https://${host}`]],
    ['origin, of the own page', [...sameOrigin, 'Origin: https://evil.example', `Origin: https://${host}`]],
  ])('Two of what says where it comes from: %s', async (_, headers) => {
    await expectRefused(proxy, browser([own, ...headers]), ambiguous)
  })

  test('The browser’s own words stay what they are for the service, and naming them in Connection hides nothing from us', async () => {
    const seen = await expectOneRequest(proxy, browser([own, ...link]))
    expect(valuesOf(seen, 'sec-fetch-site')).toEqual(['cross-site'])
    const hidden = browser([
      own,
      ...link.slice(0, 2),
      'Sec-Fetch-Dest: iframe',
      'Connection: sec-fetch-dest, cookie',
    ])
    await expectRefused(proxy, hidden, foreign)
  })

  test('They read what to do about it', async () => {
    await proxy.startOver()
    const page = await ask(
      proxy.port,
      browser([own, ...link.slice(0, 2), 'Sec-Fetch-Dest: iframe', 'Accept: text/html']),
    )
    expect(page.body).toContain('Open the address itself in a tab')
    expect(page.headers['x-frame-options']).toEqual(['DENY'])
    expect(page.body).not.toContain(secret)
    const problem = problemOf(await ask(proxy.port, browser([own], 'POST')))
    expect(problem).toMatchObject({ status: 403, reason: 'origin-foreign' })
    expect(problem['ask']).toBeUndefined()
  })
})

describe('A WebSocket', () => {
  const handshake = (...headers: string[]): string =>
    browser([...handshakeHeaders, ...headers], 'GET', '/live')

  test('of the own page opens, and the service gets none of our cookie', async () => {
    await proxy.startOver()
    const client = proxy.client()
    client.send(handshake(`Cookie: a=1; __Host-pagepass=${secret}; b=2`, `Origin: https://${host}`))
    await until(() => proxy.orders.lines().length === 1, 'the line')
    await client.when(() => client.text().includes('\r\n\r\n'), 'the answer')
    expect(client.text()).toMatch(/^HTTP\/1\.1 101 /)
    const [line] = proxy.orders.lines()
    expect(line && valuesOf(line, 'cookie')).toEqual(['a=1; b=2'])
    expect(line && valuesOf(line, 'forwarded')).toEqual([`for=127.0.0.1;host=${host};proto=http`])
    await expectNothingLeaked()
  })

  test.each([
    ['of another site', ['Origin: https://evil.example']],
    ['of a sibling', [`Origin: https://payments-svc.${domain}`]],
    ['of nobody', ['Origin: null']],
    ['that does not say', []],
    [
      'that only says same-origin',
      ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: websocket', 'Sec-Fetch-Dest: empty'],
    ],
    ['in the words of a link', link],
    ['by its own scheme', [`Origin: ws://${host}`]],
    ['of the other scheme', [`Origin: http://${host}`]],
  ])('%s does not', async (_, headers) => {
    await expectRefused(proxy, handshake(own, ...headers), foreign)
    expect(planted.asked).toEqual([])
  })

  test('with two origins does not', async () => {
    const two = handshake(own, `Origin: https://${host}`, 'Origin: https://evil.example')
    await expectRefused(proxy, two, ambiguous)
  })

  test('with a token may come from anywhere: no page can send one', async () => {
    await proxy.startOver()
    const client = proxy.client()
    client.send(await proxy.handshake('ana', '/live', { more: ['Origin: https://evil.example'] }))
    await until(() => proxy.orders.lines().length === 1, 'the line')
  })
})

describe('Two credentials', () => {
  test.each([
    ['a token and a session of one person', 'Authorization', 'ana', secret],
    ['a token and a session of two', 'Authorization', 'ben', secret],
    ['a token, and a session that is none', 'Authorization', 'ana', 'none'],
    ['a token, and an empty one', 'Authorization', 'ana', ''],
    ['a token of ours and a session', 'X-Pagepass-Authorization', 'ana', secret],
  ] as const)('%s', async (_, header, name, session) => {
    const cookie = `Cookie: __Host-pagepass=${session}`
    const token = `${header}: Bearer ${await proxy.token(name)}`
    await expectRefused(proxy, browser([cookie, token, ...sameOrigin]), ambiguous)
    await expectRefused(proxy, browser([token, cookie, ...link]), ambiguous)
    expect(planted.asked).toEqual([])
  })

  test.each(['Basic YTpi', '', 'x'])('X-Pagepass-Authorization: %j and a session', async (value) => {
    await expectRefused(proxy, browser([own, `X-Pagepass-Authorization: ${value}`, ...sameOrigin]), ambiguous)
  })

  test.each([
    ['twice in one header', [`Cookie: __Host-pagepass=${secret}; __Host-pagepass=${secret}`]],
    ['beside another in one header', [`Cookie: __Host-pagepass=${secret}; a=1; __Host-pagepass=planted`]],
    ['in two headers', [own, own]],
    ['in two headers, one of them empty', ['cookie: __Host-pagepass=', own]],
    [
      'in two headers, among others',
      ['Cookie: a=1; __Host-pagepass=planted', `COOKIE: b=2; __Host-pagepass=${secret}`],
    ],
    ['with space in its name', [own, 'Cookie: __Host-pagepass =planted']],
    ['without a value', ['Cookie: __Host-pagepass']],
  ])('our cookie %s', async (_, headers) => {
    await expectRefused(proxy, browser([...headers, ...sameOrigin]), ambiguous)
  })
})

describe('A cookie that is not ours', () => {
  const others = [
    '__Host-Pagepass=planted',
    '__host-pagepass=planted',
    '__Host-pagepass2=planted',
    'x__Host-pagepass=planted',
    '$Version=1, __Host-pagepass=planted',
    'a=1,__Host-pagepass=planted',
    '=__Host-pagepass=planted',
    '\xe2\x80\x80__Host-pagepass=planted',
    '\xa0__Host-pagepass=planted',
    'a="x; b=__Host-pagepass=planted; c=y"',
  ]

  test.each(others)('%s is no session, and no doubled one', async (other) => {
    planted.plant(proxy, 'planted', 'ben', 'orders-svc')
    await expectRefused(proxy, browser([`Cookie: ${other}`, ...sameOrigin]), {
      status: 401,
      reason: 'token-missing',
    })
    const seen = await expectOneRequest(
      proxy,
      browser([`Cookie: ${other}; __Host-pagepass=${secret}`, ...sameOrigin]),
    )
    expect(valuesOf(seen, 'cookie')).toEqual([other])
    expect(planted.asked).toEqual([{ cookie: secret, host }])
  })

  test('goes on byte for byte, in the headers that it came in', async () => {
    const seen = await expectOneRequest(
      proxy,
      browser([
        ...sameOrigin,
        'Cookie: a="1 ; 2";;b = \xe9 ; =c',
        `cookie: d=1;__Host-pagepass=${secret};  e=2;`,
        'Cookie: f',
      ]),
    )
    expect(valuesOf(seen, 'cookie')).toEqual(['a="1 ; 2";;b = \xe9 ; =c', 'd=1;  e=2;', 'f'])
  })
})

describe('Where nobody can sign in', () => {
  test.each([
    ['the own page', sameOrigin],
    ['another site', link],
    ['nobody', []],
  ])('our cookie is no credential: %s', async (_, headers) => {
    await expectRefused(without, browser([own, ...headers]), { status: 401, reason: 'token-missing' })
    await expectNothingLeaked(without)
  })

  test('it does not reach the service, nor what else it says matter', async () => {
    const cookie = `Cookie: a=1; __Host-pagepass=${secret}; b=2`
    const seen = await expectOneRequest(
      without,
      await without.request('ana', 'GET', '/v1/x', [cookie, ...link]),
    )
    expect(valuesOf(seen, 'cookie')).toEqual(['a=1; b=2'])
    await expectOneRequest(without, await without.request('ana', 'GET', '/v1/x', [own, 'Origin: null']))
    await expectNothingLeaked(without)
  })

  test('two of it are refused all the same', async () => {
    await expectRefused(without, await without.request('ana', 'GET', '/v1/x', [own, own]), ambiguous)
  })
})

test('With a token, what a browser says of where it comes from decides nothing', async () => {
  const headers = [
    'Cookie: a=1',
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: x',
    'Origin: null',
    'Origin: null',
  ]
  await expectOneRequest(proxy, await proxy.request('ana', 'GET', '/v1/x', headers))
})

test('The reserved paths say nothing of a cookie, and nothing of it goes anywhere', async () => {
  await proxy.startOver()
  for (const path of ['jwks.json', 'whoami', 'callback', 'logout', '']) {
    const answer = await ask(proxy.port, browser([own, ...link], 'GET', `/.pagepass/${path}`))
    expect(JSON.stringify(answer)).not.toContain(secret)
    expect(answer.headers['set-cookie']).toBeUndefined()
  }
  expect(planted.asked).toEqual([])
  expect(proxy.orders.bytes() + proxy.payments.bytes()).toBe('')
  await expectNothingLeaked()
  await expectGoodRequest(proxy)
})

/** All of it is decided before any server is asked; so that nothing reaches these either is shown by a few. */
describe.each(otherServers)('Before a service on %s:', (server) => {
  const there = plantedSessions()
  let it: ProxyUnderTest
  beforeAll(async () => {
    const orders = await startBackEnd(server)
    it = await startProxyForTest(inject('redisUrl'), 108, { sessions: there.sessions, orders })
    await it.give('ana')
    there.plant(it, secret, 'ana', 'orders-svc')
  })
  afterAll(() => it.stop())
  const live = (...headers: string[]) => browser([...handshakeHeaders, own, ...headers], 'GET', '/live')

  test('a session of the own page reaches it, and the cookie does not', async () => {
    const cookie = `Cookie: a=1; __Host-pagepass=${secret}; b=2`
    const seen = await expectOneRequest(it, browser([cookie, ...sameOrigin]))
    expect(valuesOf(seen, 'cookie')).toEqual(['a=1; b=2'])
    await it.startOver()
    const client = it.client()
    client.send(live(`Origin: https://${host}`))
    await client.when(() => client.text().includes('\r\n\r\n'), 'the answer')
    expect(client.text()).toMatch(/^HTTP\/1\.1 101 /)
    expect(it.orders.lines().map((line) => valuesOf(line, 'cookie'))).toEqual([[]])
    await expectNothingLeaked(it)
  })

  test.each([
    [
      'an image of another site',
      () => browser([own, ...link.slice(0, 1), 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image']),
      foreign,
    ],
    [
      'a form of a sibling',
      () => browser([own, `Origin: https://payments-svc.${domain}`, 'Content-Length: 0'], 'POST'),
      foreign,
    ],
    ['a WebSocket of another site', () => live('Origin: https://evil.example'), foreign],
    ['a WebSocket of a sibling', () => live(`Origin: https://payments-svc.${domain}`), foreign],
    ['two of our cookie', () => browser([own, own, ...sameOrigin]), ambiguous],
    ['a session that is none', () => browser(['Cookie: __Host-pagepass=none', ...sameOrigin]), over],
  ])('%s does not', async (_, bytes, expected) => {
    await expectRefused(it, bytes(), expected)
    await expectNothingLeaked(it)
  })
})
