import { readFile } from 'node:fs/promises'
import { Fault } from '../domain/errors.ts'
import { parseRuleSet } from '../domain/parse-rule-set.ts'
import type { RuleSet } from '../domain/rule-set.ts'

/** Reads and checks a rule set. Its faults are named as `file:line:column what`, all at once. */
export const loadRules = async (file: string): Promise<RuleSet> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('rules/unreadable', `the rule set ${file} can't be read (${error.code})`, {
      mend: 'set PAGEPASS_RULES to the file that holds it',
    })
  })
  const parsed = parseRuleSet(text)
  if (parsed.ok) return parsed.rules
  const lines = parsed.faults.map(({ line, column, what }) => `${file}:${line}:${column} ${what}`)
  throw new Fault('rules/invalid', lines.join('\n'), {
    mend: `mend the file, then try: pagepass rules check ${file}`,
  })
}
