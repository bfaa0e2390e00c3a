import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createTurns, type Lane } from '#access/adapters/redis/turns.ts'
import { freshDatabase, noon } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let turns: ReturnType<typeof createTurns>
let take: (lane: Lane, owner: string, since?: number) => Promise<number>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 36)
  turns = createTurns(database.redis)
  take = (lane, owner, since = noon) => turns.take(lane, owner, since)
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

/** So long that the time a test takes makes no difference. */
const perMs = 1_000_000
const oneByOne: Lane = { name: 'one by one', calls: 1, perMs }
const three: Lane = { name: 'three', calls: 3, perMs }

/** In whole periods, rounded up. */
const periods = async (lane: Lane, owner: string, since?: number): Promise<number> =>
  Math.ceil((await take(lane, owner, since)) / perMs)
/** As if the newest call had gone so much earlier. */
const letPass = async (lane: Lane, ms: number): Promise<void> => {
  const key = names.turnsGone(lane.name)
  const gone = await database.redis.lrange(key, 0, -1)
  for (const [index, at] of gone.entries()) await database.redis.lset(key, index, Number(at) - ms)
}

describe('A turn', () => {
  test('is had at once by the first, and by one after the other from then on', async () => {
    expect(await take(oneByOne, 'a')).toBe(0)
    expect(await periods(oneByOne, 'b')).toBe(1)
    expect(await periods(oneByOne, 'c')).toBe(2)
    expect(await periods(oneByOne, 'd')).toBe(3)
  })

  test('is the same however often it is asked for', async () => {
    await take(oneByOne, 'a')
    for (const owner of ['b', 'c', 'c', 'b']) await take(oneByOne, owner)
    expect(await periods(oneByOne, 'b')).toBe(1)
    expect(await periods(oneByOne, 'c')).toBe(2)
  })

  test('comes in the order of arrival, whoever asks first when it is free', async () => {
    for (const owner of ['a', 'b', 'c']) await take(oneByOne, owner)
    await letPass(oneByOne, perMs)
    expect(await periods(oneByOne, 'd')).toBe(3 - 1)
    expect(await periods(oneByOne, 'c')).toBe(1)
    expect(await take(oneByOne, 'b')).toBe(0)
    expect(await periods(oneByOne, 'c')).toBe(1)
  })

  test('is had first by who wants it longest, though it may have asked later', async () => {
    await take(oneByOne, 'before')
    await take(oneByOne, 'new', noon + 2)
    await take(oneByOne, 'newest', noon + 3)
    expect(await periods(oneByOne, 'old', noon + 1)).toBe(1)
    expect(await periods(oneByOne, 'new', noon + 2)).toBe(2)
    expect(await periods(oneByOne, 'newest', noon + 3)).toBe(3)
  })

  test('of a crowd that comes late does not all come at once', async () => {
    const crowd = Array.from({ length: 20 }, (_, index) => `job ${index}`)
    await take(oneByOne, 'before')
    for (const owner of crowd) await take(oneByOne, owner)
    await letPass(oneByOne, perMs)
    const waits = await Promise.all(crowd.map((owner) => periods(oneByOne, owner)))
    expect(waits).toEqual(crowd.map((_, index) => index))
  })

  test('is lost by who does not come for it, and has another when it comes after all', async () => {
    for (const owner of ['a', 'lost', 'c']) await take(oneByOne, owner)
    await letPass(oneByOne, 2 * perMs + 10_000)
    expect(await take(oneByOne, 'c')).toBe(0)
    expect(await periods(oneByOne, 'd')).toBe(1)
    expect(await periods(oneByOne, 'lost')).toBe(2)
  })

  test('of a lane for several is had by so many at once, and then as each of them is over', async () => {
    for (const owner of ['a', 'b', 'c']) expect(await take(three, owner)).toBe(0)
    expect(await periods(three, 'd')).toBe(1)
    expect(await periods(three, 'e')).toBe(1)
    expect(await periods(three, 'f')).toBe(1)
    expect(await periods(three, 'g')).toBe(2)
    await letPass(three, perMs)
    for (const owner of ['d', 'e', 'f']) expect(await take(three, owner)).toBe(0)
    expect(await periods(three, 'g')).toBe(1)
  })

  test('is no matter of other lanes', async () => {
    expect(await take(oneByOne, 'a')).toBe(0)
    expect(await take({ ...oneByOne, name: 'another' }, 'b')).toBe(0)
  })
})

describe('A lane that is shut', () => {
  test('puts everybody off until then, first of all its owner', async () => {
    await take(oneByOne, 'a')
    await take(oneByOne, 'b')
    expect(await turns.shut(oneByOne, 'a', 30_000)).toBe(30_000)
    await letPass(oneByOne, perMs)
    const wait = await take(oneByOne, 'a')
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(30_000)
    expect(await periods(oneByOne, 'b')).toBe(2)
  })

  test('is not opened earlier by another that says less, nor shut for ever by one that says too much', async () => {
    await turns.shut(oneByOne, 'a', 30_000)
    expect(await turns.shut(oneByOne, 'b', 5_000)).toBeGreaterThan(20_000)
    expect(await turns.shut(oneByOne, 'c', 1e12)).toBe(900_000)
  })
})

test('Nothing of it stays for ever', async () => {
  await take(oneByOne, 'a')
  await take(oneByOne, 'b')
  await turns.shut(oneByOne, 'a', 30_000)
  const keys = await database.redis.keys('*')
  expect(keys).toHaveLength(3)
  for (const key of keys) expect(await database.redis.pttl(key)).toBeGreaterThan(0)
})
