import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { warningsOf } from '#access/rules/warn.ts'
import { createClock } from '#access/runtime/clock.ts'
import { environmentsOf, readRuleFiles } from '#access/runtime/rules.ts'
import { counted, hasColours } from '../print.ts'
import { type Checked, countOf, jsonOf, textOf } from './check-report.ts'

export type CheckOptions = { readonly strict?: boolean; readonly json?: boolean }

/**
 * Prints every fault of a rule set, or what it may be warned of, as `file:line:column what`, and a summary with its hash;
 * of a folder, for each environment. With `json` one object a line: `{level, kind?, file, line, column, what}`, and for
 * each rule set `{path, sound, hash?, faults, warnings, notes}`.
 * Exit codes: 0 sound; 1 faults; 2 sound but for warnings, under `strict`. Faults with `rules/unreadable`.
 */
export const checkRules = async (
  path: string,
  { strict = false, json = false }: CheckOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const now = createClock().now()
  const checked: Checked[] = []
  for (const one of await environmentsOf(path)) checked.push(await checkOne(one, now))
  process.stdout.write(json ? jsonOf(checked) : textOf(checked, hasColours(environment)))
  if (checked.some(({ sound }) => sound === undefined)) process.exitCode = 1
  else if (strict && checked.some(({ found }) => countOf(found, 'warning') > 0)) process.exitCode = 2
}

const checkOne = async (path: string, now: number): Promise<Checked> => {
  const parsed = parseRuleSet(await readRuleFiles(path))
  if (!parsed.ok)
    return { path, found: parsed.faults.map((fault) => ({ ...fault, level: 'fault' })), sound: undefined }
  const { services, onPage, onRequest, hash } = parsed.rules
  const holds = [
    counted(services.size, 'service'),
    counted(onPage.length, 'page rule'),
    counted(onRequest.length, 'request rule'),
  ].join(', ')
  return { path, found: warningsOf(parsed, now), sound: { hash, holds } }
}
