import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { readStoredLock } from '#access/adapters/redis/lock-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import type { Lock } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import { lockPrincipal } from '#access/operations/lock-principal.ts'
import { watchInactive } from '#access/runtime/watch-inactive.ts'
import { aGrant, aLift, aLock, aPerson, freshKeys, keptAlarms, noon, nthId, until } from '../../builders.ts'
import { aKeptDatabase, type KeptDatabase } from './a-kept-database.ts'

let kept: KeptDatabase
beforeAll(async () => {
  kept = await aKeptDatabase(inject('redisUrl'), 109)
})
beforeEach(() => kept.startOver())
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await kept.stopAll()
})
afterAll(() => kept.close())

const lock = aLock()
const who = principalKey(lock.who)

/** Writes an event with its statement by hand, as whoever can write to Redis would. */
const appended = async (kind: string, of: Lock, statement: string): Promise<void> => {
  const sequence = await kept.redis.incr(names.sequence)
  await kept.redis.xadd(names.events, `${sequence}-0`, 'kind', kind, 'id', of.id, 'statement', statement)
}
const fieldOf = async (): Promise<string> => (await kept.redis.hget(names.locks, who)) ?? ''

describe('A lock', () => {
  test('reaches every view at once, and its lift too', async () => {
    const { lockStore, locks } = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    expect(await lockStore.put(lock, 0)).toMatchObject({ stored: true, version: 1 })
    await until(() => locks.isLocked(who) && proxy.view.isLocked(who), 'the lock')
    await lockStore.put(aLift(lock, {}, ['idp-ben']), 1)
    await until(() => proxy.view.locks.of(who)?.agreed.length === 1, 'the agreement')
    expect(proxy.view.isLocked(who)).toBe(true)
    await lockStore.put(aLift(aLift(lock, {}, ['idp-ben'])), 2)
    await until(() => !locks.isLocked(who) && !proxy.view.isLocked(who), 'the lift')
    expect(proxy.alarms).toEqual([])
  })

  test('counts over a lift of the greatest number and time, which a stolen key may have signed', async () => {
    const { lockStore, locks, live, store } = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    const most = Number.MAX_SAFE_INTEGER
    await lockStore.put(lock, 0)
    await lockStore.put({ ...aLift(lock), version: most, at: most }, 1)
    await until(() => locks.of(who)?.at === most && proxy.view.locks.of(who)?.at === most, 'the lift')
    const { environment } = lock
    const newNonce = () => 'm'.repeat(32)
    const parts = { environment, live, locks, lockStore, store, clock: kept.clock, newNonce }
    await lockPrincipal(parts, lock.who, { kind: 'key', kid: 'k' }, 'again')
    const states = () => [locks.of(who)?.state, proxy.view.locks.of(who)?.state]
    await until(() => states().every((state) => state === 'locked'), 'the lock to be proven')
    expect([locks.isLocked(who), proxy.view.isLocked(who)]).toEqual([true, true])
  })

  test('is not written over what is not the version before, and the same write twice is one', async () => {
    const { lockStore } = await kept.startKeeping()
    const first = await lockStore.put(lock, 0)
    expect(await lockStore.put(lock, 0)).toEqual(first)
    expect(await lockStore.put(aLock({ nonce: 'z'.repeat(22) }), 0)).toMatchObject({
      stored: false,
      version: 1,
    })
    expect(await kept.redis.xlen(names.events)).toBe(1)
  })

  test('holds for who starts after the stream was trimmed', async () => {
    const { lockStore, store, live } = await kept.startKeeping()
    await lockStore.put(lock, 0)
    for (let number = 1; number < 20; number += 1)
      await store.give(aGrant({ id: nthId(number), who: { ...lock.who, subject: `idp-${number}` } }))
    await live.catchUp()
    await kept.redis.xtrim(names.events, 'MAXLEN', 1)
    const proxy = await kept.startProxyView()
    expect([proxy.view.isLocked(who), proxy.alarms]).toEqual([true, []])
  })

  test('is not given past, neither to whom it is about nor by them, in the very script that gives', async () => {
    const { lockStore, store } = await kept.startKeeping()
    await store.give(aGrant({ id: nthId(1) }))
    await lockStore.put(lock, 0)
    const bens = aGrant({ id: nthId(2), who: { ...lock.who, subject: 'idp-ben' } })
    expect(await store.give(aGrant({ id: nthId(3) }))).toMatchObject({ given: false })
    expect(await store.give(aGrant({ id: nthId(1), version: 2, step: 'extended' }))).toMatchObject({
      given: false,
    })
    expect(await store.give({ ...bens, by: lock.who })).toMatchObject({ given: false })
    expect(await store.give(bens)).toMatchObject({ given: true })
    expect(await store.end(aGrant({ id: nthId(1) }), 'locked')).toMatchObject({ ended: true })
    await lockStore.put(aLift(lock), 1)
    expect(await store.give(aGrant({ id: nthId(3) }))).toMatchObject({ given: true })
  })
})

