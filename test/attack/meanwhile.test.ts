/**
 * The attack: use the moments in which a request waits. Between its record and its first byte upstream lies a write to a
 * disk; between that byte and the service may lie a connection that is still made; and whoever has no pass at all can make
 * others wait, by having signatures checked that are none, or by keeping connections that carry nothing. A pass that ends
 * in one of these moments has ended, and a service never hears of it again.
 */
import fs from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { principalKey } from '#access/domain/principal.ts'
import { people } from '#infra/sandbox/people.ts'
import { closeUnread } from '#proxy/end-client.ts'
import { createHttp2 } from '#proxy/http2/sessions.ts'
import { patienceWithClients } from '#proxy/http2/watch-connection.ts'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { startGrpcService } from '../builders/grpc-service.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { rawClient } from '../builders/raw-client.ts'
import { valuesOf } from '../builders/upstream.ts'

const body = ['Content-Length: 4']

/** The disk: it says that a record is safe when the test lets it, and the test may do something the moment it has said so. */
const disk = { waiting: [] as (() => void)[], stalls: false, said: (): void => undefined }
const realSync = fs.fdatasync
const release = (): void => {
  disk.stalls = false
  for (const say of disk.waiting.splice(0)) say()
}

let service: Awaited<ReturnType<typeof startGrpcService>>
let proxy: ProxyUnderTest
beforeAll(async () => {
  const sync: typeof fs.fdatasync = Object.assign(
    (file: number, told: fs.NoParamCallback) =>
      realSync(file, (error) => {
        const say = (): void => {
          told(error)
          disk.said()
        }
        if (disk.stalls) disk.waiting.push(say)
        else say()
      }),
    { __promisify__: realSync.__promisify__ },
  )
  fs.fdatasync = sync
  syncBuiltinESMExports()
  service = await startGrpcService()
  proxy = await startProxyForTest(inject('redisUrl'), 95, {
    mend: (text) => text.replace(/(payments-svc:[\s\S]*?blue: )\S+/, `$1"${service.url}"`),
  })
})
afterAll(async () => {
  await proxy.stop()
  await service.close()
  fs.fdatasync = realSync
  syncBuiltinESMExports()
})
beforeEach(() => proxy.startOver())
afterEach(async () => {
  disk.said = () => undefined
  release()
  await proxy.endAll()
  expect(proxy.faults).toEqual([])
})

const lockAna = (): number =>
  proxy.locks.lock(principalKey({ issuer: proxy.idp.issuer, subject: people.ana.subject }))
const unlockAna = (): void =>
  proxy.locks.unlock(principalKey({ issuer: proxy.idp.issuer, subject: people.ana.subject }))
const kinds = async (count: number) =>
  (await proxy.records(count, ['admitted', 'continued', 'closed'])).map(
    ({ kind, outcome }) => outcome ?? kind,
  )

/** A request that changes something, once its record is written and not yet safe. Its pass was used before. */
const admittedOnly = async (target: string) => {
  const first = proxy.client()
  first.send(await proxy.request('ana', 'POST', '/v1/first', body, 'body'))
  await first.answers(1)
  await proxy.records(2)
  disk.stalls = true
  const client = proxy.client()
  client.send(await proxy.request('ana', 'POST', target, body, 'body'))
  await until(() => disk.waiting.length > 0, 'the record to be written')
  return client
}

describe('A pass that ends while the record of a request is made safe', () => {
  test('ends the request, which no service hears of', async () => {
    const grant = await proxy.give('ana')
    const client = await admittedOnly('/v1/second')
    await proxy.endUnconfirmed(grant)
    release()
    await client.closed()
    expect(client.text()).toBe('')
    expect(await kinds(4)).toEqual(['admitted', 'done', 'admitted', 'cut'])
    expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/first'])
  })

  test('is not what the service is told, where the request goes on under another', async () => {
    const ending = await proxy.give('ana')
    const other = await proxy.give('ana', { lasts: 1_800_000 })
    const client = await admittedOnly('/v1/second')
    await proxy.endUnconfirmed(ending)
    release()
    expect((await client.answers(1)).answers[0]?.status).toBe(200)
    expect(await kinds(5)).toEqual(['admitted', 'done', 'admitted', 'continued', 'done'])
    const told = proxy.orders
      .received()
      .map((seen) => (valuesOf(seen, 'x-pagepass-assertion')[0] ?? '').split('.')[1] ?? '')
      .map((claims) => JSON.parse(Buffer.from(claims, 'base64url').toString()) as { grant: string })
    expect(told.map(({ grant }) => grant)).toEqual([ending.id, other.id])
  })
})

test('Whoever is locked out while the connection to a service is made has asked it nothing', async () => {
  await proxy.give('ana', { service: 'payments-svc' })
  const token = await proxy.token('ana')
  const ask = (target: string) => {
    const client = proxy.client()
    client.send(
      `POST ${target} HTTP/1.1\r\nHost: payments-svc.${domain}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 4\r\n\r\nbody`,
    )
    return client
  }
  let cuts = 0
  disk.said = () => {
    disk.said = () => undefined
    cuts = lockAna()
  }
  const client = ask('/v1/cut')
  await client.closed()
  expect(cuts).toBe(1)
  unlockAna()
  // It would come first: there is one connection.
  ask('/v1/good')
  await until(
    () => service.calls().some(({ headers }) => headers[':path'] === '/v1/good'),
    'the next request',
  )
  expect(service.calls().map(({ headers }) => headers[':path'])).toEqual(['/v1/good'])
  service.calls()[0]?.stream.respond({ ':status': 204 }, { endStream: true })
  expect(await kinds(4)).toEqual(['admitted', 'cut', 'admitted', 'done'])
})

