import { createConnection } from 'node:net'
import { connect } from 'node:tls'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { principalKey } from '#access/domain/principal.ts'
import { startProxyForTest, until } from '../../builders/proxy.ts'
import { ask, problemOf, rawClient } from '../../builders/raw-client.ts'
import { events, onlyRequestTo, valuesOf } from '../../builders/upstream.ts'
import { type EgressScene, startEgressScene } from './scene.ts'

describe('A workload', () => {
  let scene: EgressScene
  beforeAll(async () => {
    scene = await startEgressScene(inject('redisUrl'), 93)
  })
  afterAll(() => scene.stop())
  beforeEach(() => scene.startOver())

  test('calls an origin that a rule names, and what is recorded names it', async () => {
    const { at, plain, proxy } = scene
    const answer = await scene.call(`POST http://${at.plain}/v1/charges?amount=7`, [], { body: 'amount=7' })
    expect(answer).toMatchObject({ status: 200, body: 'hello /v1/charges?amount=7\n' })
    expect(onlyRequestTo(plain)).toMatchObject({
      method: 'POST',
      target: '/v1/charges?amount=7',
      body: 'amount=7',
    })
    const who = principalKey({ issuer: proxy.idp.issuer, subject: 'client-checkout' })
    const [admitted, closed] = await proxy.records(2)
    expect(admitted).toMatchObject({
      kind: 'admitted',
      method: 'POST',
      path: '/v1/charges',
      client: '127.0.0.1',
      who,
      service: `http://${at.plain}`,
      release: '',
      tier: 'egress[0]',
      pattern: 'POST /v1/**',
      grant: 'egress[0] client-checkout',
      version: 1,
      rules: proxy.rules.hash,
    })
    expect(closed).toMatchObject({ kind: 'closed', id: admitted?.['id'], outcome: 'done', status: 200 })
  })

  test('is recorded before anything goes out', async () => {
    const { at, plain, proxy } = scene
    let recorded: Promise<unknown> | undefined
    plain.answerWith((_request, response) => {
      recorded = proxy.readAudit().then((records) => {
        response.end('ok')
        return records.map(({ kind }) => kind)
      })
    })
    await scene.call(`POST http://${at.plain}/v1/charges`)
    expect(await recorded).toEqual(['admitted'])
  })

  test.each([
    ['http', 'what was asked for plainly'],
    ['https', 'what was asked for by TLS'],
  ])('calls an origin of TLS over TLS by %s://, %s', async (scheme) => {
    const { at, secure, proxy } = scene
    const answer = await scene.call(`GET ${scheme}://${at.trusted}/v1/charges/7`)
    expect(answer).toMatchObject({ status: 200, body: 'hello /v1/charges/7\n' })
    expect(valuesOf(onlyRequestTo(secure), 'host')).toEqual([at.trusted])
    expect(await proxy.records(2)).toMatchObject([{ service: `https://${at.trusted}` }, { kind: 'closed' }])
  })

  test('tells the origin what it says itself, and nothing of us or of where it is', async () => {
    const { at, plain } = scene
    await scene.call(`PUT http://${at.plain}/v1/charges/7`, [
      'Authorization: Basic c2tfdGVzdDo=',
      'X-Request-Id: 7',
      'Cookie: a=1; __Host-pagepass=ours; b=2',
      'User-Agent: shop/1',
      'Forwarded: for=10.0.0.7',
      'X-Forwarded-For: 10.0.0.7',
      'X-Real-IP: 10.0.0.7',
      'Via: 1.1 inside',
      'Proxy-Connection: keep-alive',
      'Connection: x-hop',
      'X-Hop: 1',
      'TE: trailers',
    ])
    const seen = onlyRequestTo(plain)
    expect(Object.fromEntries(seen.rawHeaders.map(([name, value]) => [name.toLowerCase(), value]))).toEqual({
      host: at.plain,
      connection: 'keep-alive',
      authorization: 'Basic c2tfdGVzdDo=',
      'x-request-id': '7',
      cookie: 'a=1; b=2',
      'user-agent': 'shop/1',
      'content-length': '0',
    })
    expect(plain.bytes()).not.toContain(await scene.tokenOf('client-checkout'))
  })

  test('may name its token elsewhere, and its other token is the origin’s', async () => {
    const { at, plain } = scene
    const token = await scene.tokenOf('client-checkout')
    const answer = await scene.call(
      `GET http://${at.plain}/v1/x`,
      [`X-Pagepass-Authorization: Bearer ${token}`, 'Authorization: Bearer sk_live_1'],
      { sub: '' },
    )
    expect(answer.status).toBe(200)
    const seen = onlyRequestTo(plain)
    expect(valuesOf(seen, 'authorization')).toEqual(['Bearer sk_live_1'])
    expect(plain.bytes().toLowerCase()).not.toContain('pagepass')
  })

  test('asks several origins over one connection, each decided by itself', async () => {
    const { at, plain, secure, proxy } = scene
    const client = rawClient(proxy.egressPort)
    client.send(await scene.bytesOf(`GET http://${at.plain}/v1/one`))
    client.send(await scene.bytesOf(`GET https://${at.trusted}/v1/two`))
    client.send(await scene.bytesOf(`GET http://${at.plain}/v2/three`))
    const { answers } = await client.answers(3)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403])
    expect([plain, secure].map((one) => one.received().map(({ target }) => target))).toEqual([
      ['/v1/one'],
      ['/v1/two'],
    ])
    client.end()
  })

  test('shares no connection with another workload', async () => {
    const { at, plain } = scene
    const statuses = [
      await scene.call(`GET http://${at.plain}/rates`),
      await scene.call(`GET http://${at.plain}/rates`, [], { sub: 'client-ledger' }),
      await scene.call(`GET http://${at.plain}/rates`),
    ].map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 200])
    const [first, second, third] = plain.received().map(({ request }) => request.socket)
    expect(first).not.toBe(second)
    expect(first).toBe(third)
  })

  test('gets a redirect as it is, and nobody follows it', async () => {
    const { at, plain, secure } = scene
    plain.answerWith((_request, response) =>
      response.writeHead(302, { location: `https://${at.trusted}/v1/there` }).end(),
    )
    const answer = await scene.call(`GET http://${at.plain}/v1/here`)
    expect([answer.status, answer.headers['location']]).toEqual([302, [`https://${at.trusted}/v1/there`]])
    expect(plain.received()).toHaveLength(1)
    expect(secure.bytes()).toBe('')
  })

  test('streams both ways, and is told to send when it waits', async () => {
    const { at, plain, proxy } = scene
    plain.answerWith((request, response) => request.pipe(response.writeHead(200)))
    const client = rawClient(proxy.egressPort)
    const chunked = ['Transfer-Encoding: chunked', 'Expect: 100-continue']
    client.send(await scene.bytesOf(`POST http://${at.plain}/v1/echo`, chunked))
    await client.when(() => client.text().includes('HTTP/1.1 100 '), 'the leave to send')
    client.send('3\r\none\r\n')
    await client.when(() => client.text().includes('one'), 'the first piece')
    client.send('3\r\ntwo\r\n0\r\n\r\n')
    expect((await client.answers(1)).answers).toMatchObject([{ status: 200, body: 'onetwo' }])
    client.end()
  })

  test('that leaves ends its call', async () => {
    const { at, plain, proxy } = scene
    plain.answerWith(events)
    const client = rawClient(proxy.egressPort)
    client.send(await scene.bytesOf(`GET http://${at.plain}/v1/events`))
    await client.when(() => client.text().includes('data: more'), 'an event')
    client.end()
    // undici may open another one in its place.
    await until(
      () => plain.connections().every((one) => one.bytes() === '' || one.closed()),
      'the origin to hear of it',
    )
    expect(await proxy.records(1, ['closed'])).toMatchObject([{ outcome: 'aborted' }])
  })

  test('is cut at once when it is locked, and refused from then on, and nobody else is', async () => {
    const { at, plain, proxy } = scene
    const checkout = principalKey({ issuer: proxy.idp.issuer, subject: 'client-checkout' })
    plain.answerWith(events)
    const client = rawClient(proxy.egressPort)
    client.send(await scene.bytesOf(`GET http://${at.plain}/v1/events`))
    const other = rawClient(proxy.egressPort)
    other.send(await scene.bytesOf(`GET http://${at.plain}/rates`, [], { sub: 'client-ledger' }))
    await client.when(() => client.text().includes('data: more'), 'an event')
    await other.when(() => other.text().includes('data: more'), 'an event of the other')
    try {
      expect(proxy.locks.lock(checkout)).toBe(1)
      await client.closed()
      const before = other.size()
      await other.when(() => other.size() > before, 'more of the other')
      expect(await proxy.records(1, ['closed'])).toMatchObject([{ outcome: 'cut' }])
      const refused = await scene.call(`GET http://${at.plain}/v1/x`)
      expect([refused.status, problemOf(refused)['reason']]).toEqual([403, 'principal-locked'])
      expect(plain.received()).toHaveLength(2)
    } finally {
      proxy.locks.unlock(checkout)
      other.end()
    }
    plain.forget()
    expect((await scene.call(`GET http://${at.plain}/v1/x`)).status).toBe(200)
  })

  test('is counted', async () => {
    const { at, plain, proxy } = scene
    const registry = new Registry()
    proxy.measure(registry)
    const read = async (line: string): Promise<number> =>
      Number(
        (await registry.metrics())
          .split('\n')
          .find((one) => one.startsWith(`${line} `))
          ?.split(' ')[1],
      )
    const counted = ['admitted', 'egress-beyond'].map(
      (reason) => `pagepass_decisions_total{reason="${reason}"}`,
    )
    const before = await Promise.all(counted.map(read))
    plain.answerWith(events)
    const client = rawClient(proxy.egressPort)
    client.send(await scene.bytesOf(`GET http://${at.plain}/v1/events`))
    await client.when(() => client.text().includes('data: more'), 'an event')
    await scene.call(`GET http://${at.plain}/v2`)
    expect(await Promise.all(counted.map(read))).toEqual(before.map((count) => count + 1))
    expect(await read('pagepass_open{kind="request"}')).toBe(1)
    client.end()
    await until(async () => (await read('pagepass_open{kind="request"}')) === 0, 'the call to be over')
  })

  test('is cut when it has gone on for longer than one sign-in is good for', async () => {
    const { at, plain, proxy } = scene
    plain.answerWith(events)
    const client = rawClient(proxy.egressPort)
    client.send(await scene.bytesOf(`GET http://${at.plain}/v1/events`))
    await client.when(() => client.text().includes('data: more'), 'an event')
    proxy.ahead(proxy.rules.identity.sessionMax)
    await client.closed()
    expect(await proxy.records(1, ['closed'])).toMatchObject([{ outcome: 'cut' }])
  })
})

