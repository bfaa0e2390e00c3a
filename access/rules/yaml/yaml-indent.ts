import type { FaultAt } from './yaml-fault.ts'

const mostLines = 100

export const notAligned =
  'this is not indented like what it belongs to; begin it in the same column as its neighbours'

/** A line that begins in no column of those around it; where it is aligned with them, undefined or only said so. */
export const describeIndent = (text: string, at: number): FaultAt | undefined => {
  const start = lineThatSays(text, text.lastIndexOf('\n', at - 1) + 1)
  const first = start + indentOf(text, start)
  // Within a line it is something else that is not indented.
  if (at > first) return undefined
  const { columns, below } = neighbourColumns(text, start, first - start + 1)
  if (below === 'dash' && text[first] !== '-')
    return { at: first, what: 'its neighbours begin with "- "; put that before it, or indent it further' }
  if (columns.length === 0) return undefined
  const where = `begin it in column ${columns.join(' or ')}, like its neighbours`
  return { at: first, what: `this is not indented like what it belongs to; ${where}` }
}

/** The line, or the next one that holds more than a comment. */
const lineThatSays = (text: string, from: number): number => {
  let line = from
  for (let lines = 0; lines < mostLines && isBlank(text, line); lines += 1) {
    const end = text.indexOf('\n', line)
    if (end === -1) return from
    line = end + 1
  }
  return line
}

const isBlank = (text: string, line: number): boolean => {
  const first = text[line + indentOf(text, line)]
  return first === undefined || first === '#' || first === '\n' || first === '\r'
}

/**
 * A line that is indented below `key: text` goes on with that text, so that its own ": " is one too many. Undefined where
 * the text holds it in its first line.
 */
export const describeRunOn = (text: string, at: number): FaultAt | undefined => {
  const start = text.lastIndexOf('\n', at - 1) + 1
  let line = at
  for (let lines = 0; lines < mostLines; lines += 1) {
    const end = text.indexOf('\n', line)
    const written = text.slice(line, end === -1 ? text.length : end)
    if (/:(?:\s|$)/.test(written)) {
      if (lines === 0) return undefined
      const column = columnsOf(text, start).at(-1) ?? 1
      return {
        at: line + indentOf(text, line),
        what: `indented this far, the line goes on with the text above it; begin it in column ${column}, like its neighbours`,
      }
    }
    if (end === -1) return undefined
    line = end + 1
  }
  return undefined
}

/**
 * The columns (1-based) to the left and right of this one in which lines before it began something that goes on; or
 * that it stands below a dash or name already.
 */
const neighbourColumns = (
  text: string,
  start: number,
  column: number,
): { readonly columns: readonly number[]; readonly below?: 'dash' | 'name' } => {
  let right: readonly number[] = []
  let open = Number.POSITIVE_INFINITY
  let line = start
  for (let lines = 0; line > 0 && lines < mostLines; lines += 1) {
    line = text.lastIndexOf('\n', line - 2) + 1
    if (isBlank(text, line)) continue
    const begun = columnsOf(text, line)
    for (const one of begun.toReversed()) {
      if (one >= open) continue
      open = one
      if (one === column) return { columns: [], below: one === begun.at(-1) ? 'name' : 'dash' }
      if (one > column) right = [one]
      if (one < column) return { columns: [one, ...right] }
    }
  }
  return { columns: right }
}

/** In which columns (1-based) a line begins something: its dashes, and what follows them. */
const columnsOf = (text: string, line: number): number[] => {
  const columns = [indentOf(text, line) + 1]
  for (;;) {
    const last = columns.at(-1) ?? 1
    const dash = /-[ ]+(?=[^ ])/y
    dash.lastIndex = line + last - 1
    const [skipped] = dash.exec(text) ?? []
    if (skipped === undefined) return columns
    columns.push(last + skipped.length)
  }
}

const indentOf = (text: string, line: number): number => {
  let at = line
  while (text[at] === ' ') at += 1
  return at - line
}
