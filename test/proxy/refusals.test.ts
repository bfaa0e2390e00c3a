import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { type Answer, ask, problemOf } from '../builders/raw-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 9)
})
afterAll(() => proxy.stop())
beforeEach(() => proxy.startOver())
afterEach(() => proxy.endAll())

/** Refused with this reason, recorded once, and nothing forwarded. */
const expectRefusal = async (bytes: string, status: number, reason: string): Promise<Answer> => {
  const answer = await ask(proxy.port, bytes)
  expect({ status: answer.status, reason: problemOf(answer)['reason'] }).toEqual({ status, reason })
  expect(answer.headers['content-type']).toEqual(['application/problem+json; charset=utf-8'])
  expect(answer.headers['cache-control']).toEqual(['no-store'])
  expect(await proxy.records(1)).toMatchObject([{ kind: 'refused', reason, status }])
  expect(proxy.orders.bytes() + proxy.payments.bytes()).toBe('')
  return answer
}

test('Without a pass: 403, with the command that would ask for one', async () => {
  const answer = await expectRefusal(await proxy.request('ana'), 403, 'grant-missing')
  expect(problemOf(answer)).toMatchObject({
    type: 'urn:pagepass:reason:grant-missing',
    service: 'orders-svc',
    needs: 'observe',
    rule: 'services.orders-svc.tiers.observe',
    ask: '/access grant orders-svc 1h observe',
    by: 'on_request[0]',
  })
  expect(problemOf(answer)).not.toHaveProperty('mend')
})

test('A pass of too low a tier names the tier that would do', async () => {
  await proxy.give('ana', { tier: 'observe' })
  const answer = await expectRefusal(await proxy.request('ana', 'POST'), 403, 'tier-too-low')
  expect(problemOf(answer)).toMatchObject({
    needs: 'operate',
    ask: '/access grant orders-svc 1h operate because …',
  })
})

test('What no tier allows can’t be asked for', async () => {
  await proxy.give('ana')
  const answer = await expectRefusal(await proxy.request('ana', 'GET', '/internal'), 403, 'tier-none')
  expect(problemOf(answer)).not.toHaveProperty('ask')
})

test('A revoked pass is none', async () => {
  const grant = await proxy.give('ana')
  expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(200)
  await proxy.end(grant)
  await proxy.startOver()
  await expectRefusal(await proxy.request('ana'), 403, 'grant-missing')
})

test('An expired pass is none, and one that is still to come', async () => {
  await proxy.give('ana', { from: proxy.now() - 3_600_000, until: proxy.now() - 1 })
  await proxy.give('ana', { from: proxy.now() + 600_000, until: proxy.now() + 1_200_000 })
  await expectRefusal(await proxy.request('ana'), 403, 'grant-missing')
})

test('A pass for another service is none here, nor is another person’s', async () => {
  await proxy.give('ana', { service: 'payments-svc' })
  await proxy.give('ben')
  await expectRefusal(await proxy.request('ana'), 403, 'grant-missing')
})

test('A pass that the rules would not give is not honoured, however well it is signed', async () => {
  await proxy.give('ana', { tier: 'operate', lasts: 3 * 3_600_000 })
  await proxy.give('ana', { tier: 'admin' })
  await proxy.give('ana', { tier: 'no-such-tier' })
  await expectRefusal(await proxy.request('ana'), 403, 'grant-beyond-rules')
})

test('The groups are those of the token, not those of the day of the pass', async () => {
  await proxy.give('ana')
  const without = await proxy.signed({ groups: ['others'] })
  const bytes = (await proxy.request('ana')).replace(await proxy.token('ana'), without)
  const problem = problemOf(await expectRefusal(bytes, 403, 'grant-beyond-rules'))
  // What they may not ask for, nobody tells them to ask for.
  expect(problem['mend']).toBe('Who may ask for observe on orders-svc: sre or payments (on_request[0]).')
  expect(problem).not.toHaveProperty('ask')
})

