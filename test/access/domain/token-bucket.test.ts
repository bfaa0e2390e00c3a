import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTokenBucket } from '#access/domain/token-bucket.ts'
import { noon } from '../../builders.ts'

describe('A token bucket', () => {
  test('gives a second’s worth at once, then says how long to wait', () => {
    const bucket = createTokenBucket(10, 10, noon)
    for (let count = 0; count < 10; count += 1) expect(bucket.take(noon)).toBe(0)
    expect(bucket.take(noon)).toBe(100)
  })

  test('gives again after just that wait', () => {
    const bucket = createTokenBucket(10, 10, noon)
    for (let count = 0; count < 10; count += 1) bucket.take(noon)
    expect(bucket.take(noon + 99)).toBeGreaterThan(0)
    expect(bucket.take(noon + 100)).toBe(0)
    expect(bucket.take(noon + 100)).toBe(100)
  })

  test('of less than one a second still lets one through', () => {
    const bucket = createTokenBucket(0.5, 1, noon)
    expect(bucket.take(noon)).toBe(0)
    expect(bucket.take(noon)).toBe(2_000)
    expect(bucket.take(noon + 2_000)).toBe(0)
  })

  test('saves up no more than a second’s worth', () => {
    const bucket = createTokenBucket(5, 5, noon)
    const later = noon + 3_600_000
    for (let count = 0; count < 5; count += 1) expect(bucket.take(later)).toBe(0)
    expect(bucket.take(later)).toBeGreaterThan(0)
  })

  test.each<[string, number, number]>([
    ['more at once than a second’s worth', 5, 20],
    ['fewer at once than a second’s worth', 10, 2],
    ['one at once, of less than one a second', 0.5, 1],
    ['several at once, of less than one a second', 0.5, 3],
    ['as many at once as a second’s worth', 10, 10],
  ])('gives %s where its burst says so', (_, rate, burst) => {
    const bucket = createTokenBucket(rate, burst, noon)
    const wait = 1_000 / rate
    for (const start of [noon, noon + 3_600_000]) {
      for (let count = 0; count < burst; count += 1) expect(bucket.take(start)).toBe(0)
      expect(bucket.take(start)).toBe(wait)
      expect(bucket.take(start + wait - 1)).toBeGreaterThan(0)
      expect(bucket.take(start + wait)).toBe(0)
      expect(bucket.take(start + wait)).toBe(wait)
    }
  })

  test('after a burst fills up at its rate, and to the burst again', () => {
    const bucket = createTokenBucket(5, 20, noon)
    const taken = (at: number): number => {
      let count = 0
      while (count < 100 && bucket.take(at) === 0) count += 1
      return count
    }
    expect(taken(noon)).toBe(20)
    expect(taken(noon + 1_000)).toBe(5)
    expect(taken(noon + 4_800)).toBe(19)
    expect(taken(noon + 8_800)).toBe(20)
    expect(taken(noon + 60_000)).toBe(20)
  })

  test('is not filled by a clock that goes back', () => {
    const bucket = createTokenBucket(1, 1, noon)
    bucket.take(noon)
    expect(bucket.take(noon - 60_000)).toBeGreaterThan(0)
    expect(bucket.take(noon)).toBeGreaterThan(0)
  })

  test('never gives more than its rate and one burst, whenever it is asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(400), { minLength: 1, maxLength: 200 }),
        (rate, burst, pauses) => {
          const bucket = createTokenBucket(rate, burst, noon)
          let at = noon
          let given = 0
          for (const pause of pauses) {
            at += pause
            if (bucket.take(at) === 0) given += 1
          }
          expect(given).toBeLessThanOrEqual(burst + ((at - noon) / 1_000) * rate + 1e-6)
        },
      ),
    )
  })
})
