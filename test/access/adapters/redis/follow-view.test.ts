import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { signHeads } from '#access/adapters/redis/sign-heads.ts'
import { createView } from '#access/domain/view.ts'
import type { Clock } from '#access/ports.ts'
import {
  aGrant,
  anEnd,
  freshDatabase,
  freshStatements,
  frozenClock,
  keptAlarms,
  noon,
  nthId,
  patiently,
  until,
} from '../../../builders.ts'

type Statements = Awaited<ReturnType<typeof freshStatements>>
let database: Awaited<ReturnType<typeof freshDatabase>>
let parts: Statements
let others: Statements
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 22)
  ;[parts, others] = await Promise.all([freshStatements(), freshStatements()])
})
beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch-1')
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})
afterAll(() => database.close())

const store = () => createGrantStore(database.redis, parts.bot, frozenClock())
const first = aGrant({ id: nthId(1) })
const second = aGrant({ id: nthId(2) })

/** A follower as a proxy has it, and what it was told. */
const follow = async ({
  inStep = true,
  heads = 'optional' as 'optional' | 'demanded',
  statements = parts.proxy,
  clock = frozenClock() as Clock,
} = {}) => {
  const view = createView()
  const alarms = keptAlarms()
  const told: string[] = []
  const waits: string[] = []
  const outdated: number[] = []
  let syncs = 0
  const follower = followView(
    {
      prompt: database.connect(),
      patient: database.connect(),
      view,
      statements,
      clock,
      heads,
    },
    {
      alarm: alarms.alarm,
      waiting: (what) => void waits.push(what),
      outdated: ({ grant }) => void outdated.push(grant.version),
      given: ({ grant }, sequence) => void told.push(`${sequence} given ${grant.id}`),
      ended: ({ grant }, sequence) => void told.push(`${sequence} ended ${grant.id}`),
      synced: () => {
        syncs += 1
      },
    },
  )
  stops.push(follower.stop)
  if (inStep) await until(() => syncs > 0, 'the first sync')
  const ids = (): string[] => [...view.all()].map(({ grant }) => grant.id).sort()
  return { view, follower, told, waits, outdated, alarms: alarms.all, syncs: () => syncs, ids }
}

/** A bot that is in step and signs heads. */
const startSigner = async () => {
  const { view, follower } = await follow()
  const heads = signHeads({
    redis: database.connect(),
    view,
    statements: parts.bot,
    clock: frozenClock(),
    instance: 'bot-a',
    environment: 'sandbox',
    epoch: follower.epoch,
    inTouch: () => true,
    newEpoch: () => 'test',
    alarm: () => undefined,
  })
  stops.push(heads.stop)
}

const head = (changes = {}) => ({
  environment: 'sandbox',
  at: noon,
  epoch: 'epoch-1',
  sequence: 0,
  count: 0,
  set: '',
  ...changes,
})
const postHead = async (statement: string) => database.redis.xadd(names.heads, '*', 'statement', statement)
const postEvent = async (kind: string, id: string, statement: string) => {
  const sequence = await database.redis.incr(names.sequence)
  await database.redis.xadd(names.events, `${sequence}-0`, 'kind', kind, 'id', id, 'statement', statement)
}

describe('A view that follows Redis', () => {
  test('begins with what lives, and goes on with every change', async () => {
    await store().give(first)
    await store().give(second)
    await store().end(first, 'revoked')
    const { ids, told, view, alarms } = await follow()
    expect([ids(), view.sequence()]).toEqual([[second.id], 3])
    const third = aGrant({ id: nthId(3) })
    await store().give(third)
    await store().end(second, 'expired')
    await until(() => view.sequence() === 5, 'both events came')
    expect(ids()).toEqual([third.id])
    expect(told).toEqual([`4 given ${third.id}`, `5 ended ${second.id}`])
    expect(alarms).toEqual([])
  })

  test('is fresh from the time of a signed head that it agrees with', async () => {
    await store().give(first)
    await startSigner()
    const { view, alarms } = await follow()
    await until(() => view.age(noon) === 0, 'a head was taken')
    expect(view.age(noon + 7)).toBe(7)
    expect(alarms).toEqual([])
  })

  test('waits for an epoch, and then begins', async () => {
    await database.redis.flushdb()
    const { view, alarms, waits, syncs } = await follow({ inStep: false })
    await until(() => waits.length > 0, 'it says what it waits for')
    expect(view.ready()).toBe(false)
    expect(alarms).toEqual([])
    await prepareStore(database.redis, 'epoch-1')
    await until(() => syncs() >= 1, 'the first sync')
    expect(view.ready()).toBe(true)
  })

  test('catches up with everything that Redis held when asked', async () => {
    const { follower, ids } = await follow()
    for (let turn = 1; turn <= 20; turn += 1) {
      await store().give(aGrant({ id: nthId(turn) }))
      await patiently(follower.live).catchUp()
      expect(ids()).toHaveLength(turn)
    }
  })

  test('begins after a trimmed stream, from what lives', async () => {
    await store().give(first)
    await store().give(second)
    await database.redis.xtrim(names.events, 'MAXLEN', 0)
    const { ids } = await follow()
    expect(ids()).toEqual([first.id, second.id])
  })
})

