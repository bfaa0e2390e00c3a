import { type Pattern, parsePattern } from '../domain/path-pattern.ts'
import { type Level, levelsOf, textsOf } from './own-tiers.ts'
import type { RuleSetSource } from './source.ts'
import type { YamlPath } from './yaml/read-yaml.ts'

/** A pattern, and where it is written. */
export type Written = { readonly path: YamlPath; readonly pattern: Pattern }

/** A pattern of a tier, and whether a profile or a service says it. */
export type WrittenPattern = Written & { readonly tier: string; readonly of: Level['of'] }

/** Those of a list that are well written. */
export const patternsIn = (texts: readonly string[], path: YamlPath): Written[] =>
  texts.flatMap((text, index) => {
    const pattern = parsePattern(text)
    return 'fault' in pattern ? [] : [{ path: [...path, index], pattern }]
  })

const patternsAt = ({ of, path, tiers }: Level, tier: string): WrittenPattern[] => {
  const own = tiers[tier]
  if (own === undefined) return []
  const written = textsOf(own, [...path, tier])
  return patternsIn(written.texts, written.path).map((one) => ({ ...one, tier, of }))
}

/** What a profile or a service says itself. */
export const patternsOf = (level: Level): WrittenPattern[] =>
  Object.keys(level.tiers).flatMap((tier) => patternsAt(level, tier))

/** All patterns of a service's tier, in the order in which they are looked at. */
export const patternsOfTier = (source: RuleSetSource, service: string, tier: string): WrittenPattern[] =>
  levelsOf(source, service).flatMap((level) => patternsAt(level, tier))

/** What standing rules allow by patterns of their own. */
export const patternsOfStanding = ({ standing }: RuleSetSource): Written[] =>
  standing.flatMap(({ allow = [] }, index) => patternsIn(allow, ['standing', index, 'allow']))

/** What egress rules allow. */
export const patternsOfEgress = ({ egress }: RuleSetSource): Written[] =>
  egress.flatMap(({ allow }, index) => patternsIn(allow, ['egress', index, 'allow']))
