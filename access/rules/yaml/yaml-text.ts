import type { FaultAt } from './yaml-fault.ts'

const mostBytes = 1024 * 1024
const mostLines = 100_000

/** The text of a file, or why its bytes are none. Offsets count from behind a byte order mark. */
export const decodeText = (bytes: Uint8Array | string): Decoded => {
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
  if (size > mostBytes) return faulty('', 0, 'the file is larger than 1 MiB; split it or shorten it')
  const decoded = typeof bytes === 'string' ? checkText(bytes) : decodeBytes(bytes)
  return decoded.fault === undefined && hasManyLines(decoded.text)
    ? faulty('', 0, `the file has more than ${mostLines} lines; split it or shorten it`)
    : decoded
}

type Decoded = { readonly text: string; readonly fault?: FaultAt }

const checkText = (given: string): Decoded => {
  const text = given.replace(/^\uFEFF/, '')
  if (text.isWellFormed()) return { text }
  const half = /\p{Cs}/u.exec(text)?.index ?? 0
  return faulty(text, half, 'half a character stands here, which is not UTF-8; save the file as UTF-8')
}

const decodeBytes = (bytes: Uint8Array): Decoded => {
  const [first = 1, second = 1] = bytes
  const looksWide =
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff) ||
    (first === 0) !== (second === 0)
  if (looksWide) return faulty('', 0, 'the file is not UTF-8 (it looks like UTF-16); save it as UTF-8')
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    if (looksBinary(bytes)) return faulty('', 0, 'this is not a text file; name the file that was meant')
    const sound = soundLength(bytes)
    const byte = (bytes[sound] ?? 0).toString(16).padStart(2, '0')
    const text = new TextDecoder().decode(bytes.subarray(0, sound))
    return faulty(text, text.length, `the byte 0x${byte} here is not UTF-8; save the file as UTF-8`)
  }
}

/** Bytes that no text in any encoding begins with: images, archives and programs hold some of them early on. */
const looksBinary = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, 8_192).some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x1b))

const hasManyLines = (text: string): boolean => {
  let lines = 0
  for (let next = text.indexOf('\n'); next !== -1; next = text.indexOf('\n', next + 1)) lines += 1
  return lines > mostLines
}

const faulty = (text: string, at: number, what: string) => ({ text, fault: { at, what } })

/** How many bytes at the beginning are whole characters of UTF-8. */
const soundLength = (bytes: Uint8Array): number => {
  let sound = 0
  let broken = bytes.length + 1
  while (broken - sound > 1) {
    const middle = (sound + broken) >> 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      sound = middle
    } catch {
      broken = middle
    }
  }
  // A character that begins before the break and never ends is counted by the stream; it is not whole.
  while (sound > 0 && !isWhole(bytes.subarray(0, sound))) sound -= 1
  return sound
}

const isWhole = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

/**
 * Refused in comments too: control characters, which drive terminals; line ends that only some programs see; and what
 * turns the direction of writing, so that a reviewer reads something else than the program ("Trojan Source",
 * CVE-2021-42574).
 */
const refusedAnywhere =
  /(?:(?!\r\n)[[\p{Cc}]--[\n\t]]|[\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069])/gv

/** What can't be seen, or looks like a space and is none. U+FE0F only asks for the coloured form of an emoji. */
const hidden = /[[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}]--[ \t\n\r\uFE0F]]/gv

const mendOf = (character: string): string => {
  if (character === '\u00A0') return 'a non-breaking space; write a plain space'
  if (/\p{Zs}/u.test(character)) return 'an unusual space; write a plain space'
  if (character === '\r')
    return 'a carriage return without a line feed; save the file with line ends LF or CRLF'
  if (/[\u0085\u2028\u2029\v\f]/.test(character)) return 'an unusual line end; write a plain one'
  if (/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/.test(character))
    return 'an invisible character that turns the direction of writing; delete it'
  return /\p{Cc}/u.test(character) ? 'a control character; delete it' : 'an invisible character; delete it'
}

/** "U+00A0 is a non-breaking space; write a plain space". */
const describe = (character: string): string => `${pointOf(character)} is ${mendOf(character)}`

/** `U+00A0`. */
export const pointOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** A row of the same character is one fault. */
const find = (text: string, pattern: RegExp): FaultAt[] => {
  const faults: FaultAt[] = []
  let last = ''
  let end = -1
  for (const { 0: character, index } of text.matchAll(pattern)) {
    if (index !== end || character !== last) faults.push({ at: index, what: describe(character) })
    last = character
    end = index + character.length
  }
  return faults
}

/** Where a merge was not finished. Only git's marks stand at the beginning of a line like this. */
export const findConflicts = (text: string): FaultAt[] => {
  const begun = [...text.matchAll(/^<{7}(?: |\r?$)/gm)]
  const found = begun.length > 0 ? begun : [...text.matchAll(/^>{7}(?: |\r?$)/gm)].slice(0, 1)
  return found.map(({ index }) => ({ at: index, what: 'a conflict left by git; settle it first' }))
}

export const findRefused = (text: string): FaultAt[] => find(text, refusedAnywhere)
export const findHidden = (text: string): FaultAt[] => find(text, hidden)

/** What a text holds that can't be seen, when it was written by escapes such as "\u202E". */
export const describeHidden = (value: string): string | undefined => {
  const [found] = value.match(hidden) ?? []
  if (found !== undefined)
    return `an escape here stands for ${pointOf(found)}, which can't be seen; leave it out`
  return value.isWellFormed()
    ? undefined
    : 'an escape here makes half a character; write the character itself'
}
