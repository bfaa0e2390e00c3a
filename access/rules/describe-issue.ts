import { type core, z } from 'zod'
import { nearest } from '../domain/nearest.ts'
import type { YamlPath } from './read-yaml.ts'
import type { Part } from './rule-file.ts'
import { ruleSetSource } from './source.ts'

/** Where an issue stands, and what is wrong there in words. */
export type Described = { readonly path: YamlPath; readonly what: string; readonly part: Part }

/** Every key that a rule set may have somewhere, for guessing what a misspelt one meant. */
const knownKeys = new Set<string>()
const collectKeys = (schema: unknown): void => {
  if (typeof schema !== 'object' || schema === null) return
  if ('properties' in schema) for (const key of Object.keys(schema.properties as object)) knownKeys.add(key)
  for (const member of Object.values(schema)) collectKeys(member)
}
collectKeys(z.toJSONSchema(ruleSetSource, { io: 'input', unrepresentable: 'any' }))

/** The value at a path; undefined where there is none. */
export const valueAt = (value: unknown, path: YamlPath): unknown => {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string | number, unknown>)[key]
  }
  return at
}

/** An issue of the source's shape in our own words; several where it names several things. */
export const describeIssue = (root: unknown, issue: core.$ZodIssue, under: YamlPath = []): Described[] => {
  const path = [...under, ...issue.path.filter((key): key is string | number => typeof key !== 'symbol')]
  const name = path.at(-1)
  const value = valueAt(root, path)
  const one = (what: string, part: Part = 'value'): Described[] => [{ path, what, part }]

  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const hint = nearest(key, knownKeys)
      const mend = hint === undefined ? '' : `; did you mean "${hint}"?`
      return { path: [...path, key], what: `unknown key "${key}"${mend}`, part: 'key' }
    })
  if (name === undefined) return one('the file is not a rule set; begin with "version: 1"')
  const what = nameOf(path)
  if (issue.code === 'invalid_key')
    return one(`the name "${name}": ${issue.issues.map(({ message }) => message).join('; ')}`, 'key')
  if (value === undefined) return one(`"${name}" is missing`, 'key')
  if (issue.code === 'invalid_union') {
    const shape = shapeOf(value)
    const branch = issue.errors.find((errors) => !errors.some((error) => isOfOtherShape(error, shape)))
    if (branch !== undefined) return branch.flatMap((inner) => describeIssue(root, inner, path))
    return one(`${what} can’t be ${wordFor(value)}; ${issue.errors.flatMap(expectedOf).join(' or ')}`)
  }
  if (issue.code === 'invalid_type') return one(wrongType(what, value, issue.expected))
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map(String)
    const hint = typeof value === 'string' ? nearest(value, choices) : undefined
    const shown = typeof value === 'object' ? wordFor(value) : `"${String(value)}"`
    const mend =
      hint === undefined
        ? choices.length === 1
          ? `write ${choices[0]}`
          : `use one of ${choices.join(', ')}`
        : `did you mean "${hint}"?`
    return one(`${what} can’t be ${shown}; ${mend}`)
  }
  if (issue.code === 'too_small')
    return one(
      issue.origin === 'array'
        ? `${what} is empty; name at least one`
        : `${what} must be at least ${issue.minimum}`,
    )
  if (issue.code === 'too_big') return one(`${what} must be at most ${issue.maximum}`)
  return one(`${what.replaceAll('"', '')}: ${issue.message}`)
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

const wrongType = (what: string, value: unknown, expected: string): string => {
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `${what} must be text; write it in quotes: "${value}"`
  if (expected === 'array' && typeof value === 'string') return `${what} must be a list; write [${value}]`
  if (expected === 'boolean' && (value === 'yes' || value === 'on'))
    return `${what} must be true or false; write true`
  if (expected === 'boolean' && (value === 'no' || value === 'off'))
    return `${what} must be true or false; write false`
  if (expected === 'int' && typeof value === 'number') return `${what} must be a whole number, not ${value}`
  return `${what} must be ${words[expected] ?? expected}, not ${wordFor(value)}`
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

const expectedOf = (errors: readonly core.$ZodIssue[]): string[] =>
  errors.flatMap((error) =>
    error.code === 'invalid_type' ? [`write ${words[error.expected] ?? error.expected}`] : [],
  )

const wordFor = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'keys with values'
  return typeof value === 'string' ? 'text' : `${value}`
}

/** What a path is called: its last key, and for a member of a list its place there. */
const nameOf = (path: YamlPath): string => {
  const last = path.at(-1)
  if (typeof last !== 'number') return `"${last}"`
  const list = path.findLast((key) => typeof key === 'string')
  return `${list}[${last}]`
}
