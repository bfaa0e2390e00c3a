import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import { aGrant, freshDatabase, freshKeys, frozenClock, keptAlarms, nthId, until } from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: Awaited<ReturnType<typeof freshKeys>>
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 31)
  keys = await freshKeys()
})
beforeEach(() => database.redis.flushdb())
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => database.close())

const startKeeping = async () => {
  const alarms = keptAlarms()
  const kept = await keepGrants({
    prompt: database.redis,
    patient: database.connect(),
    keys: keys.bot,
    clock: frozenClock(),
    instance: 'bot-a',
    alarm: alarms.alarm,
  })
  stops.push(kept.stop)
  await until(() => kept.waitingFor().length === 0, 'it is in step')
  return { ...kept, alarms: alarms.all }
}

test('an end that Redis has lost is written again by whoever remembers it', async () => {
  const grant = aGrant({ id: nthId(1) })
  const { store, alarms } = await startKeeping()
  await store.give(grant)
  const keep = [names.live, names.versions, names.events, names.sequence, names.ended, names.epoch]
  const before = new Map<string, Buffer>()
  for (const key of keep) {
    const dump = await database.redis.dumpBuffer(key)
    if (dump !== null) before.set(key, dump)
  }
  await store.end(grant, 'revoked')
  await until(async () => (await database.redis.hlen(names.live)) === 0, 'the end')
  await database.redis.del(...keep)
  for (const [key, dump] of before) await database.redis.restore(key, 0, dump)
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
