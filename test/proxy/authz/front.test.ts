import { copyFile, readFile, rename } from 'node:fs/promises'
import { request as requestTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClock } from '#access/runtime/clock.ts'
import { listen } from '#access/runtime/listen.ts'
import type { AuthzSettings } from '#proxy/authz/config.ts'
import { createFrontCheck } from '#proxy/authz/front.ts'
import { createAuthzServer } from '#proxy/authz/server.ts'
import { keepPair } from '#proxy/tls/keep-pair.ts'
import type { PairFiles } from '#proxy/tls/pair.ts'
import { makePair } from '../../builders/certificate.ts'
import { ask } from '../../builders/raw-client.ts'
import { aFolder, until } from '../../builders.ts'

const secret = 'x'.repeat(32)
const other = 'y'.repeat(32)

let temporary: Awaited<ReturnType<typeof aFolder>>
type Pem = { readonly cert: Buffer; readonly key: Buffer }
let files: Record<'own' | 'front' | 'stranger', PairFiles>
let own: Pem
let front: Pem
let stranger: Pem
beforeAll(async () => {
  temporary = await aFolder()
  const make = (name: string): Promise<PairFiles> => makePair(temporary.folder, name)
  files = { own: await make('own'), front: await make('front'), stranger: await make('stranger') }
  const pem = async ({ cert, key }: PairFiles): Promise<Pem> => ({
    cert: await readFile(cert),
    key: await readFile(key),
  })
  own = await pem(files.own)
  front = await pem(files.front)
  stranger = await pem(files.stranger)
})
afterAll(() => temporary.remove())

const quiet = (): void => undefined
const alarms: unknown[] = []
const log = { info: quiet, warn: quiet, error: (facts: unknown) => void alarms.push(facts) }

/** The listener with its check of who asks, and nothing to decide behind it. */
const started = async (settings: Pick<AuthzSettings, 'secrets' | 'tls'>) => {
  const isFront = createFrontCheck(settings)
  const turnedAway: string[] = []
  const kept = settings.tls && (await keepPair(settings.tls, createClock(), log))
  const server = createAuthzServer(
    (request, response) => response.writeHead(isFront(request) ? 200 : 403).end(),
    (client) => turnedAway.push(client),
    kept,
  )
  const listening = await listen(server, { host: '127.0.0.1', port: 0 })
  return {
    port: (server.address() as AddressInfo).port,
    turnedAway,
    close: async (): Promise<void> => {
      await listening.close()
      await kept?.stop()
    },
  }
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
  expect(() => createFrontCheck({ secrets: [], tls: files.own })).toThrow(/nothing tells/)
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
  const it = await started({ secrets: [], tls: { ...files.own, ca: files.front.cert } })
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
  const it = await started({ secrets: [secret], tls: { ...files.own, ca: files.front.cert } })
  expect(await askTls(it.port, front)).toBe(403)
  expect(await askTls(it.port, front, { 'X-Pagepass-Front': other })).toBe(403)
  expect(await askTls(it.port, front, { 'X-Pagepass-Front': secret })).toBe(200)
  expect(typeof (await askTls(it.port, undefined, { 'X-Pagepass-Front': secret }))).toBe('string')
  await it.close()
})

test('By a secret over TLS, without certificates of front proxies', async () => {
  const it = await started({ secrets: [secret], tls: files.own })
  expect(await askTls(it.port, undefined, { 'X-Pagepass-Front': secret })).toBe(200)
  expect(await askTls(it.port, undefined)).toBe(403)
  await it.close()
})

test('A certificate that nobody asked for is none: behind a listener without TLS nobody is heard', async () => {
  const isFront = createFrontCheck({ secrets: [], tls: { ...files.own, ca: files.front.cert } })
  const server = createAuthzServer(
    (request, response) => response.writeHead(isFront(request) ? 200 : 403).end(),
    () => undefined,
    undefined,
  )
  const listening = await listen(server, { host: '127.0.0.1', port: 0 })
  expect((await ask(listening.port, shown())).status).toBe(403)
  await listening.close()
})

/** Puts a file in another’s place, as whoever replaces one does. */
const put = async (from: string, to: string): Promise<void> => {
  await copyFile(from, `${to}.new`)
  await rename(`${to}.new`, to)
}

/** Asks once more on a connection that stays open. Answers with the status. */
const askAgain = (socket: TLSSocket): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString().slice(0, 12)))
    socket.once('close', () => reject(new Error('the connection was closed')))
    socket.write(shown())
  })

test('Certificate and CA are read again when they change; what is open goes on', async () => {
  const used = { cert: 'used.crt', key: 'used.key', ca: 'used-ca.crt' }
  const at = (name: keyof typeof used): string => join(temporary.folder, used[name])
  const paths = { cert: at('cert'), key: at('key'), ca: at('ca') }
  await put(files.own.cert, paths.cert)
  await put(files.own.key, paths.key)
  await put(files.front.cert, paths.ca)
  const it = await started({ secrets: [], tls: paths })
  const sessions: Buffer[] = []
  const options = { host: '127.0.0.1', port: it.port, rejectUnauthorized: false, ...front }
  const open = connect(options)
  open.on('session', (session) => sessions.push(session))
  expect(await askAgain(open)).toBe('HTTP/1.1 200')
  expect(typeof (await askTls(it.port, stranger))).toBe('string')

  // What is no CA is alarmed, and the one before it stays.
  await put(files.own.key, paths.ca)
  await until(() => alarms.length > 0, 'the alarm')
  expect(JSON.stringify(alarms)).toContain('the CA is no certificate in PEM')
  expect(await askTls(it.port, front)).toBe(200)

  // Another CA, and who was of the one before is nobody: not with what was agreed on before either.
  await put(files.stranger.cert, paths.ca)
  await until(async () => (await askTls(it.port, stranger)) === 200, 'the new CA')
  expect(typeof (await askTls(it.port, front))).toBe('string')
  expect(sessions.length).toBeGreaterThan(0)
  for (const session of sessions) {
    const resumed = connect({ ...options, session })
    await expect(askAgain(resumed)).rejects.toThrow()
  }
  expect(await askAgain(open)).toBe('HTTP/1.1 200')

  // Another certificate.
  await put(files.stranger.cert, paths.cert)
  await put(files.stranger.key, paths.key)
  const nameShown = async (): Promise<unknown> => {
    const socket = connect({ ...options, ...stranger })
    const { CN } = await new Promise<{ CN?: unknown }>((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket.getPeerCertificate().subject))
      socket.once('error', reject)
    })
    socket.destroy()
    return CN
  }
  await until(async () => (await nameShown()) === 'stranger', 'the new certificate')
  expect(await askAgain(open)).toBe('HTTP/1.1 200')
  open.destroy()
  await it.close()
})
