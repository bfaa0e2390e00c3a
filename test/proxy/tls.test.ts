import { chmod, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createClock } from '#access/runtime/clock.ts'
import { keepPair } from '#proxy/tls/keep-pair.ts'
import { checkPair, type PairFiles, readPair } from '#proxy/tls/pair.ts'
import { makePair } from '../builders/certificate.ts'
import { domain, handshakeAccept, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { frame } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'

let folder: string
let first: PairFiles
let second: PairFiles
let used: PairFiles
let proxy: ProxyUnderTest

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-tls-'))
  first = await makePair(folder, 'first')
  second = await makePair(folder, 'second')
  used = { cert: join(folder, 'used.crt'), key: join(folder, 'used.key') }
  await put(first)
  proxy = await startProxyForTest(inject('redisUrl'), 69, { tls: used })
  await proxy.give('ana')
})
afterAll(async () => {
  await proxy.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => proxy.startOver())

/** Puts a pair where the proxy reads it, one file after the other, as most tools do. */
const put = async ({ cert, key }: PairFiles): Promise<void> => {
  await replace(used.cert, await readFile(cert))
  await replace(used.key, await readFile(key))
}
const replace = async (path: string, bytes: Buffer | string): Promise<void> => {
  await writeFile(`${path}.new`, bytes, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** Shakes hands and answers with the socket; rejects where that fails. */
const shakeHands = (options: ConnectionOptions = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({
      port: proxy.port,
      host: '127.0.0.1',
      servername: `orders-svc.${domain}`,
      rejectUnauthorized: false,
      ...options,
    })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })

/** The common name of the certificate that a new connection gets. */
const nameShown = async (): Promise<unknown> => {
  const socket = await shakeHands()
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN
}

describe('A listener with a certificate', () => {
  test('serves what it serves without one, and the service hears that it was https', async () => {
    const client = proxy.client()
    client.send(await proxy.request('ana'))
    const { answers } = await client.answers()
    expect(answers).toMatchObject([{ status: 200, body: 'hello /v1/orders\n' }])
    const [seen] = proxy.orders.received()
    expect(seen && valuesOf(seen, 'x-forwarded-proto')).toEqual(['https'])
    expect(seen && valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(await proxy.records(2)).toMatchObject([
      { kind: 'admitted', client: '127.0.0.1' },
      { kind: 'closed' },
    ])
  })

  test('carries WebSockets, and cuts them', async () => {
    const grant = await proxy.give('ben')
    const client = proxy.client()
    client.send(await proxy.handshake('ben'))
    await client.when(() => client.text().includes(handshakeAccept), 'the handshake')
    client.send(frame('hello'))
    await until(() => proxy.orders.lines()[0]?.messages[0] === 'hello', 'the message')
    await proxy.end(grant)
    await client.closed()
    expect(client.text()).toContain('\x88\x02\x03\xf0')
  })

  test('verifies for a client that trusts its certificate', async () => {
    const socket = await shakeHands({ ca: await readFile(first.cert), rejectUnauthorized: true })
    expect(socket.authorized).toBe(true)
    socket.destroy()
  })

  test.each([
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['a cipher without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
    ['a cipher of blocks', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }],
    ['no protocol that it speaks', { ALPNProtocols: ['spdy/3'] }],
  ] satisfies [string, ConnectionOptions][])('refuses %s', async (_, options) => {
    await expect(shakeHands(options)).rejects.toThrow()
    const socket = await shakeHands({ maxVersion: 'TLSv1.2' })
    expect(socket.getProtocol()).toBe('TLSv1.2')
    socket.destroy()
  })

  test('lets nobody renegotiate', async () => {
    const socket = await shakeHands({ maxVersion: 'TLSv1.2' })
    const error = await new Promise<Error | null>((resolve) => {
      socket.on('error', resolve)
      socket.renegotiate({}, resolve)
    })
    expect(error).toBeInstanceOf(Error)
    socket.destroy()
  })

  test('does not answer in the clear, and goes on', async () => {
    const plain = connectTcp({ port: proxy.port, host: '127.0.0.1' })
    const bytes: Buffer[] = []
    plain.on('data', (chunk) => bytes.push(chunk))
    plain.on('error', () => undefined)
    plain.write(await proxy.request('ana'))
    await new Promise((resolve) => plain.once('close', resolve))
    expect(Buffer.concat(bytes).toString('latin1')).not.toContain('HTTP/')
    expect(proxy.orders.received()).toEqual([])
    expect(await nameShown()).toBe('first')
    expect(proxy.faults).toEqual([])
  })
})

describe('A certificate that is replaced', () => {
  test('counts from the next connection on, and those that are open go on', async () => {
    const open = proxy.client()
    open.send(await proxy.request('ana'))
    await open.answers(1)
    await put(second)
    await until(async () => (await nameShown()) === 'second', 'the new certificate')
    open.send(await proxy.request('ana'))
    expect((await open.answers(2)).answers).toMatchObject([{ status: 200 }, { status: 200 }])
    await put(first)
    await until(async () => (await nameShown()) === 'first', 'the first certificate')
  })

  test.each([
    ['of another key', () => copyFile(second.cert, used.cert), 'the key is not that of the certificate'],
    ['that is none', () => replace(used.cert, 'nonsense'), 'the certificate is none in PEM'],
    ['that is gone', () => rm(used.cert), 'the certificate can’t be read'.replace('’', "'")],
  ])('by one %s is alarmed once, and the one before it stays', async (_, spoil, fault) => {
    const before = proxy.logged.length
    const alarms = () => proxy.logged.slice(before).filter(({ level }) => level === 'error')
    await spoil()
    await until(() => alarms().length > 0, 'the alarm')
    expect(JSON.stringify(alarms())).toContain(fault)
    expect(await nameShown()).toBe('first')
    await put(second)
    await until(async () => (await nameShown()) === 'second', 'the next good one')
    expect(alarms()).toHaveLength(1)
    await put(first)
    await until(async () => (await nameShown()) === 'first', 'the first certificate')
  })
})

test('A broken pair is alarmed once, however often it is looked at', async () => {
  const own = { cert: join(folder, 'own.crt'), key: join(folder, 'own.key') }
  await copyFile(first.cert, own.cert)
  await copyFile(first.key, own.key)
  const alarms: string[] = []
  const quiet = (): void => undefined
  const error = (_: Record<string, unknown>, what: string) => void alarms.push(what)
  const everyMs = 10
  const log = { info: quiet, warn: quiet, error }
  const kept = await keepPair(own, createClock(), log, { everyMs, settleMs: everyMs })
  const given: unknown[] = []
  kept.follow((context) => given.push(context.cert))
  await copyFile(second.cert, own.cert)
  await until(() => alarms.length > 0, 'the alarm')
  await new Promise((resolve) => setTimeout(resolve, 30 * everyMs))
  expect(alarms).toEqual(['the new TLS certificate can’t be used; the one before it stays'])
  await copyFile(second.key, own.key)
  await until(() => given.length > 0, 'the new pair')
  await kept.stop()
  expect(given).toEqual([await readFile(second.cert)])
})

describe('At the start', () => {
  const clock = createClock()
  const logged = () => {
    const lines: { level: string; what: string }[] = []
    const at = (level: string) => (_: Record<string, unknown>, what: string) =>
      void lines.push({ level, what })
    return { lines, log: { info: at('info'), warn: at('warn'), error: at('error') } }
  }
  const started = async (files: PairFiles, ahead = 0) => {
    const { lines, log } = logged()
    const kept = await keepPair(files, { now: () => clock.now() + ahead }, log)
    await kept.stop()
    return lines
  }

  test.each([
    ['a certificate that is not there', { cert: 'nowhere.crt' }, /the certificate can't be read at .*ENOENT/],
    ['a key that is not there', { key: 'nowhere.key' }, /the key can't be read at .*ENOENT/],
    ['a folder', { key: '.' }, /the key can't be read at .*EISDIR/],
    ['the key of another certificate', { key: 'second.key' }, /the key is not that of the certificate/],
    ['key and certificate the wrong way round', { cert: 'first.key' }, /a private key lies where/],
    ['a certificate for a key', { key: 'first.crt' }, /the key is none in PEM/],
    ['an encrypted key', { key: 'encrypted.key' }, /the key is encrypted/],
  ])('%s is a fault that names the variables', async (_, names, words) => {
    await writeFile(join(folder, 'encrypted.key'), '-----BEGIN ENCRYPTED PRIVATE KEY-----\n')
    const { cert, key } = { cert: 'first.crt', key: 'first.key', ...names }
    const starting = keepPair({ cert: join(folder, cert), key: join(folder, key) }, clock, logged().log)
    await expect(starting).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringMatching(words),
    })
    await expect(starting).rejects.toThrow(/PAGEPASS_TLS_CERT, PAGEPASS_TLS_KEY/)
  })

  test('a good pair says nothing; one that expired, soon will, or is to come is warned of', async () => {
    const day = 24 * 3_600_000
    expect(await started(first)).toEqual([])
    const said = async (ahead: number) =>
      (await started(first, ahead)).map(({ level, what }) => `${level}: ${what}`)
    expect(await said(91 * day)).toEqual([expect.stringMatching(/^warn: the TLS certificate expired at /)])
    expect(await said(80 * day)).toEqual([expect.stringMatching(/^warn: the TLS certificate ends at /)])
    expect(await said(-day)).toEqual([
      expect.stringMatching(/^warn: the TLS certificate is not valid before /),
    ])
  })

  test('a key that everybody may read is warned of', async () => {
    await chmod(second.key, 0o644)
    expect(await started(second)).toEqual([
      { level: 'warn', what: expect.stringMatching(/may read the TLS key/) },
    ])
    await chmod(second.key, 0o600)
  })

  test('OpenSSL has its word, too: a key too weak to be one', async () => {
    const weak = await makePair(folder, 'weak', { bits: 512 })
    expect(checkPair(await readPair(weak))).toMatchObject({ ok: false })
  })
})
