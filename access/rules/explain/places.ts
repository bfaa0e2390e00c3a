import type { ParsedRuleSet } from '../parse-rule-set.ts'
import type { Part } from '../rule-file.ts'
import type { OwnTier } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

/** A rule set, what its files say, and where they say it. */
export type Parsed = Pick<Extract<ParsedRuleSet, { readonly ok: true }>, 'rules' | 'source' | 'placeOf'>

/** Where things of a rule set are written: `access.yaml:40`. */
export const placesOf = ({ source, placeOf }: Parsed) => {
  const at = (path: YamlPath, part?: Part): string => {
    const { file, line } = placeOf(path, part)
    return `${file}:${line}`
  }

  /** The tiers that a service stands on, its profile's before its own. */
  const partsOf = (service: string): { readonly path: YamlPath; readonly tiers: Tiers }[] => {
    const said = source.services[service]
    const profile = said?.profile
    const shared = profile === undefined ? undefined : source.profiles[profile]
    return [
      ...(profile === undefined || shared === undefined
        ? []
        : [{ path: ['profiles', profile, 'tiers'], tiers: shared.tiers }]),
      ...(said === undefined ? [] : [{ path: ['services', service, 'tiers'], tiers: said.tiers }]),
    ]
  }

  return {
    /** Where a tier of this service allows this pattern: in the service, or in its profile. */
    pattern: (service: string, tier: string, text: string): string => {
      for (const { path, tiers } of partsOf(service)) {
        const own = tiers[tier]
        if (own === undefined) continue
        const index = patternsOf(own).findIndex((one) => one.trim().split(/\s+/).join(' ') === text)
        if (index !== -1) return at([...path, tier, ...(Array.isArray(own) ? [] : ['allow']), index])
      }
      return at(['services', service], 'key')
    },
    /** Where a term of a tier is said: by the service, its profile, or the common tier. */
    term: (service: string, tier: string, term: string): string => {
      for (const { path, tiers } of partsOf(service).toReversed()) {
        const own = tiers[tier]
        if (own !== undefined && !Array.isArray(own) && term in own) return at([...path, tier, term])
      }
      return at(term in (source.tiers[tier] ?? {}) ? ['tiers', tier, term] : ['tiers', tier])
    },
    /** Where patterns of this service would be added. */
    tiers: (service: string): string =>
      Object.keys(source.services[service]?.tiers ?? {}).length === 0
        ? at(['services', service], 'key')
        : at(['services', service, 'tiers'], 'key'),
    trustedTriggers: (service: string): string =>
      (source.services[service]?.trusted_triggers ?? []).length === 0
        ? at(['services', service], 'key')
        : at(['services', service, 'trusted_triggers'], 'key'),
    services: (): string => at(['services'], 'key'),
    onRequest: (): string => at(source.on_request.length === 0 ? [] : ['on_request'], 'key'),
  }
}

type Tiers = Readonly<Record<string, OwnTier>>

const patternsOf = (own: OwnTier): readonly string[] =>
  Array.isArray(own) ? own : (own as Exclude<OwnTier, readonly string[]>).allow

export type Places = ReturnType<typeof placesOf>
