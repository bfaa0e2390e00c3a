import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSetHash } from '#access/domain/set-hash.ts'

const hashOf = (members: readonly string[]): string => {
  const hash = createSetHash()
  for (const member of members) hash.add(member)
  return hash.value()
}

describe('A set hash', () => {
  test('depends on the members, not on their order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 8 }), (members) => {
        expect(hashOf(members.toReversed())).toBe(hashOf(members))
      }),
      { numRuns: 50 },
    )
  })

  test('is as if what was removed had never been added', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { maxLength: 6 }),
        fc.array(fc.string(), { maxLength: 4 }),
        (members, passing) => {
          const hash = createSetHash()
          for (const member of passing) hash.add(member)
          for (const member of members) hash.add(member)
          for (const member of passing) hash.remove(member)
          expect(hash.value()).toBe(hashOf(members))
        },
      ),
      { numRuns: 50 },
    )
  })

  test.each([
    ['another member', ['a', 'c']],
    ['a member less', ['a']],
    ['a member more', ['a', 'b', 'c']],
    ['the members run together', ['ab']],
    ['a member twice', ['a', 'b', 'b']],
    ['no member', []],
  ])('differs with %s', (_, members) => {
    expect(hashOf(members)).not.toBe(hashOf(['a', 'b']))
  })

  test('is empty again after clear', () => {
    const hash = createSetHash()
    hash.add('a')
    hash.clear()
    expect(hash.value()).toBe(hashOf([]))
  })

  test('sums lanes of 16 bits and overflows within them', () => {
    // 2^16 equal members add up to nothing in every lane.
    const hash = createSetHash()
    for (let count = 0; count < 65_536; count += 1) hash.add('a')
    expect(hash.value()).toBe(hashOf([]))
  })
})
