import { nearest } from '../domain/nearest.ts'
import type { YamlPath } from './read-yaml.ts'
import type { Part, Report } from './rule-file.ts'
import type { RuleSetSource } from './source.ts'

/** Stands for the owners of the service that a rule is about. */
export const ownersName = 'owners'

/** Checks that names stand for something, and reports those that do not. */
export const createKnownNames = (source: RuleSetSource, report: Report) => {
  const tiers = Object.keys(source.tiers)
  const people = Object.keys(source.people)
  const services = Object.keys(source.services)
  const labels = new Set(Object.values(source.services).flatMap((service) => service.labels))

  const known = (
    kind: string,
    names: Iterable<string>,
    name: string,
    path: YamlPath,
    part?: Part,
  ): boolean => {
    const all = [...names]
    if (all.includes(name)) return true
    const hint = nearest(name, all)
    const some = all.length > 8 ? `${all.slice(0, 8).join(', ')}, …` : all.join(', ') || 'none'
    report(
      path,
      `unknown ${kind} "${name}"; ${hint === undefined ? `known are: ${some}` : `did you mean "${hint}"?`}`,
      part,
    )
    return false
  }

  return {
    tier: (name: string, path: YamlPath, part?: Part): boolean => known('tier', tiers, name, path, part),
    tiers: (names: readonly string[], path: YamlPath): boolean =>
      names.map((name, index) => known('tier', tiers, name, [...path, index])).every(Boolean),
    /** `owners` counts where the rule is about one service at a time. */
    people: (names: readonly string[], path: YamlPath, withOwners = true): void => {
      for (const [index, name] of names.entries())
        if (name !== ownersName || !withOwners) known('people', people, name, [...path, index])
    },
    services: (names: readonly string[], path: YamlPath): void => {
      for (const [index, name] of names.entries()) {
        if (name === '*') continue
        if (name.startsWith('label:')) known('label', labels, name.slice('label:'.length), [...path, index])
        else known('service', services, name, [...path, index])
      }
    },
    service: (name: string, path: YamlPath): boolean => known('service', services, name, path),
    workload: (name: string, path: YamlPath): boolean =>
      known('workload', Object.keys(source.workloads), name, path),
    onePeople: (name: string, path: YamlPath): boolean => known('people', people, name, path),
    profile: (name: string, path: YamlPath): boolean =>
      known('profile', Object.keys(source.profiles), name, path),
    release: (name: string, releases: readonly string[], path: YamlPath): boolean =>
      known('release', releases, name, path),
  }
}

export type KnownNames = ReturnType<typeof createKnownNames>
