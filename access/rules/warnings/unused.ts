import { ownersName } from '../compile/known-names.ts'
import type { OwnTier } from '../source.ts'
import type { Finding, Looked } from './finding.ts'
import { holdsAll } from './people-cover.ts'

/** Names that stand for something, and that nothing uses. */
export const unused = (looked: Looked): Finding[] => {
  const { source } = looked
  const { people, workloads, profiles, services } = source
  const [usedPeople, usedLabels] = [peopleIn(looked), labelsIn(looked)]
  const usedProfiles = new Set(Object.values(services).map(({ profile }) => profile))
  const usedWorkloads = new Set([
    ...source.standing.flatMap(({ from }) =>
      from.startsWith('workload:') ? [from.slice('workload:'.length)] : [],
    ),
    ...source.egress.flatMap(({ from }) => from),
  ])
  const finding = (kind: Finding['kind'], section: string, name: string, what: string): Finding => ({
    kind,
    path: [section, name],
    part: 'key',
    what,
  })
  return [
    ...Object.keys(people)
      .filter((name) => !usedPeople.has(name))
      .map((name) =>
        finding(
          'people-unused',
          'people',
          name,
          `no rule names the people "${name}"; remove them, or use them`,
        ),
      ),
    ...Object.keys(workloads)
      .filter((name) => !usedWorkloads.has(name))
      .map((name) =>
        finding(
          'workload-unused',
          'workloads',
          name,
          `no rule names the workload "${name}"; remove it, or use it`,
        ),
      ),
    ...Object.keys(profiles)
      .filter((name) => !usedProfiles.has(name))
      .map((name) =>
        finding(
          'profile-unused',
          'profiles',
          name,
          `no service has the profile "${name}"; remove it, or use it`,
        ),
      ),
    ...unusedLabels(looked, usedLabels),
  ]
}

/** Each label once, where it is given first. */
const unusedLabels = ({ source }: Looked, used: ReadonlySet<string>): Finding[] => {
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
  const { tiers, profiles, services, on_page, on_request, standing, break_glass, incident_command, lock } =
    source
  const ofTiers = (
    byTier: Readonly<Record<string, OwnTier | { readonly approvals?: Approvers }>>,
  ): string[] =>
    Object.values(byTier).flatMap((own) =>
      'approvals' in own && own.approvals !== undefined
        ? [...own.approvals.from, ...(own.approvals.escalate?.to ?? [])]
        : [],
    )
  return new Set([
    ...ofTiers(tiers),
    ...Object.values(profiles).flatMap((profile) => ofTiers(profile.tiers)),
    ...Object.values(services).flatMap((service) => [...service.owners, ...ofTiers(service.tiers)]),
    ...[...on_page, ...on_request].flatMap(({ who }) => who),
    ...standing.map(({ from }) => from),
    ...[break_glass, incident_command, lock].flatMap((one) => one?.who ?? []),
  ])
}
type Approvers =
  | { readonly from: readonly string[]; readonly escalate?: { readonly to: readonly string[] } | undefined }
  | undefined

const labelsIn = ({ source }: Looked): Set<string> => {
  const lists = [
    ...[...source.on_page, ...source.on_request, ...source.freeze].map(({ services }) => services),
    ...source.on_page.flatMap(({ also }) => also.map(({ services }) => services)),
    ...source.standing.map(({ to }) => to),
  ]
  return new Set(
    lists.flat().flatMap((entry) => (entry.startsWith('label:') ? [entry.slice('label:'.length)] : [])),
  )
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