test('However many bad signatures there are to check, they leave room for the threads to write the audit', async () => {
  await proxy.give('ana')
  const warm = proxy.client()
  warm.send(await proxy.request('ana', 'GET', '/v1/warm'))
  await warm.answers(1)
  const [header, payload, signature = ''] = (await proxy.token('ana')).split('.')
  const forged = (number: number): string => {
    const bytes = Buffer.from(signature, 'base64url')
    bytes.writeUInt32BE(number, 8)
    return [header, payload, bytes.toString('base64url')].join('.')
  }
  const verify = crypto.subtle.verify.bind(crypto.subtle)
  const { promise: allAsked, resolve: checkOn } = Promise.withResolvers<void>()
  let underWay = 0
  let most = 0
  let checked = 0
  const spy = vi
    .spyOn(crypto.subtle, 'verify')
    .mockImplementation(async (...of: Parameters<typeof verify>) => {
      // Passes and heads are checked at the same time, and are Ed25519.
      if ((of[0] as { name?: string }).name !== 'ECDSA') return verify(...of)
      underWay += 1
      most = Math.max(most, underWay)
      await allAsked
      const holds = await verify(...of)
      underWay -= 1
      checked += 1
      return holds
    })
  const clients = Array.from({ length: 300 }, (_, number) => {
    const client = proxy.client()
    client.send(
      `GET /v1/x HTTP/1.1\r\nHost: orders-svc.${domain}\r\nAuthorization: Bearer ${forged(number)}\r\n\r\n`,
    )
    return client
  })
  // Whoever is known needs none of it.
  await expectGoodRequest(proxy)
  checkOn()
  const talks = await Promise.all(clients.map((client) => client.answers(1)))
  spy.mockRestore()
  expect(talks.filter(({ answers }) => answers[0]?.status !== 401)).toEqual([])
  expect(checked).toBe(300)
  expect(most).toBe(8)
  expect(proxy.orders.received().map(({ target }) => target)).toEqual(['/v1/warm', '/v1/good'])
  await expectGoodRequest(proxy)
})

/**
 * The attack: make a header that is 16 KB long and takes milliseconds to read, and send it on as many connections as there
 * may be at once: nothing else is done meanwhile, cuts among it.
 */
describe('What takes longer to read than all else is not read, whoever sends it', () => {
  const commas = ','.repeat(14_000)
  beforeEach(() => proxy.give('ana'))

  test('an Accept of many kinds', async () => {
    const asks = (accept: string): string =>
      `GET /v1/x HTTP/1.1\r\nHost: orders-svc.${domain}\r\nAccept: ${accept}\r\n\r\n`
    const refused = { status: 401, reason: 'token-missing' }
    const kindOf = async (accept: string) =>
      (await expectRefused(proxy, asks(accept), refused)).headers['content-type']?.[0]?.split(';')[0]
    expect(await kindOf('text/html')).toBe('text/html')
    expect(await kindOf(`text/html${commas}`)).toBe('application/problem+json')
  })

  test('a Connection of many names', async () => {
    await expectRefused(proxy, await proxy.request('ana', 'GET', '/v1/x', [`Connection: ${commas}`]), {
      status: 400,
    })
  })

  test('many cookies, with ours among them', async () => {
    const cookies = `Cookie: ${';'.repeat(13_000)}__Host-pagepass=1`
    await expectRefused(proxy, await proxy.request('ana', 'GET', '/v1/x', [cookies]), { status: 400 })
  })

  test('a token whose header is long, though the signature holds', async () => {
    const ours = await proxy.token('ana')
    const signed = async (more: number): Promise<string> =>
      (await proxy.request('ana')).replace(ours, await proxy.signed({}, { x5t: 'a'.repeat(more) }))
    await expectOneRequest(proxy, await signed(2_000))
    await expectRefused(proxy, await signed(4_000), { status: 401, reason: 'token-invalid' })
  })
})

test('A client that asks and reads nothing does not keep what was to be said to it', async () => {
  const ends: string[] = []
  const server = createHttpServer((request, response) => {
    const isUnread = request.url === '/unread'
    response.on('close', () => ends.push(response.writableFinished ? 'read' : 'given up'))
    response.end('x'.repeat(isUnread ? 50_000_000 : 1_000))
    closeUnread(response, isUnread ? 50 : 1)
  }).listen(0, '127.0.0.1')
  await until(() => server.listening, 'the server')
  const { port } = server.address() as AddressInfo
  const reading = rawClient(port)
  reading.send('GET /read HTTP/1.1\r\nHost: x\r\n\r\n')
  await reading.answers(1)
  const unread = rawClient(port)
  unread.socket.pause()
  unread.send('GET /unread HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => ends.length === 2, 'the connection to be given up')
  expect(ends).toEqual(['read', 'given up'])
  reading.send('GET /again HTTP/1.1\r\nHost: x\r\n\r\n')
  expect((await reading.answers(2)).closed).toBe(false)
  reading.end()
  unread.end()
  server.close()
})

test('A client of HTTP/2 that asks nothing and never closes its side does not keep its connection', async () => {
  const taken: Socket[] = []
  const http2 = createHttp2(
    () => undefined,
    () => undefined,
    { ...patienceWithClients, lookMs: 10, idle: 5 },
  )
  const server = createServer((socket) => {
    taken.push(socket)
    http2.take(socket)
  }).listen(0, '127.0.0.1')
  await until(() => server.listening, 'the server')
  // It goes on reading, and sends no FIN when it gets one.
  const client = rawClient((server.address() as AddressInfo).port)
  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
  await client.closed()
  await until(
    () => taken.length === 1 && taken.every(({ destroyed }) => destroyed),
    'the connection to be gone',
  )
  client.end()
  server.close()
})
