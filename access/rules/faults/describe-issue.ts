import type { core } from 'zod'
import { nearest } from '../../domain/nearest.ts'
import type { Part } from '../rule-file.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { exampleAt, sections } from './examples.ts'
import { type Layout, ruleSetLayout } from './schema-at.ts'
import { inList, quoted } from './wording.ts'

/** Where an issue stands, and what is wrong there in words. */
export type Described = { readonly path: YamlPath; readonly what: string; readonly part: Part }

/** The value at a path; undefined where there is none. */
export const valueAt = (value: unknown, path: YamlPath): unknown => {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string | number, unknown>)[key]
  }
  return at
}

/**
 * The issues of a file's shape in our own words; by default of a rule set. The issues' own texts are empty, but where its
 * `source.ts` says them.
 */
export const describeIssues = (
  root: unknown,
  issues: readonly core.$ZodIssue[],
  layout: Layout = ruleSetLayout,
): Described[] => {
  const keys = typeof root === 'object' && root !== null && !Array.isArray(root) ? Object.keys(root) : []
  if (!keys.some((key) => layout.keysAt([]).includes(key)))
    return [{ path: [], what: layout.isNone, part: 'value' }]
  const described = issues.flatMap((issue) => describeIssue(root, issue, [], layout))
  const outdented = new Map<string, Described>()
  for (const { path } of described) {
    const found = outdentedAt(path, layout)
    if (found !== undefined) outdented.set(String(found.path[1]), found)
  }
  if (outdented.size === 0) return described
  const others = described.filter(({ path }) => outdentedAt(path, layout) === undefined)
  return [...others, ...outdented.values()]
}

/** A key of a service that stands beside it: it is taken for a service of that name, and lacks all that one has. */
const outdentedAt = ([section, name]: YamlPath, { keysAt, holdsNames }: Layout): Described | undefined => {
  if (typeof section !== 'string' || typeof name !== 'string' || !holdsNames([section])) return undefined
  const path = [section, name]
  if (!keysAt(path).includes(name)) return undefined
  const what = `"${name}" stands directly below "${section}", as if it were the name of one; indent it further`
  return { path, what, part: 'key' }
}

const describeIssue = (
  root: unknown,
  issue: core.$ZodIssue,
  under: YamlPath,
  layout: Layout,
): Described[] => {
  const path = [...under, ...issue.path.filter((key): key is string | number => typeof key !== 'symbol')]
  const name = path.at(-1)
  const value = valueAt(root, path)
  const one = (what: string, part: Part = 'value'): Described[] => [{ path, what, part }]

  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      what: unknownKey(key, path, layout),
      part: 'key',
    }))
  if (issue.code === 'invalid_key') return one(issue.issues.map(({ message }) => message).join('; '), 'key')
  if (name === undefined) return one(layout.isNone)
  if (value === undefined) return isMisspelt(root, path, layout) ? [] : one(missing(path, layout), 'key')
  if (issue.code === 'invalid_union') {
    const shape = shapeOf(value)
    const branch = issue.errors.find((errors) => !errors.some((error) => isOfOtherShape(error, shape)))
    if (branch !== undefined) return branch.flatMap((inner) => describeIssue(root, inner, path, layout))
  }
  if (issue.message !== '') return one(issue.message)
  const what = nameOf(path)
  if (issue.code === 'invalid_union')
    return one(wrongShape(path, value, issue.errors.flatMap(expectedOf), layout))
  if (issue.code === 'invalid_type') return one(wrongShape(path, value, [issue.expected], layout))
  if (issue.code === 'invalid_value')
    return one(`${what} can't be ${wordFor(value)}; ${choose(value, issue.values)}`)
  if (issue.code === 'too_small' && issue.origin === 'array')
    return one(`${what} is empty; name at least one`)
  if (issue.code === 'too_small' && name === 'count' && path.at(-2) === 'approvals')
    return one(
      `${what} can't be ${wordFor(value)}; write 1 or more, or leave out "approvals" where none is needed`,
    )
  if (issue.code === 'too_small')
    return one(`${what} can't be ${wordFor(value)}; write ${issue.minimum} or more`)
  if (issue.code === 'too_big')
    return one(`${what} can't be ${wordFor(value)}; write ${issue.maximum} or less`)
  return one(`${what} can't be ${wordFor(value)}${such(path)}`)
}

const unknownKey = (key: string, path: YamlPath, { keysAt }: Layout): string => {
  const keys = keysAt(path)
  const hint = nearest(key, keys)
  const mend = hint === undefined ? `known here are: ${keys.join(', ')}` : `did you mean "${hint}"?`
  return `unknown key ${quoted(key)}; ${mend}`
}

/** Beside a key that was meant to be this one, its absence is no second fault. */
const isMisspelt = (root: unknown, path: YamlPath, { keysAt }: Layout): boolean => {
  const [key, around] = [path.at(-1), path.slice(0, -1)]
  const siblings = valueAt(root, around)
  if (typeof siblings !== 'object' || siblings === null || Array.isArray(siblings)) return false
  const keys = keysAt(around)
  return Object.keys(siblings).some((one) => !keys.includes(one) && nearest(one, keys) === key)
}

