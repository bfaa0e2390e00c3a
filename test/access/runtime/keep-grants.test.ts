import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements, readUnverified } from '#access/adapters/statements.ts'
import type { Grant } from '#access/domain/grant.ts'
import { createView } from '#access/domain/view.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import {
  aGrant,
  freshDatabase,
  freshKeys,
  frozenClock,
  hour,
  keptAlarms,
  minute,
  noon,
  nthId,
  until,
} from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: Awaited<ReturnType<typeof freshKeys>>
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 31)
  keys = await freshKeys()
})
beforeEach(async () => {
  await database.redis.flushdb()
  clock.set(noon)
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => database.close())

const clock = frozenClock()

const startKeeping = async (part: 'bot' | 'workers' = 'bot', instance = `${part}-a`) => {
  const alarms = keptAlarms()
  const kept = await keepGrants({
    prompt: database.redis,
    patient: database.connect(),
    keys: keys[part],
    clock,
    instance,
    alarm: alarms.alarm,
  })
  stops.push(kept.stop)
  await until(() => kept.waitingFor().length === 0, 'it is in step')
  return { ...kept, alarms: alarms.all }
}

/** A view as a proxy keeps it, in step, that proves what it is given. */
const startProxyView = async () => {
  const view = createView()
  const alarms = keptAlarms()
  const versions: number[] = []
  const [prompt, patient] = [database.connect(), database.connect()]
  const follower = followView(
    { prompt, patient, view, statements: createStatements(keys.proxy), clock, heads: 'demanded' },
    {
      alarm: alarms.alarm,
      given: (held) => void follower.prove(held),
      synced: () => void versions.push(...[...view.all()].map(({ grant }) => grant.version)),
    },
  )
  stops.push(follower.stop)
  await until(view.ready, 'the proxy to be in step')
  return { view, follower, alarms: alarms.all, versions }
}

/** What Redis holds now; call the answer to have it hold that again, as after a failover that loses writes. */
const remember = async () => {
  const keep = [
    names.live,
    names.versions,
    names.events,
    names.sequence,
    names.ended,
    names.epoch,
    names.heads,
  ]
  const before = new Map<string, Buffer>()
  for (const key of keep) {
    const dump = await database.redis.dumpBuffer(key)
    if (dump !== null) before.set(key, dump)
  }
  return async (): Promise<void> => {
    const all = database.redis.multi().del(...keep)
    for (const [key, dump] of before) all.restore(key, 0, dump)
    await all.exec()
  }
}

test('an end that Redis has lost is written again by whoever remembers it', async () => {
  const grant = aGrant({ id: nthId(1) })
  const { store, alarms } = await startKeeping()
  await store.give(grant)
  const back = await remember()
  await store.end(grant, 'revoked')
  await until(async () => (await database.redis.hlen(names.live)) === 0, 'the end')
  await back()
  expect(await database.redis.hlen(names.live)).toBe(1)
  await until(() => alarms.includes('a lost end was written again'), 'the end to be written again')
  expect(await database.redis.hlen(names.live)).toBe(0)
})

test('a forged grant that comes as an event takes no genuine one away', async () => {
  const grant = aGrant({ id: nthId(2) })
  const { store, live, alarms } = await startKeeping()
  await store.give(grant)
  const others = await freshKeys()
  const forged = await createStatements(others.bot).sign('grant', { ...grant, version: 2 })
  const sequence = await database.redis.incr(names.sequence)
  await database.redis.xadd(
    names.events,
    `${sequence}-0`,
    'kind',
    'grant',
    'id',
    grant.id,
    'statement',
    forged,
  )
  await until(() => alarms.includes('a grant does not verify'), 'the alarm')
  await until(() => live.get(grant.id)?.grant.version === 1, 'the genuine one to be back')
})

test('an emptied Redis can be used again without anybody restarting', async () => {
  const { store } = await startKeeping()
  await store.give(aGrant({ id: nthId(3) }))
  await database.redis.flushdb()
  await until(async () => (await database.redis.exists(names.epoch)) === 1, 'a new epoch')
  expect(await store.give(aGrant({ id: nthId(4) }))).toMatchObject({ given: true })
})

describe('A version that Redis has lost', () => {
  const first = aGrant({ id: nthId(5), until: noon + hour })
  const shortened: Grant = { ...first, version: 2, step: 'shortened', until: noon + minute }
  const extended: Grant = { ...first, version: 2, step: 'extended', until: noon + 2 * hour }
  const written = 'a lost version was written again'
  const over = 'a pass was ended, because Redis lost its newest version'

  const stored = async () => (await database.redis.hget(names.live, first.id)) ?? ''
  const versionStored = async () => {
    const statement = await stored()
    return statement === '' ? undefined : readUnverified('grant', statement).version
  }
  const counted = async () => (await database.redis.hget(names.versions, first.id))?.split(' ')[0]
  /** The view agrees with a head signed from now on. */
  const agrees = async (view: ReturnType<typeof createView>): Promise<void> => {
    clock.set(clock.now() + 100)
    await until(() => view.age(clock.now()) === 0, 'a head that the proxy agrees with')
  }
  const giveBoth = async (newer: Grant, more: readonly Grant[] = []) => {
    const bot = await startKeeping()
    const proxy = await startProxyView()
    await bot.store.give(first)
    const older = await stored()
    const back = await remember()
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
    const fresh = await startProxyView()
    expect([...fresh.view.all()].map(({ grant }) => grant)).toEqual([newer])
    expect(bot.alarms).not.toContain(over)
  })

  test('is written again once, however many remember it', async () => {
    const { bot, back } = await giveBoth(extended)
    const others = [await startKeeping('workers'), await startKeeping('bot', 'bot-b')]
    for (const { live } of others) await until(() => live.get(first.id) !== undefined, 'the others to know')
    await back()
    await until(() => [bot, ...others].some(({ alarms }) => alarms.includes(written)), 'the alarm')
    for (const { live } of [bot, ...others]) {
      await live.catchUp()
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
    clock.set(shortened.until)
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
    const all = database.redis.multi().hset(names.live, first.id, older).set(names.epoch, 'another')
    await (number === undefined
      ? all.hdel(names.versions, first.id)
      : all.hset(names.versions, first.id, `${number} 2`)
    ).exec()
    await until(() => bot.alarms.includes(written) || bot.alarms.includes(over), 'it to be mended')
    expect(await versionStored()).toBe(number === '1' || number === undefined ? 2 : undefined)
    await agrees(proxy.view)
    expect(proxy.versions).not.toContain(1)
    await startProxyView()
  })

  test('is left to the bots by a worker', async () => {
    const { bot, proxy, back } = await giveBoth(extended)
    const workers = await startKeeping('workers')
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
    await database.redis.del(names.headSigner)
    const fresh = await startKeeping('bot', 'bot-b')
    expect(fresh.live.get(first.id)?.grant).toEqual(first)
    clock.set(noon + 5_000)
    await until(
      () => proxy.alarms.includes('the live grants differ from the signed head'),
      'the proxy to disagree',
    )
    const heads = await database.redis.xlen(names.heads)
    await until(async () => (await database.redis.xlen(names.heads)) > heads + 1, 'more heads')
    expect(proxy.view.age(clock.now())).toBe(5_000)
    expect(proxy.view.get(first.id)?.grant).toEqual(shortened)
    // As a bot that knows better does.
    await createGrantStore(database.redis, createStatements(keys.bot), clock, 'other').give(shortened)
    await agrees(proxy.view)
    expect([proxy.view.get(first.id)?.grant, proxy.versions.includes(1)]).toEqual([shortened, false])
  })

  test('is none where nobody signed it: what Redis holds is taken', async () => {
    const { store, live, alarms } = await startKeeping()
    const proxy = await startProxyView()
    await store.give(first)
    const forger = createStatements((await freshKeys()).bot)
    const forged = await forger.sign('grant', { ...first, version: 9, until: noon + 9 * hour })
    const sequence = await database.redis.incr(names.sequence)
    const fields = ['kind', 'grant', 'id', first.id, 'statement', forged]
    await database.redis
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

test.each([['1'], ['2'], ['9'], [undefined]])(
  'an end that Redis has lost is written again whatever number it has for the grant: %s',
  async (number) => {
    const { store, live, alarms } = await startKeeping()
    const grant = aGrant({ id: nthId(6) })
    await store.give(grant)
    const statement = (await database.redis.hget(names.live, grant.id)) ?? ''
    const proxy = await startProxyView()
    await store.end(grant, 'revoked')
    await until(() => live.get(grant.id) === undefined && proxy.view.endProven(grant.id), 'the end')
    proxy.versions.length = 0
    const all = database.redis.multi().hset(names.live, grant.id, statement).set(names.epoch, 'another')
    await (number === undefined
      ? all.hdel(names.versions, grant.id)
      : all.hset(names.versions, grant.id, `${number} 2`)
    ).exec()
    await until(() => alarms.includes('a lost end was written again'), 'the end to be written again')
    expect(await database.redis.hlen(names.live)).toBe(0)
    await until(() => proxy.view.sequence() > 2, 'the proxy to know')
    expect(proxy.versions).toEqual([])
  },
)
