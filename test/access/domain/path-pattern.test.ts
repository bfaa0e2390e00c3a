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
    ['a path without its slash', 'GET /**', 'GET', 'xa'],
    ['a method nobody knows, for *', '* /a', 'TRACE', '/a'],
    ['"*", which is no method, for *', '* /a', '*', '/a'],
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

test('A pattern is kept as it is read, with one space', () => {
  expect(parsePattern('  GET \t /v1/*/** ')).toStrictEqual({
    text: 'GET /v1/*/**',
    method: 'GET',
    segments: ['v1', '*'],
    open: true,
  })
  expect(parsePattern('* /a/')).toStrictEqual({
    text: '* /a/',
    method: '*',
    segments: ['a', ''],
    open: false,
  })
})

/** As long as what is still shown whole, with what comes before it. */
const upTo60 = (before: string): string => before.padEnd(60, 'x')

describe('What is wrong with a pattern, and what to write instead:', () => {
  const known = '*, WS, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
  const shape = 'is not "METHOD /path"; write'
  const another = ', or another method ("*" for all)'
  test.each([
    ['', `"" ${shape} one such as "GET /v1/orders"`],
    ['GET', `"GET" ${shape} one such as "GET /v1/orders"`],
    ['orders/', `"orders/" ${shape} one such as "GET /v1/orders"`],
    ['/a', `"/a" ${shape} "GET /a"${another}`],
    [upTo60('/'), `"${upTo60('/')}" ${shape} "GET ${upTo60('/')}"${another}`],
    [`${upTo60('/')}y`, `"${upTo60('/')}…" ${shape} "GET ${upTo60('/')}…"${another}`],
    [`${upTo60('').slice(1)}😀`, `"${upTo60('').slice(1)}\uFFFD…" ${shape} one such as "GET /v1/orders"`],
    ['GET /a /b', `"GET /a /b" ${shape} one method and one path, and a space in the path as %20`],
    ['/a /b /c', `"/a /b /c" ${shape} one method and one path, and a space in the path as %20`],
    ['FETCH /a', `unknown method "FETCH"; use ${known}`],
    ['** /a', `unknown method "**"; use ${known}`],
    ['1 /a', `unknown method "1"; use ${known}`],
    ['GET,FETCH /a', `unknown method "GET,FETCH"; use ${known}`],
    ['FETCH,GET /a', `unknown method "FETCH,GET"; use ${known}`],
    ['get /a', 'unknown method "get"; write "GET /a"'],
    ['Get: /a', 'unknown method "Get:"; write "GET /a"'],
    ['ws /live', 'unknown method "ws"; write "WS /live"'],
    ['get|put /a/b', 'unknown method "get|put"; write "GET /a/b" and "PUT /a/b"'],
    [`get ${upTo60('/')}y`, `unknown method "get"; write "GET ${upTo60('/')}…"`],
  ])('%j', (text, fault) => {
    expect(parsePattern(text)).toStrictEqual({ fault })
  })

  const noExpressions = 'there are no regular expressions, only "*" and "**"'
  test.each([
    ['a', 'write "GET /a"'],
    ['a/', 'write "GET /a/"'],
    ['**', 'write "GET /**"'],
    ['http://x/a', 'write "GET /a"'],
    ['https://orders.example:8080/a/b', 'write "GET /a/b"'],
    ['http://x', 'write "GET /"'],
    ['1http://x/a', 'write "GET /1http://x/a"'],
    ['a/http://x/a', 'write "GET /a/http://x/a"'],
    ...['^/a', '(a', 'a)', 'a$', '\\a', '[a', 'a]', 'a|b', 'a?b', 'http://x/a?b'].map((path) => [
      path,
      noExpressions,
    ]),
  ])('the path %j', (path, mend) => {
    expect(parsePattern(`GET ${path}`)).toStrictEqual({
      fault: `the path of "GET ${path}" must begin with /; ${mend}`,
    })
  })

  test.each([['/a/**/b'], ['/**/**']])('"**" in %j, before the end', (path) => {
    expect(parsePattern(`GET ${path}`)).toStrictEqual({
      fault: `"**" may only end a path: "GET ${path}"; write "*" for each segment before the end`,
    })
  })

  const noSlash = 'write one "/", not two'
  const leads = 'write the path that it leads to'
  const any = 'write "*" for a segment of any kind'
  const none = 'there are no regular expressions, only "*" for one segment and "**" for the rest'
  const whole = '"*" stands for a whole segment, never for a part of one'
  const leave = (query: string) => `a pattern has no query or fragment, so leave out "${query}"`
  const percent = 'write "%" as "%25"'
  test.each([
    ['', '//a', noSlash],
    ['', '//**', noSlash],
    ['', '/a//', noSlash],
    ['.', '/./a', leads],
    ['.', '/.', leads],
    ['..', '/a/../b', leads],
    ['{id}', '/{id}', any],
    ['{}', '/a/{}', any],
    ['<id>', '/<id>/b', any],
    ['<>', '/<>', any],
    ...[
      'a{id}',
      '{id}b',
      '{a}{b}',
      '[a]',
      'a]',
      '^a',
      'a\\b',
      'a|b',
      'a}',
      '.*',
      'a.*',
      'a.+?',
      '(a)?',
      '(a)*',
      '(a)+;|',
    ].map((segment) => [segment, `/${segment}`, none]),
    ...['a*', '*a', '***', 'a+*', 'a*?b', 'a)b*'].map((segment) => [segment, `/${segment}`, whole]),
    ['a?b=1', '/a?b=1', leave('?b=1')],
    ['a.b?c', '/a.b?c', leave('?c')],
    ['a)b?c', '/a)b?c', leave('?c')],
    ['a#b?c', '/a#b?c', leave('#b?c')],
    ['?a', '/?a', leave('?a')],
    ['a;b', '/a;b', 'write "a%3Bb"'],
    ['<a>b', '/<a>b', 'write "%3Ca%3Eb"'],
    ['a<b>', '/a<b>', 'write "a%3Cb%3E"'],
    ['a"b', '/a"b', 'write "a%22b"'],
    ['straße', '/straße', 'write "stra%C3%9Fe"'],
    ['😀', '/😀', 'write "%F0%9F%98%80"'],
    ['\uD800', '/\uD800', 'write "%EF%BF%BD"'],
    ['%c3', '/%c3', 'write "%C3"'],
    ['%2f%Cb%9d', '/%2f%Cb%9d', 'write "%2F%CB%9D"'],
    ['%C', '/%C', percent],
    ['100%', '/100%', percent],
    ['%zz', '/%zz', percent],
    ['%c3%a;', '/%c3%a;', percent],
  ])('the segment %j of %j', (segment, path, mend) => {
    expect(parsePattern(`GET ${path}`)).toStrictEqual({
      fault: `the segment "${segment}" of "GET ${path}" can never match a canonical path; ${mend}`,
    })
  })

  test('a segment that is long, in short', () => {
    const [query, segment] = [`?${'x'.repeat(60)}`, `a${'x'.repeat(60)};`]
    expect(parsePattern(`GET /a${query}`)).toStrictEqual({
      fault: `the segment "${upTo60('a?')}…" of "${upTo60('GET /a?')}…" can never match a canonical path; ${leave(`${upTo60('?')}…`)}`,
    })
    expect(parsePattern(`GET /${segment}`)).toStrictEqual({
      fault: `the segment "${upTo60('a')}…" of "${upTo60('GET /a')}…" can never match a canonical path; write "${upTo60('a')}…"`,
    })
  })

  test.each(['...', '.a', 'a)', '(a)$', 'a.+', '(a)+', "a-._~!$&'()+,=:@", '%C3%9F'])(
    'nothing with %j',
    (segment) => {
      expect(parsePattern(`GET /${segment}`)).toMatchObject({ segments: [segment] })
    },
  )
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