/** One after the other, as each has the whole database. */
const withScene = async (
  wishes: Parameters<typeof startEgressScene>[2],
  body: (scene: EgressScene) => Promise<void>,
): Promise<void> => {
  const scene = await startEgressScene(inject('redisUrl'), 93, wishes)
  try {
    await body(scene)
    expect(scene.proxy.faults).toEqual([])
  } finally {
    await scene.stop()
  }
}

test('The egress listener may speak TLS, and then HTTP/1.1 alone', () =>
  withScene({ overTls: true }, async ({ proxy, at, bytesOf, plain }) => {
    const client = rawClient(proxy.egressPort, 'tls')
    client.send(await bytesOf(`GET http://${at.plain}/v1/x`))
    expect((await client.answers(1)).answers).toMatchObject([{ status: 200, body: 'hello /v1/x\n' }])
    expect(plain.received()).toHaveLength(1)
    client.end()

    const chosen = await new Promise<string | false | null>((resolve, reject) => {
      const socket = connect({
        port: proxy.egressPort,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ALPNProtocols: ['h2', 'http/1.1'],
      })
      socket.once('secureConnect', () => {
        resolve(socket.alpnProtocol)
        socket.destroy()
      })
      socket.once('error', reject)
    })
    expect(chosen).toBe('http/1.1')

    const open = rawClient(proxy.egressPort)
    open.send(await bytesOf(`GET http://${at.plain}/v1/x`))
    await open.closed()
    expect(open.text()).not.toContain('200')
  }))

