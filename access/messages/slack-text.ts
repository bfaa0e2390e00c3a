/** What nobody sees: control letters, those that turn the reading direction around (Unicode UAX 9), half a letter. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu

/** https://docs.slack.dev/messaging/formatting-message-text: `<` begins every mention and link. */
const entities = [
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
] as const
/** Those that would begin or end what is bold or code here have letters that look the same in their place. */
const inCode: ReadonlyMap<string, string> = new Map([...entities, ['`', '’']])
const inText: ReadonlyMap<string, string> = new Map([...inCode, ['*', '∗']])

const harmless = (text: string, longest: number, written: ReadonlyMap<string, string>): string => {
  const letters = [...text.replaceAll(unseen, ' ').trim()].map((letter) => written.get(letter) ?? letter)
  const all = letters.join('')
  if (all.length <= longest) return all
  let kept = ''
  for (const letter of letters) {
    if (kept.length + letter.length >= longest) break
    kept += letter
  }
  return `${kept}…`
}

/** What somebody else wrote, made harmless in Slack's mrkdwn, and cut to so many characters of it. */
export const quoted = (text: string, longest = 300): string => harmless(text, longest, inText)

/** Monospaced, and nothing in it is formatted. */
export const code = (text: string): string => `\`${harmless(text, 300, inCode)}\``

/** A time that Slack shows in each reader's own time zone, with UTC for those who read it elsewhere. */
export const clockTime = (at: number): string => {
  const seconds = Math.floor(at / 1_000)
  const utc = new Date(seconds * 1_000).toISOString().slice(11, 16)
  return `<!date^${seconds}^{time}|${utc} UTC>`
}

/** The same with its day, for what is not today. */
export const dayAndTime = (at: number): string => {
  const utc = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
  return `<!date^${Math.floor(at / 1_000)}^{date_short_pretty} {time}|${utc} UTC>`
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** As many lines as fit, `most` of them and in so many bytes, then how many more there are. The first always fits. */
export const fitting = (
  lines: readonly string[],
  { most, bytes }: { readonly most: number; readonly bytes: number },
  more: (left: number) => string,
): string[] => {
  const shown: string[] = []
  let size = 0
  for (const line of lines.slice(0, most)) {
    size += Buffer.byteLength(line) + 2
    if (size > bytes && shown.length > 0) break
    shown.push(line)
  }
  const left = lines.length - shown.length
  return left > 0 ? [...shown, more(left)] : shown
}

/** The part of an entity, a time or a letter that a cut leaves at the end; half of a letter's bytes reads as U+FFFD. */
const torn = /(?:&[a-z]*|<[^>]*|[\ud800-\udbff\ufffd])$/
const ellipsisBytes = Buffer.byteLength('…')

/** Cut to so many characters, but not within an entity, a time or a letter. */
export const cutMarkup = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1).replace(torn, '')}…`

/** The same, to so many bytes. */
export const cutMarkupToBytes = (text: string, most: number): string => {
  const bytes = Buffer.from(text)
  if (bytes.length <= most) return text
  return `${bytes
    .subarray(0, most - ellipsisBytes)
    .toString()
    .replace(torn, '')}…`
}

/** A message's text as plain text, for readers that know no mrkdwn. What is in code is left as it is. */
export const plainText = (text: string): string =>
  text
    .replaceAll(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, '$1')
    .split('`')
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('*', '') : part))
    .join('')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
