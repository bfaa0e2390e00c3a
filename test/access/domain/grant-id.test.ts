import { describe, expect, test } from 'vitest'
import { grantShape } from '#access/domain/grant.ts'
import { grantIdFromFacts } from '#access/domain/grant-id.ts'

describe('A grant id', () => {
  test('is three groups of four letters that nobody confuses', () => {
    const ids = Array.from({ length: 200 }, (_, count) => grantIdFromFacts([String(count)]))
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}$/)
      expect(grantShape.shape.id.safeParse(id).success).toBe(true)
    }
    expect(new Set(ids).size).toBe(200)
  })

  test('is the same for the same facts', () => {
    expect(grantIdFromFacts(['production', 'Q1', 'ana', 'orders'])).toBe(
      grantIdFromFacts(['production', 'Q1', 'ana', 'orders']),
    )
  })

  test.each([
    ['another fact', ['sandbox', 'Q2']],
    ['another order', ['Q1', 'sandbox']],
    ['a fact less', ['sandbox']],
    ['facts run together', ['sandboxQ1']],
    ['facts split elsewhere', ['sandboxQ', '1']],
    ['a quote that closes the fact', ['sandbox","Q1']],
  ])('differs for %s', (_, facts) => {
    expect(grantIdFromFacts(facts)).not.toBe(grantIdFromFacts(['sandbox', 'Q1']))
  })
})
