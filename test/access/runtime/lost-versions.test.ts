import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements, readUnverified } from '#access/adapters/statements.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { View } from '#access/domain/view.ts'
import { aGrant, freshKeys, hour, minute, noon, nthId, patiently, until } from '../../builders.ts'
import { aKeptDatabase, type KeptDatabase } from './a-kept-database.ts'

let kept: KeptDatabase
beforeAll(async () => {
  kept = await aKeptDatabase(inject('redisUrl'), 53)
})
beforeEach(() => kept.startOver())
afterEach(() => kept.stopAll())
afterAll(() => kept.close())

describe('A version that Redis has lost', () => {
  const first = aGrant({ id: nthId(5), until: noon + hour })
  const shortened: Grant = { ...first, version: 2, step: 'shortened', until: noon + minute }
  const extended: Grant = { ...first, version: 2, step: 'extended', until: noon + 2 * hour }
  const written = 'a lost version was written again'
  const over = 'a pass was ended, because Redis lost its newest version'

  const stored = async () => (await kept.redis.hget(names.live, first.id)) ?? ''
  const versionStored = async () => {
    const statement = await stored()
    return statement === '' ? undefined : readUnverified('grant', statement).version
  }
  const counted = async () => (await kept.redis.hget(names.versions, first.id))?.split(' ')[0]
  /** The view agrees with a head signed from now on. */
  const agrees = async (view: View): Promise<void> => {
    kept.clock.set(kept.clock.now() + 100)
    await until(() => view.age(kept.clock.now()) === 0, 'a head that the proxy agrees with')
  }
  const giveBoth = async (newer: Grant, more: readonly Grant[] = []) => {
    const bot = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    await bot.store.give(first)
    const older = await stored()
    const back = await kept.remember()
    for (const grant of [newer, ...more]) await bot.store.give(grant)
    const last = [newer, ...more].at(-1)?.version
    for (const held of [() => bot.live.get(first.id), () => proxy.view.get(first.id)])
      await until(() => held()?.grant.version === last && held()?.verified === true, 'the newest version')
    proxy.versions.length = 0
    return { bot, proxy, older, back }
  }

  test.each([
    ['shortened', shortened],
    ['extended', extended],
  ])('in a failover is written again: %s', async (_, newer) => {
    const { bot, proxy, back } = await giveBoth(newer)
    const statement = await stored()
    await back()
    expect(await versionStored()).toBe(1)
    await until(() => bot.alarms.includes(written), 'it to be written again')
    expect([await stored(), await counted()]).toEqual([statement, '2'])
    await agrees(proxy.view)
    expect(proxy.view.get(first.id)?.grant).toEqual(newer)
    expect(proxy.versions).not.toContain(1)
    const fresh = await kept.startProxyView()
    expect([...fresh.view.all()].map(({ grant }) => grant)).toEqual([newer])
    expect(bot.alarms).not.toContain(over)
  })

  test('is written again once, however many remember it', async () => {
    const { bot, back } = await giveBoth(extended)
    const others = [await kept.startKeeping('workers'), await kept.startKeeping('bot', 'bot-b')]
    for (const { live } of others) await until(() => live.get(first.id) !== undefined, 'the others to know')
    await back()
    await until(() => [bot, ...others].some(({ alarms }) => alarms.includes(written)), 'the alarm')
    for (const { live } of [bot, ...others]) {
      await patiently(live).catchUp()
      expect(live.get(first.id)?.grant).toEqual(extended)
    }
    expect([await versionStored(), await counted()]).toEqual([2, '2'])
  })

  test('ends the pass where more than one was lost', async () => {
    const { bot, proxy, back } = await giveBoth(shortened, [{ ...shortened, version: 3, until: noon + 1 }])
    await back()
    await until(() => bot.alarms.includes(over), 'its end')
    expect(await versionStored()).toBeUndefined()
    await until(() => proxy.view.endProven(first.id), 'the proxy to know')
    expect(proxy.versions).not.toContain(1)
    await agrees(proxy.view)
  })

  test('ends the pass as expired where its time is over by now', async () => {
    const { bot, back } = await giveBoth(shortened)
    kept.clock.set(shortened.until)
    await back()
    await until(() => bot.alarms.includes(over), 'its end')
    expect(await bot.store.endOf(first.id)).toMatchObject({ end: { cause: 'expired', version: 2 } })
  })

  /** Whoever can write to Redis puts the longer version back, and has everybody read Redis anew. */
  test.each<[string, string | undefined]>([
    ['leaves its number', '2'],
    ['sets its number back', '1'],
    ['sets its number ahead', '7'],
    ['deletes its number', undefined],
  ])('at the hand of somebody who %s is not given up, and Redis comes to rest', async (_, number) => {
    const { bot, proxy, older } = await giveBoth(shortened)
    const all = kept.redis.multi().hset(names.live, first.id, older).set(names.epoch, 'another')
    await (number === undefined
      ? all.hdel(names.versions, first.id)
      : all.hset(names.versions, first.id, `${number} 2`)
    ).exec()
    await until(() => bot.alarms.includes(written) || bot.alarms.includes(over), 'it to be mended')
    expect(await versionStored()).toBe(number === '1' || number === undefined ? 2 : undefined)
    await agrees(proxy.view)
    expect(proxy.versions).not.toContain(1)
    await kept.startProxyView()
  })

  test('is left to the bots by a worker', async () => {
    const { bot, proxy, back } = await giveBoth(extended)
    const workers = await kept.startKeeping('workers')
    await until(() => workers.live.get(first.id) !== undefined, 'the worker to know')
    await bot.stop()
    await back()
    await until(() => workers.alarms.includes('Redis went back'), 'the worker to notice')
    await agrees(proxy.view)
    expect(workers.live.get(first.id)?.grant).toEqual(extended)
    expect([await versionStored(), await counted()]).toEqual([1, '1'])
    expect(proxy.view.get(first.id)?.grant).toEqual(extended)
  })

  /** It knows only what Redis still holds, and signs that. */
  test('is not given up for the head of a bot that has never known it', async () => {
    const { bot, proxy, back } = await giveBoth(shortened)
    await bot.stop()
    await back()
    await kept.redis.del(names.headSigner)
    const fresh = await kept.startKeeping('bot', 'bot-b')
    expect(fresh.live.get(first.id)?.grant).toEqual(first)
    kept.clock.set(noon + 5_000)
    await until(
      () => proxy.alarms.includes('the live grants differ from the signed head'),
      'the proxy to disagree',
    )
    const heads = await kept.redis.xlen(names.heads)
    await until(async () => (await kept.redis.xlen(names.heads)) > heads + 1, 'more heads')
    expect(proxy.view.age(kept.clock.now())).toBe(5_000)
    expect(proxy.view.get(first.id)?.grant).toEqual(shortened)
    // As a bot that knows better does.
    await createGrantStore(kept.redis, createStatements(kept.keys.bot), kept.clock, 'other').give(shortened)
    await agrees(proxy.view)
    expect([proxy.view.get(first.id)?.grant, proxy.versions.includes(1)]).toEqual([shortened, false])
  })

  test('is none where nobody signed it: what Redis holds is taken', async () => {
    const { store, live, alarms } = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    await store.give(first)
    const forger = createStatements((await freshKeys()).bot)
    const forged = await forger.sign('grant', { ...first, version: 9, until: noon + 9 * hour })
    const sequence = await kept.redis.incr(names.sequence)
    const fields = ['kind', 'grant', 'id', first.id, 'statement', forged]
    await kept.redis
      .multi()
      .xadd(names.events, `${sequence}-0`, ...fields)
      .set(names.epoch, 'another')
      .exec()
    await until(() => alarms.includes('a grant does not verify'), 'the alarm')
    for (const get of [live.get, proxy.view.get])
      await until(() => get(first.id)?.grant.version === 1, 'the genuine one to be back')
    await agrees(proxy.view)
    expect(alarms).not.toContain(written)
    expect(await counted()).toBe('1')
  })
})
