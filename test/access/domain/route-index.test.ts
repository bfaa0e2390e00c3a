import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Pattern, parsePattern, patternMatches } from '#access/domain/path-pattern.ts'
import { createRouteIndex, type Route } from '#access/domain/route-index.ts'

const pattern = (text: string): Pattern => {
  const parsed = parsePattern(text)
  if ('fault' in parsed) return expect.fail(parsed.fault)
  return parsed
}

type Texts = readonly (readonly string[])[]

const tiersOf = (tiers: Texts) => tiers.map((texts) => ({ patterns: texts.map(pattern) }))

const found = (tiers: Texts, method: string, path: string): string | undefined => {
  const route = createRouteIndex(tiersOf(tiers)).find(method, path)
  return route && `${route.rank}: ${route.pattern.text}`
}

/** The same in the plainest way. */
const looped = (
  tiers: ReturnType<typeof tiersOf>,
  method: string,
  path: string,
): Route<unknown> | undefined => {
  for (const [rank, { patterns }] of tiers.entries()) {
    const first = patterns.find((one) => patternMatches(one, method, path))
    if (first !== undefined) return { rank, tier: tiers[rank], pattern: first }
  }
  return undefined
}

describe('A route index finds', () => {
  test.each<[string, Texts, string, string, string | undefined]>([
    ['nothing without tiers', [], 'GET', '/', undefined],
    ['nothing without patterns', [[], []], 'GET', '/', undefined],
    ['the lowest tier', [[], ['GET /a'], ['GET /a']], 'GET', '/a', '1: GET /a'],
    ['a name where a * comes later', [['GET /a', 'GET /*']], 'GET', '/a', '0: GET /a'],
    ['a * where a name comes later', [['GET /*', 'GET /a']], 'GET', '/a', '0: GET /*'],
    ['a ** where a name comes later', [['GET /**', 'GET /a']], 'GET', '/a', '0: GET /**'],
    ['a name where ** comes later', [['GET /a', 'GET /**']], 'GET', '/a', '0: GET /a'],
    [
      'the lower tier, though a higher one says it better',
      [['* /**'], ['GET /a/b']],
      'GET',
      '/a/b',
      '0: * /**',
    ],
    [
      'what begins with * where the names lead nowhere',
      [['GET /a/b', 'GET /*/c']],
      'GET',
      '/a/c',
      '0: GET /*/c',
    ],
    [
      'what begins with a name where a * leads nowhere',
      [['GET /*/c', 'GET /a/b']],
      'GET',
      '/a/b',
      '0: GET /a/b',
    ],
    [
      '** above, where everything below leads nowhere',
      [['GET /a/*/c', 'GET /**']],
      'GET',
      '/a/b/d',
      '0: GET /**',
    ],
    ['the first of two alike', [['GET /a'], ['GET /a', 'GET /a']], 'GET', '/a', '0: GET /a'],
    ['GET for HEAD', [['HEAD /b', 'GET /a']], 'HEAD', '/a', '0: GET /a'],
    ['HEAD for HEAD, where it comes first', [['HEAD /a', 'GET /a']], 'HEAD', '/a', '0: HEAD /a'],
    ['GET for HEAD, where it comes first', [['GET /a', 'HEAD /a']], 'HEAD', '/a', '0: GET /a'],
    ['no HEAD for GET', [['HEAD /a']], 'GET', '/a', undefined],
    ['any method, where it comes first', [['* /a', 'GET /a']], 'GET', '/a', '0: * /a'],
    ['nothing for a method nobody knows', [['GET /a', '* /a', '* /**']], 'TRACE', '/a', undefined],
    ['nothing for "*", which is no method', [['* /a']], '*', '/a', undefined],
    ['nothing for a path without its slash', [['* /**', '* /', '* /a']], 'GET', 'xa', undefined],
    ['no upgrade for any method', [['* /**', 'GET /**']], 'WS', '/a', undefined],
    ['an upgrade for WS alone', [['* /a', 'WS /a']], 'WS', '/a', '0: WS /a'],
    [
      'an empty last segment where it is written',
      [['GET /a', 'GET /a/*', 'GET /a/']],
      'GET',
      '/a/',
      '0: GET /a/',
    ],
    ['an empty last segment for **', [['GET /a/*', 'GET /a/**']], 'GET', '/a/', '0: GET /a/**'],
    ['no folder for its **', [['GET /a/**']], 'GET', '/a', undefined],
    ['the root', [['GET /*', 'GET /']], 'GET', '/', '0: GET /'],
    ['no name that only begins alike', [['GET /a', 'GET /abc']], 'GET', '/ab', undefined],
    ['no other case', [['GET /A']], 'GET', '/a', undefined],
    ['no escape of the same letter', [['GET /a']], 'GET', '/%61', undefined],
    ['a name that is a property of every object', [['GET /a']], 'GET', '/constructor', undefined],
    ['a segment that is a star', [['GET /*/a']], 'GET', '/*/a', '0: GET /*/a'],
    ['nothing at all for no path', [['GET /**', 'GET /']], 'GET', '', undefined],
  ])('%s', (_, tiers, method, path, wanted) => {
    expect(found(tiers, method, path)).toBe(wanted)
  })

  test('each of many names beside one another', () => {
    const names = Array.from({ length: 50 }, (_, number) => `GET /v1/r${number}`)
    const index = createRouteIndex(tiersOf([names, ['GET /v1/*']]))
    for (const name of names) expect(index.find('GET', name.slice('GET '.length))?.pattern.text).toBe(name)
    expect(index.find('GET', '/v1/r50')?.rank).toBe(1)
  })

  test('the same again after another search', () => {
    const index = createRouteIndex(tiersOf([['GET /a/b/c', 'GET /*/b/*'], ['GET /*/*/c']]))
    const texts = ['/a/b/c', '/x/y/c', '/x', '/a/b/c', '/a/b', '/x/y/c'].map(
      (path) => index.find('GET', path)?.pattern.text,
    )
    expect(texts).toEqual(['GET /a/b/c', 'GET /*/*/c', undefined, 'GET /a/b/c', undefined, 'GET /*/*/c'])
  })
})

