import { type Pattern, plainMethods } from '../../domain/path-pattern.ts'

/** Requests that stand for all others: two indexes that agree on them agree on every request. */
export type Sample = { readonly method: string; readonly path: string }

/**
 * A pattern's samples have a fresh name wherever it takes any: another pattern that admits such a sample admits all that
 * look like it. `**` is tried with every number of segments that some pattern counts, and one more; the last of them also
 * empty, which `*` does not admit.
 */
export const samplesOf = (patterns: readonly Pattern[]): Sample[] => {
  const fresh = freshName(patterns)
  const longest = Math.max(0, ...patterns.map(({ segments }) => segments.length))
  const paths = new Map<string, Sample>()
  for (const { method, segments, open } of patterns) {
    const begin = segments.map((segment) => (segment === '*' ? fresh : segment))
    const ends = open
      ? Array.from({ length: longest - segments.length + 1 }, (_, more) =>
          Array<string>(more).fill(fresh),
        ).flatMap((some) => [
          [...some, fresh],
          [...some, ''],
        ])
      : [[]]
    const admitted = method === '*' ? plainMethods : method === 'GET' ? ['GET', 'HEAD'] : [method]
    for (const end of ends)
      for (const one of admitted) {
        const path = `/${[...begin, ...end].join('/')}`
        paths.set(`${one} ${path}`, { method: one, path })
      }
  }
  return [...paths.values()]
}

/** A segment that no pattern names. */
const freshName = (patterns: readonly Pattern[]): string => {
  const names = new Set(patterns.flatMap(({ segments }) => segments))
  let name = 'x'
  while (names.has(name)) name += 'x'
  return name
}
