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
        fc.array(fc.nat(400), { minLength: 1, maxLength: 200 }),
        (rate, pauses) => {
          const bucket = createTokenBucket(rate, Math.max(1, rate), noon)
          let at = noon
          let given = 0
          for (const pause of pauses) {
            at += pause
            if (bucket.take(at) === 0) given += 1
          }
          expect(given).toBeLessThanOrEqual(rate + ((at - noon) / 1_000) * rate + 1e-6)
        },
      ),
    )
  })
})
