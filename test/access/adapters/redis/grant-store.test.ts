import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createGrantStore, readEnded } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { isFault } from '#access/domain/errors.ts'
import type { EndCause, Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { aGrant, anEnd, freshDatabase, freshStatements, frozenClock, noon, nthId } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let parts: Awaited<ReturnType<typeof freshStatements>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 21)
  parts = await freshStatements()
})
beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch-1')
})
afterAll(() => database.close())

const clock = frozenClock()
const botStore = () => createGrantStore(database.redis, parts.bot, clock)
const workerStore = () => createGrantStore(database.connect(), parts.workers, clock)
const events = () => database.redis.xrange(names.events, '-', '+')
const grant = aGrant()

describe('Giving', () => {
  test('stores the signed statement, its version and its event in one', async () => {
    expect(await botStore().give(grant)).toEqual({ given: true, sequence: 1 })
    const statement = (await database.redis.hget(names.live, grant.id)) ?? ''
    expect(await parts.proxy.verify('grant', statement)).toEqual(grant)
    expect(await events()).toEqual([['1-0', ['kind', 'grant', 'id', grant.id, 'statement', statement]]])
    expect(await database.redis.hget(names.versions, grant.id)).toBe('1 1 store-1')
  })

  test('numbers events one after the other', async () => {
    const all = Array.from({ length: 20 }, (_, index) => aGrant({ id: nthId(index) }))
    await Promise.all(all.map((one) => botStore().give(one)))
    expect((await events()).map(([id]) => id)).toEqual(all.map((_, index) => `${index + 1}-0`))
  })

  test('has one winner when many give the same id at once', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        createGrantStore(database.connect(), parts.bot, clock).give(aGrant({ until: noon + index + 1 })),
      ),
    )
    expect(outcomes.filter(({ given }) => given)).toHaveLength(1)
    expect(await events()).toHaveLength(1)
  })

  test('an id that was ever given changes nothing, even after it ended', async () => {
    const store = botStore()
    await store.give(grant)
    await store.end(grant, 'revoked')
    expect((await store.give(grant)).given).toBe(false)
    expect(await database.redis.hlen(names.live)).toBe(0)
    expect(await events()).toHaveLength(2)
  })

  test('is refused without the issuing key, and nothing is written', async () => {
    const error = await workerStore()
      .give(grant)
      .catch((thrown) => thrown)
    expect(isFault(error, 'keys/missing')).toBe(true)
    expect(await events()).toEqual([])
  })
})

const someone = (n: number) => ({ issuer: 'https://idp.example', subject: `${n}`, name: `Person ${n}` })

describe('Ending', () => {
  const by = { issuer: grant.who.issuer, subject: 'idp-ben', name: 'Ben Okafor' }

  test('takes the grant out, keeps both statements, and tells who and why', async () => {
    await botStore().give(grant)
    expect(await workerStore().end(grant, 'revoked', by)).toEqual({ ended: true, sequence: 2 })
    expect(await database.redis.hlen(names.live)).toBe(0)
    expect(await readEnded(database.redis, parts.proxy, grant.id)).toEqual({
      grant,
      end: {
        id: grant.id,
        version: 2,
        environment: 'sandbox',
        state: 'ended',
        cause: 'revoked',
        by,
        at: noon,
      },
      sequence: 2,
    })
  })

  test('has one winner among all who end a grant at once', async () => {
    await botStore().give(grant)
    const outcomes = await Promise.all([
      ...Array.from({ length: 8 }, (_, n) => botStore().end(grant, 'revoked', someone(n))),
      ...Array.from({ length: 8 }, (_, n) => workerStore().end(grant, 'expired', someone(n))),
      ...Array.from({ length: 8 }, (_, n) => workerStore().end(grant, 'incident over', someone(n))),
    ])
    expect(outcomes.filter(({ ended }) => ended)).toHaveLength(1)
    expect(await events()).toHaveLength(2)
  })

  test('does not count the same words of another store as the same write', async () => {
    const [one, other] = ['bot-1', 'bot-2'].map((name) =>
      createGrantStore(database.redis, parts.bot, clock, name),
    )
    expect(await one?.give(grant)).toEqual({ given: true, sequence: 1 })
    expect(await other?.give(grant)).toEqual({ given: false, sequence: 1 })
    expect(await one?.end(grant, 'revoked')).toEqual({ ended: true, sequence: 2 })
    expect(await other?.end(grant, 'revoked')).toEqual({ ended: false, sequence: 2 })
    expect(await events()).toHaveLength(2)
  })

  test('counts the same write twice as one, as when its first answer was lost', async () => {
    const first = await botStore().give(grant)
    expect(await botStore().give(grant)).toEqual(first)
    const ended = await botStore().end(grant, 'revoked')
    expect(ended).toEqual({ ended: true, sequence: 2 })
    expect(await botStore().end(grant, 'revoked')).toEqual(ended)
    expect(await events()).toHaveLength(2)
  })

  test.each<[string, (store: ReturnType<typeof botStore>) => Promise<unknown>, Grant]>([
    ['was never given', async () => undefined, grant],
    ['has ended', (store) => store.end(grant, 'revoked'), grant],
    ['is known at another version', async () => undefined, aGrant({ version: 2 })],
  ])('a grant that %s changes nothing', async (what, prepare, known) => {
    const store = botStore()
    if (what !== 'was never given') await store.give(grant)
    await prepare(store)
    const before = await events()
    expect((await store.end(known, 'expired')).ended).toBe(false)
    expect(await events()).toEqual(before)
  })
})

