import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Chromium, startChromium, type Tab } from '../../builders/chromium.ts'
import { http2Client } from '../../builders/http2-client.ts'
import { plantedSessions } from '../../builders/planted-sessions.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../../builders/proxy.ts'
import { onlyRequestTo, valuesOf } from '../../builders/upstream.ts'

const planted = plantedSessions()
let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 81, { tls: 'own', sessions: planted.sessions })
  for (const service of ['orders-svc', 'payments-svc']) {
    await proxy.give('ana', { service })
    planted.plant(proxy, `session-at-${service}`, 'ana', service)
  }
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(() => expect(proxy.faults).toEqual([]))

describe('Over HTTP/2', () => {
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const session = '__Host-pagepass=session-at-orders-svc'

  const ask = async (headers: Readonly<Record<string, string | string[]>>, method = 'GET') => {
    const client = http2Client(proxy.port)
    try {
      const stream = client.session.request({
        ':method': method,
        ':path': '/v1/x',
        ':authority': `orders-svc.${domain}`,
        ...headers,
      })
      let status: unknown
      stream.on('response', (answered) => {
        status = answered[':status']
      })
      stream.resume().end()
      await once(stream, 'close')
      return status
    } finally {
      client.end()
    }
  }

  test('a session in one of many crumbs is who asks, and all other crumbs reach the service as one', async () => {
    expect(await ask({ ...link, cookie: ['a=1', session, 'b=2', 'c=3; d=4'] })).toBe(200)
    const seen = onlyRequestTo(proxy.orders)
    expect(valuesOf(seen, 'cookie')).toEqual(['a=1; b=2; c=3; d=4'])
    expect(valuesOf(seen, 'forwarded')).toEqual([`for=127.0.0.1;host=orders-svc.${domain};proto=https`])
  })

  test('a session alone leaves no cookie', async () => {
    expect(await ask({ ...link, cookie: session })).toBe(200)
    expect(valuesOf(onlyRequestTo(proxy.orders), 'cookie')).toEqual([])
  })

  test.each<[string, number, Readonly<Record<string, string | string[]>>]>([
    ['twice in crumbs', 400, { ...link, cookie: [session, 'a=1', session] }],
    ['beside a token', 400, { ...link, cookie: session, authorization: 'Bearer x' }],
    [
      'in two crumbs that only together have its name',
      401,
      { ...link, cookie: ['__Host-', 'pagepass=session-at-orders-svc'] },
    ],
    ['of another host', 401, { ...link, cookie: '__Host-pagepass=session-at-payments-svc' }],
    ['asked for by a frame', 403, { ...link, 'sec-fetch-dest': 'iframe', cookie: session }],
    ['asked for by nobody', 403, { cookie: session }],
    ['of the same host without TLS', 403, { cookie: session, origin: `http://orders-svc.${domain}` }],
    ['with two origins', 400, { cookie: session, origin: [`https://orders-svc.${domain}`, 'null'] }],
  ])('a session %s is refused', async (_, status, headers) => {
    expect(await ask(headers)).toBe(status)
    expect(proxy.orders.bytes()).toBe('')
    expect(await proxy.records(1)).toMatchObject([{ kind: 'refused', status }])
  })

  test('the own page may change something', async () => {
    expect(await ask({ cookie: session, origin: `https://orders-svc.${domain}` }, 'POST')).toBe(200)
  })
})

