import { patternCovers } from '../pattern-covers.ts'
import { patternsOfTier, type WrittenPattern } from '../written-patterns.ts'
import type { Finding, Looked } from './finding.ts'

/**
 * Patterns that no request ever counts under, because an earlier one admits all that they do: a request counts under the
 * lowest tier with a pattern for it, and there under the first.
 */
export const unreachablePatterns = ({ source }: Looked): Finding[] =>
  Object.keys(source.services).flatMap((service) => {
    const patterns = Object.keys(source.tiers).flatMap((tier) => patternsOfTier(source, service, tier))
    return patterns.flatMap((later, place) => {
      const earlier = patterns.slice(0, place).find(({ pattern }) => patternCovers(pattern, later.pattern))
      return earlier === undefined ? [] : [covered(earlier, later)]
    })
  })

const covered = (earlier: WrittenPattern, later: WrittenPattern): Finding => {
  const [wide, narrow] = [earlier.pattern.text, later.pattern.text]
  // Of what a profile says, the service that contradicts it is to blame.
  const blamesEarlier = later.of.kind === 'profile' && earlier.of.kind === 'service'
  const { path } = blamesEarlier ? earlier : later
  if (earlier.tier !== later.tier)
    return {
      kind: 'pattern-unreachable',
      path,
      what: blamesEarlier
        ? `"${wide}" opens to "${earlier.tier}" what "${narrow}" of the profile "${later.of.name}" keeps for "${later.tier}"; narrow it`
        : `"${narrow}" adds nothing to "${later.tier}": "${wide}" opens it to "${earlier.tier}" already; narrow that, or leave this out`,
    }
  if (wide === narrow)
    return {
      kind: 'pattern-twice',
      path,
      what: `"${narrow}" stands in the profile "${earlier.of.name}" already; leave it out`,
    }
  return {
    kind: 'pattern-within',
    path,
    what: `"${narrow}" is never counted: "${wide}" stands before it and admits the same; ${
      earlier.of.kind === later.of.kind ? 'put the narrow one first, or leave it out' : 'leave it out'
    }`,
  }
}
