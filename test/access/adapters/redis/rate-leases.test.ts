import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createRateLeases, type RateLeases } from '#access/adapters/redis/rate-leases.ts'
import {
  createLeasedBucket,
  type Lease,
  type LeaseReport,
  type RateLimit,
} from '#access/domain/rate-lease.ts'
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
  return (await leases.renew(asked, keptMs, 2)).leases[0]
}

/** When the book was last written, in milliseconds of Redis. */
const writtenAt = async (key: string): Promise<number> =>
  Number(
    await database.redis.eval(
      `return tostring(cmsgpack.unpack(redis.call('GET', KEYS[1])).at)`,
      1,
      names.rate(key),
    ),
  )
/** As if everything of this book had been written so much earlier. */
const letPass = (key: string, ms: number): Promise<unknown> =>
  database.redis.eval(
    `
    local left = redis.call('PTTL', KEYS[1])
    if left <= tonumber(ARGV[1]) then return redis.call('DEL', KEYS[1]) end
    local book = cmsgpack.unpack(redis.call('GET', KEYS[1]))
    book.at = book.at - ARGV[1]
    for _, lease in pairs(book.leases) do lease.till = lease.till - ARGV[1] end
    return redis.call('SET', KEYS[1], cmsgpack.pack(book), 'PX', left - ARGV[1])`,
    1,
    names.rate(key),
    ms,
  )

describe('A lease', () => {
  test('is the whole limit for who is alone', async () => {
    expect(await renew(one)).toEqual({ rate: 0.001, tokens: 100, spare: expect.closeTo(0, 2), held: 0 })
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
      held: 0,
      spare: expect.closeTo(100, 1),
    })
    expect(await renew(two)).toMatchObject({ rate: 0.001, tokens: expect.closeTo(100, 1) })
  })

  test('is all held by another, and who has an allowance keeps it, while the fleet owes that', async () => {
    await renew(one)
    expect(await renew(two, { change: -50 })).toMatchObject({
      rate: 0,
      tokens: 0,
      spare: expect.closeTo(-50, 1),
    })
    expect(await renew(two, { change: 45 })).toMatchObject({
      rate: 0,
      tokens: expect.closeTo(45, 1),
      spare: expect.closeTo(-50, 1),
    })
    // No more than its part of the burst, nor than the other holds.
    expect(await renew(two, { change: 60 })).toMatchObject({ tokens: 50 })
    expect(await renew(two, { change: -120 })).toMatchObject({ tokens: 0 })
    expect(await renew(two, { change: 45 })).toMatchObject({ tokens: 0 })
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
    const { leases } = await one.renew(limits, keptMs, 2)
    expect(leases.map((lease) => Math.round(lease?.tokens ?? 0))).toEqual(limits.map((_, index) => index + 1))
  })
})

test('How many processes share is counted, and who left or is silent is not', async () => {
  expect((await one.renew([], keptMs, 2)).fleet).toBe(1)
  expect((await two.renew([], keptMs, 2)).fleet).toBe(2)
  await one.leave()
  expect((await two.renew([], keptMs, 2)).fleet).toBe(1)
  await one.renew([], keptMs, 2)
  await database.redis.zincrby(names.rateFleet, -3_000, 'one')
  expect((await two.renew([], keptMs, 2)).fleet).toBe(1)
})

test('Nothing of it stays for ever, and only as long as it takes to fill up', async () => {
  await one.renew(
    [
      { key: 'a', limit: { rate: 1, burst: 30 }, report: { change: -30, demand: 0 } },
      { key: 'b', limit: { rate: 1, burst: 30 }, report: { change: 0, demand: 0 } },
    ],
    1_500,
    2,
  )
  expect(await database.redis.keys('*')).toHaveLength(3)
  expect(await database.redis.pttl(names.rate('a'))).toBeGreaterThan(20_000)
  expect(await database.redis.pttl(names.rate('a'))).toBeLessThanOrEqual(31_500)
  expect(await database.redis.pttl(names.rate('b'))).toBeLessThanOrEqual(1_500)
  expect(await database.redis.pttl(names.rateFleet)).toBeLessThanOrEqual(2_000)
})

test.each([
  ['a word', `'x'`],
  ['nothing', `''`],
  ['bytes', `'\\x93\\xff\\x00'`],
  ['a list', `cmsgpack.pack({ 1 })`],
  ['half a book', `cmsgpack.pack({ at = 1, spare = 1 })`],
  ['a book of words', `cmsgpack.pack({ at = 'x', spare = 1, leases = {} })`],
  ['a book without numbers', `cmsgpack.pack({ at = 1, spare = 0 / 0, leases = {} })`],
  ['leases that are none', `cmsgpack.pack({ at = 1, spare = 1, leases = { z = { rate = 1 } } })`],
  [
    'leases of less than nothing',
    `cmsgpack.pack({ at = 1, spare = 1e300, leases = { z = { rate = -1e9, tokens = -1e9, demand = -0.9, till = 9e15 } } })`,
  ],
  ['a book of the future', `cmsgpack.pack({ at = 9e15, spare = 1e300, leases = {} })`],
])('%s in the place of a book gives nobody more than the limit, and spoils no other', async (_, made) => {
  await database.redis.eval(`return redis.call('SET', KEYS[1], ${made})`, 1, names.rate('bad'))
  const report = { change: 0, demand: 1 }
  const asked = ['bad', 'good'].map((key) => ({ key, limit, report }))
  const { leases } = await one.renew(asked, keptMs, 2)
  const bucket = createLeasedBucket(limit, () => 16, 0)
  if (leases[0] !== undefined) bucket.renewed(leases[0], 0)
  let taken = 0
  while (taken < 1_000 && bucket.take(0) === 0) taken += 1
  expect(taken).toBeLessThanOrEqual(limit.burst + 7)
  expect(leases[1]).toMatchObject({ rate: limit.rate, tokens: limit.burst })
  expect((await renew(one, report, 'bad'))?.rate ?? 0).toBeLessThanOrEqual(limit.rate)
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
        const lease = (await createRateLeases(database.redis, me).renew(asked, keptMs, 2)).leases[0]
        const now = (await writtenAt(key)) + passed
        const said = model.renew(me, keptMs, of, report, now, 2)
        expect(lease?.rate).toBeCloseTo(said.rate, 6)
        expect(lease?.tokens).toBeCloseTo(said.tokens, 6)
        expect(lease?.spare).toBeCloseTo(said.spare, 6)
        expect(lease?.held).toBeCloseTo(said.held, 6)
      }
    }),
    { numRuns: 60 },
  )
})