describe('In a real browser', () => {
  let chromium: Chromium
  let tab: Tab
  let evil: Server

  const at = (service: string): string => `https://${service}.${domain}:${proxy.port}`
  const evilOrigin = (): string => `http://evil.example:${(evil.address() as AddressInfo).port}`

  /** Frames, forms and images of a page are these, whichever service has it. */
  const page = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><p>${request.url}</p>`)
  }
  const targets = (): string[] => proxy.orders.received().map(({ method, target }) => `${method} ${target}`)
  const reached = (what: string): Promise<void> => until(() => targets().includes(what), `${what} to arrive`)
  const refusalOf = async (path: string) => {
    const find = async () => (await proxy.records(0, ['refused'])).find((one) => one['path'] === path)
    await until(async () => (await find()) !== undefined, `the record of ${path}`)
    return find()
  }

  beforeAll(async () => {
    evil = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>evil</p>'),
    )
    await once(evil.listen(0, '127.0.0.1'), 'listening')
    chromium = await startChromium()
  })
  afterAll(async () => {
    await chromium?.stop()
    evil.closeAllConnections()
    evil.close()
  })
  beforeEach(async () => {
    proxy.orders.answerWith(page)
    proxy.payments.answerWith(page)
    tab = await chromium.open()
    for (const service of ['orders-svc', 'payments-svc'])
      await tab.setCookie(at(service), '__Host-pagepass', `session-at-${service}`)
  })

  test('a service’s own page does with the session whatever the pass admits', async () => {
    await tab.setCookie(at('orders-svc'), 'theirs', 'kept')
    await tab.goTo(`${at('orders-svc')}/`)
    expect(await tab.run('document.body.innerText')).toBe('/')
    const [opened] = proxy.orders.received()
    expect(opened && valuesOf(opened, 'cookie')).toEqual(['theirs=kept'])
    expect(opened && valuesOf(opened, 'sec-fetch-site')).toEqual(['none'])

    expect(await tab.run('fetch("/v1/read").then(({ status }) => status)')).toBe(200)
    const post = 'fetch("/v1/write", { method: "POST", body: "x" }).then(({ status }) => status)'
    expect(await tab.run(post)).toBe(200)
    await tab.run('new Image().src = "/v1/image"')
    await reached('GET /v1/image')
    await tab.run(
      'document.body.append(Object.assign(document.createElement("iframe"), { src: "/v1/frame" }))',
    )
    await reached('GET /v1/frame')
    const greet = `new Promise((opened, failed) => {
      const line = new WebSocket("wss://" + location.host + "/live")
      line.onopen = () => opened(line.readyState)
      line.onerror = () => failed(new Error("refused"))
    })`
    expect(await tab.run(greet)).toBe(1)
    expect(proxy.orders.lines()).toHaveLength(1)
    const form = `document.body.append(Object.assign(document.createElement("form"), { method: "post", action: "/v1/form" }));
      document.forms[0].submit()`
    await tab.runAway(form)
    expect(await tab.run('document.body.innerText')).toBe('/v1/form')
    expect(targets()).toContain('POST /v1/form')
    const sent = JSON.stringify(proxy.orders.received().map(({ rawHeaders }) => rawHeaders))
    expect(sent).not.toContain('session-at')
    expect(
      (await proxy.records(0, ['refused'])).map(({ path }) => path).filter((path) => path !== '/favicon.ico'),
    ).toEqual([])
  })

  test('a form of a page that hides its address is the page’s own, too', async () => {
    proxy.orders.answerWith((request, response) => {
      response.setHeader('referrer-policy', 'no-referrer')
      page(request, response)
    })
    await tab.goTo(`${at('orders-svc')}/`)
    await tab.runAway(`document.body.append(Object.assign(document.createElement("form"), { method: "post", action: "/v1/form" }));
      document.forms[0].submit()`)
    const seen = proxy.orders.received().find(({ method }) => method === 'POST')
    expect(seen && valuesOf(seen, 'origin')).toEqual(['null'])
  })

  test('a sibling’s page fetches nothing ahead, and its link opens the service all the same', async () => {
    await tab.goTo(`${at('payments-svc')}/`)
    const url = `${at('orders-svc')}/v1/ahead`
    await tab.run(`document.body.append(Object.assign(document.createElement("script"), {
      type: "speculationrules",
      text: JSON.stringify({ prefetch: [{ urls: ["${url}"], eagerness: "immediate" }] }),
    }))`)
    expect(await refusalOf('/v1/ahead')).toMatchObject({ reason: 'origin-foreign' })
    expect(targets()).toEqual([])
    await tab.runAway(`document.body.append(Object.assign(document.createElement("a"), { href: "${url}" }));
      document.querySelector("a").click()`)
    expect(await tab.run('document.body.innerText')).toBe('/v1/ahead')
    expect(targets()).toContain('GET /v1/ahead')
  })

  describe.each([
    ['a sibling service', () => `${at('payments-svc')}/`],
    ['another site', () => `${evilOrigin()}/`],
  ])('a page of %s', (_, address) => {
    /** What the page tries, by the path it tries it at. */
    const attempts: readonly (readonly [string, string, (url: string) => string])[] = [
      ['a fetch', '/v1/fetch', (url) => `fetch("${url}", { credentials: "include" })`],
      ['a blind fetch', '/v1/blind', (url) => `fetch("${url}", { mode: "no-cors", credentials: "include" })`],
      [
        'a blind fetch that writes',
        '/v1/post',
        (url) => `fetch("${url}", { method: "POST", mode: "no-cors", credentials: "include", body: "x" })`,
      ],
      ['a beacon', '/v1/beacon', (url) => `navigator.sendBeacon("${url}", "x")`],
      ['an image', '/v1/image', (url) => `new Image().src = "${url}"`],
      [
        'a script',
        '/v1/script',
        (url) => `document.body.append(Object.assign(document.createElement("script"), { src: "${url}" }))`,
      ],
      [
        'a style',
        '/v1/style',
        (url) =>
          `document.body.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "${url}" }))`,
      ],
      [
        'a frame',
        '/v1/frame',
        (url) => `document.body.append(Object.assign(document.createElement("iframe"), { src: "${url}" }))`,
      ],
      [
        'an object',
        '/v1/object',
        (url) => `document.body.append(Object.assign(document.createElement("object"), { data: "${url}" }))`,
      ],
      [
        'a form into a frame',
        '/v1/form-frame',
        (url) => `(() => {
        const frame = Object.assign(document.createElement("iframe"), { name: "into" })
        const form = Object.assign(document.createElement("form"), { method: "post", action: "${url}", target: "into" })
        document.body.append(frame, form)
        form.submit()
      })()`,
      ],
      ['a stream of events', '/v1/events', (url) => `new EventSource("${url}", { withCredentials: true })`],
      ['a WebSocket', '/live/line', (url) => `new WebSocket("${url.replace('https:', 'wss:')}")`],
    ]

    test.each(attempts)('does nothing by %s', async (_, path, attempt) => {
      await tab.goTo(address())
      proxy.orders.forget()
      const expression = attempt(`${at('orders-svc')}${path}`)
      await tab.run(`void (() => { ${expression} })()`)
      // It came with the session, and that alone was not enough.
      expect(await refusalOf(path)).toMatchObject({ reason: 'origin-foreign', status: 403 })
      expect(proxy.orders.bytes()).toBe('')
    })

    test('does nothing by a form that it leaves by; who looks at it reads why', async () => {
      await tab.goTo(address())
      await tab.runAway(`document.body.append(Object.assign(document.createElement("form"), { method: "post", action: "${at('orders-svc')}/v1/form" }));
        document.forms[0].submit()`)
      expect(await refusalOf('/v1/form')).toMatchObject({ reason: 'origin-foreign' })
      expect(await tab.run('document.body.innerText')).toContain('Open the address itself in a tab')
      expect(targets()).not.toContain('POST /v1/form')
    })

    test('opens the service by a link', async () => {
      await tab.goTo(address())
      await tab.runAway(`document.body.append(Object.assign(document.createElement("a"), { href: "${at('orders-svc')}/v1/linked" }));
        document.querySelector("a").click()`)
      expect(await tab.run('document.body.innerText')).toBe('/v1/linked')
      expect(targets()).toContain('GET /v1/linked')
    })

    test('has no use of its own session there, nor of that one’s', async () => {
      await tab.setCookie(at('orders-svc'), '__Host-pagepass', 'session-at-payments-svc')
      await tab.goTo(`${at('orders-svc')}/v1/elsewhere`)
      expect(await refusalOf('/v1/elsewhere')).toMatchObject({ reason: 'session-over', status: 401 })
      expect(targets()).toEqual([])
    })
  })
})
