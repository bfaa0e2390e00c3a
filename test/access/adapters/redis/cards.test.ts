import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createCards } from '#access/adapters/redis/cards.ts'
import { names } from '#access/adapters/redis/names.ts'
import { freshDatabase } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let cards: ReturnType<typeof createCards>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 0)
  cards = createCards(database.redis)
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

const shown = { channel: 'C0INCORDER', ts: '1700000000.000001', hash: 'abc' }

test('A card is known where it stands, for thirty days, until it is forgotten', async () => {
  await cards.remember('#inc-orders', 'grant/1', shown)
  expect(await cards.find('#inc-orders', 'grant/1')).toEqual(shown)
  expect(await cards.find('#inc-payments', 'grant/1')).toBeUndefined()
  expect(await database.redis.ttl(names.card('#inc-orders', 'grant/1'))).toBeGreaterThan(29 * 86_400)
  await cards.forget('#inc-orders', 'grant/1')
  expect(await cards.find('#inc-orders', 'grant/1')).toBeUndefined()
})

test.each(['', '{', '{"channel":7}'])('A card kept as %j counts as not shown', async (kept) => {
  await database.redis.set(names.card('#inc-orders', 'grant/1'), kept)
  expect(await cards.find('#inc-orders', 'grant/1')).toBeUndefined()
})

test('A lock is one worker’s until it gives it back; nobody else can', async () => {
  expect(await cards.lock('#inc-orders', 'grant/1', 'a')).toBe(true)
  expect(await cards.lock('#inc-orders', 'grant/1', 'b')).toBe(false)
  expect(await cards.lock('#inc-payments', 'grant/1', 'b')).toBe(true)
  await cards.unlock('#inc-orders', 'grant/1', 'b')
  expect(await cards.lock('#inc-orders', 'grant/1', 'b')).toBe(false)
  await cards.unlock('#inc-orders', 'grant/1', 'a')
  expect(await cards.lock('#inc-orders', 'grant/1', 'b')).toBe(true)
})

test('A lock of a worker that died expires', async () => {
  await cards.lock('#inc-orders', 'grant/1', 'a')
  const left = await database.redis.pttl(names.cardLock('#inc-orders', 'grant/1'))
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(60_000)
})
