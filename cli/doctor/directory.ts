import { readFile } from 'node:fs/promises'
import type { Statements } from '#access/adapters/statements.ts'
import { formatDuration } from '#access/domain/duration.ts'
import { groupsOf, type RuleSet } from '#access/domain/rule-set.ts'
import type { Directory } from '#access/ports.ts'
import { loadDirectory } from '#access/runtime/directory.ts'
import { type Examined, type Finding, ok, warn } from './examine.ts'
import { counted } from './words.ts'

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
  return { findings: [ok(what), ...namedInVain(rules, directory)], value: undefined }
}

const namedInVain = (rules: RuleSet, directory: Directory): Finding[] => {
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
    .map(([name, use]) => ({ name, use, groups: groupsOf(rules, [name]) }))
    .filter(({ groups }) => directory.inGroups(groups).length === 0)
    .map(({ name, use, groups }) =>
      warn(
        `nobody belongs to "${name}" (${groups.join(', ')}), who should ${use.join(', ')}`,
        'sign a directory in which somebody active has such a group, or name others in the rule set',
      ),
    )
}