test('A forged pass in Redis opens nothing', async () => {
  const grant = await proxy.give('ana', { tier: 'observe' })
  const statement = (await proxy.redis.hget('{pagepass}:live', grant.id)) ?? ''
  const [header = '', , signature = ''] = statement.split('.')
  const forged = { ...grant, id: 'f0r9-ed00-0000', who: { ...grant.who, subject: 'idp-ben' } }
  const altered = [header, Buffer.from(JSON.stringify(forged)).toString('base64url'), signature].join('.')
  const sequence = await proxy.redis.incr('{pagepass}:sequence')
  await proxy.redis.hset('{pagepass}:live', forged.id, altered)
  await proxy.redis.xadd(
    '{pagepass}:events',
    `${sequence}-0`,
    'kind',
    'grant',
    'id',
    forged.id,
    'statement',
    altered,
  )
  let reason: unknown
  while (reason !== 'grant-unverified' && reason !== 'grant-missing') {
    const answer = await ask(proxy.port, await proxy.request('ben'))
    expect(answer.status).toBe(403)
    reason = problemOf(answer)['reason']
  }
  expect(proxy.orders.bytes()).toBe('')
  await proxy.redis.hdel('{pagepass}:live', forged.id)
  // It reads Redis anew because of this, and what it reads counts only once a signed head agrees.
  await proxy.give('ben')
  await until(
    async () => (await ask(proxy.port, await proxy.request('ben'))).status === 200,
    'the proxy to be in step',
  )
})

test('Beyond the rate: 429, with when to come back', async () => {
  await proxy.give('ana')
  expect((await ask(proxy.port, await proxy.request('ana', 'GET', '/scarce/x'))).status).toBe(200)
  await proxy.startOver()
  const answer = await expectRefusal(await proxy.request('ana', 'GET', '/scarce/x'), 429, 'rate-limited')
  expect(Number(answer.headers['retry-after']?.[0])).toBeGreaterThan(0)
})

test('A new pass, another spelling of the host or of the token fill no new bucket', async () => {
  await proxy.give('ana')
  await proxy.give('ana', { lasts: 7_000_000 })
  for (const [index, from, to] of [
    [0, 'Host: orders', 'Host: ORDERS'],
    [1, domain, `${domain}:80`],
    [2, 'Bearer', 'bearer'],
    [3, '\r\n\r\n', '\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n'],
  ] as const) {
    const bytes = (await proxy.request('ana', 'GET', `/scarce/${index}`)).replace(from, to)
    expect((await ask(proxy.port, bytes)).status).toBe(429)
  }
})

test.each([
  ['no token at all', ''],
  ['another scheme', 'Authorization: Basic YTpi\r\n'],
  ['an empty token', 'Authorization: Bearer \r\n'],
])('%s: 401', async (_, header) => {
  const answer = await expectRefusal(
    `GET /v1/orders HTTP/1.1\r\nHost: orders-svc.${domain}\r\n${header}\r\n`,
    401,
    'token-missing',
  )
  expect(answer.headers['www-authenticate']).toEqual(['Bearer'])
})

test.each([
  ['another host', 'example.com', 421, 'host-wrong'],
  ['no service by this name', `nobody.${domain}`, 404, 'service-unknown'],
  ['the sign-in host', `pagepass.${domain}`, 404, 'service-unknown'],
])('%s', async (_, host, status, reason) => {
  await expectRefusal((await proxy.request('ana')).replace(`orders-svc.${domain}`, host), status, reason)
})

test('A refused body is not read: the connection ends with the answer', async () => {
  const answer = await expectRefusal(
    await proxy.request('ana', 'POST', '/v1/orders', ['Content-Length: 1000'], 'only some'),
    403,
    'grant-missing',
  )
  expect(answer.headers['connection']).toEqual(['close'])
})

test('With the identity provider down, its known keys go on proving who is who', async () => {
  await proxy.give('ana')
  await proxy.give('ben')
  expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(200)
  const unseen = await proxy.request('ben', 'GET', '/v1/orders')
  await proxy.idp.close()
  expect((await ask(proxy.port, await proxy.request('ana'))).status).toBe(200)
  expect((await ask(proxy.port, unseen)).status).toBe(200)
})

test('Nothing above made a fault', () => {
  expect(proxy.faults).toEqual([])
})
