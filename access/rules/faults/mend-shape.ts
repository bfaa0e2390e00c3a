import { nearest } from '../../domain/nearest.ts'
import { readYaml, type YamlPath } from '../yaml/read-yaml.ts'
import { type Described, valueAt } from './describe-issue.ts'
import { exampleAt, sections } from './examples.ts'
import { holdsNames, keysAt } from './schema-at.ts'

/** A value that is put where a faulty one stood, so that the rest can be looked at. */
export type Mended = {
  readonly value: unknown
  /** Whether something at this path is ours, so that it is no fault of the file's. */
  readonly isOurs: (path: YamlPath) => boolean
}

const given = ['labels', 'releases']

/**
 * The same with an example in place of each fault of shape, so that names can be looked up in the same go. Undefined
 * where the faults are in what gives names: then it can't be known which of them dangle.
 */
export const mendShape = (faulty: unknown, faults: readonly Described[]): Mended | undefined => {
  const value: unknown = structuredClone(faulty)
  const ours: YamlPath[] = []
  for (const { path } of faults) {
    const key = path.at(-1)
    const holder = valueAt(value, path.slice(0, -1))
    if (key === undefined || typeof holder !== 'object' || holder === null) return undefined
    const givesNames = path.length <= 2 && sections.includes(String(path[0]))
    if (givesNames || given.includes(String(key))) return undefined
    const into = holder as Record<string | number, unknown>
    const around = path.slice(0, -1)
    ours.push(path)
    if (typeof key === 'number') {
      into[key] = 'x'
    } else if (around.at(-1) === 'releases') {
      into[key] = 'http://127.0.0.1'
    } else if (!keysAt(around).includes(key) && !holdsNames(around)) {
      const meant = nearest(key, keysAt(around))
      if (meant !== undefined && !Object.hasOwn(into, meant)) {
        into[meant] = into[key]
        ours.push([...around, meant])
      }
      delete into[key]
    } else {
      const read = readYaml(`a: ${exampleAt(path) ?? ''}`)
      if (read.ok) into[key] = valueAt(read.source.value, ['a'])
      else delete into[key]
    }
  }
  const isOurs = (path: YamlPath): boolean =>
    ours.some((own) => own.every((key, index) => path[index] === key))
  return { value, isOurs }
}
