import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { principalKey } from '#access/domain/principal.ts'
import { ask, problemOf, rawClient, talk } from '../../builders/raw-client.ts'
import { type EgressScene, startEgressScene } from './scene.ts'

/*
 * A workload that was taken over, or a page it was made to fetch, tries to get something out that no rule allows: data to
 * an address of its own, a call to an inner one (metadata services, Redis, our admin port), a call in another's name, a
 * second request behind the one that is decided on, or our token to a stranger. Whatever it tries, not one byte goes out,
 * one record tells of it, and the next good call works.
 */

let scene: EgressScene
beforeAll(async () => {
  scene = await startEgressScene(inject('redisUrl'), 94)
})
afterAll(() => scene.stop())
beforeEach(() => scene.startOver())

const expectGoodCall = async (): Promise<void> => {
  const answer = await scene.call(`GET http://${scene.at.plain}/v1/good`)
  expect(answer).toMatchObject({ status: 200, body: 'hello /v1/good\n' })
  expect(scene.proxy.faults).toEqual([])
}

const expectRefused = async (
  bytes: string,
  { status, reason }: { readonly status: number; readonly reason: string },
): Promise<Record<string, unknown>> => {
  const { answers, text } = await talk(scene.proxy.egressPort, bytes, {
    methods: [bytes.split(' ')[0] ?? ''],
  })
  expect(answers, text).toHaveLength(1)
  const [record, ...more] = await scene.proxy.records(1)
  expect({ status: answers[0]?.status, ...record }).toMatchObject({ status, kind: 'refused', reason })
  expect(record?.['status']).toBe(status)
  expect(more).toEqual([])
  expect(scene.out()).toBe('')
  await expectGoodCall()
  return { ...record, answer: answers[0] }
}

