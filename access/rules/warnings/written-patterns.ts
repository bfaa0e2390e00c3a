import { type Pattern, parsePattern } from '../../domain/path-pattern.ts'
import type { RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

/** A pattern of a tier, and where it is written. */
export type WrittenPattern = {
  readonly path: YamlPath
  readonly pattern: Pattern
  readonly tier: string
  readonly in: { readonly kind: 'profile' | 'service'; readonly name: string }
}

type OwnTiers = RuleSetSource['profiles'][string]['tiers']

const patternsIn = (texts: readonly string[], path: YamlPath): { path: YamlPath; pattern: Pattern }[] =>
  texts.flatMap((text, index) => {
    const pattern = parsePattern(text)
    return 'fault' in pattern ? [] : [{ path: [...path, index], pattern }]
  })

const inTiers = (tiers: OwnTiers, path: YamlPath, where: WrittenPattern['in']): WrittenPattern[] =>
  Object.entries(tiers).flatMap(([tier, own]) => {
    const at = [...path, tier]
    const found = Array.isArray(own)
      ? patternsIn(own, at)
      : 'allow' in own
        ? patternsIn(own.allow, [...at, 'allow'])
        : []
    return found.map((one) => ({ ...one, tier, in: where }))
  })

/** What a profile says itself. */
export const patternsOfProfile = ({ profiles }: RuleSetSource, name: string): WrittenPattern[] =>
  inTiers(profiles[name]?.tiers ?? {}, ['profiles', name, 'tiers'], { kind: 'profile', name })

/** What a service says itself, without its profile. */
export const ownPatternsOf = ({ services }: RuleSetSource, name: string): WrittenPattern[] =>
  inTiers(services[name]?.tiers ?? {}, ['services', name, 'tiers'], { kind: 'service', name })

/** All patterns of a service in the order in which they are looked at. */
export const patternsOfService = (source: RuleSetSource, name: string): WrittenPattern[] => {
  const profile = source.services[name]?.profile
  const all = [
    ...(profile === undefined ? [] : patternsOfProfile(source, profile)),
    ...ownPatternsOf(source, name),
  ]
  return Object.keys(source.tiers).flatMap((tier) => all.filter((one) => one.tier === tier))
}

/** What standing rules allow by patterns of their own. */
export const patternsOfStanding = ({ standing }: RuleSetSource): { path: YamlPath; pattern: Pattern }[] =>
  standing.flatMap(({ allow = [] }, index) => patternsIn(allow, ['standing', index, 'allow']))

/** What egress rules allow. */
export const patternsOfEgress = ({ egress }: RuleSetSource): { path: YamlPath; pattern: Pattern }[] =>
  egress.flatMap(({ allow }, index) => patternsIn(allow, ['egress', index, 'allow']))