describe('A full resync follows', () => {
  test('when events were trimmed before they were read', async () => {
    const { view, alarms, syncs, ids } = await follow()
    const statement = await parts.bot.sign('grant', second)
    await store().give(first)
    await until(() => view.sequence() === 1, 'the first event')
    await database.redis
      .multi()
      .incrby(names.sequence, 2)
      .hset(names.live, second.id, statement)
      .xadd(names.events, '3-0', 'kind', 'grant', 'id', second.id, 'statement', statement)
      .exec()
    await until(() => syncs() >= 2, 'the resync')
    expect(alarms).toContain('events are missing')
    expect([ids(), view.sequence()]).toEqual([[first.id, second.id], 3])
  })

  test('when the sequence number went back, as after a failover that lost writes', async () => {
    await store().give(first)
    await store().give(second)
    const { view, alarms, syncs, ids } = await follow()
    await database.redis
      .multi()
      .set(names.sequence, 1)
      .hdel(names.live, second.id)
      .hdel(names.versions, second.id)
      .xdel(names.events, '2-0')
      .exec()
    await until(() => syncs() >= 2, 'the resync')
    expect(alarms).toContain('Redis went back')
    expect([ids(), view.sequence()]).toEqual([[first.id], 1])
  })

  test('so that an end written after a failover is not missed', async () => {
    await store().give(first)
    await store().give(second)
    const { syncs, ids, told } = await follow()
    await database.redis.multi().set(names.sequence, 1).del(names.events).exec()
    await until(() => syncs() >= 2, 'the resync')
    await store().end(first, 'revoked')
    await until(() => !ids().includes(first.id), 'the end came')
    expect(told).toEqual([`2 ended ${first.id}`])
  })

  test('when Redis was emptied: the old view decides until there is an epoch, then the empty one', async () => {
    await store().give(first)
    const { alarms, syncs, ids } = await follow()
    await database.redis.flushdb()
    await until(() => alarms.includes('Redis went back'), 'the alarm')
    expect(ids()).toEqual([first.id])
    await prepareStore(database.redis, 'epoch-2')
    await until(() => syncs() >= 2, 'the resync')
    expect(ids()).toEqual([])
  })

  test('when Redis was emptied and begun anew at once', async () => {
    await store().give(first)
    const { syncs, ids } = await follow()
    await database.redis.multi().flushdb().set(names.epoch, 'epoch-2').exec()
    await until(() => syncs() >= 2, 'the resync')
    expect(ids()).toEqual([])
  })

  test('when a head names another epoch', async () => {
    const { alarms, syncs } = await follow()
    await postHead(await parts.bot.sign('head', head({ epoch: 'epoch-0' })))
    await until(() => syncs() >= 2, 'the resync')
    expect(alarms).toContain('the head names another epoch')
  })

  test('when a head is ahead of the events', async () => {
    const { alarms, syncs } = await follow()
    await postHead(await parts.bot.sign('head', head({ sequence: 5 })))
    await until(() => syncs() >= 2, 'the resync')
    expect(alarms).toContain('the head is ahead of the events')
  })
})

test('Whoever was in step and disagrees with the newest head is in touch all the same, so that it can sign the next one', async () => {
  const { follower, syncs } = await follow()
  await postHead(await parts.bot.sign('head', head({ epoch: 'epoch-0' })))
  // Each takes a pause: these are longer together than anybody counts as in touch.
  // Looked at together: a process that stood still in between is out of touch until its next resync.
  await until(() => syncs() > 30 && follower.inTouch(), 'many resyncs, and it to be in touch')
})

