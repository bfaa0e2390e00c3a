import { readFile } from 'node:fs/promises'
import { request as requestTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listen } from '#access/runtime/listen.ts'
import type { AuthzSettings } from '#proxy/authz/config.ts'
import { createFrontCheck } from '#proxy/authz/front.ts'
import { createAuthzServer } from '#proxy/authz/server.ts'
import { makePair } from '../../builders/certificate.ts'
import { ask } from '../../builders/raw-client.ts'
import { aFolder } from '../../builders.ts'

const secret = 'x'.repeat(32)
const other = 'y'.repeat(32)

let temporary: Awaited<ReturnType<typeof aFolder>>
type Pem = { readonly cert: Buffer; readonly key: Buffer }
let own: Pem
let front: Pem
let stranger: Pem
beforeAll(async () => {
  temporary = await aFolder()
  const pem = async (name: string): Promise<Pem> => {
    const { cert, key } = await makePair(temporary.folder, name)
    return { cert: await readFile(cert), key: await readFile(key) }
  }
  own = await pem('own')
  front = await pem('front')
  stranger = await pem('stranger')
})
afterAll(() => temporary.remove())

/** The listener with its check of who asks, and nothing to decide behind it. */
const started = async (settings: Pick<AuthzSettings, 'secrets' | 'tls'>) => {
  const isFront = createFrontCheck(settings)
  const turnedAway: string[] = []
  const server = createAuthzServer(
    (request, response) => response.writeHead(isFront(request) ? 200 : 403).end(),
    (client) => turnedAway.push(client),
    settings.tls,
  )
  const listening = await listen(server, { host: '127.0.0.1', port: 0 })
  return { port: (server.address() as AddressInfo).port, turnedAway, close: () => listening.close() }
}

const shown = (...headers: string[]): string =>
  ['GET /nginx HTTP/1.1', 'Host: x', ...headers, '', ''].join('\r\n')

/** The status, or why there was none. */
const askTls = (
  port: number,
  pair: Pem | undefined,
  headers: Record<string, string> = {},
): Promise<number | string> =>
  new Promise((resolve) => {
    const asked = requestTls({
      ...{ host: '127.0.0.1', port, path: '/nginx', headers, agent: false, ca: own.cert },
      ...pair,
    })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    asked.end()
  })

test('Nothing to tell a front proxy by: refused to start', () => {
  expect(() => createFrontCheck({ secrets: [], tls: undefined })).toThrow(/nothing tells a front proxy/)
  expect(() => createFrontCheck({ secrets: [], tls: { ...own, ca: undefined } })).toThrow(/nothing tells/)
})

test('By a secret: one of them, whole, in its own case, once', async () => {
  const { port, close } = await started({ secrets: [secret, other], tls: undefined })
  const statusOf = async (...headers: string[]): Promise<number> =>
    (await ask(port, shown(...headers))).status
  expect(await statusOf(`X-Pagepass-Front: ${secret}`)).toBe(200)
  expect(await statusOf(`x-pagepass-FRONT: ${other}`)).toBe(200)
  for (const headers of [
    [],
    ['X-Pagepass-Front: '],
    [`X-Pagepass-Front: ${secret.slice(1)}`],
    [`X-Pagepass-Front: ${secret}x`],
    [`X-Pagepass-Front: ${secret.toUpperCase()}`],
    [`X-Pagepass-Front: ${secret}, ${other}`],
    [`X-Pagepass-Front: ${secret}`, `X-Pagepass-Front: ${secret}`],
    ['X-Pagepass-Front: wrong', `X-Pagepass-Front: ${secret}`],
    [`X_Pagepass_Front: ${secret}`],
    [`Authorization: Bearer ${secret}`],
  ])
    expect({ headers, status: await statusOf(...headers) }).toEqual({ headers, status: 403 })
  await close()
})

test('By a certificate of the CA: no other gets as far as a request', async () => {
  const it = await started({ secrets: [], tls: { ...own, ca: front.cert } })
  expect(await askTls(it.port, front)).toBe(200)
  expect(it.turnedAway).toEqual([])
  expect(typeof (await askTls(it.port, stranger))).toBe('string')
  expect(typeof (await askTls(it.port, undefined))).toBe('string')
  expect(typeof (await askTls(it.port, own))).toBe('string')
  expect(it.turnedAway.length).toBeGreaterThanOrEqual(3)
  // Nor does plain HTTP.
  await expect(ask(it.port, shown())).rejects.toThrow('no answer')
  await it.close()
})

test('By both, where both are set up', async () => {
  const it = await started({ secrets: [secret], tls: { ...own, ca: front.cert } })
  expect(await askTls(it.port, front)).toBe(403)
  expect(await askTls(it.port, front, { 'X-Pagepass-Front': other })).toBe(403)
  expect(await askTls(it.port, front, { 'X-Pagepass-Front': secret })).toBe(200)
  expect(typeof (await askTls(it.port, undefined, { 'X-Pagepass-Front': secret }))).toBe('string')
  await it.close()
})

test('By a secret over TLS, without certificates of front proxies', async () => {
  const it = await started({ secrets: [secret], tls: { ...own, ca: undefined } })
  expect(await askTls(it.port, undefined, { 'X-Pagepass-Front': secret })).toBe(200)
  expect(await askTls(it.port, undefined)).toBe(403)
  await it.close()
})

test('A certificate that nobody asked for is none: behind a listener without TLS nobody is heard', async () => {
  const isFront = createFrontCheck({ secrets: [], tls: { ...own, ca: front.cert } })
  const server = createAuthzServer(
    (request, response) => response.writeHead(isFront(request) ? 200 : 403).end(),
    () => undefined,
    undefined,
  )
  const listening = await listen(server, { host: '127.0.0.1', port: 0 })
  expect((await ask(listening.port, shown())).status).toBe(403)
  await listening.close()
})