describe('Whoever can write to Redis', () => {
  test('lets nobody in by taking the lock away, not even where everybody but the proxies starts anew', async () => {
    const bot = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    await bot.lockStore.put(lock, 0)
    await until(() => proxy.view.locks.of(who) !== undefined, 'the lock')
    await bot.stop()
    await kept.redis.hdel(names.locks, who)
    const fresh = await kept.startKeeping('bot', 'bot-b')
    await until(
      () => proxy.alarms.includes('the live grants differ from the signed head'),
      'the proxy to notice',
    )
    await until(() => proxy.alarms.includes('Redis lost who is locked out'), 'the proxy to read anew')
    expect([fresh.locks.isLocked(who), proxy.view.isLocked(who)]).toEqual([false, true])
  })

  test('has the lock written again by whoever remembers it, for those who start next', async () => {
    const { lockStore, locks, alarms } = await kept.startKeeping()
    await lockStore.put(lock, 0)
    await until(() => locks.of(who) !== undefined, 'the lock')
    await kept.redis.hdel(names.locks, who)
    await until(() => alarms.includes('a lost lock was written again'), 'it to be written again')
    const proxy = await kept.startProxyView()
    expect(proxy.view.isLocked(who)).toBe(true)
  })

  test('can’t hide that it is gone behind a forged lift from the future', async () => {
    const { lockStore, locks, alarms } = await kept.startKeeping()
    await lockStore.put(lock, 0)
    await until(() => locks.of(who) !== undefined, 'the lock')
    const others = await freshKeys()
    const lift = aLift(lock, { version: 900, at: lock.at + 1e9 })
    const forged = await createStatements(others.bot).sign('lift', lift)
    await kept.redis.hset(names.locks, who, `900 1 f ${forged}`)
    await until(() => alarms.includes('a lost lock was written again'), 'it to be written again')
    expect(await fieldOf()).toMatch(/^901 \d+ l /)
    const proxy = await kept.startProxyView()
    expect(proxy.view.isLocked(who)).toBe(true)
  })

  test.each([
    'a forged lift',
    'a lift signed by the key that only locks',
    'an older lift',
    'a lift that one person agreed to twice',
  ])('lets nobody in with %s', async (what) => {
    const { lockStore, locks } = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    const statements = createStatements(kept.keys.bot)
    const older = aLift(lock)
    await lockStore.put(lock, 0)
    await lockStore.put(older, 1)
    const oldField = await fieldOf()
    const again = aLock({ version: 3, at: lock.at + 5, id: nthId(7) })
    await lockStore.put(again, 2)
    await until(() => proxy.view.locks.of(who)?.id === again.id && locks.of(who)?.id === again.id, 'the lock')
    const lift = aLift(again)
    const signed = {
      'a forged lift': async () => createStatements((await freshKeys()).bot).sign('lift', lift),
      'a lift signed by the key that only locks': async () => {
        const end = kept.keys.workers.own.get('end')
        if (end === undefined) throw new Error('no key')
        const own = new Map(kept.keys.workers.own).set('issue', end)
        return createStatements({ ...kept.keys.workers, own }).sign('lift', lift)
      },
      'an older lift': async () => oldField.split(' ')[3] ?? '',
      'a lift that one person agreed to twice': () =>
        statements.sign('lift', aLift(again, { state: 'free' }, ['idp-ben', 'idp-ben'])),
    }[what]
    const statement = (await signed?.()) ?? ''
    await kept.redis.hset(names.locks, who, `4 99 f ${statement}`)
    await appended('lift', lift, statement)
    // What comes after it is known, so it was looked at.
    const marker = aLock({ who: { ...lock.who, subject: 'idp-marker' }, id: nthId(8) })
    await lockStore.put(marker, 0)
    await until(() => proxy.view.isLocked(principalKey(marker.who)), 'what comes after it')
    await until(() => locks.of(principalKey(marker.who)) !== undefined, 'what comes after it')
    expect([proxy.view.isLocked(who), locks.isLocked(who)]).toEqual([true, true])
  })

  test('locks somebody out with a forged lock for no longer than it takes to check it', async () => {
    const { locks, alarms } = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    await appended('lock', lock, await createStatements((await freshKeys()).bot).sign('lock', lock))
    await until(() => alarms.includes('a lock does not verify'), 'the bot’s alarm')
    await until(() => proxy.alarms.includes('a lock does not verify'), 'the proxy’s alarm')
    expect([locks.isLocked(who), proxy.view.isLocked(who)]).toEqual([false, false])
  })

  test('can’t have a lock of another environment or of the key for heads taken', async () => {
    const { locks, alarms } = await kept.startKeeping()
    const elsewhere = { ...kept.keys.bot, environment: 'elsewhere' }
    await appended(
      'lock',
      lock,
      await createStatements(elsewhere).sign('lock', { ...lock, environment: 'elsewhere' }),
    )
    await until(() => alarms.includes('a lock does not verify'), 'the alarm')
    expect(locks.isLocked(who)).toBe(false)
  })
})