describe('Where heads are demanded', () => {
  test('what was loaded counts once a head agrees, and not before', async () => {
    await store().give(first)
    const { view, waits } = await follow({ inStep: false, heads: 'demanded' })
    await until(() => waits.includes('a signed head that agrees'), 'it is waiting')
    expect(view.ready()).toBe(false)
    await startSigner()
    await until(view.ready, 'the first sync')
  })

  test('who brings back an ended grant in Redis gets nobody to take it', async () => {
    await store().give(first)
    const statement = (await database.redis.hget(names.live, first.id)) ?? ''
    await store().end(first, 'revoked')
    await startSigner()
    await database.redis.hset(names.live, first.id, statement)
    const { view, alarms } = await follow({ inStep: false, heads: 'demanded' })
    await until(() => alarms.includes('the live grants differ from the signed head'), 'the alarm')
    expect(view.ready()).toBe(false)
    await database.redis.hdel(names.live, first.id)
    await until(view.ready, 'the first sync')
    expect([...view.all()]).toEqual([])
  })

  test('a head signed in the future makes nothing fresh', async () => {
    const { alarms, view } = await follow()
    await postHead(await parts.bot.sign('head', head({ at: noon + 3_600_000, ...view.at(0) })))
    await until(() => alarms.includes('the head is signed in the future'), 'the alarm')
    expect(view.age(noon)).toBe(Number.POSITIVE_INFINITY)
  })

  /** It started on a host whose clock is wrong, and would take tokens that have expired. */
  test('a clock that is behind the signer’s and that of Redis is put right, and no further than both say', async () => {
    const [now, heard] = [Date.now(), [] as number[]]
    const behind = { now: () => heard.at(-1) ?? noon, hear: (at: number) => void heard.push(at) }
    const { alarms, view } = await follow({ clock: behind })
    await postHead(await parts.bot.sign('head', head({ at: noon + 3_600_000, ...view.at(0) })))
    await until(() => alarms.includes('this clock is behind, and was put right'), 'it to be put right')
    await postHead(await parts.bot.sign('head', head({ at: now + 3_600_000, ...view.at(0) })))
    await until(() => heard.length === 2, 'it to be put right again')
    expect(heard[0]).toBe(noon + 3_602_000)
    expect(Math.abs((heard[1] ?? 0) - now)).toBeLessThan(120_000)
  })

  test('a clock that only the signer’s is ahead of stays as it is', async () => {
    const heard: number[] = []
    const right = { now: () => Date.now(), hear: (at: number) => void heard.push(at) }
    const { alarms, view } = await follow({ clock: right })
    await postHead(await parts.bot.sign('head', head({ at: Date.now() + 3_600_000, ...view.at(0) })))
    await until(() => alarms.includes('the head is signed in the future'), 'the alarm')
    await postHead(await parts.bot.sign('head', head({ at: Date.now(), ...view.at(0) })))
    await until(() => view.age(Date.now()) < 60_000, 'a head that counts')
    expect(heard).toEqual([])
  })
})

