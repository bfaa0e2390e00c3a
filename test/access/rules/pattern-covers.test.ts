import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Pattern, parsePattern, patternMatches } from '#access/domain/path-pattern.ts'
import { patternCovers } from '#access/rules/pattern-covers.ts'

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
