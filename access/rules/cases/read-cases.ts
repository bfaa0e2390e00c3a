import { nearest } from '../../domain/nearest.ts'
import { createKnownNames } from '../compile/known-names.ts'
import { describeIssues, valueAt } from '../faults/describe-issue.ts'
import { quoted } from '../faults/wording.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { inOrderOfPlace, type Place, type Report, type RuleSetFault } from '../rule-file.ts'
import { readYaml, type YamlPath } from '../yaml/read-yaml.ts'
import { checkCase } from './check-case.ts'
import { linkCase } from './link-case.ts'
import type { RuleCase } from './rule-case.ts'
import { caseFileSource, caseLayout } from './source.ts'

/** A file of cases. `name` is as messages name it. */
export type CaseFile = { readonly name: string; readonly bytes: Uint8Array | string }

export type ReadCases =
  | { readonly ok: true; readonly cases: readonly RuleCase[] }
  | { readonly ok: false; readonly faults: readonly RuleSetFault[] }

/** The cases of these files, about this rule set; or every fault in the files at once. */
export const readCases = (parsed: SoundRuleSet, files: readonly CaseFile[]): ReadCases => {
  const faults: RuleSetFault[] = []
  const cases = files.flatMap((file) => readFile(parsed, file, faults))
  return faults.length > 0 ? { ok: false, faults } : { ok: true, cases }
}

const readFile = (parsed: SoundRuleSet, { name, bytes }: CaseFile, faults: RuleSetFault[]): RuleCase[] => {
  const read = readYaml(bytes, 'cases:')
  if (!read.ok) {
    faults.push(...read.faults.map((fault) => ({ file: name, ...fault })))
    return []
  }
  const { source } = read
  const placeOf = (...[path, part]: Parameters<typeof source.placeOf>): Place => {
    const { line, column } = source.placeOf(path, part)
    return { file: name, line, column }
  }
  const found: RuleSetFault[] = []
  const report: Report = (path, what, part) =>
    found.push({ ...placeOf(asWritten(source.value, path), part), what })

  const shaped = caseFileSource.safeParse(source.value, { error: () => '' })
  if (!shaped.success) {
    for (const { path, what, part } of describeIssues(source.value, shaped.error.issues, caseLayout))
      report(path, what, part)
  } else {
    const known = createKnownNames(parsed.source, report)
    const { people, cases } = shaped.data
    const linked = cases.flatMap((said, index) => {
      const path = ['cases', index]
      const before = found.length
      checkCase(parsed, people, said, path, known, report)
      if (found.length > before) return []
      const one = linkCase(parsed, shaped.data, said, (part) =>
        placeOf([...path, 'expect', ...(part === undefined ? [] : [part])]),
      )
      return one === undefined ? [] : [one]
    })
    reportUnused(shaped.data, report)
    if (found.length === 0) return linked
  }
  faults.push(...found.sort(inOrderOfPlace))
  return []
}

/** One pass may stand without a list around it. */
const asWritten = (value: unknown, path: YamlPath): YamlPath => {
  const [cases, index, key, place, ...rest] = path
  if (key !== 'holds' || typeof place !== 'number' || cases === undefined || index === undefined) return path
  const list = [cases, index, key]
  return Array.isArray(valueAt(value, list)) ? path : [...list, ...rest]
}

/** Somebody whom no case is about is mostly somebody who was misspelt. */
const reportUnused = (
  { people, cases }: { readonly people: Readonly<Record<string, unknown>>; readonly cases: readonly Named[] },
  report: Report,
): void => {
  const named = new Set(
    cases.flatMap(({ who, holds }) => [who, ...holds.flatMap(({ approved_by = [] }) => approved_by)]),
  )
  for (const person of Object.keys(people)) {
    if (named.has(person)) continue
    const hint = nearest(person, named)
    const mend = hint === undefined ? 'write one, or leave them out' : `did you mean ${quoted(hint)}?`
    report(['people', person], `no case is about ${quoted(person)}; ${mend}`, 'key')
  }
}

type Named = {
  readonly who: string
  readonly holds: readonly { readonly approved_by?: readonly string[] | undefined }[]
}
