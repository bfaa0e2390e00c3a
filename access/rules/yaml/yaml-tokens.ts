import { CST, Lexer } from 'yaml'
import { type FaultAt, mostFaults, shown } from './yaml-fault.ts'
import { describeTemplate } from './yaml-words.ts'

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

/** A bracket, and the colons in it since its last comma. */
type Opened = { readonly mark: string; readonly at: number; colons: number }

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
  const faults: FaultAt[] = []
  const open: Opened[] = []
  const columns: number[] = []
  let at = 0
  let lineStart = 0
  let lostAt = Number.POSITIVE_INFINITY
  let values = 0
  let tokens = 0
  let scalarNext = false
  let blockScalarNext = false
  let startsNode = true
  let hasContent = false
  let documents = 0
  let lastMark: string | null = null

  const fault = (where: number, what: string) => faults.push({ at: where, what })
  const lose = (where: number, what: string) => {
    if (where >= lostAt) return
    fault(where, what)
    lostAt = where
  }
  const faultTab = (where: number) => {
    fault(where, 'indent with spaces, not tabs')
    // What stands above it may seem to say nothing.
    const line = text.lastIndexOf('\n', where - 1)
    lostAt = Math.min(lostAt, line === -1 ? 0 : text.lastIndexOf('\n', line - 1) + 1)
  }
  const leaveOpen = () => {
    const last = open.at(-1)
    if (last !== undefined) {
      const end = last.mark === '[' ? ']' : '}'
      const swallowed = swallowedEnd(text, last.at, end)
      if (swallowed === undefined) {
        lose(last.at, `this "${last.mark}" is never closed; add "${end}", or indent its lines below its key`)
      } else if (last.at < lostAt) {
        fault(swallowed.at, swallowed.what)
        lostAt = last.at
      }
    }
    open.length = 0
  }
  const stop = () => ({ lexemes, comments, faults, lostAt, hopeless: true })
  const templates: FaultAt[] = []
  const findTemplate = (brace: number) => {
    const from = text[brace - 1] === '$' ? brace - 1 : brace
    const placeholder = /\{\{[^\n]{0,200}?\}\}|\{%[^\n]{0,200}?%\}|\$\{[^\n]{0,200}?\}/y
    placeholder.lastIndex = from
    const [written] = placeholder.exec(text) ?? []
    if (written !== undefined) templates.push({ at: from, what: describeTemplate(written) })
  }

  for (const lexeme of new Lexer().lex(text)) {
    if (!scalarNext && lexeme === CST.FLOW_END) leaveOpen()
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
        const tab = lineSays ? -1 : lexeme.indexOf('\t')
        if (tab !== -1 && !/[\n\r#]/.test(text[at + lexeme.length] ?? '\n')) faultTab(at + tab)
        break
      }
      case 'comment':
        comments.push({ from: at, to: at + lexeme.length })
        break
      case 'doc-start':
        documents += 1
        break
      case 'directive-line':
        fault(at, `${shown(lexeme)} is not read; remove the line`)
        break
      case 'anchor':
        fault(
          at,
          `${shown(lexeme)} is an anchor, and anchors are not read; leave it out; a text goes in quotes`,
        )
        break
      case 'tag':
        fault(at, `${shown(lexeme)} is a tag, and tags are not read; remove it; a text goes in quotes`)
        break
      case 'alias':
        fault(at, describeAlias(text, at, lexeme, open.length > 0))
        break
      case 'single-quoted-scalar':
      case 'double-quoted-scalar':
        if (!isClosed(lexeme)) {
          const [quote = ''] = lexeme
          lose(at, `this text is never closed; put ${quote} at its end`)
        } else if (lexeme.startsWith('"')) {
          for (const bad of badEscapes(lexeme)) fault(at + bad.at, bad.what)
        }
        break
      case 'scalar': {
        const tab = lexeme.search(/\n *\t/)
        if (tab !== -1) faultTab(lexeme.indexOf('\t', tab) + at)
        break
      }
      case 'block-scalar': {
        const tab = lexeme.search(/(?:^|\n)\t+[^\s]/)
        if (tab !== -1) faultTab(lexeme.indexOf('\t', tab) + at)
        break
      }
      case 'comma': {
        const bracket = open.at(-1)
        if (bracket !== undefined) bracket.colons = 0
        if (lastMark === 'comma')
          fault(at, 'two commas in a row; remove one, or write what belongs between them')
        break
      }
      case 'seq-item-ind':
        if (open.length > 0) fault(at, 'no "-" within [ ] or { }; remove it, or put the text in quotes')
        break
      case 'explicit-key-ind':
        if (lastMark === type) fault(at, 'two "?" in a row; remove them, or put the text in quotes')
        break
      case 'map-value-ind': {
        const bracket = open.at(-1)
        if (bracket !== undefined) bracket.colons += 1
        // The library nests each of them deeper.
        if (lastMark === type || (bracket?.colons ?? 0) > 1) {
          fault(at, 'a second ":" follows the first; write a "," between, or put the text in quotes')
        }
        break
      }
      case 'flow-seq-start':
      case 'flow-map-start':
        findTemplate(at)
        open.push({ mark: lexeme, at, colons: 0 })
        break
      case 'flow-seq-end':
      case 'flow-map-end': {
        const opened = open.pop()
        if (opened === undefined)
          lose(at, `this "${lexeme}" closes nothing; remove it, or put the text in quotes`)
        else if ((opened.mark === '[') !== (lexeme === ']')) {
          const end = opened.mark === '[' ? ']' : '}'
          lose(
            at,
            `this "${lexeme}" stands where "${opened.mark}" waits for its "${end}"; write "${end}" first`,
          )
        }
        break
      }
    }

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
      if (open.length === 0 && startsNode) {
        const column = at - lineStart
        while ((columns.at(-1) ?? -1) > column) columns.pop()
        if (columns.at(-1) !== column) columns.push(column)
      }
      if (columns.length + open.length > mostNested) {
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
  leaveOpen()
  // What is still to be filled in is not yet what will be read.
  if (templates.length > 0) return { ...stop(), faults: templates }
  return { lexemes, comments, faults, lostAt, hopeless: faults.length > mostFaults }
}

/** A bracket whose end stands in a comment that was meant as a text: `{ channel: #inc-orders }`. */
const swallowedEnd = (text: string, from: number, end: string): FaultAt | undefined => {
  const line = /[^\n]{0,1000}/y
  line.lastIndex = from
  const [written = ''] = line.exec(text) ?? []
  const [before, meant = ''] = /^[^"'#]*?[:,[{][ \t]+(#\w[\w-]*)(?=[^#]*$)/.exec(written) ?? []
  if (before === undefined || !written.slice(before.length).includes(end)) return undefined
  return {
    at: from + before.length - meant.length,
    what: `"#" begins a comment, and with it goes the "${end}" behind it; write ${shown(meant)}, in quotes`,
  }
}

export const tooDeep = 'nested more than 32 levels deep; flatten it'

const opensValue = (type: string | null): boolean =>
  type === 'scalar' ||
  type === 'block-scalar' ||
  type === 'single-quoted-scalar' ||
  type === 'double-quoted-scalar' ||
  type === 'flow-seq-start' ||
  type === 'flow-map-start' ||
  type === 'seq-item-ind'

/** Escapes that YAML doesn't know: mostly backslashes that should stand for themselves. */
const badEscapes = (quoted: string): FaultAt[] => {
  const faults: FaultAt[] = []
  for (const { 0: written, index } of quoted.matchAll(/\\(?:[xuU][\da-fA-F]{0,8}|\r\n|[\s\S])/g)) {
    if (
      /^\\(?:[0abefnrtvNLP_ "/\\\t\n]|\r\n|x[\s\S]{2}|u[\s\S]{4}|U000[\s\S]{5}|U0010[\s\S]{4})/.test(written)
    )
      continue
    const what = `${shown(written)} means nothing within double quotes; write "\\\\" for a backslash, or use single quotes`
    faults.push({ at: index, what })
    if (faults.length > mostFaults) break
  }
  return faults
}

/** A quote within single quotes is doubled, within double quotes it follows a backslash. */
const isClosed = (lexeme: string): boolean => {
  if (lexeme.startsWith("'")) {
    let quotes = 0
    for (let next = 0; next !== -1; next = lexeme.indexOf("'", next + 1)) quotes += 1
    return quotes % 2 === 0
  }
  if (lexeme.length === 1 || !lexeme.endsWith('"')) return false
  let backslashes = 0
  while (lexeme[lexeme.length - 2 - backslashes] === '\\') backslashes += 1
  return backslashes % 2 === 0
}

/** An unquoted pattern such as `* /**` is an alias to YAML. */
const describeAlias = (text: string, at: number, lexeme: string, inFlow: boolean): string => {
  const rest = text.slice(at, at + 300)
  const [meant = lexeme] = (inFlow ? /^(?:(?! #)[^,\]}\r\n])*/ : /^(?:(?! #)[^\r\n])*/).exec(rest) ?? []
  if (/^\*[\w-]+$/.test(lexeme)) {
    return `${shown(lexeme)} is an alias, and aliases are not read; write out what it stands for; a text goes in quotes`
  }
  return `a text that begins with "*" needs quotes; quote it: ${shown(meant.trimEnd())}`
}