describe('Who puts an older version back in Redis, and has it read anew, gets nobody to take it', () => {
  const longer = aGrant({ id: first.id, tier: 'admin' })
  const newer = aGrant({ id: first.id, version: 2 })
  /** A follower that holds the newer version, which nobody has used: its signature was never checked. */
  const holdNewer = async (statements = parts.proxy) => {
    await store().give(longer)
    const older = (await database.redis.hget(names.live, first.id)) ?? ''
    await store().give(newer)
    const followed = await follow({ statements })
    expect(followed.view.get(first.id)).toMatchObject({ grant: newer, verified: false })
    const putBack = () => database.redis.multi().hset(names.live, first.id, older).set(names.epoch, 'another')
    return { ...followed, older, putBack }
  }
  const forgedFields = async (kind: 'grant' | 'end', statement: Promise<string>) => {
    return ['kind', kind, 'id', first.id, 'statement', await statement]
  }

  test('where the newer one was never used', async () => {
    const { putBack, syncs, view, outdated } = await holdNewer()
    await putBack().exec()
    await until(() => syncs() >= 2, 'the resync')
    expect(view.get(first.id)).toMatchObject({ grant: newer, verified: true })
    expect(outdated).toEqual([2])
  })

  test('where it was gone for a while', async () => {
    const { putBack, syncs, view, ids } = await holdNewer()
    await database.redis.multi().hdel(names.live, first.id).set(names.epoch, 'without').exec()
    await until(() => syncs() >= 2, 'the resync')
    expect(ids()).toEqual([])
    await putBack().exec()
    await until(() => syncs() >= 3, 'the next resync')
    expect(view.get(first.id)?.grant).toEqual(newer)
  })

  test('where it comes as an event', async () => {
    const { older, syncs, view, outdated } = await holdNewer()
    await database.redis.multi().hdel(names.live, first.id).set(names.epoch, 'without').exec()
    await until(() => syncs() >= 2, 'the resync')
    await postEvent('grant', first.id, older)
    await until(() => view.sequence() === 3, 'the event')
    await until(() => view.get(first.id)?.grant.version === 2, 'the newer one')
    expect(outdated).toEqual([2])
  })

  /** Where checking a signature takes until `goOn` is called. `begun` counts the checks. */
  const slowly = () => {
    let begun = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const verify: Statements['proxy']['verify'] = async (kind, statement) => {
      begun += 1
      await promise
      return parts.proxy.verify(kind, statement)
    }
    return { statements: { ...parts.proxy, verify }, begun: () => begun, goOn: resolve }
  }

  test('where it comes as an event while the newer one, which Redis has lost, is still being checked', async () => {
    const { statements, begun, goOn } = slowly()
    const { older, syncs, view, outdated, told } = await holdNewer(statements)
    await database.redis.multi().hdel(names.live, first.id).set(names.epoch, 'without').exec()
    await until(() => syncs() >= 2 && begun() === 1, 'the resync, and the check')
    await postEvent('grant', first.id, older)
    await until(() => view.get(first.id)?.grant.version === 1, 'the older one')
    expect(outdated).toEqual([])
    goOn()
    await until(() => outdated.length > 0, 'it to be told')
    expect(view.get(first.id)).toMatchObject({ grant: newer, verified: true })
    expect(outdated).toEqual([2])
    // Whoever took over the older one takes over the newer one.
    expect(told).toEqual([`3 given ${first.id}`, `3 given ${first.id}`])
  })

  test('where it comes as an event while the newer one is held, and was never used', async () => {
    const { statements, begun, goOn } = slowly()
    const { older, view, outdated } = await holdNewer(statements)
    await postEvent('grant', first.id, older)
    await until(() => begun() === 1, 'the check')
    expect(view.get(first.id)?.grant).toEqual(newer)
    goOn()
    await until(() => outdated.length > 0, 'it to be told')
    expect(outdated).toEqual([2])
    expect(view.get(first.id)).toMatchObject({ grant: newer, verified: true })
  })

  test('where it comes as an event during the resync', async () => {
    const { statements, begun, goOn } = slowly()
    await store().give(second)
    const olderSecond = (await database.redis.hget(names.live, second.id)) ?? ''
    for (const version of [2, 3]) await store().give({ ...second, version })
    const { older, syncs, view, outdated } = await holdNewer(statements)
    await database.redis
      .multi()
      .hset(names.live, second.id, olderSecond)
      .hdel(names.live, first.id)
      .set(names.epoch, 'another')
      .exec()
    // The resync has begun, and stands still to check the other grant.
    await until(() => begun() === 1, 'the resync')
    await postEvent('grant', first.id, older)
    goOn()
    await until(() => syncs() >= 2, 'the end of the resync')
    expect(view.get(first.id)).toMatchObject({ grant: newer, verified: true })
    expect(outdated).toEqual([3, 2])
  })

  test('and nobody is told of a newer one that was forged', async () => {
    await store().give(first)
    const older = (await database.redis.hget(names.live, first.id)) ?? ''
    const { view, outdated, follower } = await follow()
    await postEvent('grant', first.id, await others.bot.sign('grant', newer))
    await until(() => view.get(first.id)?.grant.version === 2, 'the forged one')
    await postEvent('grant', first.id, older)
    await patiently(follower.live).catchUp()
    await store().give(second)
    await patiently(follower.live).catchUp()
    expect(outdated).toEqual([])
  })

  test.each<[string, 'grant' | 'end', () => Promise<string>]>([
    ['version', 'grant', () => others.bot.sign('grant', { ...newer, version: 3 })],
    ['end', 'end', () => others.bot.sign('end', anEnd(newer))],
  ])('where a forged %s takes the newer one away at that moment', async (_, kind, forged) => {
    const { putBack, syncs, view } = await holdNewer()
    const fields = await forgedFields(kind, forged())
    await putBack()
      .incr(names.sequence)
      .xadd(names.events, '3-0', ...fields)
      .exec()
    await until(() => syncs() >= 2, 'the resync')
    await until(() => view.get(first.id)?.grant.version === 2, 'the newer one')
  })

  test('unless the newer one was forged itself', async () => {
    await store().give(first)
    const { view, syncs } = await follow()
    await postEvent('grant', first.id, await others.bot.sign('grant', newer))
    await until(() => view.get(first.id)?.grant.version === 2, 'the forged one')
    await database.redis.set(names.epoch, 'another')
    await until(() => syncs() >= 2, 'the resync')
    expect(view.get(first.id)?.grant).toEqual(first)
  })
})

