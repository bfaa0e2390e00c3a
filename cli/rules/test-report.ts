import { type Covered, type Share, shareOf } from '#access/rules/cases/coverage.ts'
import type { Result } from '#access/rules/cases/run-case.ts'
import { cameText, expectationText } from '#access/rules/cases/words.ts'
import type { Place, RuleSetFault } from '#access/rules/rule-file.ts'
import { placeText } from '#access/runtime/rules.ts'
import { counted, jsonLines, painter } from '../print.ts'
import { explainCommand } from './explain-command.ts'

/** What came of the cases of one rule set: of a folder, in one of its environments. */
export type Tested = { readonly path: string; readonly results: readonly Result[] }

export type TestReport = {
  /** The rule set, as it was named. */
  readonly path: string
  readonly tested: readonly Tested[]
  readonly coverage: readonly Covered[]
  /** How many percent of the rules, and of the patterns, have to be covered. */
  readonly min: number | undefined
}

type Failure = Place & {
  readonly name: string
  readonly wrong: readonly string[]
  readonly expected: string
  readonly came: string
  readonly why: string
  readonly explain: string | undefined
}

const failureOf = (path: string, { one, came, wrong, why }: Result): Failure => {
  const [first] = wrong
  return {
    name: one.name,
    ...one.placeOf(first),
    wrong,
    expected: expectationText(one.expect),
    came: cameText(one.expect, came),
    why,
    explain: explainCommand(path, one),
  }
}

/** What fails in several environments alike is said once, with the first of them. */
const failuresOf = ({ tested }: TestReport): Failure[] => {
  const failures = new Map<string, Failure>()
  for (const { path, results } of tested)
    for (const result of results) {
      if (result.wrong.length === 0) continue
      const { explain, ...failure } = failureOf(path, result)
      const key = JSON.stringify(failure)
      failures.set(key, failures.get(key) ?? { ...failure, explain })
    }
  return [...failures.values()]
}

const casesIn = ({ tested }: TestReport): number => tested[0]?.results.length ?? 0

/** How many cases fail somewhere. */
const failedIn = ({ tested }: TestReport): number =>
  Array.from({ length: tested[0]?.results.length ?? 0 }).filter((_, index) =>
    tested.some(({ results }) => (results[index]?.wrong.length ?? 0) > 0),
  ).length

const sharesOf = ({ coverage }: TestReport) =>
  [
    ['rules', shareOf(coverage, 'rule')],
    ['patterns', shareOf(coverage, 'pattern')],
  ] as const satisfies readonly (readonly [string, Share])[]

/** Whether every case holds, and as much is covered as has to be. */
export const isGood = (report: TestReport): boolean =>
  failedIn(report) === 0 && sharesOf(report).every(([, { percent }]) => percent >= (report.min ?? 0))

/** A line for each case that fails, for each rule and pattern that no case covers, and a summary. */
export const testText = (report: TestReport, colours: boolean): string => {
  const paint = painter(colours)
  const { path, coverage, min } = report
  const [failed, all] = [failedIn(report), casesIn(report)]
  const lines = [
    ...failuresOf(report).flatMap(({ name, expected, came, why, explain, ...place }) => [
      `${placeText(place)} ${paint('red', `${name}: expected ${expected}; came ${came}`)}`,
      `  ${why}`,
      ...(explain === undefined ? [] : [`  ${paint('dim', `explain it: ${explain}`)}`]),
    ]),
    ...uncovered(coverage).map(
      ({ place, kind, what }) => `${placeText(place)} ${paint('yellow', `not covered: the ${kind} ${what}`)}`,
    ),
    failed === 0
      ? paint('green', `${path}: ${all === 1 ? 'the one case holds' : `all ${all} cases hold`}`)
      : paint(
          'red',
          `${path}: ${failed} of ${counted(all, 'case')} ${failed === 1 ? 'does' : 'do'} not hold`,
        ),
    `covered: ${sharesOf(report)
      .map(([kind, { covered, of, percent }]) => `${covered} of ${of} ${kind} (${percent} %)`)
      .join(', ')}`,
    ...sharesOf(report).flatMap(([kind, { percent }]) =>
      percent >= (min ?? 0) ? [] : [paint('red', `too few ${kind} are covered: ${percent} %, not ${min} %`)],
    ),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

const uncovered = (coverage: readonly Covered[]): Covered[] => coverage.filter(({ covered }) => !covered)

/** The same as JSON, one object a line; the last is the summary. */
export const testJson = (report: TestReport): string =>
  jsonLines([
    ...failuresOf(report).map(({ name, explain, ...failure }) => ({
      level: 'failure',
      case: name,
      ...failure,
      ...(explain === undefined ? {} : { explain }),
    })),
    ...uncovered(report.coverage).map(({ kind, what, place }) => ({
      level: 'uncovered',
      kind,
      what,
      ...place,
    })),
    {
      path: report.path,
      good: isGood(report),
      cases: casesIn(report),
      failed: failedIn(report),
      ...Object.fromEntries(sharesOf(report)),
      ...(report.min === undefined ? {} : { min: report.min }),
    },
  ])

/** The faults of files of cases. */
export const faultText = (faults: readonly RuleSetFault[], colours: boolean): string => {
  const paint = painter(colours)
  return faults.map((fault) => `${placeText(fault)} ${paint('red', fault.what)}\n`).join('')
}

export const faultJson = (faults: readonly RuleSetFault[]): string =>
  jsonLines(faults.map((fault) => ({ level: 'fault', ...fault })))
