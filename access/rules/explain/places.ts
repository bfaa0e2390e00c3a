import { levelSaying, type Terms } from '../own-tiers.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import type { Part } from '../rule-file.ts'
import { patternsOfTier } from '../written-patterns.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

/** Where things of a rule set are written: `access.yaml:40`. */
export const placesOf = ({ source, placeOf }: SoundRuleSet) => {
  const at = (path: YamlPath, part?: Part): string => {
    const { file, line } = placeOf(path, part)
    return `${file}:${line}`
  }

  return {
    /** Where a tier of this service allows this pattern: in the service, or in its profile. */
    pattern: (service: string, tier: string, text: string): string => {
      const found = patternsOfTier(source, service, tier).find(({ pattern }) => pattern.text === text)
      return found === undefined ? at(['services', service], 'key') : at(found.path)
    },
    /** Where a term of a tier is said: by the service, its profile, or the common tier. */
    termOf:
      (service: string, tier: string) =>
      (term: keyof Terms): string => {
        const level = levelSaying(source, service, tier, term)
        if (level !== undefined) return at([...level.path, tier, term])
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

export type Places = ReturnType<typeof placesOf>
