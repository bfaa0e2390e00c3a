import type { RuleSet, Service } from '../../domain/rule-set.ts'
import type { Approvals, Tier } from '../../domain/tier.ts'
import { levelSaying } from '../own-tiers.ts'
import type { RuleSetSource } from '../source.ts'
import { few } from '../words.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import type { Finding, Looked } from './finding.ts'

/** Rules that ask for approval on services where nobody is named to give it. */
export const unnamedApprovers = ({ rules }: Looked): Finding[] =>
  rules.onRequest.flatMap(({ id, tiers, how }, index) =>
    how !== 'approval'
      ? []
      : tiers.flatMap((tier, place): Finding[] => {
          const without = [...rules.services.values()].filter(
            (service) =>
              service.onRequest.some((rule) => rule.id === id) &&
              service.tiers.some(({ name, approvals }) => name === tier && approvals === undefined),
          )
          if (without.length === 0) return []
          const names = few(without.map(({ name }) => name))
          return [
            {
              kind: 'approvers-unnamed',
              path: ['on_request', index, 'tiers', place],
              what: `nobody is named to approve "${tier}" of ${names}, so asking is refused there; give the tier "approvals", or name other services`,
            },
          ]
        }),
  )

/** Tiers that need more approvals than there are people to give them. */
export const impossibleApprovals = (looked: Looked): Finding[] =>
  [...looked.rules.services.values()].flatMap((service) =>
    service.tiers.flatMap((tier) => {
      const { approvals } = tier
      if (approvals === undefined || tier.patterns.length === 0) return []
      const path = approvalsPath(looked.source, service.name, tier.name)
      const fault = faultOf(looked, service, tier, approvals)
      return fault === undefined ? [] : [{ ...fault, path }]
    }),
  )

const faultOf = (
  { rules, now }: Looked,
  service: Service,
  { name }: Tier,
  { count, from, distinct }: Approvals,
): Omit<Finding, 'path'> | undefined => {
  const live = from.filter((people) => (rules.people.get(people)?.until ?? Number.POSITIVE_INFINITY) > now)
  if (live.length === 0)
    return {
      kind: 'approvers-gone',
      what: `nobody is left to approve "${name}": the time of ${few(from)} is over; name others in "from"`,
    }
  if (distinct && live.length < count)
    return {
      kind: 'approvers-too-few',
      what: `"${name}" needs ${count} approvals from distinct teams, and of those in "from" only ${live.length === 1 ? 'one is' : `${live.length} are`} left; name more or need fewer`,
    }
  const named = subjectsOf(rules, live)
  if (named === undefined) return undefined
  if (named.size < count)
    return {
      kind: 'approvers-too-few',
      what: `"${name}" needs ${count} approvals, and "from" names ${named.size === 1 ? 'one person' : `${named.size} people`} in all; name more or need fewer`,
    }
  const askers = service.onRequest.filter(({ tiers }) => tiers.includes(name)).flatMap(({ who }) => who)
  const asking = subjectsOf(rules, askers) ?? new Set<string>()
  const alone = [...asking].filter((subject) => named.has(subject) && named.size - 1 < count)
  if (alone.length === 0) return undefined
  const others = named.size === 1 ? 'nobody else may approve it' : 'too few others may approve it'
  return {
    kind: 'approvers-only-self',
    what: `${few(alone.map((subject) => `"${subject}"`))} may ask for "${name}", and ${others}: nobody approves for themselves; name others in "from"`,
  }
}

/** The people that these sets name one by one; undefined where a group or role may hold anybody. */
const subjectsOf = (rules: RuleSet, names: readonly string[]): Set<string> | undefined => {
  const subjects = new Set<string>()
  for (const name of names) {
    const people = rules.people.get(name)
    if (people === undefined || people.groups.length + people.roles.length > 0) return undefined
    for (const subject of people.subjects) subjects.add(subject)
  }
  return subjects
}

/** Where the approvals of a service's tier are said: its own, its profile's or those everywhere. */
export const approvalsPath = (source: RuleSetSource, service: string, tier: string): YamlPath => [
  ...(levelSaying(source, service, tier, 'approvals')?.path ?? ['tiers']),
  tier,
  'approvals',
]
