import { readYaml, type YamlPath, type YamlSource } from './yaml/read-yaml.ts'

/**
 * One file of a rule set: all of it (`whole`), or in a folder what is common (`access.yaml`), the services of one team
 * (`services/<team>.yaml`), and the addresses and ids of one environment (`env/<environment>.yaml`).
 */
export type RuleFile = {
  /** As messages name it. */
  readonly name: string
  readonly part: 'whole' | 'common' | 'team' | 'environment'
  readonly bytes: Uint8Array | string
}

/** One fault of a rule set: where (1-based), what is wrong, and how to mend it. */
export type RuleSetFault = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly what: string
}

/** In the order of the files, and within each of its lines. */
export const inOrderOfPlace = (a: Place, b: Place): number =>
  (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column

export type Place = Omit<RuleSetFault, 'what'>
/** A key, or what it says. */
export type Part = 'key' | 'value'
export type Report = (path: YamlPath, what: string, part?: Part) => void

/** A file that could be read. */
export type ReadFile = { readonly file: RuleFile; readonly source: YamlSource }

/** `services/payments.yaml` is `payments`. */
export const stemOf = ({ name }: RuleFile): string => name.replace(/^.*\//, '').replace(/\.ya?ml$/, '')

const beginningOf = (file: RuleFile): string => {
  if (file.part === 'team') return 'services:'
  return file.part === 'environment' ? `environment: ${stemOf(file)}` : 'version: 1'
}

/** Reads each file; what can't be read is reported. */
export const readFiles = (
  files: readonly RuleFile[],
): { readonly read: readonly ReadFile[]; readonly faults: readonly RuleSetFault[] } => {
  const read: ReadFile[] = []
  const faults: RuleSetFault[] = []
  for (const file of files) {
    const result = readYaml(file.bytes, beginningOf(file))
    if (result.ok) read.push({ file, source: result.source })
    else faults.push(...result.faults.map((fault) => ({ file: file.name, ...fault })))
  }
  return { read, faults }
}

/** Whether a file says anything under the first key of a path. */
const mentions = (value: unknown, key: string | number | undefined): boolean =>
  key === undefined || (typeof value === 'object' && value !== null && Object.hasOwn(value, key))

/** Where a path stands: in the file that says the most of it. */
export const placeIn = (read: readonly ReadFile[], path: YamlPath, part: Part = 'value'): Place => {
  let deepest = { depth: -1, file: read[0]?.file.name ?? '', line: 1, column: 1 }
  for (const { file, source } of read) {
    if (!mentions(source.value, path[0])) continue
    const place = source.placeOf(path, part)
    if (place.depth > deepest.depth) deepest = { ...place, file: file.name }
  }
  const { file, line, column } = deepest
  return { file, line, column }
}
