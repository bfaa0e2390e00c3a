import { CompactSign } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { type ButtonAction, buttonValue } from '#access/domain/button.ts'
import type { Grant } from '#access/domain/grant.ts'
import { people } from '#infra/sandbox/people.ts'
import { expectGoodRequest, expectOneRequest, expectRefused } from '../builders/attack.ts'
import { otherServers, startBackEnd } from '../builders/back-ends.ts'
import {
  type BotUnderTest,
  expectGoodCommand,
  expectNothing,
  known,
  startBotForTest,
} from '../builders/bot.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask } from '../builders/raw-client.ts'
import { hour, minute, rulesOf, rulesText, until } from '../builders.ts'

/**
 * Whoever holds a pass, may ask for one or may decide on one tries to get more of it: longer, wider, alone, or by writing
 * to Redis what no bot has signed.
 */

const { ana, ben, cho, eve } = people
const issuer = 'http://127.0.0.1:7074'
const fin = { ...ben, name: 'fin', slack: { team: 'T0SANDBOX', user: 'U0FIN00001' } }
const finKnown = known('ben', {
  subject: 'idp-fin',
  name: 'Fin Holm',
  slack: fin.slack,
  pagerduty: { account: 'sandbox', user: 'PUFIN01' },
})
const everybody = [known('ana'), known('ben'), known('cho'), known('eve'), finKnown]

