import type { ErrorCode } from 'yaml'
import { shown } from './yaml-fault.ts'

type Words = string | ((near: string) => string)

const tag = 'tags ("!…") are not read; remove it, or put the text in quotes'
const anchor = 'anchors and aliases ("&…", "*…") are not read; write it out, or use a profile to share'
const stray = (near: string): string =>
  near === ''
    ? 'something is missing here; complete the line'
    : `${shown(near)} does not belong here; remove it, indent it like its neighbours, or put the whole text in quotes`

/** What each fault of the library means, in words that name the mend. `near`: what stands there, up to the line's end. */
const words: Record<ErrorCode, Words> = {
  ALIAS_PROPS: anchor,
  BAD_ALIAS: anchor,
  BAD_COLLECTION_TYPE: tag,
  BAD_DIRECTIVE: 'lines that begin with "%" are not read; remove the line',
  BAD_DQ_ESCAPE: (near) =>
    `${shown(near.slice(0, 2))} means nothing within double quotes; write "\\\\" for a backslash, or use single quotes`,
  BAD_INDENT: 'this is not indented like what it belongs to; begin it in the same column as its neighbours',
  BAD_PROP_ORDER: anchor,
  BAD_SCALAR_START: (near) => `a text can't begin with "${near.slice(0, 1)}"; put it in quotes`,
  BLOCK_AS_IMPLICIT_KEY:
    'this text holds a second ": "; write that on its own line, indented like its neighbours, or put the text in quotes',
  BLOCK_IN_FLOW: 'within [ ] and { } parts are parted by commas; remove the "-", or write no brackets',
  DUPLICATE_KEY: 'this key stands twice; keep one',
  IMPOSSIBLE: stray,
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters; shorten it',
  MISSING_CHAR: (near) => {
    if (near.startsWith('#')) return 'put a space before "#", or put the text in quotes'
    if (near.startsWith(':')) return 'put a space after ":"'
    if (near === '') return 'something is missing here; complete the line'
    return `before ${shown(near)} a "," or ":" is missing, or behind it a ": " with what it says; add it, or put the whole text in quotes`
  },
  MULTILINE_IMPLICIT_KEY: (near) =>
    `the name that begins with ${shown(near)} runs over several lines; add the ": " that is missing`,
  MULTIPLE_ANCHORS: anchor,
  MULTIPLE_DOCS: 'a second document begins here; keep one document in a file',
  MULTIPLE_TAGS: tag,
  NON_STRING_KEY: 'a key must be a name; put it in quotes',
  RESOURCE_EXHAUSTION: 'nested more than 32 levels deep; flatten it',
  TAB_AS_INDENT: 'indent with spaces, not tabs',
  TAG_RESOLVE_FAILED: tag,
  UNEXPECTED_TOKEN: stray,
}

const general = "this can't be read; put texts with special characters in quotes, and check the indentation"

/** The words for a fault that the library found at an offset. */
export const wordsFor = (code: string, text: string, at: number): string => {
  const end = text.indexOf('\n', at)
  const near = text.slice(at, Math.min(end === -1 ? text.length : end, at + 200)).trim()
  if (code === 'BAD_INDENT' && text[at] === '\t') return wordsFor('TAB_AS_INDENT', text, at)
  const known: Words | undefined = Object.hasOwn(words, code) ? words[code as ErrorCode] : undefined
  return typeof known === 'function' ? known(near) : (known ?? general)
}
