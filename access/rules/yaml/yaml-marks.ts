import { type FaultAt, shown } from './yaml-fault.ts'
import type { Found } from './yaml-found.ts'

/** A bracket, and the colons in it since its last comma. */
type Opened = { readonly mark: string; readonly at: number; colons: number }

const endOf = ({ mark }: Opened): string => (mark === '[' ? ']' : '}')

/** Follows brackets, and the commas, colons and dashes in them. */
export const createMarks = (text: string, { fault, lose }: Found) => {
  const open: Opened[] = []
  return {
    depth: (): number => open.length,
    /** The next mark; `last` is what stood before it. */
    take: (type: string, lexeme: string, at: number, last: string | null): void => {
      const bracket = open.at(-1)
      switch (type) {
        case 'comma':
          if (bracket !== undefined) bracket.colons = 0
          if (last === type) fault(at, 'two commas in a row; remove one, or write what belongs between them')
          break
        case 'seq-item-ind':
          if (bracket !== undefined)
            fault(at, 'no "-" within [ ] or { }; remove it, or put the text in quotes')
          break
        case 'explicit-key-ind':
          if (last === type) fault(at, 'two "?" in a row; remove them, or put the text in quotes')
          break
        case 'map-value-ind':
          if (bracket !== undefined) bracket.colons += 1
          // The library nests each of them deeper.
          if (last === type || (bracket?.colons ?? 0) > 1)
            fault(at, 'a second ":" follows the first; write a "," between, or put the text in quotes')
          break
        case 'flow-seq-start':
        case 'flow-map-start':
          open.push({ mark: lexeme, at, colons: 0 })
          break
        case 'flow-seq-end':
        case 'flow-map-end':
          open.pop()
          if (bracket === undefined)
            lose(at, `this "${lexeme}" closes nothing; remove it, or put the text in quotes`)
          else if (endOf(bracket) !== lexeme) {
            const end = endOf(bracket)
            lose(
              at,
              `this "${lexeme}" stands where "${bracket.mark}" waits for its "${end}"; write "${end}" first`,
            )
          }
          break
      }
    },
    /** Where all of them must be closed. */
    leave: (): void => {
      const last = open.at(-1)
      open.length = 0
      if (last === undefined) return
      const end = endOf(last)
      const swallowed = swallowedEnd(text, last.at, end)
      const what = `this "${last.mark}" is never closed; add "${end}", or indent its lines below its key`
      lose(last.at, swallowed?.what ?? what, swallowed?.at)
    },
  }
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
