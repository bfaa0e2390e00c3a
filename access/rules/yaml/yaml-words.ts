import type { ErrorCode } from 'yaml'
import { type FaultAt, shown } from './yaml-fault.ts'
import { describeIndent, describeRunOn, notAligned } from './yaml-indent.ts'

type Words = string | ((near: string) => string)

const tag = 'tags ("!…") are not read; remove it, or put the text in quotes'
const anchor = 'anchors and aliases ("&…", "*…") are not read; write it out, or use a profile to share'
const stray = (near: string): string =>
  near === ''
    ? 'something is missing here; complete the line'
    : `${shown(near)} does not belong here; remove it, indent it like its neighbours, or put the whole text in quotes`

const withoutColon = (near: string): string => `a ": " is missing in ${shown(near)}; add it behind the name`

export const tooDeep = 'nested more than 32 levels deep; flatten it'
export const notTabs = 'indent with spaces, not tabs'
/** An escape that YAML doesn't know: mostly a backslash that should stand for itself. */
export const badEscape = (written: string): string =>
  `${shown(written)} means nothing within double quotes; write "\\\\" for a backslash, or use single quotes`

/** What each fault of the library means, in words that name the mend. `near`: what stands there, up to the line's end. */
const words: Record<ErrorCode, Words> = {
  ALIAS_PROPS: anchor,
  BAD_ALIAS: anchor,
  BAD_COLLECTION_TYPE: tag,
  BAD_DIRECTIVE: 'lines that begin with "%" are not read; remove the line',
  BAD_DQ_ESCAPE: (near) => badEscape(near.slice(0, 2)),
  BAD_INDENT: notAligned,
  BAD_PROP_ORDER: anchor,
  BAD_SCALAR_START: (near) =>
    `a text can't begin with "${near.slice(0, 1)}"; ${near.startsWith('@') ? 'leave that out, or put the text' : 'put it'} in quotes`,
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
  MULTILINE_IMPLICIT_KEY: (near) => withoutColon(near),
  MULTIPLE_ANCHORS: anchor,
  MULTIPLE_DOCS: 'a second document begins here; keep one document in a file',
  MULTIPLE_TAGS: tag,
  NON_STRING_KEY: 'a key must be a name; put it in quotes',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: notTabs,
  TAG_RESOLVE_FAILED: tag,
  UNEXPECTED_TOKEN: stray,
}

const general = "this can't be read; put texts with special characters in quotes, and check the indentation"

/** `serve:blue`, which is one text to YAML; undefined for everything else. */
export const describeGlued = (text: string): string | undefined => {
  const [, key, value] = /^([A-Za-z_][\w-]{0,62}):((?!\/\/)[^\s:].*)$/.exec(text) ?? []
  if (key === undefined || value === undefined) return undefined
  return value.length > 60 ? `put a space after "${key}:"` : `put a space after ":"; write ${key}: ${value}`
}

/** A placeholder of a program that fills in files, in the words of whoever forgot to run it. */
export const describeTemplate = (written: string): string =>
  `the template ${shown(written)} was left in; fill it in first`

/** A fault that the library found at an offset: where to mend it, and how. */
export const wordsFor = (code: string, text: string, at: number): FaultAt => {
  const end = text.indexOf('\n', at)
  const near = text.slice(at, Math.min(end === -1 ? text.length : end, at + 200)).trim()
  if (code === 'BAD_INDENT' && text[at] === '\t') return wordsFor('TAB_AS_INDENT', text, at)
  const other = describeSpecial(code, text, at, near)
  if (other !== undefined) return other
  const known: Words | undefined = Object.hasOwn(words, code) ? words[code as ErrorCode] : undefined
  return { at, what: typeof known === 'function' ? known(near) : (known ?? general) }
}

const describeSpecial = (code: string, text: string, at: number, near: string): FaultAt | undefined => {
  if (code === 'BAD_INDENT') return describeIndent(text, at)
  if (code === 'BLOCK_AS_IMPLICIT_KEY')
    return near.startsWith('- ')
      ? { at, what: 'a "-" begins a list, and its neighbours are keys; write the key of the list above it' }
      : describeRunOn(text, at)
  if (code === 'BAD_SCALAR_START') {
    const [template] = /^([%@])[A-Za-z_]\w*\1/.exec(near) ?? []
    return template === undefined ? undefined : { at, what: describeTemplate(template) }
  }
  if (code !== 'MULTILINE_IMPLICIT_KEY' && code !== 'MISSING_CHAR' && code !== 'UNEXPECTED_TOKEN')
    return undefined
  const glued = describeGlued(near)
  if (glued !== undefined) return { at, what: glued }
  if (/:(?:\s|$)/.test(near)) return describeIndent(text, at)
  const isLine = text.slice(text.lastIndexOf('\n', at - 1) + 1, at).trim() === ''
  return isLine && /^[\w-]+(?: [^,\]}]*)?$/.test(near) ? { at, what: withoutColon(near) } : undefined
}
