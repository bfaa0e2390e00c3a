import { type FaultAt, mostFaults, shown } from './yaml-fault.ts'
import type { Found } from './yaml-found.ts'
import { badEscape } from './yaml-words.ts'

/** Finds what is wrong with a token by itself: what is refused outright, what is never closed, tabs. */
export const checkToken = (
  type: string | null,
  lexeme: string,
  at: number,
  text: string,
  inFlow: boolean,
  { fault, lose, tab }: Found,
): void => {
  switch (type) {
    case 'directive-line':
      return fault(at, `${shown(lexeme)} is not read; remove the line`)
    case 'anchor':
      return fault(
        at,
        `${shown(lexeme)} is an anchor, and anchors are not read; leave it out; a text goes in quotes`,
      )
    case 'tag':
      return fault(at, `${shown(lexeme)} is a tag, and tags are not read; remove it; a text goes in quotes`)
    case 'alias':
      return fault(at, describeAlias(text, at, lexeme, inFlow))
    case 'single-quoted-scalar':
    case 'double-quoted-scalar':
      if (!isClosed(lexeme)) lose(at, `this text is never closed; put ${lexeme.charAt(0)} at its end`)
      else if (lexeme.startsWith('"')) for (const bad of badEscapes(lexeme)) fault(at + bad.at, bad.what)
      return
    case 'scalar':
    case 'block-scalar': {
      const line = lexeme.search(type === 'scalar' ? /\n *\t/ : /(?:^|\n)\t+[^\s]/)
      if (line !== -1) tab(lexeme.indexOf('\t', line) + at)
    }
  }
}

/** Escapes that YAML doesn't know: mostly backslashes that should stand for themselves. */
const badEscapes = (quoted: string): FaultAt[] => {
  const faults: FaultAt[] = []
  for (const { 0: written, index } of quoted.matchAll(/\\(?:[xuU][\da-fA-F]{0,8}|\r\n|[\s\S])/g)) {
    if (
      /^\\(?:[0abefnrtvNLP_ "/\\\t\n]|\r\n|x[\s\S]{2}|u[\s\S]{4}|U000[\s\S]{5}|U0010[\s\S]{4})/.test(written)
    )
      continue
    faults.push({ at: index, what: badEscape(written) })
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