describe('A Redis that lost writes', () => {
  test('lets nobody in, and gets the lock again', async () => {
    const { lockStore, locks, alarms } = await kept.startKeeping()
    const proxy = await kept.startProxyView()
    const back = await kept.remember()
    await lockStore.put(lock, 0)
    await until(() => locks.of(who) !== undefined && proxy.view.locks.of(who) !== undefined, 'the lock')
    await back()
    await until(() => alarms.includes('a lost lock was written again'), 'it to be written again')
    expect([locks.isLocked(who), proxy.view.isLocked(who)]).toEqual([true, true])
    expect(await fieldOf()).toMatch(/ l /)
  })

  test('gets the lock again from workers that never knew of it, by the statement that somebody else kept', async () => {
    const bot = await kept.startKeeping()
    await bot.lockStore.put(lock, 0)
    await bot.lockStore.put(aLift(lock, {}, ['idp-ben']), 1)
    await until(() => bot.locks.of(who)?.agreed.length === 1, 'the agreement')
    const statement = readStoredLock(await fieldOf()) ?? ''
    await bot.stop()
    await kept.redis.flushdb()
    const workers = await kept.startKeeping('workers')
    await workers.lockAgain(statement)
    await until(() => workers.locks.of(who)?.state === 'locked', 'the lock')
    // Whoever agreed before it was lost has to agree again.
    expect(workers.locks.of(who)?.agreed).toEqual([])
    expect(workers.alarms).toContain('a lost lock was written again')
  })

  test('gets nothing again by a forged statement, by one that lifts, or by one older than what is known', async () => {
    const { lockAgain, lockStore, locks, alarms } = await kept.startKeeping()
    await lockStore.put(lock, 0)
    await until(() => locks.of(who) !== undefined, 'the lock')
    const older = readStoredLock(await fieldOf()) ?? ''
    await lockStore.put(aLift(lock), 1)
    await until(() => locks.of(who)?.state === 'free', 'the lift')
    const lift = readStoredLock(await fieldOf()) ?? ''
    await kept.redis.hdel(names.locks, who)
    for (const statement of [older, lift]) await lockAgain(statement)
    expect(await fieldOf()).not.toMatch(/ l /)
    await lockAgain(await createStatements((await freshKeys()).bot).sign('lock', aLock({ at: lock.at + 9 })))
    expect(await fieldOf()).not.toMatch(/ l /)
    expect(alarms).toContain('a lock that was to be written again does not verify')
  })

  test('gets the lift again from a bot, and not from workers', async () => {
    const bot = await kept.startKeeping()
    const workers = await kept.startKeeping('workers')
    await bot.lockStore.put(lock, 0)
    const back = await kept.remember()
    await bot.lockStore.put(aLift(lock), 1)
    await until(
      () => bot.locks.of(who)?.state === 'free' && workers.locks.of(who)?.state === 'free',
      'the lift',
    )
    await back()
    await until(() => bot.alarms.includes('a lost lock was written again'), 'it to be written again')
    expect(workers.alarms).not.toContain('a lost lock was written again')
    const proxy = await kept.startProxyView()
    expect(proxy.view.isLocked(who)).toBe(false)
  })

  test('does not bring a lock made in an emptied one to nothing, though its number is lower', async () => {
    const { lockStore, locks } = await kept.startKeeping()
    await lockStore.put(lock, 0)
    await lockStore.put(aLift(lock), 1)
    await until(() => locks.of(who)?.state === 'free', 'the lift')
    await kept.redis.flushdb()
    await until(async () => (await kept.redis.exists(names.epoch)) === 1, 'a new epoch')
    const anew = aLock({ at: lock.at + 60, id: nthId(9) })
    await until(async () => {
      const { version } = await lockStore.put(anew, 0)
      if (version > 0) await lockStore.put({ ...anew, version: version + 1 }, version)
      return locks.of(who)?.id === anew.id
    }, 'the new lock')
    const proxy = await kept.startProxyView()
    expect([locks.isLocked(who), proxy.view.isLocked(who)]).toEqual([true, true])
  })
})

