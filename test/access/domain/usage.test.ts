import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addUsage, requestsOf, total, type Usage, usageShape } from '#access/domain/usage.ts'

const usage = (changes: Partial<Usage> = {}): Usage => ({ patterns: {}, writes: 0, refused: {}, ...changes })

describe('Usage', () => {
  test('takes names that objects inherit for names like any other', () => {
    const patterns = JSON.parse('{"constructor": {"entries": 1, "keys": 1}, "toString": {"200": 2}}')
    const sum = addUsage([usage({ patterns }), usage({ patterns })])
    expect(sum.patterns['constructor']).toEqual({ entries: 2, keys: 2 })
    expect(requestsOf(sum)).toBe(8)
    expect(Object.entries({ a: 1 })).toEqual([['a', 1]])
  })

  test('is summed by pattern and status, and by reason', () => {
    const sum = addUsage([
      usage({ patterns: { 'GET /**': { 200: 2, 404: 1 } }, writes: 1, refused: { 'tier-too-low': 1 } }),
      usage({ patterns: { 'GET /**': { 200: 3 }, 'PUT /v1/flags/*': { cut: 1 } }, writes: 2 }),
      usage({ refused: { 'tier-too-low': 2, 'rate-limited': 1 } }),
    ])
    expect(sum).toEqual({
      patterns: { 'GET /**': { 200: 5, 404: 1 }, 'PUT /v1/flags/*': { cut: 1 } },
      writes: 3,
      refused: { 'tier-too-low': 3, 'rate-limited': 1 },
    })
    expect(requestsOf(sum)).toBe(7)
    expect(total(sum.refused)).toBe(4)
  })

  test('of nothing is nothing', () => {
    expect(addUsage([])).toEqual(usage())
    expect(requestsOf(usage())).toBe(0)
  })

  test('is summed without changing what it is summed from', () => {
    const one = usage({ patterns: { 'GET /**': { 200: 1 } } })
    addUsage([one, one])
    expect(one).toEqual(usage({ patterns: { 'GET /**': { 200: 1 } } }))
  })

  test('adds up to the same in any order', () => {
    const counts = fc.dictionary(fc.constantFrom('200', '500', 'cut'), fc.nat(9))
    const any = fc.record({
      patterns: fc.dictionary(fc.constantFrom('GET /**', 'PUT /a'), counts),
      writes: fc.nat(9),
      refused: counts,
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 5 }), (all) => {
        expect(addUsage(all.toReversed())).toEqual(addUsage(all))
        expect(requestsOf(addUsage(all))).toBe(all.reduce((sum, one) => sum + requestsOf(one), 0))
      }),
    )
  })

  test.each<[string, unknown]>([
    ['a negative count', usage({ writes: -1 })],
    ['half a request', usage({ refused: { x: 0.5 } })],
    ['a raw path beside the patterns', { ...usage(), paths: ['/customers/7'] }],
  ])('is not taken with %s', (_, reported) => {
    expect(usageShape.safeParse(reported).success).toBe(false)
  })
})
