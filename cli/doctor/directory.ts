import { readFile } from 'node:fs/promises'
import type { Statements } from '#access/adapters/statements.ts'
import { formatDuration } from '#access/domain/duration.ts'
import { belongsTo, type RuleSet } from '#access/domain/rule-set.ts'
import type { Directory } from '#access/ports.ts'
import { loadDirectory } from '#access/runtime/directory.ts'
import { counted } from '../print.ts'
import { type Examined, type Finding, ok, warn } from './examine.ts'

/** The directory's signature and age, who has which alias, and the people whom the rules name in vain. */
export const lookAtDirectory = async (
  file: string,
  rules: RuleSet,
  statements: Statements,
  now: number,
): Promise<Examined<undefined>> => {
  const directory = await loadDirectory(file, statements)
  const { asOf, people } = await statements.verify('directory', (await readFile(file, 'utf8')).trim())
  const having = (alias: 'slack' | 'pagerduty'): number =>
    people.filter((person) => person[alias] !== undefined).length
  const what = `${counted(people.length, 'person', 'people')}, ${having('slack')} with Slack, ${having('pagerduty')} with PagerDuty, signed ${formatDuration(now - asOf)} ago`
  return { findings: [ok(what), ...namedInVain(rules, directory, now)], value: undefined }
}

/** What makes somebody one of a set of people, in a few words. */
const describePeople = (rules: RuleSet, name: string): string => {
  const { groups = [], roles = [], subjects = [], until } = rules.people.get(name) ?? {}
  const parts = [
    ...groups,
    ...roles.map((role) => `role ${role}`),
    ...(subjects.length === 0 ? [] : [counted(subjects.length, 'subject')]),
    ...(until === undefined ? [] : [`until ${new Date(until).toISOString().slice(0, 16)}Z`]),
  ]
  return parts.join(', ')
}

const namedInVain = (rules: RuleSet, directory: Directory, now: number): Finding[] => {
  const uses = new Map<string, string[]>()
  const note = (names: readonly string[], use: string): void => {
    for (const name of names) uses.set(name, [...(uses.get(name) ?? []), use])
  }
  for (const service of rules.services.values()) {
    note(service.owners, `own ${service.name}`)
    for (const { name, approvals } of service.tiers)
      if (approvals !== undefined) note(approvals.from, `approve ${name} of ${service.name}`)
  }
  return [...uses]
    .filter(([name]) => directory.activeWhere((person) => belongsTo(rules, [name], person, now)).length === 0)
    .map(([name, use]) =>
      warn(
        `nobody belongs to "${name}" (${describePeople(rules, name)}), who should ${use.join(', ')}`,
        'sign a directory in which somebody active belongs to it, or name others in the rule set',
      ),
    )
}