describe('In the proxy', () => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 48)
    await proxy.give('ana', { lasts: 2 * hour })
  })
  afterEach(() => void vi.restoreAllMocks())
  afterAll(() => proxy.stop())

  const post = () => proxy.request('cho', 'POST', '/v1/orders', ['Content-Length: 0'])
  const statusOf = async (bytes: Promise<string>) => (await ask(proxy.port, await bytes)).status
  /** Nothing comes back when the revocation cuts what it meets on its way. */
  const statusOrCut = (bytes: Promise<string>) => statusOf(bytes).catch(() => 'cut' as const)
  const missing = { status: 403, reason: 'grant-missing' }

  /** A request in the last millisecond is let through, and none in the first one after it. */
  test('a pass ends in the very millisecond it says', async () => {
    const [wall, monotonic] = [Date.now(), performance.now()]
    vi.spyOn(Date, 'now').mockReturnValue(wall)
    vi.spyOn(performance, 'now').mockReturnValue(monotonic)
    const grant = await proxy.give('cho', { lasts: 5_000 })
    proxy.ahead(grant.until - 1 - proxy.now())
    expect(await statusOf(post())).toBe(200)
    proxy.ahead(1)
    expect(proxy.now()).toBe(grant.until)
    await expectRefused(proxy, await post(), missing)
    proxy.ahead(1)
    await expectRefused(proxy, await post(), missing)
  })

  test('a pass begins no millisecond before it says', async () => {
    const [wall, monotonic] = [Date.now(), performance.now()]
    vi.spyOn(Date, 'now').mockReturnValue(wall)
    vi.spyOn(performance, 'now').mockReturnValue(monotonic)
    const from = proxy.now() + 5_000
    const grant = await proxy.give('cho', { from, until: from + 5_000, lasts: 5_000 })
    proxy.ahead(4_999)
    await expectRefused(proxy, await post(), missing)
    proxy.ahead(1)
    expect(await statusOf(post())).toBe(200)
    await proxy.end(grant)
  })

  /** Requests are sent all the while it is revoked: none that comes after the acknowledgement is let through. */
  test('a revocation wins against the requests that race it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const grant = await proxy.give('cho')
      let revoked = false
      const late: (number | 'cut')[] = []
      const racing = Array.from({ length: 4 }, async () => {
        for (let after = 0; after < 3; ) {
          const sentAfter = revoked
          const status = await statusOrCut(post())
          if (sentAfter) late.push(status)
          if (sentAfter) after += 1
        }
      })
      const receipt = await proxy.end(grant)
      expect(receipt.missing).toEqual([])
      revoked = true
      await Promise.all(racing)
      expect(new Set(late)).toEqual(new Set([403]))
    }
    await expectGoodRequest(proxy)
  })

  describe('a pass is good for nothing else', () => {
    let grants: Grant[] = []
    beforeAll(async () => {
      grants = [await proxy.give('cho', { tier: 'operate' }), await proxy.give('ben', { tier: 'observe' })]
    })
    afterAll(async () => {
      for (const grant of grants) await proxy.end(grant)
    })
    const low = { status: 403, reason: 'tier-too-low' }
    const none = { status: 403, reason: 'tier-none' }
    const cases: [string, Parameters<ProxyUnderTest['request']>, { status: number; reason: string }][] = [
      ['a higher tier', ['ben', 'POST', '/v1/orders', ['Content-Length: 0']], low],
      ['a higher tier’s method', ['ben', 'DELETE', '/v1/orders/1'], low],
      ['the highest tier', ['cho', 'GET', '/admin/users'], low],
      ['a path of no tier', ['cho', 'GET', '/internal'], none],
      ['a method of no tier', ['cho', 'LINK', '/v1/orders'], { status: 400, reason: 'method-not-allowed' }],
      ['somebody else’s', ['eve', 'GET', '/v1/orders'], missing],
    ]
    test.each(cases)('%s', async (_, request, expected) => {
      await expectRefused(proxy, await proxy.request(...request), expected)
    })

    test('another service', async () => {
      const bytes = (await proxy.request('cho')).replace(`orders-svc.${domain}`, `payments-svc.${domain}`)
      await expectRefused(proxy, bytes, missing)
    })
  })

  /** Whoever can write to Redis writes what would let them in. */
  const forged: [string, Partial<Grant>, (grant: Grant) => Partial<Grant>][] = [
    ['a later end', { lasts: 60_000 } as Partial<Grant>, ({ until: end }) => ({ until: end + hour })],
    ['a higher tier', { tier: 'observe' }, () => ({ tier: 'operate' })],
    [
      'an offer made active',
      { state: 'offered', step: 'offered' },
      () => ({ state: 'active', step: 'taken' }),
    ],
    [
      'a request made active, with an approval',
      { state: 'pending', step: 'asked' },
      ({ at }) => ({
        state: 'active',
        step: 'approved',
        approvals: [{ issuer, subject: 'idp-ben', name: 'Ben Okafor', at, teams: ['sre'] }],
      }),
    ],
    ['another holder', { who: { issuer, subject: 'idp-nobody', name: 'Nobody' } }, () => ({ who: holder() })],
    ['another service', { services: ['payments-svc'] }, () => ({ services: ['orders-svc'] })],
  ]
  const holder = () => ({ issuer: proxy.idp.issuer, subject: cho.subject, name: cho.fullName })
  test.each(forged)('an altered pass lets nobody in: %s', async (_, wishes, changes) => {
    const grant = await proxy.give('cho', wishes)
    await proxy.forge(grant, changes(grant))
    await until(async () => {
      expect(await statusOf(post())).toBe(403)
      return proxy.logged.some(({ msg, grant: of }) => msg === 'a grant does not verify' && of === grant.id)
    }, 'the forgery to be noticed')
    await expectGoodRequest(proxy)
    const over = grant.state === 'active' ? 'revoked' : 'withdrawn'
    await proxy.endUnconfirmed({ ...grant, version: grant.version + 1 }, over)
  })

  /** A pass was cut short, and the longer version, which a bot did sign, is put back. */
  test('an older version put back lets nobody in', async () => {
    const grant = await proxy.give('cho')
    const older = (await proxy.redis.hget(names.live, grant.id)) ?? ''
    const now = proxy.now()
    const newer = await proxy.renew(grant, { step: 'shortened', until: now + 1 })
    await putEvent(older, grant.id, 'grant')
    await proxy.redis.hset(names.live, grant.id, older)
    await until(() => proxy.now() > newer.until, 'the end of the newer one')
    for (let time = 0; time < 5; time += 1) expect(await statusOf(post())).toBe(403)
    await proxy.redis.hdel(names.live, grant.id)
    await until(async () => (await statusOf(proxy.request('ana'))) === 200, 'the proxy to be in step')
  })

  /** The same, and everybody is made to read Redis anew. */
  test('an older version put back and read anew lets nobody in', async () => {
    const grant = await proxy.give('cho')
    const older = (await proxy.redis.hget(names.live, grant.id)) ?? ''
    const newer = await proxy.renew(grant, { step: 'shortened', until: proxy.now() + 1 })
    const synced = () => proxy.logged.filter(({ msg }) => msg === 'in step with Redis').length
    const before = synced()
    await proxy.redis.multi().hset(names.live, grant.id, older).set(names.epoch, 'another').exec()
    await until(() => synced() > before, 'the proxy to be in step again')
    await until(() => proxy.now() > newer.until, 'the end of the newer one')
    for (let time = 0; time < 5; time += 1) expect(await statusOf(post())).toBe(403)
    await proxy.endUnconfirmed(newer, 'expired')
    await until(async () => (await statusOf(proxy.request('ana'))) === 200, 'the proxy to be in step')
  })

  test('a revoked one put back lets nobody in', async () => {
    const grant = await proxy.give('cho')
    const statement = (await proxy.redis.hget(names.live, grant.id)) ?? ''
    await proxy.end(grant)
    await proxy.redis.hset(names.live, grant.id, statement)
    await putEvent(statement, grant.id, 'grant')
    for (let time = 0; time < 5; time += 1) expect(await statusOf(post())).toBe(403)
    await proxy.redis.hdel(names.live, grant.id)
    await until(async () => (await statusOf(proxy.request('ana'))) === 200, 'the proxy to be in step')
  })

  const putEvent = async (statement: string, id: string, kind: string): Promise<void> => {
    const next = await proxy.redis.incr(names.sequence)
    await proxy.redis.xadd(names.events, `${next}-0`, 'kind', kind, 'id', id, 'statement', statement)
  }
})

