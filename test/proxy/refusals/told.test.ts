import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { refusalLine } from '#proxy/refusals/line.ts'
import { refusalPage } from '#proxy/refusals/page.ts'
import { slackAppUrl } from '#proxy/refusals/slack-app-url.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../../builders/proxy.ts'
import { type Answer, ask, talk } from '../../builders/raw-client.ts'

const because = `"><img src=x onerror=alert(1)> & ' </textarea><script>end`
const slackApp = 'slack://app?team=T1&id=A1&tab=home'
const html = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8'
const curl = ['Accept: */*', 'User-Agent: curl/8.5.0']

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 65, {
    slackApp,
    mend: (text) => `${text}
freeze:
  - { services: [payments-svc], tiers: [observe, scarce, operate, admin], from: 2020-01-01, until: 2099-12-20T18:00Z, because: ${JSON.stringify(because)} }
`,
  })
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(() => proxy.endAll())

const readable = ({ body }: Answer): string => Buffer.from(body, 'latin1').toString()
const textOf = (page: string): string =>
  page
    .replace(/<style>[\s\S]*<\/style>/, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
const askWith = async (more: readonly string[], method = 'GET', target = '/v1/orders') =>
  ask(proxy.port, await proxy.request('ana', method, target, more))

/** What every answer of these says, so that nothing keeps it, guesses at it or frames it. */
const expectSafe = (answer: Answer): void => {
  expect(answer.headers['cache-control']).toEqual(['no-store'])
  expect(answer.headers['x-content-type-options']).toEqual(['nosniff'])
  expect(answer.headers['vary']).toEqual(['Accept, User-Agent'])
  expect(answer.headers['content-length']).toEqual([String(answer.body.length)])
}

describe('A browser gets a page', () => {
  test('that says why, what is needed, the command to paste, and where Slack is', async () => {
    const answer = await askWith([html], 'POST')
    expect(answer.status).toBe(403)
    expectSafe(answer)
    expect(answer.headers['content-type']).toEqual(['text/html; charset=utf-8'])
    const page = readable(answer)
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(page).toContain('<title>You have no pass for this service. · Pagepass · orders-svc</title>')
    expect(page).toContain('<h1>You have no pass for this service.</h1>')
    expect(page).toMatch(/<label for="ask">[^<]+<\/label>\n<textarea id="ask" [^>]*readonly/)
    expect(page).toContain('>/access grant orders-svc 1h operate because …</textarea>')
    expect(page).toContain('href="slack://app?team=T1&amp;id=A1&amp;tab=home"')
    const text = textOf(page)
    for (const told of [
      'Say why in place of',
      'operate',
      'services.orders-svc.tiers.operate',
      'on_request[0]',
    ])
      expect(text).toContain(told)
  })

  test('that runs, loads, sends and is framed by nothing, and whose one style is the one it names', async () => {
    const answer = await askWith([html])
    const [policy = ''] = answer.headers['content-security-policy'] ?? []
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(readable(answer)) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
    expect(answer.headers['x-frame-options']).toEqual(['DENY'])
    expect(answer.headers['referrer-policy']).toEqual(['no-referrer'])
    expect(readable(answer)).not.toMatch(/<script|<form|<iframe|<img|style=|\son[a-z]+=|url\(|@import/i)
  })

  test('that says until when a freeze lasts, and whose words are words', async () => {
    const bytes = (await proxy.request('ana', 'GET', '/v1/x', [html])).replace('orders-svc', 'payments-svc')
    const answer = await ask(proxy.port, bytes)
    const page = readable(answer)
    expect(page).toContain('Wait until 2099-12-20 18:00 UTC')
    expect(page).toContain(
      '&quot;&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &#39; &lt;/textarea&gt;&lt;script&gt;',
    )
    expect(page).not.toMatch(/<img|<script|<textarea/)
    expect(page).toContain('class="open"')
  })

  test('that says how to sign in', async () => {
    const bytes = (await proxy.request('ana', 'GET', '/', [html])).replace(/Authorization: [^\r]+\r\n/, '')
    const answer = await ask(proxy.port, bytes)
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toEqual(['Bearer'])
    expect(textOf(readable(answer))).toContain('Authorization: Bearer')
    expect(readable(answer)).not.toContain('class="open"')
  })

  test('that says when to come back', async () => {
    await proxy.give('ana', { tier: 'operate' })
    const answers = []
    while (answers.at(-1)?.status !== 429) answers.push(await askWith([html], 'GET', '/scarce/x'))
    const answer = answers.at(-1)
    const seconds = Number(answer?.headers['retry-after']?.[0])
    expect(answer === undefined ? '' : textOf(readable(answer))).toContain(`Try again in ${seconds} seconds.`)
  })

  test('of headers alone for HEAD', async () => {
    const whole = await askWith([html])
    const { answers, rest } = await talk(
      proxy.port,
      await proxy.request('ana', 'HEAD', '/v1/orders', [html]),
      {
        methods: ['HEAD'],
      },
    )
    expect([answers[0]?.headers['content-length'], rest]).toEqual([whole.headers['content-length'], ''])
  })
})

describe('A terminal gets a line', () => {
  test.each<[string, string, string, string]>([
    [
      'what to ask for',
      'GET',
      '/v1/orders',
      '403 You have no pass for this service. (orders-svc, needs observe) In Slack: /access grant orders-svc 1h observe\n',
    ],
    [
      'what can’t be asked for',
      'GET',
      '/internal',
      '403 No pass to this service allows this. (orders-svc) No pass changes that.\n',
    ],
    [
      'what can’t be read',
      'GET',
      '/v1/../x',
      '400 The path of this request can be read in more than one way. Nothing was forwarded. Send it in the usual spelling.\n',
    ],
  ])('that says %s', async (_, method, target, line) => {
    const answer = await askWith(curl, method, target)
    expectSafe(answer)
    expect(answer.headers['content-type']).toEqual(['text/plain; charset=utf-8'])
    expect(readable(answer)).toBe(line)
  })

  test('that gives the terminal no orders, though the rule set may hold none either', () => {
    const orders = '\u001b[2J\u009b31m\u202e\r\n\u2028\u0007'
    const told = {
      ...({ reason: 'frozen', status: 403, title: `why${orders}`, service: `orders${orders}` } as const),
      ...{ needs: `observe${orders}`, rule: orders, by: orders, retryAfter: undefined },
    }
    for (const one of [
      { ...told, mend: `wait${orders}end`, ask: undefined },
      { ...told, mend: undefined, ask: `/access${orders}` },
    ]) {
      const line = refusalLine(one)
      expect(line).toMatch(/^403 why .*\n$/)
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(refusalPage(one, undefined)).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u)
    }
  })
})

test('A program gets problem details, in the same words', async () => {
  const answer = await askWith(['Accept: */*', 'User-Agent: node'])
  expectSafe(answer)
  expect(answer.headers['content-type']).toEqual(['application/problem+json; charset=utf-8'])
  expect(JSON.parse(readable(answer))).toEqual({
    type: 'urn:pagepass:reason:grant-missing',
    title: 'You have no pass for this service.',
    status: 403,
    reason: 'grant-missing',
    service: 'orders-svc',
    needs: 'observe',
    rule: 'services.orders-svc.tiers.observe',
    by: 'on_request[0]',
    ask: '/access grant orders-svc 1h observe',
  })
})

describe('Nothing of the request is echoed', () => {
  const canary = 'canary'
  const hostile = `${canary}<script>alert(1)</script>`
  test.each<[string, (bytes: string) => string]>([
    ['its host', (bytes) => bytes.replace(`orders-svc.${domain}`, hostile)],
    ['its host below ours', (bytes) => bytes.replace('orders-svc.', `${hostile}.`)],
    ['its path', (bytes) => bytes.replace('/v1/orders', `/v1/${canary}<script>`)],
    ['its path, encoded', (bytes) => bytes.replace('/v1/orders', `/v1/${canary}%3Cscript%3E`)],
    ['its query', (bytes) => bytes.replace('/v1/orders', `/v1/orders?${canary}=1`)],
    ['its method', (bytes) => bytes.replace('GET', 'PURGE').replace('/v1', `/${canary}`)],
    ['its token', (bytes) => bytes.replace(/Bearer [^\r]+/, `Bearer ${hostile}`)],
    [
      'its user agent',
      (bytes) => bytes.replace('\r\n\r\n', `\r\nX-Canary: ${hostile}\r\nUser-Agent: curl/${hostile}\r\n\r\n`),
    ],
    [
      'its referrer',
      (bytes) => bytes.replace('\r\n\r\n', `\r\nReferer: ${hostile}\r\nOrigin: ${hostile}\r\n\r\n`),
    ],
  ])('%s', async (_, change) => {
    for (const more of [[html], curl, ['Accept: application/json'], [`${html},${canary}`]]) {
      const { text } = await talk(proxy.port, change(await proxy.request('ana', 'GET', '/v1/orders', more)))
      expect(text).toMatch(/^HTTP\/1\.1 4/)
      expect(text).not.toContain(canary)
      expect(text).not.toContain('<script')
    }
  })
})

describe('The address of the bot in Slack', () => {
  test.each([
    'slack://app?team=T024BE7LD&id=A123ABC456',
    'slack://app?team=T1&id=A1&tab=home',
    'https://slack.com/app_redirect?app=A1',
  ])('may be %s', (url) => {
    expect(slackAppUrl.safeParse(url).success).toBe(true)
  })
  test.each([
    'javascript:alert(1)',
    'slack://app?team=T1&id=A1"><script>',
    'slack://user?team=T1&id=U1',
    'http://slack.com/app_redirect?app=A1',
    'https://a:b@slack.com/',
    'data:text/html,x',
    '',
  ])('is never %s', (url) => {
    expect(slackAppUrl.safeParse(url).success).toBe(false)
  })
})

test('Nothing above made a fault', () => {
  expect(proxy.faults).toEqual([])
})
