import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Pattern, parsePattern, patternMatches } from '#access/domain/path-pattern.ts'
import { patternCovers, patternOverlap } from '#access/rules/pattern-covers.ts'

const pattern = (text: string): Pattern => {
  const parsed = parsePattern(text)
  if ('fault' in parsed) throw new Error(parsed.fault)
  return parsed
}

const methods = ['GET', 'HEAD', 'POST', 'WS'] as const
const patterns = fc
  .record({
    method: fc.constantFrom('*', ...methods),
    segments: fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 3 }),
    end: fc.constantFrom('', '/', '/**'),
  })
  .map(({ method, segments, end }) => {
    const path = segments.map((segment) => `/${segment}`).join('')
    return pattern(`${method} ${path === '' && end === '' ? '/' : `${path}${end}`}`)
  })

/** Requests that a pattern admits, with a segment that no pattern names wherever any will do. */
const admittedBy = ({ method, segments, open }: Pattern): [string, string][] => {
  const path = segments.map((segment) => `/${segment === '*' ? 'z' : segment}`).join('')
  const paths = open ? [`${path}/`, `${path}/z`, `${path}/z/z`] : [path]
  const asked = method === '*' ? ['GET', 'HEAD', 'POST'] : method === 'GET' ? ['GET', 'HEAD'] : [method]
  return asked.flatMap((one) => paths.map((way): [string, string] => [one, way]))
}

describe('A pattern covers another', () => {
  test('exactly where it admits all that the other one does', () => {
    fc.assert(
      fc.property(patterns, patterns, (wide, narrow) => {
        const all = admittedBy(narrow).every(([method, path]) => {
          expect(patternMatches(narrow, method, path)).toBe(true)
          return patternMatches(wide, method, path)
        })
        expect(patternCovers(wide, narrow)).toBe(all)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['GET /**', 'HEAD /a', true],
    ['GET /**', 'WS /a', false],
    ['* /**', 'WS /a', false],
    ['GET /a/**', 'GET /a', false],
    ['GET /a/**', 'GET /a/', true],
    ['GET /a/*', 'GET /a/', false],
    ['GET /*', 'GET /**', false],
    ['GET /**', '* /a', false],
  ])('%s, %s: %s', (wide, narrow, covers) => {
    expect(patternCovers(pattern(wide), pattern(narrow))).toBe(covers)
  })
})

describe('What two patterns both admit', () => {
  const paths = fc
    .array(fc.constantFrom('a', 'b', 'z', ''), { maxLength: 4 })
    .map((segments) => `/${segments.join('/')}`)
  const asked = fc.constantFrom('GET', 'HEAD', 'POST', 'WS', 'TRACE')

  test('is one pattern, which admits a request exactly where both do', () => {
    fc.assert(
      fc.property(patterns, patterns, asked, paths, (one, other, method, path) => {
        const both = patternOverlap(one, other)
        expect(both !== undefined && patternMatches(both, method, path)).toBe(
          patternMatches(one, method, path) && patternMatches(other, method, path),
        )
      }),
      { numRuns: 5_000 },
    )
  })

  test('is something, where there is such a pattern, and the same whichever comes first', () => {
    fc.assert(
      fc.property(patterns, patterns, (one, other) => {
        const both = patternOverlap(one, other)
        expect(patternOverlap(other, one)).toEqual(both)
        if (both === undefined) return
        expect(pattern(both.text)).toEqual(both)
        for (const [method, path] of admittedBy(both)) {
          expect(patternMatches(one, method, path)).toBe(true)
          expect(patternMatches(other, method, path)).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