const missing = (path: YamlPath, { elsewhere }: Layout): string => {
  const [key, parent] = [path.at(-1), path.at(-2)]
  const into = parent === undefined || typeof parent === 'number' ? 'here' : `to "${parent}"`
  const other = elsewhere?.(path)
  return `"${key}" is missing; add it ${into}${other === undefined ? '' : ` or in ${other}`}${such(path)}`
}

/** `, for example zone: Europe/Berlin`; nothing where no example would help. */
const such = (path: YamlPath): string => {
  const [section, key] = [path[0], path.at(-1)]
  if (path.length === 1 && section !== 'people' && sections.includes(String(section))) return ''
  const example = exampleAt(path)
  return example === undefined ? '' : `, for example ${key}: ${example}`
}

const choose = (value: unknown, values: readonly unknown[]): string => {
  const choices = values.map(String)
  const [only] = choices
  if (choices.length === 1) {
    if (typeof value === 'string' && value === only) return `write ${only}, without quotes`
    return `write ${only}`
  }
  const hint = typeof value === 'string' ? nearest(value, choices) : undefined
  if (hint !== undefined) return `did you mean "${hint}"?`
  return `write ${choices.slice(0, -1).map(quoted).join(', ')} or ${quoted(choices.at(-1))}`
}

const shapeOf = (value: unknown): 'list' | 'map' | 'number' | 'text' | 'other' => {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'object' && value !== null) return 'map'
  if (typeof value === 'number') return 'number'
  return typeof value === 'string' ? 'text' : 'other'
}

const shapes: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'list',
  object: 'map',
  record: 'map',
  number: 'number',
  int: 'number',
  boolean: 'other',
}

/** Whether an issue at the top of a branch says that the branch is for another shape of value. */
const isOfOtherShape = (issue: core.$ZodIssue, shape: string): boolean =>
  issue.code === 'invalid_type' && issue.path.length === 0 && shapes[issue.expected] !== shape

const expectedOf = (errors: readonly core.$ZodIssue[]): string[] =>
  errors.flatMap((error) =>
    error.code === 'invalid_type' && error.path.length === 0 ? [error.expected] : [],
  )

const wrongShape = (
  path: YamlPath,
  value: unknown,
  expected: readonly string[],
  { keysAt }: Layout,
): string => {
  const what = nameOf(path)
  const isScalar = typeof value !== 'object' || value === null
  const wants = (kind: string): boolean => expected.includes(kind)
  if (wants('array') && isScalar && !(wants('object') && such(path) !== '')) {
    const members = String(value)
      .split(/\s*,\s*/)
      .filter((one) => one !== '')
    return `${what} must be a list; write [${members.map(inList).join(', ')}]`
  }
  if (wants('array') && !isScalar && !Array.isArray(value)) {
    const [first] = Object.keys(value)
    const example = first === undefined ? '' : `, such as "- ${first}: …"`
    return `${what} must be a list; put "- " before the first key of each of its parts${example}`
  }
  if (wants('array') && !isScalar)
    return `${what} must be a list; begin each of its parts with "- ", or write [ ] around them`
  if (wants('string') && typeof value !== 'string' && isScalar)
    return `${what} must be text; write it in quotes: "${value}"`
  if (wants('string')) return `${what} must be one text, not ${wordFor(value)}${such(path)}`
  if (wants('boolean')) return `${what} must be true or false; ${meantBoolean(value)}`
  if (wants('int') || wants('number')) {
    const meant =
      typeof value === 'string' && /^\d{1,6}$/.test(value) ? `; write ${value}, without quotes` : such(path)
    return `${what} must be a whole number, not ${wordFor(value)}${meant}`
  }
  if (wants('record') && Array.isArray(value))
    return `${what} must not be a list; write each name as a key below it, without "-": "name:"`
  if (path.length === 2 && path[0] === 'people' && (Array.isArray(value) || typeof value === 'string')) {
    const groups = [value].flat().map((one) => (typeof one === 'object' ? '…' : inList(String(one))))
    return `${what} must say how to know these people; write ${path[1]}: { groups: [${groups.join(', ')}] }`
  }
  const keys = keysAt(path)
  const example = such(path)
  const mend =
    example !== '' ? example : keys.length === 0 ? '; write "name:" below it' : ` (${keys.join(', ')})`
  return `${what} must be keys with values, not ${typeof value === 'string' ? 'text' : wordFor(value)}${mend}`
}

const meantBoolean = (value: unknown): string => {
  if (value === 'yes' || value === 'on' || value === 1) return 'write true'
  if (value === 'no' || value === 'off' || value === 0) return 'write false'
  return `not ${wordFor(value)}`
}

/** What a value is called: short texts and numbers as they are. */
const wordFor = (value: unknown): string => (value === null ? 'nothing' : quoted(value))

/** What a path is called: its last key, and for a member of a list its place there. */
const nameOf = (path: YamlPath): string => {
  const last = path.at(-1)
  if (typeof last !== 'number') return `"${last}"`
  const list = path.findLast((key) => typeof key === 'string')
  return `"${list}[${last}]"`
}
