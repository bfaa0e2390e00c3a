import { exactDuration } from '../../domain/duration.ts'
import { type Pattern, parsePattern } from '../../domain/path-pattern.ts'
import type { Tier } from '../../domain/tier.ts'
import { type Terms, termsOf, textsOf } from '../own-tiers.ts'
import type { Report } from '../rule-file.ts'
import type { OwnTier, RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { type KnownNames, writeOut } from './known-names.ts'
import { mergeTerms } from './merge-terms.ts'

export type Own = { readonly terms: Terms; readonly patterns: readonly Pattern[] }

const usualMs = 3_600_000
/** How old the sign-in of an approver may be where nothing is said. */
export const usualSignInMs = 300_000
/** Whoever was shut out, or whose pass was taken, is out by then, whatever a process has heard. */
const longestStaleMs = 86_400_000

/** The patterns of a list that are well written; the others are reported. */
export const readPatterns = (texts: readonly string[], path: YamlPath, report: Report): Pattern[] => {
  const patterns = new Map<string, Pattern>()
  for (const [index, text] of texts.entries()) {
    const pattern = parsePattern(text)
    if ('fault' in pattern) report([...path, index], pattern.fault)
    else if (patterns.has(pattern.text))
      report([...path, index], `"${pattern.text}" stands twice in this list; keep one`)
    else patterns.set(pattern.text, pattern)
  }
  return [...patterns.values()]
}

/** What a profile or a service says of tiers, by tier. */
export const readOwnTiers = (
  byTier: Readonly<Record<string, OwnTier>>,
  path: YamlPath,
  known: KnownNames,
  report: Report,
): Map<string, Own> => {
  const own = new Map<string, Own>()
  for (const [name, said] of Object.entries(byTier)) {
    const at = [...path, name]
    if (!known.tier(name, at, 'key')) continue
    const [terms, written] = [termsOf(said), textsOf(said, at)]
    checkTerms(terms, at, known, report)
    own.set(name, { terms, patterns: readPatterns(written.texts, written.path, report) })
  }
  return own
}

/** Reports what terms name in vain or say against themselves. */
export const checkTerms = (terms: Terms, path: YamlPath, known: KnownNames, report: Report): void => {
  const { approvals } = terms
  if (approvals !== undefined) {
    known.people(approvals.from, [...path, 'approvals', 'from'])
    if (approvals.escalate !== undefined)
      known.people(approvals.escalate.to, [...path, 'approvals', 'escalate', 'to'])
    if (approvals.distinct === 'teams' && approvals.from.length < approvals.count)
      report(
        [...path, 'approvals', 'count'],
        `${approvals.count} approvals from distinct teams need as many sets in "from", which names ${approvals.from.length}; name more, or lower "count"`,
      )
  }
  if (terms.longest !== undefined && terms.default !== undefined && terms.default > terms.longest)
    report(
      [...path, 'default'],
      `"default" (${exactDuration(terms.default)}) is longer than "longest" (${exactDuration(terms.longest)}); shorten it`,
    )
  if (terms.when_stale !== undefined && terms.when_stale > longestStaleMs)
    report(
      [...path, 'when_stale'],
      `"when_stale" (${exactDuration(terms.when_stale)}) is longer than 24h, the most there may be; shorten it`,
    )
  if (terms.sign_in !== undefined && terms.sign_in.acr === undefined && terms.sign_in.max_age === undefined)
    report([...path, 'sign_in'], '"sign_in" asks for nothing; give it "acr", "max_age" or both')
}

/** A tier of one service: the common terms, then its profile's, then its own. */
export const createTier = (
  name: string,
  rank: number,
  common: RuleSetSource['tiers'][string],
  owners: readonly string[],
  own: readonly (Own | undefined)[],
): Tier => {
  const said = own.filter((one) => one !== undefined)
  const terms = mergeTerms(
    common,
    said.map((one) => one.terms),
  )
  const { approvals, sign_in } = terms
  return {
    // What every decision looks at comes first, where it is read from memory at once.
    name,
    rank,
    whenStale: terms.when_stale,
    signIn: sign_in === undefined ? undefined : { acr: sign_in.acr, maxAge: sign_in.max_age },
    longest: terms.longest,
    usual: Math.min(terms.default ?? usualMs, terms.longest),
    rate: terms.rate,
    burst: terms.burst ?? Math.max(1, terms.rate),
    reason: terms.reason ?? 'optional',
    approvals:
      approvals === undefined
        ? undefined
        : {
            count: approvals.count,
            from: writeOut(approvals.from, owners),
            distinct: approvals.distinct === 'teams',
            ...(approvals.sign_in === undefined
              ? {}
              : {
                  signIn: { acr: approvals.sign_in.acr, maxAge: approvals.sign_in.max_age ?? usualSignInMs },
                }),
            ...(approvals.escalate === undefined
              ? {}
              : {
                  escalate: { after: approvals.escalate.after, to: writeOut(approvals.escalate.to, owners) },
                }),
          },
    extend: {
      count: terms.extend?.count ?? Number.POSITIVE_INFINITY,
      share: terms.extend?.share ?? Number.POSITIVE_INFINITY,
    },
    proxyOnly: terms.proxy_only ?? false,
    patterns: unique(said.flatMap((one) => one.patterns)),
  }
}

const unique = (patterns: readonly Pattern[]): Pattern[] => [
  ...new Map(patterns.map((pattern) => [pattern.text, pattern])).values(),
]
