import { type Command, InvalidArgumentError } from 'commander'
import { Fault } from '#access/domain/errors.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { coverageOf, joinCoverage } from '#access/rules/cases/coverage.ts'
import { type CaseFile, readCases } from '#access/rules/cases/read-cases.ts'
import { runCase } from '#access/rules/cases/run-case.ts'
import type { RuleSetFault } from '#access/rules/rule-file.ts'
import { readCasesBeside, readCasesNamed } from '#access/runtime/rule-cases.ts'
import { environmentsOf, type LoadedRules, loadRules, readRuleFiles } from '#access/runtime/rules.ts'
import { hasColours } from '../print.ts'
import { faultJson, faultText, isGood, testJson, testText } from './test-report.ts'

type TestOptions = {
  readonly cases?: readonly string[]
  readonly json?: boolean
  /** Percent. */
  readonly min?: number
}

const help = `
Cases stand beside the rule set: access.test.yaml beside access.yaml; in a folder services/*.test.yaml, too, and they
are tried in each of its environments. What comes of them the decisions of the processes themselves say. Covered is a
rule that decided a case, and a pattern that admitted a request.

  at: 2026-11-20T12:00Z
  people:
    ana: { groups: [team-payments] }
  cases:
    - { who: ana, holds: operate, service: orders-svc, request: POST /v1/orders/7/retry, expect: allowed }
    - { who: ana, service: orders-svc, ask: { tier: operate, because: stuck }, expect: at once }
    - { who: ana, service: orders-svc, page: { priority: P1 }, expect: { is: given, tier: operate, for: 2h } }

Exit code: 0 all cases hold; 1 one does not, less is covered than --min says, or something can't be read.`

/** Makes a new command `test`. */
export const addTest = (command: Command, environment: NodeJS.ProcessEnv): void => {
  command
    .description('try cases written beside a rule set: who expects what; and say what no case covers')
    .argument('[path]', 'a file, or a folder with all its environments', 'access.yaml')
    .option('--cases <files...>', 'files of cases, instead of those beside it')
    .option('--min <percent>', 'fail where less of the rules, or of the patterns, is covered', percent)
    .option('--json', 'one JSON object a line: what fails, what is not covered, and a summary')
    .addHelpText('after', help)
    .action((path: string, options: TestOptions) => testRules(path, options, environment))
}

/**
 * Prints each case that does not hold as `file:line:column`, what no case covers, and a summary.
 * Exit codes: 0 all hold; 1 not. Faults with `rules/invalid` and `rules/unreadable`.
 */
const testRules = async (
  path: string,
  { cases: named, json = false, min }: TestOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const loaded: LoadedRules[] = []
  for (const one of await environmentsOf(path)) loaded.push(await loadRules(one))
  const [first] = loaded
  if (first === undefined) return
  const files = named === undefined ? await casesBeside(path, first) : await readCasesNamed(named)
  const colours = hasColours(environment)

  const faults = new Map<string, RuleSetFault>()
  const tested = loaded.map((parsed) => {
    const read = readCases(parsed, files)
    if (!read.ok) for (const fault of read.faults) faults.set(JSON.stringify(fault), fault)
    const results = read.ok ? read.cases.map((one) => runCase(parsed, one)) : []
    return { path: parsed.path, results, coverage: coverageOf(parsed, results) }
  })
  if (faults.size > 0) {
    const all = [...faults.values()]
    process.stdout.write(json ? faultJson(all) : faultText(all, colours))
    process.exitCode = 1
    return
  }
  const report = { path, tested, coverage: joinCoverage(tested.map(({ coverage }) => coverage)), min }
  process.stdout.write(json ? testJson(report) : testText(report, colours))
  if (!isGood(report)) process.exitCode = 1
}

const casesBeside = async (path: string, { path: named, rules }: LoadedRules): Promise<CaseFile[]> => {
  const { files, names } = await readCasesBeside(await readRuleFiles(named))
  if (files.length > 0) return files
  const [name = 'access.test.yaml'] = names
  throw new Fault('rules/unreadable', `there are no cases beside ${path}`, {
    mend: `begin with a file ${name}, or name others with --cases:\n\n${firstCase(rules)}`,
  })
}

/** A file of cases to begin with: somebody without a pass is refused. */
const firstCase = ({ people, services }: RuleSet): string => {
  const group = [...people.values()].flatMap(({ groups }) => groups)[0] ?? 'sre'
  const [service = 'orders-svc'] = services.keys()
  return `at: 2026-11-20T12:00Z
people:
  ana: { groups: [${JSON.stringify(group)}] }
cases:
  - { who: ana, service: ${service}, request: POST /v1/orders, expect: refused }`
}

const percent = (text: string): number => {
  const number = Number(text)
  if (!/^\d{1,3}$/.test(text) || number > 100) throw new InvalidArgumentError('Write a number from 0 to 100.')
  return number
}
