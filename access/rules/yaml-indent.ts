import type { FaultAt } from './yaml-fault.ts'

const mostLinesBack = 100

export const notAligned =
  'this is not indented like what it belongs to; begin it in the same column as its neighbours'

/** A line that begins between the columns of those around it. */
export const describeIndent = (text: string, at: number): FaultAt => {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const first = start + indentOf(text, start)
  // Within a line it is something else that is not indented.
  if (at > first) return { at, what: notAligned }
  const columns = neighbourColumns(text, start, first - start + 1)
  if (columns.length === 0) return { at: first, what: notAligned }
  const where = `begin it in column ${columns.join(' or ')}, like its neighbours`
  return { at: first, what: `this is not indented like what it belongs to; ${where}` }
}

/**
 * A line that is indented below `key: text` goes on with that text, so that its own ": " is one too many. Undefined where
 * the text holds it in its first line.
 */
export const describeRunOn = (text: string, at: number): FaultAt | undefined => {
  const start = text.lastIndexOf('\n', at - 1) + 1
  let line = at
  for (let lines = 0; lines < mostLinesBack; lines += 1) {
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

/** The columns (1-based) to the left and right of this one in which lines before it began something that goes on. */
const neighbourColumns = (text: string, start: number, column: number): number[] => {
  let nearestRight: number | undefined
  let open = Number.POSITIVE_INFINITY
  let line = start
  for (let lines = 0; line > 0 && lines < mostLinesBack; lines += 1) {
    line = text.lastIndexOf('\n', line - 2) + 1
    const first = text[line + indentOf(text, line)]
    if (first === undefined || first === '#' || first === '\n' || first === '\r') continue
    for (const one of columnsOf(text, line).toReversed()) {
      if (one >= open) continue
      open = one
      if (one > column) nearestRight = one
      if (one < column) return nearestRight === undefined ? [one] : [one, nearestRight]
    }
  }
  return nearestRight === undefined ? [] : [nearestRight]
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
