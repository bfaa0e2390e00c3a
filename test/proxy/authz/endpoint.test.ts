import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Asking, asEnvoy, asForwardAuth, asNginx, frontSecret } from '../../builders/front-proxy.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../../builders/proxy.ts'
import { type Answer, ask, problemOf, rawClient, talk } from '../../builders/raw-client.ts'

let proxy: ProxyUnderTest
const another = 's'.repeat(40)
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 62, {
    authz: { secrets: [frontSecret, another], tls: undefined },
    mend: (text) =>
      text
        .replace(', approvals: { count: 1, from: [sre] } }', ', proxy_only: true }')
        // What only a rule set without care would have: our own prefix is reserved all the same.
        .replace('observe: [GET /, ', 'observe: [GET /, GET /.pagepass/**, ')
        .replace('tiers: [admin], how: approval', 'tiers: [admin], how: at once')
        .replace('rate: 2/m, when_stale: 2m', 'rate: 2/m, burst: 2, when_stale: 2m'),
  })
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(() => proxy.endAll())

/** Each with somebody of its own who uses up their rate. */
const dialects = [
  ['nginx', asNginx, 'ben'],
  ['forward-auth', asForwardAuth, 'cho'],
  ['envoy', asEnvoy, 'dan'],
] as const

const kinds = ['decided', 'refused', 'admitted', 'closed']

const askAs = async (speak: (it: Asking) => string, it: Asking): Promise<Answer> =>
  ask(proxy.authzPort, speak(it))

const claimsOf = ({ headers }: Answer): unknown => {
  const [, claims = ''] = (headers['x-pagepass-assertion']?.[0] ?? '').split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString())
}

