import type { People, RuleSet } from '../../domain/rule-set.ts'
import { allOf, momentText } from '../words.ts'
import type { Found } from './change.ts'
import { cameAndWent } from './compared.ts'
import { words } from './sentence.ts'

/** Who belongs to the named sets of people, and which subjects are which workload. */
export const peopleChanges = (old: RuleSet, now: RuleSet): Found[] => [
  ...[...now.people].flatMap(([name, people]) => {
    const before = old.people.get(name)
    return before === undefined ? added(name, people) : compare(name, before, people)
  }),
  ...[...old.people.keys()]
    .filter((name) => !now.people.has(name))
    .map(
      (name): Found => ({
        kind: 'loses',
        danger: 20,
        say: words`${name} is no longer a set of people`,
      }),
    ),
  ...workloadChanges(old, now),
]

const added = (name: string, people: People): Found[] => {
  const { until } = people
  const end = until === undefined ? '' : `, until ${dayText(until)}`
  return [
    {
      kind: 'changes',
      danger: 60,
      say: words`${name} is a new set of people: ${allOf(waysOf(people))}${end}`,
    },
  ]
}

const waysOf = ({ groups, roles, subjects }: People): string[] => [
  ...groups.map((group) => `group ${group}`),
  ...roles.map((role) => `role ${role}`),
  ...subjects.map((subject) => `subject ${subject}`),
]

const compare = (name: string, old: People, now: People): Found[] => {
  const { came, went } = cameAndWent(waysOf(old), waysOf(now))
  const found: Found[] = []
  if (came.length > 0)
    found.push({ kind: 'gains', danger: 72, say: words`${name} now also means ${allOf(came)}` })
  if (went.length > 0)
    found.push({ kind: 'loses', danger: 62, say: words`${name} no longer means ${allOf(went)}` })
  if (old.until !== now.until) found.push(endChange(name, old.until, now.until))
  return found
}

const endChange = (name: string, old: number | undefined, now: number | undefined): Found => {
  if (now === undefined) return { kind: 'gains', danger: 50, say: words`${name} no longer ends` }
  const kind = old !== undefined && now > old ? 'gains' : 'loses'
  const was = old === undefined ? '' : ` instead of ${dayText(old)}`
  return { kind, danger: 50, say: words`${name} ends ${dayText(now)}${was}` }
}

const dayMs = 86_400_000

/** The last day, where it ends with it; otherwise the moment. */
const dayText = (until: number): string =>
  until % dayMs === 0 ? new Date(until - dayMs).toISOString().slice(0, 10) : momentText(until)

const workloadChanges = (old: RuleSet, now: RuleSet): Found[] => {
  const found: Found[] = []
  for (const [name, subjects] of now.workloads) {
    const before = old.workloads.get(name)
    const { came, went } = cameAndWent(before ?? [], subjects)
    if (before === undefined)
      found.push({
        kind: 'changes',
        danger: 55,
        say: words`${name} is a new workload: subject ${allOf(subjects)}`,
      })
    else if (came.length > 0)
      found.push({
        kind: 'gains',
        danger: 71,
        say: words`the workload ${name} now also means subject ${allOf(came)}`,
      })
    if (went.length > 0)
      found.push({
        kind: 'loses',
        danger: 61,
        say: words`the workload ${name} no longer means subject ${allOf(went)}`,
      })
  }
  for (const name of old.workloads.keys())
    if (!now.workloads.has(name))
      found.push({ kind: 'loses', danger: 20, say: words`${name} is no longer a workload` })
  return found
}
