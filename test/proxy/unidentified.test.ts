import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { asEnvoy, asForwardAuth, asNginx, frontSecret } from '../builders/front-proxy.ts'
import { http2Client } from '../builders/http2-client.ts'
import { domain, handshakeHeaders, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { rawClient } from '../builders/raw-client.ts'

// Nobody who is not known learns which services there are: byte for byte they are answered alike.

let proxy: ProxyUnderTest
let overTls: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 88, {
    authz: { secrets: [frontSecret], tls: undefined },
  })
  overTls = await startProxyForTest(inject('redisUrl'), 89, { tls: 'own' })
})
afterAll(async () => {
  await proxy.stop()
  await overTls.stop()
})
beforeEach(() => proxy.startOver())

const there = `orders-svc.${domain}`
const notThere = [`nobody.${domain}`, `deep.orders-svc.${domain}`, domain, `pagepass.${domain}`]

/** Every byte of the answer, but for when it was given. */
const answerTo = async (port: number, bytes: string): Promise<string> => {
  const method = bytes.slice(0, bytes.indexOf(' '))
  const client = rawClient(port)
  client.send(bytes)
  await client.answers(1, [method])
  client.end()
  const text = client.text()
  expect(text).toMatch(/^HTTP\/1\.1 401 /)
  return text.replaceAll(/^Date: .*\r\n/gim, '')
}

const expired = () => proxy.signed({ exp: Math.floor(proxy.now() / 1_000) - 600 })

const credentials: readonly [string, string, () => Promise<readonly string[]>][] = [
  ['no credential', 'token-missing', async () => []],
  ['one of another kind', 'token-missing', async () => ['Authorization: Basic YTpi']],
  ['one that does not verify', 'token-invalid', async () => ['Authorization: Bearer a.b.c']],
  ['one that has expired', 'token-expired', async () => [`Authorization: Bearer ${await expired()}`]],
]
const readers: readonly [string, readonly string[]][] = [
  ['program', []],
  ['browser', ['Accept: text/html']],
  ['terminal', ['User-Agent: curl/8.5.0', 'Accept: */*']],
]

describe.each(credentials)('With %s', (_, told, credential) => {
  test.each(readers)('a %s is answered alike, and the record says what it was', async (_, more) => {
    const bytes = async (host: string): Promise<string> =>
      ['GET /v1/orders HTTP/1.1', `Host: ${host}`, ...more, ...(await credential()), '', ''].join('\r\n')
    const expected = await answerTo(proxy.port, await bytes(there))
    expect(expected).not.toContain('orders-svc')
    for (const host of notThere) expect(await answerTo(proxy.port, await bytes(host))).toBe(expected)
    const records = await proxy.records(1 + notThere.length)
    expect(records.map(({ host, reason, status }) => [host, reason, status])).toEqual([
      [there, told, 401],
      ...notThere.map((host) => [host, 'service-unknown', 401]),
    ])
  })

  test('so is a body that is not read, a HEAD and a WebSocket', async () => {
    const more = await credential()
    for (const [method, headers, body] of [
      ['POST', ['Content-Length: 1000'], 'some'],
      ['HEAD', [], ''],
      ['GET', handshakeHeaders, ''],
      ['OPTIONS', ['Origin: https://elsewhere.example', 'Access-Control-Request-Method: PUT'], ''],
    ] as const) {
      const bytes = (host: string): string =>
        [`${method} /live HTTP/1.1`, `Host: ${host}`, ...headers, ...more, '', body].join('\r\n')
      const expected = await answerTo(proxy.port, bytes(there))
      for (const host of notThere) expect(await answerTo(proxy.port, bytes(host))).toBe(expected)
    }
  })

  test.each([
    ['nginx', asNginx],
    ['forward-auth', asForwardAuth],
    ['envoy', asEnvoy],
  ])('so is a question of %s', async (_, speak) => {
    const more = await credential()
    const expected = await answerTo(proxy.authzPort, speak({ host: there, more }))
    for (const host of notThere) expect(await answerTo(proxy.authzPort, speak({ host, more }))).toBe(expected)
    const records = await proxy.records(1 + notThere.length)
    expect(records.map(({ reason, status }) => [reason, status])).toEqual([
      [told, 401],
      ...notThere.map(() => ['service-unknown', 401]),
    ])
  })
})

test.each([
  ['a request', {}],
  ['a call of gRPC', { method: 'POST', headers: { 'content-type': 'application/grpc' }, body: 'x' }],
])('Over HTTP/2, too, %s is answered alike', async (_, asks) => {
  const client = http2Client(overTls.port)
  const answers = []
  for (const service of ['orders-svc', 'nobody', 'deep.orders-svc'])
    for (const token of ['', 'a.b.c']) {
      const { status, headers, body } = await client.ask({ token, service, path: '/v1/orders', ...asks })
      const { date: _, ...others } = headers
      answers.push({ token, status, others, body })
    }
  client.end()
  expect(answers.slice(2)).toEqual([...answers.slice(0, 2), ...answers.slice(0, 2)])
})

test('Who is known hears which service there is not', async () => {
  const client = proxy.client()
  client.send((await proxy.request('ana')).replace(there, `nobody.${domain}`))
  expect((await client.answers()).answers).toMatchObject([{ status: 404 }])
  const who = `${proxy.idp.issuer} idp-ana`
  expect(await proxy.records(1)).toMatchObject([
    { kind: 'refused', reason: 'service-unknown', status: 404, who, host: `nobody.${domain}` },
  ])
})

test('What is not below our domain is nobody’s, whoever asks', async () => {
  for (const host of ['elsewhere.example', `orders-svc.${domain}.example`, `x${domain}`]) {
    const client = proxy.client()
    client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    expect((await client.answers()).answers).toMatchObject([{ status: 421 }])
  }
})