/** All of it is decided before any server is asked; so that nothing reaches these either is shown by a few. */
describe.each(otherServers)('In the proxy, before a service on %s:', (server) => {
  let proxy: ProxyUnderTest
  beforeAll(async () => {
    proxy = await startProxyForTest(inject('redisUrl'), 107, { orders: await startBackEnd(server) })
    await proxy.give('ana')
    await proxy.give('ben', { tier: 'observe' })
  })
  afterAll(() => proxy.stop())

  const post = (name: 'ana' | 'ben' | 'cho' | 'eve') =>
    proxy.request(name, 'POST', '/v1/orders', ['Content-Length: 0'])
  const missing = { status: 403, reason: 'grant-missing' }

  test('a pass is good for what it was given for', async () => {
    await expectOneRequest(proxy, await post('ana'))
    await expectOneRequest(proxy, await proxy.request('ben'))
  })

  test('and for nothing else', async () => {
    await expectRefused(proxy, await post('ben'), { status: 403, reason: 'tier-too-low' })
    const admin = await proxy.request('ana', 'GET', '/admin/users')
    await expectRefused(proxy, admin, { status: 403, reason: 'tier-too-low' })
    await expectRefused(proxy, await post('eve'), missing)
  })

  /** Requests are sent all the while it is revoked: none that comes after the acknowledgement reaches the service. */
  test('a revocation wins against the requests that race it', async () => {
    await proxy.startOver()
    const grant = await proxy.give('cho')
    let target = '/v1/early'
    const late: unknown[] = []
    const racing = Array.from({ length: 4 }, async () => {
      while (late.length < 12) {
        const sent = target
        const bytes = await proxy.request('cho', 'POST', sent, ['Content-Length: 0'])
        // Nothing comes back when the revocation cuts what it meets on its way.
        const status = await ask(proxy.port, bytes).then(
          (answer) => answer.status,
          () => 'cut',
        )
        if (sent === '/v1/late') late.push(status)
      }
    })
    await until(() => proxy.orders.received().length > 20, 'requests at the service')
    expect((await proxy.end(grant)).missing).toEqual([])
    target = '/v1/late'
    await Promise.all(racing)
    expect(new Set(late)).toEqual(new Set([403]))
    expect(new Set(proxy.orders.received().map((seen) => seen.target))).toEqual(new Set(['/v1/early']))
    expect(proxy.orders.bytes()).not.toContain('/v1/late')
    await expectRefused(proxy, await post('cho'), missing)
  })

  test('an altered pass lets nobody in', async () => {
    const grant = await proxy.give('cho', { tier: 'observe' })
    await proxy.forge(grant, { tier: 'operate' })
    await until(
      () => proxy.logged.some(({ msg, grant: of }) => msg === 'a grant does not verify' && of === grant.id),
      'the forgery to be noticed',
    )
    await until(() => proxy.waitingFor().length === 0, 'the proxy to be in step')
    await expectRefused(proxy, await post('cho'), missing)
  })
})

