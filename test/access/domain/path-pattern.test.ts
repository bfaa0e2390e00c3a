import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Pattern, parsePattern, patternMatches } from '#access/domain/path-pattern.ts'

const pattern = (text: string): Pattern => {
  const parsed = parsePattern(text)
  if ('fault' in parsed) return expect.fail(parsed.fault)
  return parsed
}

describe('A pattern admits', () => {
  test.each([
    ['the path it names', 'GET /v1/orders', 'GET', '/v1/orders'],
    ['HEAD where it admits GET', 'GET /v1/orders', 'HEAD', '/v1/orders'],
    ['the root', 'GET /', 'GET', '/'],
    ['any one segment for *', 'GET /v1/orders/*', 'GET', '/v1/orders/17'],
    ['an escaped segment for *', 'GET /v1/orders/*', 'GET', '/v1/orders/a%20b'],
    ['a * in the middle', 'POST /v1/orders/*/retry', 'POST', '/v1/orders/7/retry'],
    ['everything for /**', 'GET /**', 'GET', '/a/b/c'],
    ['the root for /**', 'GET /**', 'GET', '/'],
    ['what ends in a slash for **', 'GET /a/**', 'GET', '/a/'],
    ['a trailing slash where it is written', 'GET /a/', 'GET', '/a/'],
    ['every method of HTTP for *', '* /a', 'DELETE', '/a'],
    ['an upgrade where it says WS', 'WS /live', 'WS', '/live'],
  ])('%s', (_, text, method, path) => {
    expect(patternMatches(pattern(text), method, path)).toBe(true)
  })
})

describe('A pattern does not admit', () => {
  test.each([
    ['another method', 'GET /a', 'POST', '/a'],
    ['GET where it admits HEAD only', 'HEAD /a', 'GET', '/a'],
    ['an upgrade for GET /**', 'GET /**', 'WS', '/live'],
    ['an upgrade for * /**', '* /**', 'WS', '/live'],
    ['a GET for WS', 'WS /live', 'GET', '/live'],
    ['a longer path', 'GET /a', 'GET', '/a/b'],
    ['a shorter path', 'GET /a/b', 'GET', '/a'],
    ['a path that only begins alike', 'GET /admin', 'GET', '/administrator'],
    ['a trailing slash that is not written', 'GET /a', 'GET', '/a/'],
    ['the lack of a slash that is written', 'GET /a/', 'GET', '/a'],
    ['an empty segment for *', 'GET /a/*', 'GET', '/a/'],
    ['two segments for *', 'GET /a/*', 'GET', '/a/b/c'],
    ['the folder itself for **', 'GET /a/**', 'GET', '/a'],
    ['another case', 'GET /A', 'GET', '/a'],
    ['another case of the method', 'GET /a', 'get', '/a'],
    ['an escape of the same letter', 'GET /a', 'GET', '/%61'],
    ['nothing at all', 'GET /**', 'GET', ''],
  ])('%s', (_, text, method, path) => {
    expect(patternMatches(pattern(text), method, path)).toBe(false)
  })
})

describe('What is not a pattern is refused with a reason', () => {
  test.each([
    ['nothing', '', 'is not "METHOD /path"'],
    ['a path alone', '/a', 'is not "METHOD /path"'],
    ['three words', 'GET /a /b', 'is not "METHOD /path"'],
    ['a method nobody knows', 'FETCH /a', 'unknown method "FETCH"'],
    ['a method in lower case', 'get /a', 'unknown method "get"'],
    ['CONNECT', 'CONNECT /a', 'unknown method "CONNECT"'],
    ['a relative path', 'GET a', 'must begin with /'],
    ['a whole URL', 'GET http://x/a', 'must begin with /'],
    ['** in the middle', 'GET /a/**/b', '"**" may only end a path'],
    ['** twice', 'GET /**/**', '"**" may only end a path'],
    ['an empty segment', 'GET //a', 'can never match'],
    ['an empty segment before **', 'GET //**', 'can never match'],
    ['a dot segment', 'GET /./a', 'can never match'],
    ['two dots', 'GET /a/../b', 'can never match'],
    ['part of a segment as *', 'GET /a*', 'can never match'],
    ['three stars', 'GET /***', 'can never match'],
    ['a query', 'GET /a?b', 'can never match'],
    ['a path parameter', 'GET /a;b', 'can never match'],
    ['an escape in lower case', 'GET /%c3', 'can never match'],
    ['half an escape', 'GET /%C', 'can never match'],
    ['a backslash', 'GET /a\\b', 'can never match'],
    ['what is not ASCII', 'GET /straße', 'can never match'],
    ['a regular expression', 'GET /^a$|b', 'can never match'],
  ])('%s', (_, text, fault) => {
    expect(parsePattern(text)).toEqual({ fault: expect.stringContaining(fault) })
  })
})

/** The same in the plainest way: split both, compare segment by segment. */
const oracle = (text: string, method: string, path: string): boolean => {
  const [wanted = '', shape = ''] = text.split(' ')
  const admits =
    { '*': method !== 'WS', GET: method === 'GET' || method === 'HEAD' }[wanted] ?? wanted === method
  if (!admits || !path.startsWith('/')) return false
  const want = shape.split('/').slice(1)
  const got = path.split('/').slice(1)
  if (want.at(-1) === '**') {
    const fixed = want.slice(0, -1)
    return got.length > fixed.length && fixed.every((segment, index) => fits(segment, got[index]))
  }
  return want.length === got.length && want.every((segment, index) => fits(segment, got[index]))
}
const fits = (want: string, got: string | undefined): boolean => (want === '*' ? got !== '' : want === got)

describe('Over all patterns and paths', () => {
  const word = fc.constantFrom('a', 'b', 'ab', 'aa', '%20', '-', '~')
  const patternText = fc
    .tuple(
      fc.constantFrom('*', 'WS', 'GET', 'HEAD', 'POST'),
      fc.array(fc.oneof(word, fc.constant('*')), { maxLength: 4 }),
      fc.constantFrom('', '/', '/**'),
    )
    .map(([method, segments, tail]) => {
      const path = `${segments.map((segment) => `/${segment}`).join('')}${tail}`
      return `${method} ${path === '' ? '/' : path}`
    })
  const path = fc
    .array(fc.oneof(word, fc.constant('')), { maxLength: 5 })
    .map((segments) => `/${segments.join('/')}`)
  const method = fc.constantFrom('WS', 'GET', 'HEAD', 'POST', 'DELETE')

  test('matching agrees with splitting and comparing', () => {
    fc.assert(
      fc.property(patternText, method, path, (text, with_, at) => {
        expect(patternMatches(pattern(text), with_, at)).toBe(oracle(text, with_, at))
      }),
      { numRuns: 3_000 },
    )
  })

  test('what is derived from a pattern matches it', () => {
    fc.assert(
      fc.property(patternText, word, (text, filling) => {
        const [wanted = '', shape = ''] = text.split(' ')
        const filled = shape
          .split('/')
          .map((segment) => (segment === '*' || segment === '**' ? filling : segment))
          .join('/')
        expect(patternMatches(pattern(text), wanted === '*' ? 'PUT' : wanted, filled)).toBe(true)
      }),
    )
  })

  test('reading never throws, and what it takes it writes as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parsePattern(text)
        if ('fault' in parsed) return
        expect(parsePattern(parsed.text)).toEqual(parsed)
      }),
    )
  })
})
