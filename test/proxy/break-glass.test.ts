import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { readReports } from '#access/adapters/redis/reports.ts'
import type { Glass } from '#access/domain/break-glass/pass.ts'
import { readGlass } from '#access/domain/break-glass/pass.ts'
import { principalKey } from '#access/domain/principal.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import { aNonce, glassBy, glassKey } from '../builders/break-glass.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'
import { webSocketClient } from '../builders/web-socket-client.ts'
import { startedAnew } from '../started-anew.ts'

const holdBack = (): undefined => undefined
const [alice, vault, spare] = [glassKey(), glassKey(), glassKey()]
const who = (proxy: ProxyUnderTest, name: PersonName = 'ana') => ({
  issuer: proxy.idp.issuer,
  subject: people[name].subject,
})

describe('A pass that was signed offline', () => {
  let proxy: ProxyUnderTest
  startedAnew(
    async () => {
      proxy = await startProxyForTest(inject('redisUrl'), 130, {
        mend: (text) =>
          `${text}\nbreak_glass: { who: [payments], tier: admin, for: 30m, need: 2, keys: { alice: ${alice.x}, vault: ${vault.x}, spare: ${spare.x} } }\n`,
      })
    },
    () => proxy.stop(),
  )
  beforeEach(() => proxy.startOver())
  afterEach(async () => {
    await proxy.endAll()
    expect(proxy.faults).toEqual([])
  })

  const aGlass = (changes: Partial<Glass> = {}): Glass => ({
    environment: 'sandbox',
    who: who(proxy),
    services: ['orders-svc'],
    tier: 'admin',
    from: proxy.now(),
    until: proxy.now() + 600_000,
    because: 'Redis and Slack are down',
    nonce: aNonce(),
    ...changes,
  })
  const header = (pass: string): string[] => [`X-Pagepass-Break-Glass: ${pass}`]
  const requested = (pass: string, method = 'GET', path = '/admin/x', name: PersonName = 'ana') =>
    proxy.request(name, method, path, header(pass))

  test('admits its person to what its tier allows, and says so in the audit', async () => {
    const body = aGlass()
    const pass = glassBy(body, alice, vault)
    const answer = await ask(proxy.port, await requested(pass, 'POST', '/admin/flush'))
    expect(answer.status).toBe(200)
    const [seen] = proxy.orders.received()
    expect(seen?.rawHeaders.map(([name]) => name.toLowerCase())).not.toContain('x-pagepass-break-glass')
    const [broken, admitted] = await proxy.records(3, ['break-glass', 'admitted', 'closed'])
    expect(broken).toMatchObject({
      kind: 'break-glass',
      who: principalKey(body.who),
      services: ['orders-svc'],
      tier: 'admin',
      because: 'Redis and Slack are down',
      keys: ['alice', 'vault'],
      statement: pass,
    })
    expect(admitted).toMatchObject({
      kind: 'admitted',
      tier: 'admin',
      pattern: '* /admin/**',
      grant: broken?.['grant'],
      breakGlass: ['alice', 'vault'],
    })
    expect((await ask(proxy.port, await requested(pass))).status).toBe(200)
    const all = await proxy.records(5, ['break-glass', 'admitted', 'closed'])
    expect(all.filter(({ kind }) => kind === 'break-glass')).toHaveLength(1)
    const reported = async () =>
      (await proxy.redis.xrange(names.reports, '-', '+'))
        .flatMap(([, fields]) => readReports(fields))
        .filter((report) => report.kind === 'break-glass')
    await until(async () => (await reported()).length > 0, 'the others to be told')
    expect(await reported()).toMatchObject([{ grant: broken?.['grant'], statement: pass }])
  })

  test('is not needed for what a pass admits anyhow', async () => {
    const grant = await proxy.give('ana')
    const pass = glassBy(aGlass(), alice, vault)
    expect((await ask(proxy.port, await requested(pass, 'GET', '/v1/x'))).status).toBe(200)
    const [admitted] = await proxy.records(1, ['admitted'])
    expect(admitted?.['grant']).toBe(grant.id)
    expect(admitted).not.toHaveProperty('breakGlass')
  })

  test('cuts what is open when it is over, and admits nothing more', async () => {
    const body = aGlass({ until: proxy.now() + 1_500_000 })
    const pass = glassBy(body, alice, spare)
    proxy.orders.answerWith(events)
    const stream = proxy.client()
    stream.send(await requested(pass, 'GET', '/admin/events'))
    await stream.when(() => stream.text().includes('/admin/events'), 'the first event')
    const line = webSocketClient(`ws://127.0.0.1:${proxy.port}/admin/live`, {
      host: `orders-svc.${domain}`,
      authorization: `Bearer ${await proxy.token('ana')}`,
      'x-pagepass-break-glass': pass,
    })
    await line.opened()
    const later = await requested(pass)
    proxy.ahead(1_500_000)
    expect(await line.closed()).toBe(1008)
    await stream.closed()
    const closed = await proxy.records(2, ['closed'])
    expect(closed.map(({ outcome }) => outcome)).toEqual(['cut', 'cut'])
    expect(problemOf(await ask(proxy.port, await refreshed(later))).reason).toBe('break-glass-over')
  })
  /** The token would be over, too. */
  const refreshed = async (text: string): Promise<string> =>
    text.replace(/Bearer \S+/, `Bearer ${await proxy.signed({ groups: ['team-payments'] })}`)

  test('admits nobody who is locked out, and a lock cuts what is open', async () => {
    const body = aGlass()
    const pass = glassBy(body, alice, vault)
    proxy.orders.answerWith(holdBack)
    const stream = proxy.client()
    stream.send(await refreshed(await requested(pass)))
    await until(() => proxy.orders.received().length === 1, 'the request at the service')
    proxy.locks.lock(principalKey(body.who))
    await stream.closed()
    const refused = await ask(proxy.port, await refreshed(await requested(pass)))
    proxy.locks.unlock(principalKey(body.who))
    expect([refused.status, problemOf(refused).reason]).toEqual([403, 'principal-locked'])
    expect(readGlass(pass)?.body).toEqual(body)
  })

  test('goes on admitting when nothing is heard of Redis any more', async () => {
    const body = aGlass()
    const pass = glassBy(body, alice, vault)
    proxy.cutRedis()
    proxy.ahead(60_000)
    const stale = await ask(proxy.port, await refreshed(await proxy.request('ana', 'GET', '/admin/x')))
    expect(stale.status).not.toBe(200)
    const answer = await ask(proxy.port, await refreshed(await requested(pass)))
    expect(answer.status).toBe(200)
  })
})
