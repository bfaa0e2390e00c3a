import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createRateLeases, type RateLeases } from '#access/adapters/redis/rate-leases.ts'
import type { Lease, LeaseReport, RateLimit } from '#access/domain/rate-lease.ts'
import { createRateBook } from '../../../builders/rate-book.ts'
import { freshDatabase } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let one: RateLeases
let two: RateLeases
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 67)
  one = createRateLeases(database.redis, 'one')
  two = createRateLeases(database.redis, 'two')
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

/** So slow that the time a test takes makes no difference. */
const limit: RateLimit = { rate: 0.001, burst: 100 }
const keptMs = 60_000

const renew = async (
  leases: RateLeases,
  report: Partial<LeaseReport> = {},
  key = 'orders',
  of = limit,
): Promise<Lease | undefined> => {
  const asked = [{ key, limit: of, report: { change: 0, demand: 1, ...report } }]
  return (await leases.renew(asked, keptMs)).leases[0]
}

type Book = { at: number; spare: number; leases: Record<string, { till: number }> }
const bookOf = async (key: string): Promise<Book> =>
  JSON.parse((await database.redis.get(names.rate(key))) ?? 'null') as Book
/** As if everything of this book had been written so much earlier. */
const letPass = async (key: string, ms: number): Promise<void> => {
  const name = names.rate(key)
  const left = await database.redis.pttl(name)
  if (left <= ms) return void (await database.redis.del(name))
  const book = await bookOf(key)
  book.at -= ms
  for (const lease of Object.values(book.leases)) lease.till -= ms
  await database.redis.set(name, JSON.stringify(book), 'PX', left - ms)
}

describe('A lease', () => {
  test('is the whole limit for who is alone', async () => {
    expect(await renew(one)).toEqual({ rate: 0.001, tokens: 100, spare: expect.closeTo(0, 2) })
  })

  test('is cut short for nobody: another has a part when its holder has come again', async () => {
    await renew(one, { demand: 3 })
    expect(await renew(two, { demand: 1 })).toMatchObject({ rate: 0, tokens: 0 })
    expect(await renew(one, { demand: 3, change: 80 })).toMatchObject({
      rate: expect.closeTo(0.00075),
      tokens: expect.closeTo(60, 1),
    })
    expect(await renew(two, { demand: 1 })).toMatchObject({
      rate: expect.closeTo(0.00025),
      tokens: expect.closeTo(5, 1),
    })
  })

  test('of who needs none is none, and the others have it', async () => {
    await renew(one)
    expect(await renew(one, { demand: 0, change: 100 })).toEqual({
      rate: 0,
      tokens: 0,
      spare: expect.closeTo(100, 1),
    })
    expect(await renew(two)).toMatchObject({ rate: 0.001, tokens: expect.closeTo(100, 1) })
  })

  test('of who does not come again is the others’, after a while and without its tokens', async () => {
    await renew(one)
    await letPass('orders', keptMs - 10_000)
    expect(await renew(two)).toMatchObject({ rate: 0, tokens: 0 })
    await letPass('orders', 10_000)
    expect(await renew(two)).toMatchObject({ rate: 0.001, tokens: 0 })
    // It is back, and gives back what nobody counts any more.
    expect(await renew(one, { change: 100 })).toMatchObject({ rate: 0, tokens: 0 })
  })

  test('is not counted twice when its answer was lost', async () => {
    await renew(one)
    await renew(one, { change: 100 })
    expect(await renew(one)).toMatchObject({ rate: 0.001, tokens: 0 })
  })

  test('of a fleet in debt is nothing until the debt is paid', async () => {
    const tenMore = 10_000_000
    expect(await renew(one, { change: -120 })).toMatchObject({ rate: 0, tokens: 0 })
    await letPass('orders', tenMore)
    expect(await renew(one)).toMatchObject({ rate: 0, tokens: 0 })
    await letPass('orders', 2 * tenMore)
    expect(await renew(one)).toMatchObject({ rate: 0.001, tokens: expect.closeTo(10, 1) })
  })

  test('of small limits has whole tokens, so that nobody holds parts of what nobody can use', async () => {
    const small = { rate: 0.001, burst: 2 }
    await renew(one, { demand: 0.001 }, 'small', small)
    await renew(two, { demand: 0.001 }, 'small', small)
    expect((await renew(one, { demand: 0.001, change: 2 }, 'small', small))?.tokens).toBe(1)
    expect((await renew(two, { demand: 0.001 }, 'small', small))?.tokens).toBe(1)
    expect((await renew(two, { demand: 0.001 }, 'small', small))?.tokens).toBe(0)
  })

  test('is one of many, in their order, in one round trip', async () => {
    const limits = Array.from({ length: 120 }, (_, index) => ({
      key: `n${index}`,
      limit: { rate: 0.001, burst: index + 1 },
      report: { change: 0, demand: 1 },
    }))
    const { leases } = await one.renew(limits, keptMs)
    expect(leases.map((lease) => Math.round(lease?.tokens ?? 0))).toEqual(limits.map((_, index) => index + 1))
  })
})

