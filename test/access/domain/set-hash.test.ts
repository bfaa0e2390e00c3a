import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSetHash } from '#access/domain/set-hash.ts'

const hashOf = (members: readonly string[]): string => {
  const hash = createSetHash()
  for (const member of members) hash.add(member)
  return hash.value()
}

const sha256 = (of: Buffer | string): Buffer => createHash('sha256').update(of).digest()

/** The same tree, built at once. */
const plainly = (members: readonly string[]): string => {
  const all = members.map((member) => sha256(member)).sort(Buffer.compare)
  const buckets = Map.groupBy(all, (one) => one.readUInt16BE() >> 4)
  const bucket = (number: number): Buffer => {
    const own = buckets.get(number)
    return own === undefined ? Buffer.alloc(32) : sha256(Buffer.concat(own))
  }
  const group = (number: number): Buffer =>
    sha256(Buffer.concat(Array.from({ length: 64 }, (_, index) => bucket(number * 64 + index))))
  return sha256(Buffer.concat(Array.from({ length: 64 }, (_, index) => group(index)))).toString('base64url')
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

  test('of many members is that of the tree', () => {
    const members = Array.from({ length: 20_000 }, (_, index) => `member ${index}`)
    const hash = createSetHash()
    for (const member of members) hash.add(member)
    for (const member of members.splice(7_000, 9_000)) hash.remove(member)
    expect(hash.value()).toBe(plainly(members))
    hash.remove(members[0] ?? '')
    expect(hash.value()).toBe(plainly(members.slice(1)))
  })
})