test('A drain lets a call go on that is open, and takes no new connection', () =>
  withScene({}, async ({ proxy, at, bytesOf, plain }) => {
    let end: (() => void) | undefined
    plain.answerWith((_request, response) => {
      response.writeHead(200).write('first ')
      end = () => response.end('last')
    })
    const client = rawClient(proxy.egressPort)
    client.send(await bytesOf(`GET http://${at.plain}/v1/long`))
    await client.when(() => client.text().includes('first'), 'the beginning')
    let over = false
    const drained = proxy.drainProxy().then((what) => {
      over = true
      return what
    })
    const refused = await new Promise<string | undefined>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port: proxy.egressPort })
      socket.once('connect', () => resolve('connected'))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
    expect(refused).toBe('ECONNREFUSED')
    expect(proxy.logged).toContainEqual(expect.objectContaining({ msg: 'what is open goes on', open: 1 }))
    // As long as a call might still be on its way on an old connection.
    proxy.ahead(5_000)
    expect(over).toBe(false)
    end?.()
    expect((await client.answers(1)).answers).toMatchObject([{ status: 200, body: 'first last' }])
    expect(await drained).toBe('nothing is open any more')
    client.end()
  }))

test('Without an address there is no egress listener', async () => {
  const proxy = await startProxyForTest(inject('redisUrl'), 93)
  expect(proxy.egressPort).toBe(0)
  await proxy.stop()
})

test('A workload calls out though Redis was never there', () =>
  withScene({ bot: false, proxyRedisUrl: 'redis://127.0.0.1:1' }, async (scene) => {
    const { at, proxy } = scene
    expect(proxy.waitingFor()).not.toEqual([])
    expect((await scene.call(`POST http://${at.plain}/v1/charges`)).status).toBe(200)
    expect((await scene.call(`GET https://${at.trusted}/v1/charges`)).status).toBe(200)
    expect((await scene.call(`GET http://${at.plain}/v2`)).status).toBe(403)
    expect(await proxy.records(5)).toMatchObject([
      { kind: 'admitted', viewAge: null },
      { kind: 'closed' },
      { kind: 'admitted', viewAge: null },
      { kind: 'closed' },
      { kind: 'refused', reason: 'egress-beyond' },
    ])
    // What needs a view is closed meanwhile.
    expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(503)
  }))