const stops: (() => Promise<unknown>)[] = []
const gone = aPerson({
  active: false,
  subject: lock.who.subject,
  issuer: lock.who.issuer,
  name: lock.who.name,
})

const watching = async (part: 'bot' | 'workers', asOf: number) => {
  const it = await kept.startKeeping(part, `${part}-${asOf}`)
  const alarms = keptAlarms()
  const parts = {
    ...it,
    lockStore: it.lockStore,
    environment: 'sandbox',
    clock: kept.clock,
    newNonce: () => `${part}-${asOf}`.padEnd(24, 'x'),
  }
  const directory = { asOf, people: [gone] }
  const watched = watchInactive(
    parts,
    () => directory,
    () => it.waitingFor().length === 0,
    alarms.alarm,
  )
  stops.push(watched.stop)
  return { ...it, alarms: alarms.all }
}

describe('Who the directory says is not active', () => {
  test('is locked out once, by whoever of bots and workers comes first, and all they hold ends', async () => {
    const before = await kept.startKeeping('bot', 'before')
    await before.store.give(aGrant({ who: lock.who }))
    const [bot, workers] = await Promise.all([watching('bot', noon), watching('workers', noon)])
    const proxy = await kept.startProxyView()
    await until(() => proxy.view.isLocked(who), 'the lock')
    await until(async () => (await kept.redis.hlen(names.live)) === 0, 'the end of what they hold')
    await until(() => bot.alarms.length + workers.alarms.length > 0, 'it to be told')
    expect(proxy.view.locks.of(who)).toMatchObject({ by: { kind: 'directory', asOf: noon }, version: 1 })
    expect(await kept.redis.xlen(names.events)).toBe(3)
  })

  test('stays in, where they were let in again after the directory was signed', async () => {
    const first = await watching('workers', noon)
    await until(() => first.locks.of(who) !== undefined, 'the lock')
    const made = first.locks.of(who)
    if (made === undefined) throw new Error('no lock')
    const bot = await kept.startKeeping('bot', 'lifting')
    await bot.lockStore.put(aLift(made, { at: noon + 1_000 }), 1)
    await until(() => bot.locks.of(who)?.state === 'free', 'the lift')
    const again = await watching('workers', noon + 500)
    // A directory signed later locks; with it the one before has had its turn.
    const later = await watching('workers', noon + 2_000)
    await until(() => later.locks.of(who)?.version === 3, 'the lock of the later directory')
    const by = { kind: 'directory', asOf: noon + 2_000 }
    expect([again.alarms, later.locks.of(who)?.by]).toEqual([[], by])
  })

  test('is locked out again where Redis began anew', async () => {
    const { locks } = await watching('workers', noon)
    await until(() => locks.of(who) !== undefined, 'the lock')
    await kept.redis.flushdb()
    await until(async () => (await kept.redis.hlen(names.locks)) === 1, 'the lock to be there again')
  })
})
