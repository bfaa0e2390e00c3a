import type { RuleSet } from '../domain/rule-set.ts'
import { compile } from './compile/compile.ts'
import { describeIssues } from './faults/describe-issue.ts'
import { mendShape } from './faults/mend-shape.ts'
import { ruleSetLayout } from './faults/schema-at.ts'
import { mergeFiles, ofEnvironmentService } from './merge-files.ts'
import {
  inOrderOfPlace,
  type Part,
  type Place,
  placeIn,
  type Report,
  type RuleFile,
  type RuleSetFault,
  readFiles,
} from './rule-file.ts'
import { type RuleSetSource, ruleSetSource } from './source.ts'
import type { YamlPath } from './yaml/read-yaml.ts'
import { mostFaults } from './yaml/yaml-fault.ts'

/** A rule set, what its files say, and where they say it. */
export type SoundRuleSet = {
  readonly ok: true
  readonly rules: RuleSet
  /** What the files say, merged; defaults are filled in, durations are milliseconds. */
  readonly source: RuleSetSource
  readonly placeOf: (path: YamlPath, part?: Part) => Place
}

export type ParsedRuleSet = SoundRuleSet | { readonly ok: false; readonly faults: readonly RuleSetFault[] }

/** The rule set that these files say, or every fault in them at once. A text is a file of its own. */
export const parseRuleSet = (files: readonly RuleFile[] | string): ParsedRuleSet => {
  const given: readonly RuleFile[] =
    typeof files === 'string' ? [{ name: 'access.yaml', part: 'whole', bytes: files }] : files
  const { read, faults: unread } = readFiles(given)
  if (unread.length > 0) return fail(unread)
  const merged = mergeFiles(read)
  if (merged.faults.length > 0) return fail(merged.faults)

  const faults: RuleSetFault[] = []
  const environment = read.find(({ file }) => file.part === 'environment')
  const placeOf = (path: YamlPath, part?: Part): Place =>
    placeIn(environment !== undefined && isOfEnvironment(path) ? [environment, ...read] : read, path, part)
  const report: Report = (path, what, part) => faults.push({ ...placeOf(path, part), what })
  const parsed = ruleSetSource.safeParse(merged.value, { error: () => '' })
  if (!parsed.success) {
    const described = describeIssues(merged.value, parsed.error.issues, {
      ...ruleSetLayout,
      elsewhere: (path) =>
        isOfEnvironment(path) && placeOf(path, 'key').file !== environment?.file.name
          ? environment?.file.name
          : undefined,
    })
    for (const { path, what, part } of described) report(path, what, part)
    const mended = mendShape(merged.value, described)
    const rest = ruleSetSource.safeParse(mended?.value)
    const reportName: Report = (path, what, part) => {
      if (mended?.isOurs(path) === false) report(path, what, part)
    }
    if (rest.success) compile(rest.data, placeOf, () => {}, reportName)
    return fail(faults)
  }
  const rules = compile(parsed.data, placeOf, report)
  return faults.length > 0 ? fail(faults) : { ok: true, rules, source: parsed.data, placeOf }
}

/** What is said of a service where it says where it is. */
const isOfEnvironment = ([section, , key]: YamlPath): boolean =>
  section === 'services' && typeof key === 'string' && ofEnvironmentService.includes(key)

const fail = (faults: readonly RuleSetFault[]): ParsedRuleSet => {
  const order = faults.toSorted(inOrderOfPlace)
  const first = order[0]
  const surplus = order.length - mostFaults
  if (first === undefined || surplus <= 0) return { ok: false, faults: order }
  const rest = { ...first, line: 1, column: 1, what: `and ${surplus} more; mend these first` }
  return { ok: false, faults: [...order.slice(0, mostFaults), rest] }
}
