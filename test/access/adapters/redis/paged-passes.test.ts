import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createPagedPasses } from '#access/adapters/redis/paged-passes.ts'
import { freshDatabase, hour, noon } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 124)
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

const day = 24 * hour

test('So many are given in 24 hours to each principal, and more when the first of them are older', async () => {
  const { take } = createPagedPasses(database.redis)
  const taken = []
  for (const at of [noon, noon + hour, noon + 2 * hour]) taken.push(await take('ana', `at ${at}`, 2, at))
  expect(taken).toEqual([true, true, false])
  expect(await take('ben', 'his', 2, noon + 2 * hour)).toBe(true)
  expect(await take('ana', 'next day', 2, noon + day - 1)).toBe(false)
  expect(await take('ana', 'next day', 2, noon + day)).toBe(true)
  expect(await take('ana', 'one more', 2, noon + day)).toBe(false)
})

test('One that was counted is not counted again', async () => {
  const { take } = createPagedPasses(database.redis)
  for (let time = 0; time < 3; time += 1) expect(await take('ana', 'one', 1, noon + time)).toBe(true)
  expect(await take('ana', 'two', 1, noon)).toBe(false)
})

test('Of many at the same time no more are given', async () => {
  const { take } = createPagedPasses(database.redis)
  const all = await Promise.all(Array.from({ length: 20 }, (_, one) => take('ana', `grant ${one}`, 5, noon)))
  expect(all.filter(Boolean).length).toBeLessThanOrEqual(5)
})

test('Nothing is kept for longer than it counts', async () => {
  const { take } = createPagedPasses(database.redis)
  await take('ana', 'one', 5, noon)
  await take('ana', 'two', 5, noon + day + 1)
  const [key = ''] = await database.redis.keys('*')
  expect(await database.redis.zrange(key, '0', '-1')).toEqual(['two'])
  expect(await database.redis.pttl(key)).toBeGreaterThan(day - 60_000)
})
