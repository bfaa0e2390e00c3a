import { Composer, isMap, isNode, isScalar, isSeq, Parser, type Scalar } from 'yaml'
import {
  type FaultAt,
  listFaults,
  mostFaults,
  type Place,
  placesIn,
  shown,
  type YamlFault,
} from './yaml-fault.ts'
import { readPlain } from './yaml-scalar.ts'
import { decodeText, describeHidden, findConflicts, findHidden, findRefused } from './yaml-text.ts'
import { cutTokens, type Lexeme } from './yaml-tokens.ts'
import { describeGlued, tooDeep, wordsFor } from './yaml-words.ts'

export type YamlPath = readonly (string | number)[]

/** One file's value, and where each part of it stands. */
export type YamlSource = {
  /** Objects without a prototype, arrays, strings, finite numbers and booleans; never null. */
  readonly value: unknown
  /**
   * Where this path stands ("key": the key of a pair; "value": what it says), or of its nearest parent; `depth` = how
   * many parts of the path were found. The whole file stands at 1:1.
   */
  readonly placeOf: (path: YamlPath, part?: 'key' | 'value') => Place & { readonly depth: number }
}

export type ReadYaml =
  | { readonly ok: true; readonly source: YamlSource }
  | { readonly ok: false; readonly faults: readonly YamlFault[] }

const deepest = 32

/**
 * Reads one file of YAML 1.2, less what hides, repeats or surprises: no anchors, aliases, merge keys, tags, directives
 * or second documents, no null, no numbers but in plain digits, no invisible characters. Never throws; all faults at
 * once (at most a hundred), each with its mend. A file has at most 1 MiB, 50,000 values and 32 levels. `beginning` is
 * what whoever left the file empty is told to begin it with.
 */
export const readYaml = (bytes: Uint8Array | string, beginning = 'version: 1'): ReadYaml => {
  const { text, fault } = decodeText(bytes)
  const placeAt = placesIn(text)
  const fail = (faults: readonly FaultAt[]): ReadYaml => ({ ok: false, faults: listFaults(faults, placeAt) })
  if (fault !== undefined) return fail([fault])
  const refused = findRefused(text)
  if (refused.length > 0) return fail(refused)
  const conflicts = findConflicts(text)
  if (conflicts.length > 0) return fail(conflicts)

  const tokens = cutTokens(text)
  const faults = [...tokens.faults, ...outside(findHidden(text), tokens.comments)]
  if (tokens.hopeless) return fail(faults)
  const composed = compose(tokens.lexemes)
  if (composed === undefined) return fail([wordsFor('', text, 0)])

  // One fault has many echoes: the first of a line counts, and none behind the place where the shape was lost.
  const lineOf = (at: number): number => placeAt(at).line
  const faultyLines = new Set(faults.map(({ at }) => lineOf(at)))
  let lostLine = tokens.lostAt === Number.POSITIVE_INFINITY ? tokens.lostAt : lineOf(tokens.lostAt)
  const broken: FaultAt[] = []
  for (const { pos, code } of composed.errors) {
    // No limit of ours: the library's is for parsers that read while they receive.
    if (code === 'KEY_OVER_1024_CHARS') continue
    const at = Math.min(pos[0], text.length)
    const line = lineOf(at)
    if (faultyLines.has(line) || line >= lostLine) continue
    faultyLines.add(line)
    // Those that are only counted need no words of their own, which take looking around.
    const fault = wordsFor(broken.length < 2 * mostFaults ? code : '', text, at)
    faultyLines.add(lineOf(fault.at))
    broken.push(fault)
  }
  for (const { at } of broken) lostLine = Math.min(lostLine, lineOf(at))

  const { value, mark, faults: said } = readValue(composed.contents, text, lineOf)
  faults.push(...broken, ...said.filter(({ at }) => !faultyLines.has(lineOf(at)) && lineOf(at) < lostLine))
  if (faults.length > 0) return fail(faults)
  if (value === null) return fail([{ at: 0, what: `the file is empty; begin with "${beginning}"` }])
  return { ok: true, source: sourceOf(value, mark, placeAt) }
}

/** Those that stand in no comment; both come in the order of the file. */
const outside = (
  found: readonly FaultAt[],
  comments: readonly { readonly from: number; readonly to: number }[],
): FaultAt[] => {
  let next = 0
  return found.filter(({ at }) => {
    while ((comments[next]?.to ?? Number.POSITIVE_INFINITY) <= at) next += 1
    return (comments[next]?.from ?? Number.POSITIVE_INFINITY) > at
  })
}

type Composed = {
  readonly contents: unknown
  readonly errors: readonly { readonly pos: readonly [number, number]; readonly code: string }[]
}

/** The tree of the first document. Scalars stay texts: what they mean is ours to say. */
const compose = (lexemes: readonly Lexeme[]): Composed | undefined => {
  const parser = new Parser()
  const parse = function* () {
    for (const { source, at } of lexemes) {
      parser.offset = at
      yield* parser.next(source)
    }
    yield* parser.end()
  }
  const composer = new Composer({
    schema: 'failsafe',
    resolveKnownTags: false,
    merge: false,
    uniqueKeys: false,
    logLevel: 'silent',
  })
  // A broken file has an error for each of its lines, and none is thrown: their stacks would take most of the time.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    for (const { contents, errors } of composer.compose(parse(), true, 0)) return { contents, errors }
  } catch {
    // A text that the library stumbles over is refused like any other that can't be read.
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return undefined
}

/** Where a value begins, and the parts of a list or map. */
type Mark = { readonly at: number; readonly parts?: Map<string | number, Part> }
type Part = { readonly keyAt: number; readonly mark: Mark }
type Read = { readonly value: unknown; readonly mark: Mark }

