/** Whom somebody means: a Slack account, or a subject of the identity provider, which may be a workload's. */
export type Whom = { readonly slack: string } | { readonly subject: string }

export type LockCommand =
  | { readonly verb: 'lock'; readonly whom: Whom; readonly reason: string }
  | { readonly verb: 'unlock'; readonly whom: Whom }

/** What could not be read, and the nearest right command. */
export type Unreadable = { readonly verb: 'unreadable'; readonly what: string; readonly try: string }

/** As Slack sends a mention: `<@U0ANA00001|ana>` (https://docs.slack.dev/interactivity/implementing-slash-commands). */
const mention = /^<@([UW][A-Z0-9]{2,30})(?:\|[^>]*)?>$/
const named = /^subject:(\S{1,255})$/

const longestReason = 500

/** Reads `lock @ana because …` and `unlock @ana`. */
export const parseLock = (
  verb: 'lock' | 'unlock',
  words: readonly string[],
  reason: string,
): LockCommand | Unreadable => {
  const [word = ''] = words
  const whom = words.length === 1 ? whomOf(word) : undefined
  if (whom === undefined)
    return {
      verb: 'unreadable',
      what: 'Say whom: mention one person, or write subject: and their subject at the identity provider.',
      try: verb === 'lock' ? 'lock @ana because …' : 'unlock @ana',
    }
  if (verb === 'unlock') return { verb, whom }
  if (reason === '' || reason.length > longestReason)
    return {
      verb: 'unreadable',
      what: `Say why, in at most ${longestReason} characters.`,
      try: `lock ${'slack' in whom ? '@ana' : `subject:${whom.subject}`} because …`,
    }
  return { verb, whom, reason: asTyped(reason) }
}

const whomOf = (word: string): Whom | undefined => {
  const slack = mention.exec(word)?.[1]
  if (slack !== undefined) return { slack }
  const subject = named.exec(word)?.[1]
  return subject === undefined ? undefined : { subject }
}

/** What Slack made of mentions, channels and links in a text, as it was typed. */
const asTyped = (text: string): string =>
  text.replaceAll(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, of, label) => label || of)