describe('Who may not call', () => {
  test('says nothing of who it is', async () => {
    const { answer } = await expectRefused(
      await scene.bytesOf(`GET http://${scene.at.plain}/v1/x`, [], { sub: '' }),
      {
        status: 407,
        reason: 'token-missing',
      },
    )
    expect(answer).toMatchObject({ headers: { 'proxy-authenticate': ['Bearer'] } })
    expect(answer).not.toHaveProperty('headers.www-authenticate')
    expect(problemOf(answer as Parameters<typeof problemOf>[0])['mend']).toContain('Proxy-Authorization')
  })

  test.each([
    [
      'its token is in the header of the origin alone',
      (token: string) => [`Authorization: Bearer ${token}`],
      407,
      'token-missing',
    ],
    [
      'its token is not that of a bearer',
      (token: string) => [`Proxy-Authorization: Basic ${token}`],
      407,
      'token-missing',
    ],
    ['it invented one', () => ['Proxy-Authorization: Bearer a.b.c'], 407, 'token-invalid'],
    [
      'it names two',
      (token: string) => [`Proxy-Authorization: Bearer ${token}`, `Proxy-Authorization: Bearer ${token}`],
      400,
      'headers-ambiguous',
    ],
    [
      'it names two in one',
      (token: string) => [`Proxy-Authorization: Bearer ${token}, Bearer ${token}`],
      400,
      'headers-ambiguous',
    ],
    [
      'it names two that disagree',
      (token: string) => [`Proxy-Authorization: Bearer ${token}`, 'X-Pagepass-Authorization: Bearer a.b.c'],
      400,
      'headers-ambiguous',
    ],
    [
      'it spells the header in a way that some read',
      (token: string) => [`Proxy_Authorization: Bearer ${token}`],
      400,
      'header-reserved',
    ],
    [
      'it would give our token to the origin, too',
      (token: string) => [`Proxy-Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
      400,
      'headers-ambiguous',
    ],
    [
      'it would give our token to the origin in other words',
      (token: string) => [`X-Pagepass-Authorization: Bearer ${token}`, `Authorization: token ${token}`],
      400,
      'headers-ambiguous',
    ],
    ['it has a session cookie', () => ['Cookie: __Host-pagepass=abc'], 407, 'token-missing'],
    [
      'it brings what only we say',
      (token: string) => [`Proxy-Authorization: Bearer ${token}`, 'X-Pagepass-Assertion: a.b.c'],
      400,
      'header-reserved',
    ],
    [
      'it says what frameworks obey',
      (token: string) => [`Proxy-Authorization: Bearer ${token}`, 'X-HTTP-Method-Override: DELETE'],
      400,
      'header-reserved',
    ],
  ] as const)('is refused: %s', async (_name, headers, status, reason) => {
    const token = await scene.tokenOf('client-checkout')
    const bytes = await scene.bytesOf(`GET http://${scene.at.plain}/v1/x`, headers(token), { sub: '' })
    await expectRefused(bytes, { status, reason })
  })

  test('a person', async () => {
    const { proxy, at } = scene
    const token = await proxy.token('ben')
    const bytes = await scene.bytesOf(
      `GET http://${at.plain}/v1/x`,
      [`Proxy-Authorization: Bearer ${token}`],
      { sub: '' },
    )
    const record = await expectRefused(bytes, { status: 403, reason: 'egress-missing' })
    expect(record['who']).toBe(principalKey({ issuer: proxy.idp.issuer, subject: 'idp-ben' }))
  })

  test.each([
    ['what another workload may', 'GET /v1/x', 'client-ledger', 'egress-beyond'],
    ['a path that is not allowed', 'GET /v2/x', 'client-checkout', 'egress-beyond'],
    ['a method that is not allowed', 'DELETE /v1/x', 'client-checkout', 'egress-beyond'],
    ['anything, being no workload', 'GET /v1/x', 'client-other', 'egress-missing'],
  ])('%s', async (_name, line, sub, reason) => {
    const [method, path] = line.split(' ')
    const bytes = await scene.bytesOf(`${method} http://${scene.at.plain}${path}`, [], { sub })
    await expectRefused(bytes, { status: 403, reason })
  })
})

describe('A target is refused', () => {
  test.each([
    ['of an origin that no rule names', 'GET http://evil.example/v1/x', 403, 'egress-missing'],
    ['by TLS where the rule is plain', 'GET https://PLAIN/v1/x', 403, 'egress-missing'],
    ['with a user and a password', 'GET http://root:hunter2@PLAIN/v1/x', 400, 'target-not-canonical'],
    ['whose user looks like the host', 'GET http://PLAIN@evil.example/v1/x', 400, 'target-not-canonical'],
    ['with a backslash before the user', 'GET http://evil.example\\@PLAIN/v1/x', 400, 'headers-ambiguous'],
    ['with two authorities', 'GET http://PLAIN:80/v1/x', 400, 'target-not-canonical'],
    ['without a path', 'GET http://PLAIN', 400, 'target-not-canonical'],
    ['with a query alone', 'GET http://PLAIN?/v1/x', 400, 'target-not-canonical'],
    ['with a fragment', 'GET http://PLAIN/v1/x#/../v2', 400, 'target-not-canonical'],
    ['with a fragment in the authority', 'GET http://PLAIN#.evil.example/v1/x', 400, 'headers-ambiguous'],
    ['with dot segments', 'GET http://PLAIN/v1/../v2/x', 400, 'target-not-canonical'],
    ['with hidden dot segments', 'GET http://PLAIN/v1/%2e%2e/v2/x', 400, 'target-not-canonical'],
    ['with a hidden slash', 'GET http://PLAIN/v1%2fx', 400, 'target-not-canonical'],
    ['with two slashes', 'GET http://PLAIN//v1/x', 400, 'target-not-canonical'],
    ['with parameters', 'GET http://PLAIN/v1/x;/../y', 400, 'target-not-canonical'],
    ['with a scheme in capitals', 'GET HTTP://PLAIN/v1/x', 400, 'target-not-canonical'],
    ['of another scheme', 'GET ftp://PLAIN/v1/x', 400, 'target-not-canonical'],
    ['of a WebSocket', 'GET ws://PLAIN/v1/x', 400, 'target-not-canonical'],
    ['without a scheme', 'GET PLAIN/v1/x', 400, 'headers-ambiguous'],
    ['as a service is asked', 'GET /v1/x', 400, 'egress-form'],
    ['as one of ours is asked', 'GET /.pagepass/jwks.json', 400, 'egress-form'],
    ['of nothing in particular', 'OPTIONS *', 400, 'egress-form'],
    ['by a method that is not forwarded', 'TRACE http://PLAIN/v1/x', 400, 'method-not-allowed'],
  ])('%s', async (_name, line, status, reason) => {
    const target = line.replaceAll('PLAIN', scene.at.plain)
    // Each with the host that goes best with it.
    const bytes = await scene.bytesOf(target, [], {
      host: /^\w+ \w+:\/\/([^/?#@]+)/.exec(target)?.[1] ?? scene.at.plain,
    })
    const record = await expectRefused(bytes, { status, reason })
    expect(JSON.stringify(record)).not.toContain('hunter2')
  })

  test.each(['elsewhere.example', '127.0.0.1', '127.0.0.1:1', '', 'PLAIN.', 'PLAIN, PLAIN'])(
    'with another Host: %j',
    async (host) => {
      const bytes = await scene.bytesOf(`GET http://${scene.at.plain}/v1/x`, [], {
        host: host.replaceAll('PLAIN', scene.at.plain),
      })
      await expectRefused(bytes, { status: 400, reason: 'headers-ambiguous' })
    },
  )

  test('with two Hosts', async () => {
    const bytes = await scene.bytesOf(`GET http://${scene.at.plain}/v1/x`, [`Host: ${scene.at.plain}`])
    await expectRefused(bytes, { status: 400, reason: 'headers-ambiguous' })
  })

  test('on the listener of services, which is no forward proxy', async () => {
    const { proxy, at } = scene
    const token = await scene.tokenOf('client-checkout')
    const bytes = await scene.bytesOf(`GET http://${at.plain}/v1/x`, [`Authorization: Bearer ${token}`])
    expect((await ask(proxy.port, bytes)).status).toBe(400)
    expect(scene.out()).toBe('')
  })
})

describe('A way around the decision is none', () => {
  test('CONNECT, and the answer says what to do instead', async () => {
    const { at, proxy } = scene
    const bytes = await scene.bytesOf(`CONNECT ${at.trusted}`, [], { host: at.trusted })
    const { answer, path, method } = await expectRefused(bytes, { status: 405, reason: 'egress-tunnel' })
    expect([method, path]).toEqual(['CONNECT', at.trusted])
    const { headers } = answer as { headers: Record<string, string[]> }
    expect(headers['allow']?.[0]).toContain('POST')
    for (const name of ['connection', 'content-length', 'content-type'])
      expect(headers[name], name).toHaveLength(1)
    expect(headers['connection']).toEqual(['close'])
    const problem = problemOf(answer as Parameters<typeof problemOf>[0])
    expect(problem).toMatchObject({ status: 405, reason: 'egress-tunnel' })
    expect(problem['mend']).toContain('http://')
    expect(proxy.faults).toEqual([])
  })

  test('what is sent behind a CONNECT', async () => {
    const { at, proxy } = scene
    const client = rawClient(proxy.egressPort)
    client.send(
      (await scene.bytesOf(`CONNECT ${at.plain}`, [], { host: at.plain })) +
        (await scene.bytesOf(`GET http://${at.plain}/v1/x`)),
    )
    await client.closed()
    expect((await client.answers(1)).answers).toHaveLength(1)
    expect(scene.out()).toBe('')
    client.end()
  })

  test.each(['websocket', 'h2c', 'TLS/1.2'])('an upgrade to %s', async (protocol) => {
    const bytes = await scene.bytesOf(`GET http://${scene.at.plain}/v1/x`, [
      'Connection: Upgrade',
      `Upgrade: ${protocol}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ])
    await expectRefused(bytes, { status: 403, reason: 'upgrade-not-admitted' })
  })

  test.each([
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['two lengths', ['Content-Length: 0', 'Content-Length: 5'], 'GET /'],
    ['a coding beside chunks', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'],
    ['a length that is none', ['Content-Length: +4'], 'abcd'],
    ['a folded header', ['X-A: 1', ' folded'], ''],
    ['a bare line feed', ['X-A: 1\nX-B: 2'], ''],
    ['space before a colon', ['Content-Length : 4'], 'abcd'],
  ])('two readings of a body: %s', async (_name, headers, body) => {
    const head = await scene.bytesOf(`POST http://${scene.at.plain}/v1/x`, headers)
    const inner = await scene.bytesOf(`POST http://${scene.at.plain}/v1/smuggled`)
    const { answers } = await talk(scene.proxy.egressPort, `${head}${body}${inner}`)
    expect(answers.map(({ status }) => status)).toEqual([400])
    expect(scene.out()).toBe('')
    await expectGoodCall()
  })

  test('a body that looks like a request', async () => {
    const inner = await scene.bytesOf(`DELETE http://${scene.at.plain}/v2/smuggled`)
    const answer = await scene.call(`POST http://${scene.at.plain}/v1/x`, [], { body: inner })
    expect(answer.status).toBe(200)
    expect(scene.plain.received().map(({ target }) => target)).toEqual(['/v1/x'])
  })
})

describe('An origin that a rule names is not called', () => {
  test.each([
    ['a name that leads to this machine', 'local', 'http'],
    ['a metadata address', 'metadata', 'http'],
    ['the Redis of Pagepass', 'redis', 'http'],
    ['the listener that is asked', 'self', 'http'],
    ['one where nobody listens', 'nobody', 'http'],
    ['one whose certificate nobody known signed', 'untrusted', 'https'],
    ['one whose certificate is for another', 'misnamed', 'https'],
  ] as const)('%s', async (_name, where, scheme) => {
    const { at, proxy } = scene
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const answer = await scene.call(`POST ${scheme}://${at[where]}/v1/x`, [], { body: 'secret' })
      expect([answer.status, problemOf(answer)['reason']]).toEqual([502, 'upstream-failed'])
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
    expect(scene.out()).toBe('')
    expect(await proxy.records(2)).toMatchObject([
      { kind: 'admitted', service: `${scheme}://${at[where]}` },
      { kind: 'closed', outcome: 'failed' },
    ])
    expect(proxy.logged).toContainEqual(expect.objectContaining({ origin: `${scheme}://${at[where]}` }))
    await expectGoodCall()
  })

  test('and is never told our token, nor is the log', async () => {
    const token = await scene.tokenOf('client-checkout')
    await scene.call(`GET http://${scene.at.plain}/v1/x?key=${token}`)
    await scene.call(`GET http://root:${token}@${scene.at.plain}/v1/x`, [], { host: scene.at.plain })
    await scene.call(`GET http://${scene.at.plain}/v1/x`, [`Authorization: ${token}`])
    const records = await scene.proxy.records(4)
    expect(JSON.stringify([records, scene.proxy.logged])).not.toContain(token.slice(-40))
  })
})

test('An answer from outside says nothing in our name, and asks for nothing of ours', async () => {
  scene.plain.answerWith((_request, response) =>
    response
      .writeHead(200, {
        'x-pagepass-assertion': 'a.b.c',
        'proxy-authenticate': 'Bearer',
        'proxy-connection': 'close',
        'x-own': '1',
      })
      .end('ok'),
  )
  const { headers } = await scene.call(`GET http://${scene.at.plain}/v1/x`)
  expect(headers['x-own']).toEqual(['1'])
  for (const name of ['x-pagepass-assertion', 'proxy-authenticate', 'proxy-connection'])
    expect(headers).not.toHaveProperty(name)
})