test('How many processes share is counted, and who left or is silent is not', async () => {
  expect((await one.renew([], keptMs)).fleet).toBe(1)
  expect((await two.renew([], keptMs)).fleet).toBe(2)
  await one.leave()
  expect((await two.renew([], keptMs)).fleet).toBe(1)
  await one.renew([], keptMs)
  await database.redis.zincrby(names.rateFleet, -3_000, 'one')
  expect((await two.renew([], keptMs)).fleet).toBe(1)
})

test('Nothing of it stays for ever, and only as long as it takes to fill up', async () => {
  await one.renew(
    [
      { key: 'a', limit: { rate: 1, burst: 30 }, report: { change: -30, demand: 0 } },
      { key: 'b', limit: { rate: 1, burst: 30 }, report: { change: 0, demand: 0 } },
    ],
    1_500,
  )
  expect(await database.redis.keys('*')).toHaveLength(3)
  expect(await database.redis.pttl(names.rate('a'))).toBeGreaterThan(20_000)
  expect(await database.redis.pttl(names.rate('a'))).toBeLessThanOrEqual(31_500)
  expect(await database.redis.pttl(names.rate('b'))).toBeLessThanOrEqual(1_500)
  expect(await database.redis.pttl(names.rateFleet)).toBeLessThanOrEqual(2_000)
})

test.each([
  ['no JSON', 'x'],
  ['another JSON', '[1]'],
  ['half a book', '{"at":1,"spare":1}'],
  ['a book of words', '{"at":"x","spare":1,"leases":{}}'],
  ['leases that are none', '{"at":1,"spare":1,"leases":{"z":{"rate":1}}}'],
  ['a book of the future', '{"at":9e15,"spare":1e300,"leases":{}}'],
])('%s in the place of a book gives nobody more than the limit, and spoils no other', async (_, text) => {
  await database.redis.set(names.rate('bad'), text)
  const report = { change: 0, demand: 1 }
  const asked = ['bad', 'good'].map((key) => ({ key, limit, report }))
  const { leases } = await one.renew(asked, keptMs)
  expect(leases[0]?.rate).toBeLessThanOrEqual(limit.rate)
  expect(leases[0]?.tokens).toBeLessThanOrEqual(limit.burst + 1)
  expect(leases[1]).toMatchObject({ rate: limit.rate, tokens: limit.burst })
})

test('The model by which fleets are tried out says the same as Redis', async () => {
  const step = fc.record({
    me: fc.constantFrom('a', 'b', 'c'),
    after: fc.constantFrom(0, 1, 250, 2_000, 59_000, 61_000),
    change: fc.double({ min: -30, max: 30, noNaN: true }),
    demand: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 50, noNaN: true })),
  })
  const limits = fc.record({
    rate: fc.constantFrom(1 / 30, 1, 17.5, 400),
    burst: fc.constantFrom(1, 2, 50, 1_000),
  })
  let run = 0
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { minLength: 1, maxLength: 12 }), async (of, steps) => {
      run += 1
      const key = `model ${run}`
      const model = createRateBook()
      let passed = 0
      for (const { me, after, change, demand } of steps) {
        passed += after
        if (after > 0) await letPass(key, after)
        const report = { change, demand }
        const asked = [{ key, limit: of, report }]
        const lease = (await createRateLeases(database.redis, me).renew(asked, keptMs)).leases[0]
        const now = (await bookOf(key)).at + passed
        const said = model.renew(me, keptMs, of, report, now)
        expect(lease?.rate).toBeCloseTo(said.rate, 6)
        expect(lease?.tokens).toBeCloseTo(said.tokens, 6)
        expect(lease?.spare).toBeCloseTo(said.spare, 6)
      }
    }),
    { numRuns: 60 },
  )
})
