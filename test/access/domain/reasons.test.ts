import { describe, expect, test } from 'vitest'
import { whyInactive } from '#access/domain/inactive.ts'
import { reasons } from '#access/domain/reasons.ts'

/** What tells a client to come again: anything else closes for good what was closed on purpose. */
const passing = Object.entries(reasons).filter(([, { status }]) => status >= 500)

describe('A reason', () => {
  test.each(Object.entries(reasons))(
    '%s is a refusal, in a sentence that a person reads',
    (_, { status, person }) => {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(600)
      expect(person).toMatch(/^[A-Z].{8,}\.$/)
    },
  )

  test('is not told in another’s words', () => {
    const texts = Object.values(reasons).map(({ person }) => person)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('that passes by itself is one of these, and no rule’s', () => {
    expect(passing.map(([reason]) => reason).sort()).toEqual([
      'audit-unavailable',
      'break-glass-offline',
      'identity-unavailable',
      'store-unavailable',
      'upstream-failed',
      'upstream-late',
      'view-missing',
      'view-stale',
    ])
  })
})

describe('Somebody who is not active', () => {
  test('is told apart from whoever is locked out', () => {
    expect(whyInactive({})).toBe('person-inactive')
    expect(whyInactive({ locked: undefined })).toBe('person-inactive')
    expect(whyInactive({ locked: true })).toBe('principal-locked')
  })
})
