import { labelIn } from '../../domain/rule-set.ts'
import { ownersName } from '../compile/known-names.ts'
import { allTerms } from '../own-tiers.ts'
import { readFrom } from '../standing-from.ts'
import type { Finding, Looked } from './finding.ts'
import { holdsAll } from './people-cover.ts'

/** Names that stand for something, and that nothing uses. */
export const unused = (looked: Looked): Finding[] => {
  const { source } = looked
  const [usedPeople, usedLabels] = [peopleIn(looked), labelsIn(looked)]
  const usedProfiles = new Set(Object.values(source.services).map(({ profile }) => profile))
  const usedWorkloads = new Set([
    ...source.standing.flatMap(({ from }) => {
      const read = readFrom(from)
      return read.kind === 'workload' ? [read.name] : []
    }),
    ...source.egress.flatMap(({ from }) => from),
  ])
  const unusedIn = (
    section: 'people' | 'workloads' | 'profiles',
    kind: Finding['kind'],
    used: ReadonlySet<string | undefined>,
    what: (name: string) => string,
  ): Finding[] =>
    Object.keys(source[section])
      .filter((name) => !used.has(name))
      .map((name) => ({ kind, path: [section, name], part: 'key', what: what(name) }))
  return [
    ...unusedIn(
      'people',
      'people-unused',
      usedPeople,
      (name) => `no rule names the people "${name}"; remove them, or use them`,
    ),
    ...unusedIn(
      'workloads',
      'workload-unused',
      usedWorkloads,
      (name) => `no rule names the workload "${name}"; remove it, or use it`,
    ),
    ...unusedIn(
      'profiles',
      'profile-unused',
      usedProfiles,
      (name) => `no service has the profile "${name}"; remove it, or use it`,
    ),
    ...unusedLabels(looked, usedLabels),
  ]
}

/** Each label once, where it is given first. */
const unusedLabels = ({ source }: Looked, used: ReadonlySet<string | undefined>): Finding[] => {
  const found = new Map<string, Finding>()
  for (const [service, { labels }] of Object.entries(source.services))
    for (const [index, label] of labels.entries())
      if (!used.has(label) && !found.has(label))
        found.set(label, {
          kind: 'label-unused',
          path: ['services', service, 'labels', index],
          what: `no rule names label:${label}; remove it, or use it`,
        })
  return [...found.values()]
}

const peopleIn = ({ source }: Looked): Set<string> => {
  const { services, on_page, on_request, standing, break_glass, incident_command, lock } = source
  return new Set([
    ...allTerms(source).flatMap(({ terms: { approvals } }) => [
      ...(approvals?.from ?? []),
      ...(approvals?.escalate?.to ?? []),
    ]),
    ...Object.values(services).flatMap(({ owners }) => owners),
    ...[...on_page, ...on_request].flatMap(({ who }) => who),
    ...standing.map(({ from }) => from),
    ...[break_glass, incident_command, lock].flatMap((one) => one?.who ?? []),
  ])
}

const labelsIn = ({ source }: Looked): Set<string | undefined> => {
  const lists = [
    ...[...source.on_page, ...source.on_request, ...source.freeze].map(({ services }) => services),
    ...source.on_page.flatMap(({ also }) => also.map(({ services }) => services)),
    ...source.standing.map(({ to }) => to),
  ]
  return new Set(lists.flat().map(labelIn))
}

/** Two names for the same people. */
export const samePeople = ({ rules }: Looked): Finding[] => {
  const all = [...rules.people].filter(([name]) => name !== ownersName)
  return all.flatMap(([name, people], index): Finding[] => {
    const twin = all
      .slice(0, index)
      .find(
        ([, other]) =>
          other.until === people.until &&
          (['groups', 'roles', 'subjects'] as const).every(
            (key) => holdsAll(other[key], people[key]) && holdsAll(people[key], other[key]),
          ),
      )
    if (twin === undefined) return []
    return [
      {
        kind: 'people-twice',
        path: ['people', name],
        part: 'key',
        what: `"${name}" are the same people as "${twin[0]}"; keep one name`,
      },
    ]
  })
}