describe('A life that begins before access', () => {
  const offer = aGrant({ state: 'offered', step: 'offered' })

  test.each<[string, Grant['state'], EndCause, string]>([
    ['an offer nobody takes is refused', 'offered', 'lapsed', 'refused'],
    ['an offer that is turned down is refused', 'offered', 'withdrawn', 'refused'],
    ['a request that is denied is refused', 'pending', 'denied', 'refused'],
    ['a pass whose approval came with a denial has ended', 'active', 'denied', 'ended'],
    ['a pass that was handed over has ended', 'active', 'handed over', 'ended'],
  ])('%s', async (_, state, cause, expected) => {
    const one = aGrant({ state })
    await botStore().give(one)
    expect(await workerStore().end(one, cause)).toEqual({ ended: true, sequence: 2 })
    expect((await botStore().endOf(one.id))?.end).toMatchObject({ state: expected, cause, version: 2 })
  })

  test.each<[Grant['state'], EndCause]>([
    ['offered', 'revoked'],
    ['offered', 'expired'],
    ['offered', 'denied'],
    ['pending', 'revoked'],
    ['pending', 'expired'],
    ['active', 'withdrawn'],
    ['active', 'lapsed'],
  ])('that is %s can’t end as %s, and nothing is written', async (state, cause) => {
    const one = aGrant({ state })
    await botStore().give(one)
    const error = await botStore()
      .end(one, cause)
      .catch((thrown) => thrown)
    expect(isFault(error, 'store/conflict')).toBe(true)
    expect(await events()).toHaveLength(1)
  })

  test('is told by its newest version only, and one that was passed by changes nothing', async () => {
    const store = botStore()
    await store.give(offer)
    const taken = nextVersion(offer, 'taken', { until: noon + 1 }, noon)
    const moved = nextVersion(offer, 'moved', {}, noon)
    const [one, other] = await Promise.all([store.give(taken), botStore().give(moved)])
    expect([one.given, other.given].filter(Boolean)).toHaveLength(1)
    expect((await store.end(offer, 'lapsed')).ended).toBe(false)
    expect(await database.redis.hlen(names.live)).toBe(1)
    expect(await events()).toHaveLength(2)
  })

  test('is not told to have ended while it lasts, or on an end that does not verify', async () => {
    const store = botStore()
    await store.give(offer)
    expect(await store.endOf(offer.id)).toBeUndefined()
    expect(await store.endOf(nthId(9))).toBeUndefined()
    const others = await freshStatements()
    const forged = await others.bot.sign('end', anEnd(offer, { state: 'refused', cause: 'lapsed' }))
    await database.redis.hset(names.ended, offer.id, `${await parts.bot.sign('grant', offer)} ${forged}`)
    await expect(store.endOf(offer.id)).rejects.toMatchObject({ code: 'statement/invalid' })
  })
})

describe('Nothing is written', () => {
  const contents = async () => (await database.redis.keys('*')).sort()

  test('to a Redis without an epoch, as one is that lost what it had', async () => {
    await database.redis.flushdb()
    for (const doing of [botStore().give(grant), workerStore().end(grant, 'expired')]) {
      const error = await doing.catch((thrown) => thrown)
      expect(isFault(error, 'store/unreachable')).toBe(true)
      expect(error.message).toContain('NOEPOCH')
    }
    expect(await contents()).toEqual([])
  })

  test('when the event can’t be, so that no grant lives without one', async () => {
    await database.redis.xadd(names.events, '1-0', 'kind', 'forged')
    await expect(botStore().give(grant)).rejects.toMatchObject({ code: 'store/unreachable' })
    expect(await database.redis.hlen(names.live)).toBe(0)
    expect(await database.redis.hlen(names.versions)).toBe(0)
    expect(await botStore().give(grant)).toEqual({ given: true, sequence: 2 })
  })

  test('over an epoch that is there', async () => {
    await prepareStore(database.redis, 'epoch-2')
    expect(await database.redis.get(names.epoch)).toBe('epoch-1')
  })
})

describe('What ended', () => {
  test('is not told of a grant that lives or never was', async () => {
    await botStore().give(grant)
    expect(await readEnded(database.redis, parts.proxy, grant.id)).toBeUndefined()
    expect(await readEnded(database.redis, parts.proxy, nthId(9))).toBeUndefined()
  })

  test('is not told on statements that don’t verify', async () => {
    const others = await freshStatements()
    const [forged, end] = [
      await others.bot.sign('grant', grant),
      await parts.bot.sign('end', {
        id: grant.id,
        version: 2,
        environment: 'sandbox',
        state: 'ended',
        cause: 'expired',
        at: noon,
      }),
    ]
    await database.redis.hset(names.ended, grant.id, `${forged} ${end}`)
    await expect(readEnded(database.redis, parts.proxy, grant.id)).rejects.toMatchObject({
      code: 'statement/invalid',
    })
  })
})