describe.each(dialects)('Asked in the words of %s', (front, speak, spender) => {
  /** nginx understands no other refusal than 401 and 403. */
  const heard = (status: number): number => (front !== 'nginx' || status === 401 ? status : 403)

  const expectNo = async (it: Asking, status: number, reason: string): Promise<Answer> => {
    await proxy.startOver()
    const answer = await askAs(speak, it)
    expect({ status: answer.status, reason: problemOf(answer)['reason'] }).toEqual({
      status: heard(status),
      reason,
    })
    expect(answer.headers['x-pagepass-reason']).toEqual([reason])
    expect(answer.headers['cache-control']).toEqual(['no-store'])
    expect(answer.headers).not.toHaveProperty('x-pagepass-assertion')
    expect(await proxy.records(1, kinds)).toMatchObject([
      { kind: 'refused', reason, status: heard(status), front, client: '192.0.2.7' },
    ])
    return answer
  }

  test('a pass that admits it is a yes, recorded as decided and counted under the pass', async () => {
    const grant = await proxy.give('ana')
    const token = await proxy.token('ana')
    const answer = await askAs(speak, { token, method: 'POST', target: '/v1/orders/7?q=secret' })
    expect(answer.status).toBe(200)
    expect(claimsOf(answer)).toMatchObject({ aud: 'orders-svc', sub: 'idp-ana', grant: grant.id })
    const records = await proxy.records(1, kinds)
    expect(records).toMatchObject([
      {
        kind: 'decided',
        front,
        method: 'POST',
        path: '/v1/orders/7',
        client: '192.0.2.7',
        who: `${proxy.idp.issuer} idp-ana`,
        service: 'orders-svc',
        tier: 'operate',
        pattern: 'POST /v1/**',
        grant: grant.id,
        version: 1,
        rules: proxy.rules.hash,
      },
    ])
    expect(JSON.stringify(records)).not.toContain('secret')
    await proxy.end(grant)
    expect(await proxy.usageOf(grant)).toEqual({
      patterns: { 'POST /v1/**': { decided: 1 } },
      writes: 1,
      refused: {},
    })
    expect(proxy.orders.bytes()).toBe('')
  })

  test('a yes answers every identity header, those that nobody sets empty', async () => {
    await proxy.give('ana')
    const { headers } = await askAs(speak, { token: await proxy.token('ana') })
    expect(headers['x-pagepass-assertion']).toHaveLength(1)
    for (const name of ['user', 'email', 'groups', 'preferred-username'])
      expect(headers[`x-forwarded-${name}`]).toEqual([''])
    expect(headers['cache-control']).toEqual(['no-store'])
    expect(headers['content-length']).toEqual(['0'])
  })

  test('a token in X-Pagepass-Authorization counts as well', async () => {
    await proxy.give('ana')
    const own = `X-Pagepass-Authorization: Bearer ${await proxy.token('ana')}`
    expect((await askAs(speak, { more: [own, 'Authorization: Basic eHl6'] })).status).toBe(200)
  })

  test('no token, or a bad one, is a 401 that says how to sign in', async () => {
    const answer = await expectNo({}, 401, 'token-missing')
    expect(answer.headers['www-authenticate']).toEqual(['Bearer'])
    await expectNo({ token: 'a.b.c' }, 401, 'token-invalid')
  })

  test('no pass is a no that says how to ask for one', async () => {
    const answer = await expectNo({ token: await proxy.token('ana') }, 403, 'grant-missing')
    expect(problemOf(answer)).toMatchObject({ needs: 'observe', ask: '/access grant orders-svc 1h observe' })
  })

  test('a tier too low is a no, counted under the pass', async () => {
    const grant = await proxy.give('ana', { tier: 'observe' })
    const token = await proxy.token('ana')
    await expectNo({ token, method: 'POST' }, 403, 'tier-too-low')
    await proxy.end(grant)
    expect(await proxy.usageOf(grant)).toMatchObject({ refused: { 'tier-too-low': 1 } })
  })

  test('a revoked pass is none from the next question on', async () => {
    const grant = await proxy.give('ana')
    const token = await proxy.token('ana')
    expect((await askAs(speak, { token })).status).toBe(200)
    await proxy.end(grant)
    await expectNo({ token }, 403, 'grant-missing')
  })

  test('a tier that is only for the proxy is refused, and the lower ones are not', async () => {
    const grant = await proxy.give('ben', { tier: 'admin' })
    const token = await proxy.token('ben')
    await expectNo({ token, target: '/admin/x' }, 403, 'proxy-only')
    expect((await askAs(speak, { token })).status).toBe(200)
    await proxy.startOver()
    const through = await ask(proxy.port, await proxy.request('ben', 'GET', '/admin/x'))
    expect(through.status).toBe(200)
    await proxy.end(grant)
    expect(await proxy.usageOf(grant)).toMatchObject({ refused: { 'proxy-only': 1 } })
  })

  test('an upgrade is refused, however it shows', async () => {
    await proxy.give('ana')
    const token = await proxy.token('ana')
    const signs = ['Upgrade: websocket', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Sec-WebSocket-Key: x']
    for (const sign of signs)
      await expectNo({ token, target: '/live', more: [sign] }, 403, 'upgrade-not-admitted')
    await expectNo(
      { token, more: ['Connection: Upgrade', 'Upgrade: websocket'] },
      403,
      'upgrade-not-admitted',
    )
  })

  test('the rate is one with that of the proxy', async () => {
    await proxy.give(spender)
    const token = await proxy.token(spender)
    expect((await askAs(speak, { token, target: '/scarce/1' })).status).toBe(200)
    expect((await ask(proxy.port, await proxy.request(spender, 'GET', '/scarce/2'))).status).toBe(200)
    const answer = await expectNo({ token, target: '/scarce/3' }, 429, 'rate-limited')
    if (front !== 'nginx') expect(Number(answer.headers['retry-after']?.[0])).toBeGreaterThan(0)
  })

  test('another host, service or reserved path is nobody’s', async () => {
    await proxy.give('ana')
    const token = await proxy.token('ana')
    await expectNo({ token, host: 'orders-svc.example.org' }, 421, 'host-wrong')
    await expectNo({ token, host: `other.${domain}` }, 404, 'service-unknown')
    await expectNo({ token, host: `payments-svc.${domain}` }, 403, 'grant-missing')
    await expectNo({ token, target: '/.pagepass/whoami' }, 403, 'tier-none')
    expect((await askAs(speak, { token, host: `ORDERS-svc.${domain}:8443` })).status).toBe(200)
  })

  test('either secret does while one is being replaced', async () => {
    await proxy.give('ana')
    expect((await askAs(speak, { token: await proxy.token('ana'), secret: another })).status).toBe(200)
  })
})

test('A front proxy can’t present a break-glass pass: the application would see it', async () => {
  const refused = async (): Promise<number> =>
    (await proxy.readAudit()).filter(({ reason }) => reason === 'proxy-only').length
  for (const [, speak] of dialects) {
    const before = await refused()
    const asked = speak({ token: await proxy.token('ana') })
    const pass = '\r\nX-Pagepass-Break-Glass: x\r\n\r\n'
    const answer = await ask(proxy.authzPort, asked.replace('\r\n\r\n', pass))
    expect(answer.status).toBe(403)
    await until(async () => (await refused()) === before + 1, 'the record')
  }
})

test('On the public listener there is no such place, with or without the secret', async () => {
  for (const path of [
    '/.pagepass/nginx',
    '/.pagepass/forward-auth',
    '/.pagepass/envoy/v1/x',
    '/.pagepass/ask',
  ]) {
    const told = asNginx({ token: await proxy.token('ana') }).replace('/nginx', path)
    expect((await ask(proxy.port, told)).status).toBe(404)
  }
  await proxy.give('ana')
  for (const [, speak] of dialects) {
    await proxy.startOver()
    const asked = speak({ token: await proxy.token('ana') }).replace(/Host: .*/, `Host: orders-svc.${domain}`)
    // A path like any other, and a header that nobody but us may send.
    expect(problemOf(await ask(proxy.port, asked))).toMatchObject({ reason: 'header-reserved' })
    const plain = asked.replace(/X-Pagepass-Front: .*\r\n/, '')
    const answer = await ask(proxy.port, plain)
    expect(answer.headers).not.toHaveProperty('x-pagepass-assertion')
    expect(problemOf(answer)).toMatchObject({ reason: 'tier-none' })
  }
})

test('Nor does the endpoint forward anything, or tell its keys', async () => {
  await proxy.give('ana')
  const bytes = await proxy.request('ana', 'GET', '/v1/orders', [`X-Pagepass-Front: ${frontSecret}`])
  expect(problemOf(await ask(proxy.authzPort, bytes))).toMatchObject({ status: 400, reason: 'front-unclear' })
  const keys = 'GET /.pagepass/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n'
  expect((await ask(proxy.authzPort, keys)).status).toBe(403)
  expect(proxy.orders.bytes()).toBe('')
})

test('Many questions on one connection are each decided for themselves', async () => {
  await proxy.give('ana')
  const ana = await proxy.token('ana')
  const ben = await proxy.token('ben')
  const bytes = [ana, ben, ana, ''].map((token) => asNginx(token === '' ? {} : { token })).join('')
  const { answers } = await talk(proxy.authzPort, bytes, { answers: 4 })
  expect(answers.map(({ status }) => status)).toEqual([200, 403, 200, 401])
  expect(answers.map(({ headers }) => headers['x-pagepass-assertion']?.length ?? 0)).toEqual([1, 0, 1, 0])
})

test('A pass whose signature does not hold is none', async () => {
  const grant = await proxy.give('ana', { tier: 'observe' })
  await proxy.forge(grant, { tier: 'operate', step: 'extended' })
  const answer = await askAs(asForwardAuth, { token: await proxy.token('ana'), method: 'POST' })
  expect(answer.status).toBe(403)
  expect(answer.headers).not.toHaveProperty('x-pagepass-assertion')
})

test('Once the proxy drains, it decides nothing more, also on old connections', async () => {
  // One of its own, so that it can be tried again.
  const leaving = await startProxyForTest(inject('redisUrl'), 191, {
    authz: { secrets: [frontSecret], tls: undefined },
  })
  try {
    await leaving.give('ana')
    const question = asNginx({ token: await leaving.token('ana') })
    const client = rawClient(leaving.authzPort)
    client.send(question)
    const [first] = (await client.answers()).answers
    expect({ status: first?.status, reason: first?.headers['x-pagepass-reason'] }).toEqual({ status: 200 })
    // Half a question, so that the connection is not an idle one, which closes anyway.
    client.send(question.slice(0, 40))
    expect((await ask(leaving.authzPort, question)).status).toBe(200)
    await leaving.drainProxy()
    client.send(question.slice(40))
    await client.closed()
    expect((await client.answers(2)).answers).toHaveLength(1)
    client.end()
    await expect(ask(leaving.authzPort, question)).rejects.toThrow('no answer')
  } finally {
    await leaving.stop()
  }
})
