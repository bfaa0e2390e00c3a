import { nearest } from '../../domain/nearest.ts'
import { labelIn } from '../../domain/rule-set.ts'
import { quoted } from '../faults/wording.ts'
import type { Part, Report } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import { workloadPrefix } from '../standing-from.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

/** Stands for the owners of the service that a rule is about. */
export const ownersName = 'owners'

/** The same sets of people with the owners of a service by their names. */
export const writeOut = (names: readonly string[], owners: readonly string[]): string[] => [
  ...new Set(names.flatMap((name) => (name === ownersName ? owners : [name]))),
]

type Hints = {
  readonly part?: Part | undefined
  /** What is meant where the name stands for something of another kind. */
  readonly instead?: string | undefined
  /** The mend where nothing alike is known. */
  readonly otherwise?: string | undefined
  /** Those that are told where nothing alike is known: by default all. */
  readonly named?: readonly string[]
}

/** Whether a name is one of those that are known; reports one that is not. */
export const knownBy =
  (report: Report) =>
  (
    kind: string,
    names: readonly string[],
    name: string,
    path: YamlPath,
    { part, instead, otherwise, named = names }: Hints = {},
  ): boolean => {
    if (names.includes(name)) return true
    const hint = instead ?? nearest(name, names)
    const some = named.length > 8 ? `${named.slice(0, 8).join(', ')}, …` : named.join(', ')
    const others = named.length === 0 ? `there is no ${kind} at all` : `known are: ${some}`
    const mend = hint === undefined ? (otherwise ?? others) : `did you mean ${quoted(hint)}?`
    report(path, `unknown ${kind} ${quoted(name)}; ${mend}`, part)
    return false
  }

/** Checks that names stand for something, and reports those that do not. */
export const createKnownNames = (source: RuleSetSource, report: Report) => {
  const tiers = Object.keys(source.tiers)
  const people = Object.keys(source.people)
  const services = Object.keys(source.services)
  const workloads = Object.keys(source.workloads)
  const labels = [...new Set(Object.values(source.services).flatMap((service) => service.labels))]

  const known = knownBy(report)

  /** That there are no tiers is a fault of its own. */
  const tier = (name: string, path: YamlPath, part?: Part): boolean =>
    tiers.length > 0 && known('tier', tiers, name, path, { part })

  const onePeople = (name: string, path: YamlPath, withOwners: boolean, instead?: string): void => {
    if (name === ownersName) {
      if (withOwners) return
      const one = people.length === 0 ? '' : `: ${people.slice(0, 8).join(', ')}`
      report(path, `"owners" means nobody here, where no one service is meant; name a set of people${one}`)
      return
    }
    if (people.includes(name)) return
    const [group] = Object.entries(source.people).find(([, { groups }]) => groups.includes(name)) ?? []
    const otherwise = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(name)
      ? 'nobody is named by their address; name a set of "people", which may hold somebody by "subjects"'
      : undefined
    known('people', people, name, path, { instead: instead ?? group, otherwise })
  }

  return {
    tier,
    tiers: (names: readonly string[], path: YamlPath): boolean =>
      names.map((name, index) => tier(name, [...path, index])).every(Boolean),
    /** `owners` counts where the rule is about one service at a time. */
    people: (names: readonly string[], path: YamlPath, withOwners = true): void => {
      for (const [index, name] of names.entries()) onePeople(name, [...path, index], withOwners)
    },
    /** Of a standing rule, which may be from workloads, too. */
    onePeople: (name: string, path: YamlPath): void =>
      onePeople(name, path, false, workloads.includes(name) ? `${workloadPrefix}${name}` : undefined),
    services: (names: readonly string[], path: YamlPath): void => {
      for (const [index, name] of names.entries()) {
        if (name === '*') continue
        const at = [...path, index]
        const label = labelIn(name)
        if (label === undefined) {
          known('service', services, name, at, {
            instead: labels.includes(name) ? `label:${name}` : undefined,
          })
        } else {
          const near = services.includes(label) ? label : nearest(label.trim(), labels)
          const instead = near === undefined || near === label ? near : `label:${near}`
          known('label', labels, label, at, { instead })
        }
      }
    },
    service: (name: string, path: YamlPath): boolean => known('service', services, name, path),
    workload: (name: string, path: YamlPath): boolean => {
      const plain = name.startsWith(workloadPrefix) ? name.slice(workloadPrefix.length) : name
      return known('workload', workloads, name, path, {
        instead: plain !== name && workloads.includes(plain) ? plain : undefined,
      })
    },
    profile: (name: string, path: YamlPath): boolean =>
      known('profile', Object.keys(source.profiles), name, path),
    release: (name: string, releases: readonly string[], path: YamlPath): boolean =>
      known('release', releases, name, path),
  }
}

export type KnownNames = ReturnType<typeof createKnownNames>
