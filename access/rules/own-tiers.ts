import type { OwnTier, RuleSetSource } from './source.ts'
import type { YamlPath } from './yaml/read-yaml.ts'

/** What a tier says of itself; each part may be left out where it is said elsewhere. */
export type Terms = Partial<Omit<Exclude<OwnTier, readonly string[]>, 'allow'>>

/** What a profile or a service says of tiers, and where that is written. */
export type Level = {
  readonly of: { readonly kind: 'profile' | 'service'; readonly name: string }
  readonly path: YamlPath
  readonly tiers: Readonly<Record<string, OwnTier>>
}

const levelOf = (source: RuleSetSource, kind: Level['of']['kind'], name: string): Level => {
  const section = kind === 'profile' ? 'profiles' : 'services'
  return { of: { kind, name }, path: [section, name, 'tiers'], tiers: source[section][name]?.tiers ?? {} }
}

/** What a service stands on: its profile, then itself. */
export const levelsOf = (source: RuleSetSource, service: string): Level[] => {
  const profile = source.services[service]?.profile
  return [
    ...(profile === undefined ? [] : [levelOf(source, 'profile', profile)]),
    levelOf(source, 'service', service),
  ]
}

/** All profiles, then all services. */
export const allLevels = (source: RuleSetSource): Level[] => [
  ...Object.keys(source.profiles).map((name) => levelOf(source, 'profile', name)),
  ...Object.keys(source.services).map((name) => levelOf(source, 'service', name)),
]

/** The services that stand on it. */
export const servicesOn = ({ services }: RuleSetSource, { of }: Level): string[] =>
  of.kind === 'service'
    ? [of.name]
    : Object.keys(services).filter((name) => services[name]?.profile === of.name)

/** The patterns as they are written: a tier's only words, or `allow` beside terms of its own. */
export const textsOf = (
  own: OwnTier,
  path: YamlPath,
): { readonly texts: readonly string[]; readonly path: YamlPath } =>
  Array.isArray(own) ? { texts: own, path } : { texts: own.allow, path: [...path, 'allow'] }

export const termsOf = (own: OwnTier | undefined): Terms => {
  if (own === undefined || Array.isArray(own)) return {}
  const { allow: _, ...terms } = own
  return terms
}

type Said = { readonly tier: string; readonly path: YamlPath; readonly terms: Terms }

/** The terms of each tier that profiles and services say. */
export const ownTerms = (source: RuleSetSource): Said[] =>
  allLevels(source).flatMap(({ path, tiers }) =>
    Object.entries(tiers).map(([tier, own]) => ({ tier, path: [...path, tier], terms: termsOf(own) })),
  )

/** The same, behind those that are said in common. */
export const allTerms = (source: RuleSetSource): Said[] => [
  ...Object.entries(source.tiers).map(([tier, terms]) => ({ tier, path: ['tiers', tier], terms })),
  ...ownTerms(source),
]

/** Which says a term of a service's tier, where it is not only said in common: the service, or its profile. */
export const levelSaying = (
  source: RuleSetSource,
  service: string,
  tier: string,
  term: keyof Terms,
): Level | undefined =>
  levelsOf(source, service).findLast(({ tiers }) => termsOf(tiers[tier])[term] !== undefined)