const readValue = (
  contents: unknown,
  text: string,
  lineOf: (at: number) => number,
): Read & { readonly faults: readonly FaultAt[] } => {
  const faults: FaultAt[] = []
  const fault = (at: number, what: string) => faults.push({ at, what })

  const readScalar = (node: Scalar, at: number): Read => {
    const written = text.slice(at, node.range?.[1] ?? at)
    const source = String(node.value)
    if (node.type !== 'PLAIN') {
      const what = node.type === 'QUOTE_DOUBLE' && written.includes('\\') ? describeHidden(source) : undefined
      if (what !== undefined) fault(at, what)
      return { value: source, mark: { at } }
    }
    const plain = readPlain(source)
    if ('fault' in plain) fault(at, plain.fault)
    return { value: plain.value, mark: { at } }
  }

  const read = (node: unknown, depth: number): Read => {
    const at = startOf(node)
    if (isScalar(node)) return readScalar(node, at)
    const parts = new Map<string | number, Part>()
    const mark = { at, parts }
    if (!isMap(node) && !isSeq(node)) return { value: null, mark }
    if (depth >= deepest) {
      fault(at, tooDeep)
      return { value: null, mark }
    }
    if (isSeq(node)) {
      const value = node.items.map((item, index) => {
        const part = read(item, depth + 1)
        if (saysNothing(item)) {
          fault(part.mark.at, describeNothing(text, endOf(item), undefined, index))
        }
        parts.set(index, { keyAt: part.mark.at, mark: part.mark })
        return part.value
      })
      return { value, mark }
    }
    // Without a prototype no key of a file can be taken for what every object has.
    const value: Record<string, unknown> = Object.create(null)
    for (const pair of node.items) {
      const keyAt = startOf(pair.key)
      const key = readKey(pair.key, keyAt)
      const part = read(pair.value, depth + 1)
      if (key === undefined) continue
      if (saysNothing(pair.value)) {
        fault(keyAt, describeNothing(text, endOf(pair.key), key))
      }
      const first = parts.get(key)
      if (first !== undefined) {
        fault(keyAt, `the key ${shown(key)} stands twice, first at line ${lineOf(first.keyAt)}; keep one`)
        continue
      }
      parts.set(key, { keyAt, mark: part.mark })
      value[key] = part.value
    }
    return { value, mark }
  }

  const readKey = (node: unknown, at: number): string | undefined => {
    if (!isScalar(node)) {
      fault(
        at,
        'a key must be a name, not a list or map; if "[" or "{" begins a text, put the text in quotes',
      )
      return undefined
    }
    const key = String(node.value)
    if (node.type === 'PLAIN') {
      const plain = readPlain(key)
      if (key === '') fault(at, 'a name is missing before ":"; write it')
      else if (plain.value !== key || 'fault' in plain) {
        fault(at, `the key ${key} must be a name; write ${shown(key)} in quotes`)
      }
      if (key === '' || plain.value !== key || 'fault' in plain) return undefined
    } else if (describeHidden(key) !== undefined) {
      fault(at, describeHidden(key) ?? '')
      return undefined
    }
    if (key === '<<') {
      fault(at, '"<<" merges nothing here; write it out, or use a profile to share')
      return undefined
    }
    if (reserved.has(key)) {
      fault(at, `the key ${shown(key)} can't be used; choose another name`)
      return undefined
    }
    return key
  }

  return { ...read(contents, 0), faults }
}

/** Nothing at all, `~` or `null`. */
const saysNothing = (node: unknown): boolean =>
  node === null || (isScalar(node) && node.type === 'PLAIN' && readPlain(String(node.value)).value === null)

const reserved = new Set(['__proto__', 'constructor', 'prototype'])

const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)
const endOf = (node: unknown): number => (isNode(node) ? (node.range?.[1] ?? 0) : 0)

/** Why a key or an item of a list says nothing; `end` is where it ends itself. */
const describeNothing = (text: string, end: number, key: string | undefined, index = 0): string => {
  const nothing =
    key === undefined ? `item ${index + 1} of this list says nothing` : `nothing is said for ${shown(key)}`
  const comment = key === undefined ? /[ \t]*(#\w[^\r\n]{0,200})/y : /[ \t]*:[ \t]+(#\w[^\r\n]{0,200})/y
  comment.lastIndex = end
  const [, swallowed] = comment.exec(text) ?? []
  if (swallowed !== undefined) {
    const [meant = ''] = swallowed.split(/\s#/)
    const before = key === undefined ? '-' : `${key}:`
    return `"#" begins a comment, so ${nothing}; write ${before} ${shown(meant.trimEnd())}`
  }
  const glued = key === undefined ? undefined : describeGlued(key)
  return (
    glued ??
    `${nothing}; ${key === undefined ? 'write it, or remove it' : 'write a value behind it, or leave it out'}`
  )
}

const sourceOf = (value: unknown, root: Mark, placeAt: (at: number) => Place): YamlSource => {
  const follow = (path: YamlPath) => {
    let found: Part = { keyAt: 0, mark: root }
    let depth = 0
    for (const name of path) {
      const part = found.mark.parts?.get(name)
      if (part === undefined) break
      found = part
      depth += 1
    }
    return { ...found, depth }
  }
  return {
    value,
    placeOf: (path, part = 'value') => {
      const { keyAt, mark, depth } = follow(path)
      if (depth === 0) return { line: 1, column: 1, depth }
      return { ...placeAt(part === 'key' ? keyAt : mark.at), depth }
    },
  }
}