/** So few that they meet often, and enough that a node may have many of them. */
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'ab') },
  {
    weight: 3,
    arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'aa', 'ba', 'bb', 'abc', '%2A', '~'),
  },
)
const star = fc.constant('*')
const patternText = fc
  .record({
    method: fc.constantFrom('*', '*', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'WS'),
    segments: fc.array(fc.oneof({ weight: 3, arbitrary: name }, { weight: 2, arbitrary: star }), {
      maxLength: 4,
    }),
    end: fc.constantFrom('', '', '/', '/**'),
  })
  .map(({ method, segments, end }) => `${method} ${segments.map((one) => `/${one}`).join('')}${end}`)
  .map((text) => (text.endsWith(' ') ? `${text}/` : text))
const tiers = fc.array(fc.array(patternText, { maxLength: 12 }), { maxLength: 4 })
const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE', 'WS', 'get', '*', 'constructor')
const path = fc
  .array(
    fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom('', '*', '**', 'A') }),
    {
      maxLength: 5,
    },
  )
  .map((segments) => `/${segments.join('/')}`)

describe('Whatever the patterns and the paths', () => {
  test('it finds what a loop over all of them finds', () => {
    let hits = 0
    let choices = 0
    fc.assert(
      fc.property(
        tiers,
        fc.array(fc.tuple(method, path), { minLength: 10, maxLength: 10 }),
        (texts, requests) => {
          const all = tiersOf(texts)
          const index = createRouteIndex(all)
          for (const [asked, at] of requests) {
            const wanted = looped(all, asked, at)
            expect(index.find(asked, at)).toEqual(wanted)
            if (wanted === undefined) continue
            hits += 1
            const matching = all.flatMap(({ patterns }) =>
              patterns.filter((one) => patternMatches(one, asked, at)),
            )
            if (matching.length > 1) choices += 1
          }
        },
      ),
      { numRuns: 2_000 },
    )
    expect(hits).toBeGreaterThan(2_000)
    expect(choices).toBeGreaterThan(1_000)
  })

  test('also where a path is any text that begins with a slash', () => {
    fc.assert(
      fc.property(tiers, fc.string({ unit: 'binary' }), (texts, rest) => {
        const all = tiersOf(texts)
        expect(createRouteIndex(all).find('GET', `/${rest}`)).toEqual(looped(all, 'GET', `/${rest}`))
      }),
    )
  })

  test('a search looks at no more nodes than there are segments written, and roots', () => {
    fc.assert(
      fc.property(tiers, method, path, (texts, asked, at) => {
        const all = tiersOf(texts)
        const written = all.flatMap(({ patterns }) => patterns.flatMap(({ segments }) => segments)).length
        const tally = { nodes: 0 }
        createRouteIndex(all).find(asked, at, tally)
        expect(tally.nodes).toBeLessThanOrEqual(written + 3)
      }),
    )
  })
})

/** Every path of this depth whose segments are each either a name or `*`: names first. */
const everyMix = (depth: number): string[] =>
  depth === 0 ? [''] : everyMix(depth - 1).flatMap((path) => [`${path}/a`, `${path}/*`])

describe('However hostile the patterns and the paths', () => {
  const nodes = (texts: readonly string[], path: string): number => {
    const tally = { nodes: 0 }
    createRouteIndex(tiersOf([texts])).find('GET', path, tally)
    return tally.nodes
  }
  const deep = '/a'.repeat(4_096)

  test('a path of 8 KiB costs as many nodes as the patterns are deep', () => {
    expect(nodes(['GET /*/*/*/a', 'GET /*/*/*/*/a', 'GET /*/*/*/*/*/a'], deep)).toBe(6 + 3)
  })

  test('a pattern as deep as such a path is looked at once a level', () => {
    expect(nodes([`GET ${deep}`], deep)).toBe(4_097)
    expect(nodes([`GET ${deep.replaceAll('a', '*')}`, `GET ${deep}`], deep)).toBeLessThanOrEqual(2 * 4_097)
  })

  test('where names and * are mixed in every way, each node is looked at once', () => {
    const mixed = everyMix(10).map((path) => `GET ${path}`)
    const all = 2 ** 11 - 1
    expect(nodes(mixed, '/a'.repeat(10))).toBeLessThanOrEqual(all)
    expect(nodes(mixed, `${'/a'.repeat(9)}/b`)).toBeLessThanOrEqual(all)
    expect(nodes(mixed, deep)).toBeLessThanOrEqual(all)
  })

  test('what cannot win is not followed', () => {
    const mixed = everyMix(10).map((path) => `GET ${path}`)
    expect(nodes(['GET /**', ...mixed], deep)).toBe(1)
    expect(nodes(['GET /a/**', ...mixed], deep)).toBe(1 + 2)
  })
})
