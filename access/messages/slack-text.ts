/** Control characters, and those that turn the reading direction around (Unicode UAX 9). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be taken out
const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g

/**
 * What somebody else wrote, made harmless in Slack's mrkdwn: `<` can begin no mention or link
 * (https://docs.slack.dev/messaging/formatting-message-text), and it is cut to a length.
 */
export const quoted = (text: string, longest = 300): string => {
  const letters = [...text.replaceAll(unseen, ' ').trim()]
  const cut = letters.length > longest ? `${letters.slice(0, longest - 1).join('')}…` : letters.join('')
  return cut.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Monospaced. A backtick would end it. */
export const code = (text: string): string => `\`${quoted(text).replaceAll('`', '’')}\``

/** A time that Slack shows in each reader's own time zone, with UTC for those who read it elsewhere. */
export const clockTime = (at: number): string => {
  const seconds = Math.floor(at / 1_000)
  const utc = new Date(seconds * 1_000).toISOString().slice(11, 16)
  return `<!date^${seconds}^{time}|${utc} UTC>`
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** A message's text as plain text, for readers that know no mrkdwn. */
export const plainText = (text: string): string =>
  text
    .replaceAll(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, '$1')
    .replaceAll(/[*`]/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