describe('Somebody with a hand in Redis', () => {
  test('who deletes a live grant keeps whoever reads that from being fresh', async () => {
    await store().give(first)
    await store().give(second)
    await startSigner()
    const statement = (await database.redis.hget(names.live, second.id)) ?? ''
    await database.redis.hdel(names.live, second.id)
    const { alarms, view, ids } = await follow()
    await until(() => alarms.includes('the live grants differ from the signed head'), 'the alarm')
    expect(view.age(noon)).toBe(Number.POSITIVE_INFINITY)
    await database.redis.hset(names.live, second.id, statement)
    await until(() => view.age(noon) === 0, 'it is in step again')
    expect(ids()).toEqual([first.id, second.id])
  })

  test('who inserts a live grant keeps whoever reads that from being fresh', async () => {
    await store().give(first)
    await startSigner()
    await database.redis.hset(names.live, second.id, await others.bot.sign('grant', second))
    const { alarms, view } = await follow()
    await until(() => alarms.includes('the live grants differ from the signed head'), 'the alarm')
    expect(view.age(noon)).toBe(Number.POSITIVE_INFINITY)
    await database.redis.hdel(names.live, second.id)
    await until(() => view.age(noon) === 0, 'it is in step again')
  })

  test('who exchanges a live grant for another of the same id is noticed as well', async () => {
    await store().give(first)
    await startSigner()
    const longer = aGrant({ id: first.id, tier: 'admin' })
    await database.redis.hset(names.live, first.id, await others.bot.sign('grant', longer))
    const { alarms, view } = await follow()
    await until(() => alarms.includes('the live grants differ from the signed head'), 'the alarm')
    expect(view.age(noon)).toBe(Number.POSITIVE_INFINITY)
  })

  test('who stores a grant that can’t be read raises the alarm, and the others are served', async () => {
    await store().give(first)
    await database.redis.hset(names.live, second.id, 'not a statement')
    const { alarms, ids } = await follow()
    expect(alarms).toContain('a stored grant can’t be read')
    expect(ids()).toEqual([first.id])
  })

  test('who forges a grant hands out one that is held as not verified, and does not verify', async () => {
    const { told, view } = await follow()
    await postEvent('grant', first.id, await others.bot.sign('grant', first))
    await until(() => told.length === 1, 'the event')
    const held = view.get(first.id)
    expect(held?.verified).toBe(false)
    await expect(parts.proxy.verify('grant', held?.statement ?? '')).rejects.toMatchObject({
      code: 'statement/invalid',
    })
  })

  test('who forges an end takes a grant away for a moment, and raises the alarm', async () => {
    await store().give(first)
    const { alarms, ids, told } = await follow()
    await postEvent('end', first.id, await others.bot.sign('end', anEnd(first)))
    await until(() => alarms.includes('an end does not verify'), 'the alarm')
    expect(told).toContain(`2 ended ${first.id}`)
    await until(() => ids().includes(first.id), 'the grant to be back')
  })

  test.each<[string, () => Promise<string>]>([
    ['that somebody else signed', () => others.bot.sign('head', head())],
    ['that is no statement', async () => 'head'],
    ['that is of another environment', () => parts.bot.sign('head', head({ environment: 'production' }))],
    ['that is another kind of statement', () => parts.bot.sign('grant', first)],
  ])('who posts a head %s makes nothing fresh, and raises the alarm', async (_, forged) => {
    const { alarms, view } = await follow()
    await postHead(await forged())
    await until(() => alarms.includes('a head does not verify'), 'the alarm')
    expect(view.age(noon)).toBe(Number.POSITIVE_INFINITY)
  })

  test('who posts an old head again makes nothing fresher', async () => {
    const { view } = await follow()
    const set = view.at(0)?.set ?? ''
    const [old, newer] = [
      await parts.bot.sign('head', head({ set, at: noon - 60_000 })),
      await parts.bot.sign('head', head({ set, at: noon })),
    ]
    await postHead(newer)
    await until(() => view.age(noon) === 0, 'the newer head')
    await postHead(old)
    await store().give(first)
    await until(() => view.sequence() === 1, 'what came after')
    expect(view.age(noon)).toBe(0)
  })

  test('who posts an event that can’t be read raises the alarm', async () => {
    const { alarms } = await follow()
    await postEvent('grant', first.id, 'not a statement')
    await until(() => alarms.includes('an event can’t be read'), 'the alarm')
  })
})
