import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json } from '#access/domain/canonical-json.ts'

const shuffled = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(shuffled)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, shuffled(member as Json)]),
  )
}

describe('Canonical JSON', () => {
  test.each<[string, Json, string]>([
    ['sorts keys', { b: 1, a: 2 }, '{"a":2,"b":1}'],
    [
      'sorts keys by their code units, as RFC 8785 says',
      { '€': 1, '\r': 2, a: 3, '😂': 4, '\ufb33': 5 },
      '{"\\r":2,"a":3,"€":1,"😂":4,"\ufb33":5}',
    ],
    ['keeps the order of lists', [3, 1, 2], '[3,1,2]'],
    ['sorts within lists', [{ b: 1, a: [{ d: 1, c: 2 }] }], '[{"a":[{"c":2,"d":1}],"b":1}]'],
    ['leaves out what is undefined', { a: undefined, b: null }, '{"b":null}'],
    ['tells a number from its text', { a: '1', b: 1 }, '{"a":"1","b":1}'],
    ['writes nothing between', { a: [], b: {} }, '{"a":[],"b":{}}'],
  ])('%s', (_, value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  test('is the same for equal values, and parses back to the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as Json
        expect(canonicalJson(shuffled(plain))).toBe(canonicalJson(plain))
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain)
      }),
    )
  })
})
