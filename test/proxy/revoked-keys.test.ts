import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createRevocationStore } from '#access/adapters/redis/revocation-store.ts'
import { createStatements, type Statements } from '#access/adapters/statements.ts'
import { domain, type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'

// Nobody ends anything here: the stand-in for the bot knows of no revocation, as when Redis hides every end.

let proxy: ProxyUnderTest
let security: Statements
let bot: Statements
let workers: Statements
beforeEach(async () => {
  let folder = ''
  const makeKeys = (at: string, environment: string) => {
    folder = at
    return createKeys(at, environment)
  }
  proxy = await startProxyForTest(inject('redisUrl'), 151, { makeKeys })
  const { environment } = proxy.rules
  security = createStatements(await loadKeys(join(folder, 'security'), 'security', environment))
  bot = createStatements(await loadKeys(join(folder, 'bot'), 'bot', environment))
  workers = createStatements(await loadKeys(join(folder, 'workers'), 'workers', environment))
})
afterEach(async () => {
  expect(proxy.faults).toEqual([])
  await proxy.stop()
})

const revocation = (kid: string) =>
  security.sign('revocation', {
    environment: proxy.rules.environment,
    kid,
    because: 'stolen',
    at: proxy.now(),
  })
const put = async (kid: string) => createRevocationStore(proxy.redis).put(kid, await revocation(kid))
const reason = async (method = 'GET'): Promise<unknown> => {
  const answer = await ask(proxy.port, await proxy.request('ana', method))
  return answer.status === 200 ? 'ok' : problemOf(answer).reason
}

/** The keys that services are told to take assertions by. */
const published = async (): Promise<string[]> => {
  const asked = `GET /.pagepass/jwks.json HTTP/1.1\r\nHost: orders-svc.${domain}\r\n\r\n`
  const { keys } = JSON.parse((await ask(proxy.port, asked)).body) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

describe('A revoked key', () => {
  test('of role issue gives nothing more, though nobody ends what it gave, and what is open is cut', async () => {
    const grant = await proxy.give('ana')
    expect(await reason()).toBe('ok')
    proxy.orders.answerWith(events)
    const stream = proxy.client()
    stream.send(await proxy.request('ana', 'GET', '/v1/events'))
    await stream.when(() => stream.text().includes('/v1/events'), 'the first event')
    const order = await put('bot-issue-1')
    await stream.closed()
    expect(await reason()).toBe('grant-missing')
    const receipt = await proxy.receiptOf(-order)
    expect(receipt).toMatchObject({ missing: [], streamsCut: 1 })
    // What it signs from now on, and a newer version of what it signed.
    await proxy.give('ana')
    await proxy.renew(grant, { until: grant.until + 60_000 })
    expect(await reason()).toBe('grant-missing')
  })

  test('of role head attests nothing more: what is held is not fresh until another key says so', async () => {
    await proxy.give('ana')
    expect(await reason()).toBe('ok')
    await put('bot-head-1')
    await until(async () => (await reason()) === 'view-stale', 'the view to be doubted')
    expect(proxy.waitingFor()).toContain('a fresh signed head from a bot or worker')
  })

  test('of role head vouches for no incident any more: its pages’ passes narrow, and what is open beyond that is cut', async () => {
    await proxy.give('ana', {
      step: 'taken',
      by: { issuer: proxy.idp.issuer, subject: 'idp-ana', name: 'Ana Lopes' },
      why: { kind: 'page', rule: 'paging', incident: { id: 'Q1', number: 1, title: 'Stuck orders' } },
    })
    expect(await reason('POST')).toBe('page-unconfirmed')
    const { environment } = proxy.rules
    const word = await workers.sign('confirmation', { environment, at: proxy.now(), except: [] })
    await proxy.redis.set(names.incidentsConfirmed, word)
    await until(async () => (await reason('POST')) === 'ok', 'the pass to be confirmed')
    const line = await proxy.webSocket('ana')
    await line.opened()
    const order = await put('workers-head-1')
    expect(await line.closed()).toBe(1008)
    expect(await proxy.receiptOf(-order)).toMatchObject({ missing: [], streamsCut: 1 })
    await until(async () => (await reason()) === 'ok', 'the other key to say what is live')
    expect(await reason('POST')).toBe('page-unconfirmed')
  })

  test('that Redis hides makes the view stale, since heads name it', async () => {
    await proxy.give('ana')
    expect(await reason()).toBe('ok')
    await proxy.stopBot()
    const [newest] = await proxy.redis.xrevrange(names.heads, '+', '-', 'COUNT', 1)
    const head = await bot.verify('head', newest?.[1][1] ?? '')
    const sign = async (more: object) =>
      proxy.redis.xadd(
        names.heads,
        '*',
        'statement',
        await bot.sign('head', { ...head, at: proxy.now(), ...more }),
      )
    const fresh = (): boolean => proxy.waitingFor().length === 0
    proxy.ahead(10_000)
    expect(fresh()).toBe(false)
    for (let each = 0; each < 3; each += 1) await sign({ revoked: ['bot-issue-1'] })
    await until(
      () => proxy.logged.some(({ msg }) => String(msg).startsWith('the heads name revoked keys')),
      'it to be told',
    )
    expect(fresh()).toBe(false)
    await sign({})
    await until(fresh, 'a head without it to be taken')
  })

  test('of role assertion asserts nothing more', async () => {
    await proxy.give('ana')
    expect(await reason()).toBe('ok')
    expect(await published()).toEqual(['proxy-assertion-1'])
    await put('proxy-assertion-1')
    await until(async () => (await reason()) === 'identity-unavailable', 'it to be refused')
    expect(proxy.waitingFor()).toEqual(['another key than "proxy-assertion-1", which was revoked'])
    expect(await published()).toEqual([])
  })

  test('is not one because somebody who can write to Redis says so', async () => {
    await proxy.give('ana')
    const store = createRevocationStore(proxy.redis)
    const good = await revocation('bot-issue-9')
    await store.put('bot-issue-1', good)
    const forged = await bot.sign('head', {
      environment: proxy.rules.environment,
      at: 0,
      epoch: '',
      sequence: 0,
      count: 0,
      set: '',
    })
    await store.put('bot-issue-1', forged)
    await store.put('security-revoke-1', await revocation('security-revoke-1'))
    await until(
      () => proxy.logged.filter(({ msg }) => msg === 'a revocation of a key does not verify').length >= 2,
      'both to be told',
    )
    expect(await reason()).toBe('ok')
  })
})
