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

/** The rule set for a process: in production, who people are may not come over plain HTTP. */
export const loadRulesFor = async (config: {
  readonly PAGEPASS_MODE: 'production' | 'sandbox'
  readonly PAGEPASS_RULES: string
}): Promise<RuleSet> => {
  const rules = await loadRules(config.PAGEPASS_RULES)
  if (config.PAGEPASS_MODE === 'production' && !rules.identity.issuer.startsWith('https://')) {
    throw new Fault(
      'rules/invalid',
      `${config.PAGEPASS_RULES}: the issuer ${rules.identity.issuer} is not https`,
      {
        mend: 'production needs an identity provider with https',
      },
    )
  }
  return rules
}
