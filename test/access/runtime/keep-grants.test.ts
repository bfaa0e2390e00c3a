import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { aGrant, freshKeys, nthId, until } from '../../builders.ts'
import { aKeptDatabase, type KeptDatabase } from './a-kept-database.ts'

let kept: KeptDatabase
beforeAll(async () => {
  kept = await aKeptDatabase(inject('redisUrl'), 31)
})
beforeEach(() => kept.startOver())
afterEach(() => kept.stopAll())
afterAll(() => kept.close())

test('an end that Redis has lost is written again by whoever remembers it', async () => {
  const grant = aGrant({ id: nthId(1) })
  const { store, alarms } = await kept.startKeeping()
  await store.give(grant)
  const back = await kept.remember()
  await store.end(grant, 'revoked')
  await until(async () => (await kept.redis.hlen(names.live)) === 0, 'the end')
  await back()
  expect(await kept.redis.hlen(names.live)).toBe(1)
  await until(() => alarms.includes('a lost end was written again'), 'the end to be written again')
  expect(await kept.redis.hlen(names.live)).toBe(0)
})

test('a forged grant that comes as an event takes no genuine one away', async () => {
  const grant = aGrant({ id: nthId(2) })
  const { store, live, alarms } = await kept.startKeeping()
  await store.give(grant)
  const others = await freshKeys()
  const forged = await createStatements(others.bot).sign('grant', { ...grant, version: 2 })
  const sequence = await kept.redis.incr(names.sequence)
  await kept.redis.xadd(names.events, `${sequence}-0`, 'kind', 'grant', 'id', grant.id, 'statement', forged)
  await until(() => alarms.includes('a grant does not verify'), 'the alarm')
  await until(() => live.get(grant.id)?.grant.version === 1, 'the genuine one to be back')
})

test('an emptied Redis can be used again without anybody restarting', async () => {
  const { store } = await kept.startKeeping()
  await store.give(aGrant({ id: nthId(3) }))
  await kept.redis.flushdb()
  await until(async () => (await kept.redis.exists(names.epoch)) === 1, 'a new epoch')
  expect(await store.give(aGrant({ id: nthId(4) }))).toMatchObject({ given: true })
})

test.each([['1'], ['2'], ['9'], [undefined]])(
  'an end that Redis has lost is written again whatever number it has for the grant: %s',
  async (number) => {
    const { store, live, alarms } = await kept.startKeeping()
    const grant = aGrant({ id: nthId(6) })
    await store.give(grant)
    const statement = (await kept.redis.hget(names.live, grant.id)) ?? ''
    const proxy = await kept.startProxyView()
    await store.end(grant, 'revoked')
    await until(() => live.get(grant.id) === undefined && proxy.view.endProven(grant.id), 'the end')
    proxy.versions.length = 0
    const all = kept.redis.multi().hset(names.live, grant.id, statement).set(names.epoch, 'another')
    await (number === undefined
      ? all.hdel(names.versions, grant.id)
      : all.hset(names.versions, grant.id, `${number} 2`)
    ).exec()
    await until(() => alarms.includes('a lost end was written again'), 'the end to be written again')
    expect(await kept.redis.hlen(names.live)).toBe(0)
    await until(() => proxy.view.sequence() > 2, 'the proxy to know')
    expect(proxy.versions).toEqual([])
  },
)
