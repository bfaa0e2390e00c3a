import { CST, Lexer } from 'yaml'
import { type FaultAt, mostFaults } from './yaml-fault.ts'
import { createFound } from './yaml-found.ts'
import { createMarks } from './yaml-marks.ts'
import { checkToken } from './yaml-token.ts'
import { describeTemplate, tooDeep } from './yaml-words.ts'

const mostValues = 50_000
/** Values with the marks around them: dashes, colons, commas, brackets. */
const mostTokens = 4 * mostValues
/** Columns and brackets within one another: a little more than levels, so that files of 32 levels pass. */
const mostNested = 64

/** A token in the library's form, and its offset. */
export type Lexeme = { readonly source: string; readonly at: number }

export type Tokens = {
  /**
   * Those of the first document, without lines that are empty or hold only a comment: the library's parser takes
   * quadratic time for many of them.
   */
  readonly lexemes: readonly Lexeme[]
  readonly comments: readonly { readonly from: number; readonly to: number }[]
  readonly faults: readonly FaultAt[]
  /** From here on the shape of the file is lost, and further faults would only be its echoes. */
  readonly lostAt: number
  /** Too large, too deep or too broken to be composed. */
  readonly hopeless: boolean
}

/**
 * Cuts a text into tokens, and finds what needs no more than tokens: what is refused outright (anchors, aliases, tags,
 * directives, more documents), what is never closed, tabs, and what would be too much to compose. Ends in time that
 * grows with the text's length, whatever stands in it.
 */
export const cutTokens = (text: string): Tokens => {
  const lexemes: Lexeme[] = []
  let indentation: Lexeme[] = []
  let lineSays = false
  const comments: { from: number; to: number }[] = []
  const found = createFound(text)
  const { faults, fault, tab } = found
  const marks = createMarks(text, found)
  const columns: number[] = []
  let at = 0
  let lineStart = 0
  let values = 0
  let tokens = 0
  let scalarNext = false
  let blockScalarNext = false
  let startsNode = true
  let hasContent = false
  let documents = 0
  let lastMark: string | null = null

  const stop = () => ({ lexemes, comments, faults, lostAt: found.lostAt(), hopeless: true })
  const templates: FaultAt[] = []
  const findTemplate = (brace: number) => {
    const from = text[brace - 1] === '$' ? brace - 1 : brace
    const placeholder = /\{\{[^\n]{0,200}?\}\}|\{%[^\n]{0,200}?%\}|\$\{[^\n]{0,200}?\}/y
    placeholder.lastIndex = from
    const [written] = placeholder.exec(text) ?? []
    if (written !== undefined) templates.push({ at: from, what: describeTemplate(written) })
  }

  for (const lexeme of new Lexer().lex(text)) {
    if (!scalarNext && lexeme === CST.FLOW_END) marks.leave()
    if (!scalarNext && (lexeme === CST.SCALAR || lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END)) {
      scalarNext = lexeme === CST.SCALAR
      lexemes.push(...indentation, { source: lexeme, at })
      indentation = []
      continue
    }
    const type: string | null = scalarNext
      ? blockScalarNext
        ? 'block-scalar'
        : 'scalar'
      : CST.tokenType(lexeme)
    scalarNext = false
    const closed = type !== 'doc-end' && (type !== 'doc-start' || (documents === 0 && !hasContent))
    if (!closed) {
      const what =
        type === 'doc-end'
          ? 'this ends the document; remove the line "..."'
          : 'a second document begins here; keep one document in a file, and remove the line "---"'
      fault(at, what)
      break
    }

    switch (type) {
      case 'space': {
        const first = lineSays ? -1 : lexeme.indexOf('\t')
        if (first !== -1 && !/[\n\r#]/.test(text[at + lexeme.length] ?? '\n')) tab(at + first)
        break
      }
      case 'comment':
        comments.push({ from: at, to: at + lexeme.length })
        break
      case 'doc-start':
        documents += 1
        break
      case 'flow-seq-start':
      case 'flow-map-start':
        findTemplate(at)
    }
    checkToken(type, lexeme, at, text, marks.depth() > 0, found)
    if (type !== null) marks.take(type, lexeme, at, lastMark)

    const blank: boolean =
      type === 'space' || type === 'newline' || type === 'comment' || type === 'byte-order-mark'
    if (!blank) {
      tokens += 1
      const indicates = type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind'
      if (type !== 'doc-start' && type !== 'directive-line') hasContent = true
      if (opensValue(type)) values += 1
      if (values > mostValues || tokens > mostTokens) {
        fault(at, `the file says more than ${mostValues} things up to here; split it or shorten it`)
        return stop()
      }
      if (marks.depth() === 0 && startsNode) {
        const column = at - lineStart
        while ((columns.at(-1) ?? -1) > column) columns.pop()
        if (columns.at(-1) !== column) columns.push(column)
      }
      if (columns.length + marks.depth() > mostNested) {
        fault(at, tooDeep)
        return stop()
      }
      startsNode = indicates || type === 'doc-start'
    }
    if (!blank) lastMark = type
    blockScalarNext = type === 'block-scalar-header' || (blockScalarNext && blank)
    if (!blank && type !== 'directive-line') lineSays = true
    if (!lineSays && type === 'space') indentation.push({ source: lexeme, at })
    else if (lineSays) {
      lexemes.push(...indentation, { source: lexeme, at })
      indentation = []
    }
    const line = lexeme.lastIndexOf('\n')
    if (line !== -1) {
      lineStart = at + line + 1
      startsNode = true
      lineSays = lexeme.length > line + 1
      indentation = []
    }
    at += lexeme.length
    if (faults.length > 10 * mostFaults) return stop()
  }
  marks.leave()
  // What is still to be filled in is not yet what will be read.
  if (templates.length > 0) return { ...stop(), faults: templates }
  return { lexemes, comments, faults, lostAt: found.lostAt(), hopeless: faults.length > mostFaults }
}

const opensValue = (type: string | null): boolean =>
  type === 'scalar' ||
  type === 'block-scalar' ||
  type === 'single-quoted-scalar' ||
  type === 'double-quoted-scalar' ||
  type === 'flow-seq-start' ||
  type === 'flow-map-start' ||
  type === 'seq-item-ind'