describe('In the bot', () => {
  let bot: BotUnderTest
  beforeAll(async () => {
    bot = await startBotForTest(inject('redisUrl'), 47, { people: everybody, workers: true })
  })
  beforeEach(async () => {
    bot.setPeople(everybody)
    bot.startOver()
    // What earlier tests would have said to Slack would be put off, and looked at again, for minutes.
    await bot.queue('messages').drain(true)
  })
  afterAll(() => bot.stop())

  const whoIs = ({ subject, fullName }: { readonly subject: string; readonly fullName: string }) => ({
    issuer,
    subject,
    name: fullName,
  })
  const active = (changes: Partial<Grant> = {}) => bot.give({ who: whoIs(ana), ...changes })
  /** Ben has asked for what another of sre decides on. */
  const pending = (changes: Partial<Grant> = {}) =>
    bot.give({
      who: whoIs(ben),
      state: 'pending',
      step: 'asked',
      tier: 'admin',
      approvers: { from: ['sre'], count: 1 },
      ...changes,
    })
  const afresh = async (): Promise<void> => {
    for (const grant of await bot.live()) {
      const holder = [ana, ben, cho, eve].find(({ subject }) => subject === grant.who.subject)
      if (holder !== undefined && grant.until > bot.clock.now())
        await bot.command(holder, `revoke ${grant.id}`)
    }
    bot.startOver()
  }

  describe('an approval', () => {
    test('of one’s own request is none, from whatever account', async () => {
      const grant = await pending()
      await expectNothing(bot, 'own-request', () => bot.click(ben, 'approve', grant))
      await expectNothing(bot, 'own-request', () => bot.click(ben, 'deny', grant))
      const second = { ...ben, slack: { team: 'T0SANDBOX', user: 'U0BEN00002' } }
      await expectNothing(bot, 'person-unknown', () => bot.click(second, 'approve', grant))
      const elsewhere = { ...ben, slack: { team: 'T0PARTNER', user: ben.slack.user } }
      await expectNothing(bot, 'person-unknown', () => bot.click(elsewhere, 'approve', grant))
    })

    test('by whoever is renamed to look like another is still their own', async () => {
      const grant = await pending()
      bot.setPeople(everybody.map((one) => (one.subject === 'idp-ben' ? { ...one, name: 'Fin Holm' } : one)))
      await expectNothing(bot, 'own-request', () => bot.click(ben, 'approve', grant))
    })

    test.each<[string, object, string]>([
      ['lost the role', { groups: ['team-payments'] }, 'not-approver'],
      ['lost every role', { groups: [] }, 'not-approver'],
      ['was deactivated', { active: false }, 'person-inactive'],
    ])('by somebody who %s before they clicked is none', async (_, changes, reason) => {
      const grant = await pending()
      bot.setPeople(everybody.map((one) => (one.subject === 'idp-fin' ? { ...one, ...changes } : one)))
      for (const action of ['approve', 'deny'] as const)
        await expectNothing(bot, reason, () => bot.click(fin, action, grant))
    })

    test.each<[string, object, string]>([
      ['lost the role', { groups: ['team-payments'] }, 'not-eligible'],
      ['was deactivated', { active: false }, 'person-inactive'],
    ])('of what was asked by somebody who %s since is none', async (_, changes, reason) => {
      const grant = await pending()
      bot.setPeople(everybody.map((one) => (one.subject === 'idp-ben' ? { ...one, ...changes } : one)))
      await expectNothing(bot, reason, () => bot.click(fin, 'approve', grant))
    })

    test('counts once for each person, however often they click', async () => {
      const grant = await pending({ approvers: { from: ['sre'], count: 2 } })
      await Promise.all(Array.from({ length: 8 }, () => bot.click(fin, 'approve', grant)))
      expect(await bot.grant(grant.id)).toMatchObject({ state: 'pending', version: 2 })
      await expectNothing(bot, 'already-decided', () => bot.click(fin, 'approve', grant))
    })

    /** The card was shown under other rules than those that hold when it is clicked. */
    test.each<[string, string, string]>([
      ['a shorter time is the longest', 'admin:   { longest: 1h', 'admin:   { longest: 30m'],
      ['it takes two people', 'approvals: { count: 1', 'approvals: { count: 2'],
      ['others decide', 'count: 1, from: [sre]', 'count: 1, from: [payments]'],
      ['nobody may ask for it', '{ who: [sre], tiers: [admin]', '{ who: [payments], tiers: [admin]'],
      ['the service has other owners and another name', '  orders-svc:', '  orders-svc2:'],
    ])('is none where the rules changed since it was shown: %s', async (_, was, is) => {
      const grant = await pending()
      expect(rulesText).toContain(was)
      await bot.restart(rulesOf(rulesText.replace(was, is)))
      await expectNothing(bot, 'not-eligible', () => bot.click(fin, 'approve', grant))
      await bot.restart(rulesOf())
      await bot.click(fin, 'approve', grant)
      expect(await bot.grant(grant.id)).toMatchObject({ state: 'active' })
    })

    test('lasts as long as was asked, from when it was given', async () => {
      const grant = await pending({ duration: 10 * minute })
      bot.clock.set(bot.clock.now() + 20 * minute)
      await bot.click(fin, 'approve', grant)
      const now = bot.clock.now()
      expect(await bot.grant(grant.id)).toMatchObject({ from: now, until: now + 10 * minute })
    })
  })

  describe('a duration', () => {
    test.each([
      '0',
      '0h',
      '0m0s',
      '-1',
      '-1h',
      '+1h',
      'NaN',
      'Infinity',
      '1e9',
      '1e9h',
      '1h; drop',
      '1h;drop',
      '٣h',
      '１h',
      '9999d',
      '99999d',
      '1.5h',
      '1,5h',
      '0x10h',
      '1h1h',
      '1h30',
      '3',
      '2h1ms',
      '1h\u0000',
      '8h1s',
      "1h' or '1'='1",
      `${'9'.repeat(400)}h`,
    ])('“%s” is none', async (duration) => {
      await expectNothing(bot, undefined, () => bot.command(eve, `grant orders-svc ${duration}`))
      await expectNothing(bot, undefined, () => bot.command(ana, `grant orders-svc ${duration}`))
      const grant = await active({ until: bot.clock.now() + 10 * minute, duration: 10 * minute })
      const before = await bot.grant(grant.id)
      await expectNothing(bot, undefined, () => bot.command(ana, `extend ${grant.id} ${duration}`))
      expect(await bot.grant(grant.id)).toEqual(before)
      await afresh()
    })

    test('names of things that every object has are no services and no tiers', async () => {
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        await expectNothing(bot, 'service-unknown', () => bot.command(ana, `grant ${name} 1h`))
        await expectNothing(bot, 'tier-unknown', () => bot.command(ana, `grant orders-svc 1h ${name}`))
      }
    })
  })

  describe('an extension', () => {
    const observe = (changes: Partial<Grant> = {}) =>
      active({ tier: 'observe', duration: hour, until: bot.clock.now() + hour, ...changes })

    test('in the last millisecond is one; at the end and after it is none', async () => {
      const grant = await observe()
      bot.clock.set(grant.until - 1)
      expect(await bot.command(ana, `extend ${grant.id} 1m`)).toMatch(/^Extended by 1m/)
      const end = grant.until + minute
      for (const at of [end, end + 1, end + hour]) {
        bot.clock.set(at)
        expect(await bot.command(ana, `extend ${grant.id} 1m`)).toMatch(/^There is no such pass/)
        await bot.click(ana, 'extend', grant)
        // A worker may have ended it meanwhile.
        expect(await bot.grant(grant.id)).toSatisfy(
          (found: Grant | undefined) => found === undefined || found.until === end,
        )
      }
    })

    /** A little at a time, a thousand times, many at once: never past what the tier gives in all. */
    test('a thousand times over never passes the longest', async () => {
      const grant = await active({ tier: 'operate', until: bot.clock.now() + hour })
      for (let round = 0; round < 20; round += 1)
        await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            n % 2 === 0 ? bot.click(ana, 'extend', grant) : bot.command(ana, `extend ${grant.id} 7m`),
          ),
        )
      const now = await bot.grant(grant.id)
      expect(now?.until).toBeLessThanOrEqual(grant.from + 2 * hour)
      await expectNothing(bot, 'extension-spent', () => bot.click(ana, 'extend', now ?? grant))
    })

    test.each<[string, Partial<Grant>, string]>([
      ['what others approved', { approvals: [{ ...whoIs(ben), at: 0, teams: ['sre'] }] }, 'approval-needed'],
      [
        'what its incident let go of',
        { ending: { cause: 'incident over', was: 9e12, at: 0, keepable: false } },
        'pass-ending',
      ],
      ['a tier that needs an approval', { tier: 'admin' }, 'not-eligible'],
    ])('of %s is none', async (_, changes, reason) => {
      const grant = await active(changes)
      await expectNothing(bot, reason, () => bot.command(ana, `extend ${grant.id} 1m`))
      await expectNothing(bot, reason, () => bot.click(ana, 'extend', grant))
    })

    test('by whoever lost the role is none', async () => {
      const grant = await observe()
      bot.setPeople(everybody.map((one) => (one.subject === 'idp-ana' ? { ...one, groups: [] } : one)))
      await expectNothing(bot, 'not-eligible', () => bot.command(ana, `extend ${grant.id} 1m`))
    })
  })

  describe('somebody else’s pass, named by its id', () => {
    test.each(['take', 'decline', 'extend', 'keep'] as const)(
      'is not theirs to %s',
      async (action: ButtonAction) => {
        const grant = await active({
          ...(action === 'take' || action === 'decline' ? { state: 'offered', step: 'offered' } : {}),
        })
        for (const who of [ben, eve])
          await expectNothing(bot, 'not-yours', () => bot.click(who, action, grant))
      },
    )

    test('is not theirs to extend or revoke', async () => {
      const grant = await active()
      for (const who of [ben, eve]) {
        await expectNothing(bot, 'not-yours', () => bot.command(who, `extend ${grant.id} 1h`))
        await expectNothing(bot, 'not-yours', () => bot.command(who, `revoke ${grant.id}`))
        await expectNothing(bot, 'grant-unknown', () => bot.command(who, 'revoke orders-svc'))
      }
    })

    test('is not an owner’s to revoke when they are one no more', async () => {
      const grant = await active()
      bot.setPeople(everybody.map((one) => (one.subject === 'idp-cho' ? { ...one, groups: [] } : one)))
      await expectNothing(bot, 'not-yours', () => bot.command(cho, `revoke ${grant.id}`))
      bot.setPeople(everybody)
      expect(await bot.command(cho, `revoke ${grant.id}`)).toMatch(/^Revoked/)
    })
  })

  describe('a forged job', () => {
    /** It names a pass that has an hour left. */
    test('of an expiry ends nothing early', async () => {
      const grant = await active()
      await expectNothing(bot, undefined, async () => {
        for (const data of [
          { grant: grant.id },
          { grant: grant.id, until: 0, at: 0 },
          { grant: grant.id, cause: 'revoked' },
        ])
          await bot.putJob('expiries', data)
        await bot.idle('expiries')
      })
      expect(await bot.grant(grant.id)).toEqual(grant)
    })

    const nonsense: unknown[] = [
      null,
      [],
      'x',
      7,
      {},
      { grant: null },
      { grant: ['a'] },
      { grant: '__proto__' },
      { grant: 'x'.repeat(100_000) },
      { grant: '0000-0000-none', version: 1 },
      JSON.parse('{"__proto__":{"grant":"x"}}'),
      { occasion: '../..', grants: 1 },
      { occasion: 'x', grants: 1e308 },
    ]
    test.each(['expiries', 'reminders', 'summaries', 'notes', 'messages'] as const)(
      'of %s that holds nonsense changes nothing',
      async (queue) => {
        await expectNothing(bot, undefined, async () => {
          for (const data of nonsense) await bot.done(queue, await bot.putJob(queue, data))
        })
        // The next good job is done.
        const grant = await active({ until: bot.clock.now() + minute })
        bot.clock.set(grant.until)
        await bot.putJob('expiries', { grant: grant.id })
        await until(async () => (await bot.grant(grant.id)) === undefined, 'the expiry')
      },
    )

    test('of a reminder, an incident or a summary gives nothing', async () => {
      const grant = await pending()
      await expectNothing(bot, undefined, async () => {
        await bot.putJob('reminders', { grant: grant.id, version: 1, state: 'active' })
        await bot.putJob('summaries', { occasion: grant.id, grants: 1 })
        await bot.putJob('incidents', { incident: 'QFORGED1', grant: grant.id })
        for (const queue of ['reminders', 'summaries', 'incidents'] as const) await bot.idle(queue)
      })
    })
  })

  describe('what somebody wrote into Redis', () => {
    const put = async (grant: Grant, statement: string): Promise<void> => {
      const next = await bot.redis.incr(names.sequence)
      await bot.redis.hset(names.live, grant.id, statement)
      await bot.redis.hset(names.versions, grant.id, `${grant.version} ${next}`)
      const fields = ['kind', 'grant', 'id', grant.id, 'statement', statement]
      await bot.redis.xadd(names.events, `${next}-0`, ...fields)
    }
    const signedBy = (part: 'bot' | 'workers', role: 'issue' | 'end' | 'head', kid: string, grant: Grant) => {
      const key = bot.keys[part].own.get(role)
      if (key === undefined) throw new Error(`no key of role ${role}`)
      return new CompactSign(Buffer.from(JSON.stringify(grant)))
        .setProtectedHeader({ alg: 'EdDSA', typ: 'pagepass-grant+jws', kid })
        .sign(key.key)
    }
    const withOldSignature = async (before: Grant, grant: Grant): Promise<string> => {
      const [header, , signature] = ((await bot.redis.hget(names.live, before.id)) ?? '').split('.')
      return [header, Buffer.from(JSON.stringify(grant)).toString('base64url'), signature].join('.')
    }
    /** Nobody makes anything of it, whatever they click or write. */
    const expectWorthless = async (grant: Grant): Promise<void> => {
      await expect(
        createStatements(bot.keys.proxy).verify('grant', (await bot.redis.hget(names.live, grant.id)) ?? ''),
      ).rejects.toThrow('does not hold')
      const before = await bot.state()
      for (const action of ['take', 'extend', 'keep', 'approve', 'deny'] as const)
        for (const who of [ana, fin]) await bot.click(who, action, grant)
      expect(await bot.command(ana, `extend ${grant.id} 1m`)).toMatch(/^There is no such pass/)
      expect(await bot.command(ana, `revoke ${grant.id}`)).toMatch(/^There is no such pass/)
      await bot.putJob('expiries', { grant: grant.id })
      await bot.idle('expiries')
      expect(await bot.state()).toEqual(before)
      expect(bot.lines().map(({ msg }) => msg)).toContain('a grant does not verify')
      await bot.redis.hdel(names.live, grant.id)
    }

    const alterations: [string, Partial<Grant>, (grant: Grant) => Partial<Grant>][] = [
      ['a later end', {}, ({ until: end }) => ({ until: end + hour })],
      ['an end long ago', {}, () => ({ until: 1 })],
      ['a higher tier', { tier: 'observe' }, () => ({ tier: 'admin' })],
      [
        'an offer made active',
        { state: 'offered', step: 'offered' },
        () => ({ state: 'active', step: 'taken' }),
      ],
      [
        'an approval added',
        { state: 'pending', step: 'asked', tier: 'admin', approvers: { from: ['sre'], count: 2 } },
        ({ at }) => ({ approvals: [{ ...whoIs(ben), at, teams: ['sre'] }] }),
      ],
      ['a nonce that makes its buttons known', {}, () => ({ nonce: 'A'.repeat(32) })],
    ]
    test.each(alterations)('%s is worth nothing', async (_, wishes, changes) => {
      const grant = await active(wishes)
      const altered = { ...grant, ...changes(grant), version: 2 }
      await put(altered, await withOldSignature(grant, altered))
      await expectWorthless(altered)
    })

    test.each<[string, 'bot' | 'workers', 'end' | 'head', string]>([
      ['the workers’ key for ends', 'workers', 'end', 'workers-end-1'],
      ['the workers’ key for heads', 'workers', 'head', 'workers-head-1'],
      ['the workers’ key under the bot’s name', 'workers', 'end', 'bot-issue-1'],
      ['the bot’s own key for ends', 'bot', 'end', 'bot-end-1'],
      ['a key that nobody has', 'workers', 'end', '__proto__'],
    ])('an active version signed with %s is worth nothing', async (_, part, role, kid) => {
      const grant = await pending({ who: whoIs(ana) })
      const made: Grant = { ...grant, version: 2, state: 'active', step: 'approved' }
      await put(made, await signedBy(part, role, kid, made))
      await expectWorthless(made)
    })

    test('a worker can’t sign one', async () => {
      const grant = await active()
      await expect(createStatements(bot.keys.workers).sign('grant', grant)).rejects.toMatchObject({
        code: 'keys/missing',
      })
    })

    /**
     * An older version that a bot did sign is put back where the newest stood. Where anybody happens to read Redis anew
     * before the click, the pass ends: nothing can follow on the newest any more.
     */
    test('an older version put back is not acted on: the newest goes on counting, or the pass ends', async () => {
      const grant = await active({ tier: 'observe' })
      const older = (await bot.redis.hget(names.live, grant.id)) ?? ''
      expect(await bot.command(ana, `extend ${grant.id} 10m`)).toMatch(/^Extended by 10m/)
      // Whoever reads Redis anew before it has read the newest can't know of it. After this the bot has.
      await bot.command(ana, 'list')
      expect(await bot.redis.hget(names.live, grant.id)).not.toBe(older)
      await bot.redis.hset(names.live, grant.id, older)
      const [said] = (await bot.command(ana, `extend ${grant.id} 10m`)).split(/ by |,/)
      const found = await bot.grant(grant.id)
      expect([said, found?.version, found?.until]).toBeOneOf([
        ['Extended', 3, grant.until + 20 * minute],
        ['There is no such pass', undefined, undefined],
      ])
    })

    test('a button made from a forged nonce is nobody’s', async () => {
      const grant = await pending()
      const value = buttonValue({ ...grant, nonce: 'A'.repeat(32) }, 'approve', finKnown)
      await expectNothing(bot, 'button-unknown', () =>
        bot.sendPayload(bot.clickPayload(fin, 'approve', value)),
      )
    })

    /** The event says that a pass ended, and nobody with the key for it said so. */
    test('an end that nobody signed ends nothing for good', async () => {
      const grant = await active()
      const end = {
        id: grant.id,
        version: 2,
        environment: 'sandbox',
        state: 'ended',
        cause: 'revoked',
        at: 1,
      }
      const next = await bot.redis.incr(names.sequence)
      const body = Buffer.from(JSON.stringify(end)).toString('base64url')
      const fields = ['kind', 'end', 'id', grant.id, 'statement', `eyJhbGciOiJFZERTQSJ9.${body}.AAAA`]
      await bot.redis.xadd(names.events, `${next}-0`, ...fields)
      await until(
        async () => (await bot.command(ana, `extend ${grant.id} 1m`)).startsWith('Extended'),
        'the pass to be back',
      )
      expect(bot.lines().map(({ msg }) => msg)).toContain('an end does not verify')
      await expectGoodCommand(bot)
    })
  })

  /** Each request is told to everybody who may decide: thousands of them would bury them. */
  test('a thousand requests of one person at once are twenty', async () => {
    await afresh()
    const held = async () =>
      (await bot.live()).filter(({ who, until: end }) => who.subject === 'idp-ben' && end > bot.clock.now())
    const request = (text: string) => bot.sendSlack(bot.signed(bot.commandForm(ben, text)))
    for (let round = 0; round < 5; round += 1)
      await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          request(`grant orders-svc ${60 + round * 200 + n}s admin because flood`),
        ),
      )
    // This one is decided after all of those, also after those that were too late for an answer.
    await until(async () => (await request('grant payments-svc 3m observe')).status === 200, 'the end')
    expect(await held()).toHaveLength(20)
    await expectNothing(bot, 'too-many-passes', () => bot.command(ben, 'grant payments-svc 3m observe'))
    await afresh()
  }, 180_000)
})
