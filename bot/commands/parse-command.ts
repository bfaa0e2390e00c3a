import { parseDuration } from '#access/domain/duration.ts'
import { nearest } from '#access/domain/nearest.ts'
import { type AddCommand, parseAdd } from './parse-add.ts'
import { type LockCommand, parseLock, type Unreadable } from './parse-lock.ts'

export const verbs = [
  'grant',
  'preview',
  'list',
  'extend',
  'revoke',
  'withdraw',
  'handover',
  'command',
  'lock',
  'unlock',
  'break-glass',
  'help',
] as const
export type Verb = (typeof verbs)[number]

export type Command =
  | {
      /** `preview` is what the same after `grant` would come to. */
      readonly verb: 'grant' | 'preview' | 'break-glass'
      readonly service: string
      /** Several in one go: names, and labels as `label:x`, each once. */
      readonly services?: readonly string[]
      readonly duration?: number
      readonly tier?: string
      readonly reason?: string
      /** When it is to begin and end, as it was written. */
      readonly from?: string
      readonly until?: string
    }
  | { readonly verb: 'revoke'; readonly pass: string }
  /** `duration` is how much longer, in milliseconds. */
  | { readonly verb: 'extend'; readonly pass: string; readonly duration?: number }
  | LockCommand
  | AddCommand
  /** `to` is the id of a Slack user. */
  | { readonly verb: 'handover'; readonly pass: string; readonly to?: string }
  | { readonly verb: 'list' }
  | { readonly verb: 'help' }
  | Unreadable

const longestReason = 500

/** What Slack made of names and links in it is what people read. */
const asRead = (text: string): string =>
  text
    .replaceAll(/<([@#])[A-Z0-9]{3,31}\|([^<>|]{1,80})>/g, '$1$2')
    .replaceAll(/<(https?:[^<>|\s]{1,300})(?:\|[^<>|]{0,300})?>/g, '$1')

/** What names mean: a word before the time that is no tier is another service. */
export type Names = {
  readonly isService: (word: string) => boolean
  readonly isTier: (word: string) => boolean
}

const noNames: Names = { isService: () => false, isTier: () => true }

/** Reads what somebody wrote after the command's name. */
export const parseCommand = (text: string, names: Names = noNames): Command => {
  const [head = '', ...tail] = text.trim().split(/(?<=^|\s)because(?=\s|$)/i)
  const reason = asRead(tail.join('because').trim())
  const [verb = 'help', ...words] = head
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
  switch (verb.toLowerCase()) {
    case 'help':
      return { verb: 'help' }
    case 'list':
      return { verb: 'list' }
    case 'withdraw':
    case 'revoke':
      return words.length === 1 && words[0] !== undefined
        ? { verb: 'revoke', pass: words[0].toLowerCase() }
        : { verb: 'unreadable', what: 'Say which one pass to revoke.', try: 'revoke orders-svc' }
    case 'command':
      return parseAdd(head.trim().replace(/^\S+\s*/, ''), reason)
    case 'handover':
      return parseHandOver(words)
    case 'extend':
      return parseExtend(words)
    case 'lock':
    case 'unlock':
      return parseLock(verb.toLowerCase() === 'lock' ? 'lock' : 'unlock', words, reason)
    case 'grant':
      return parseGrant(words, reason, names)
    case 'break-glass': {
      const read = parseGrant(words, reason, names)
      if (read.verb !== 'grant') return read
      if (read.services !== undefined)
        return {
          verb: 'unreadable',
          what: 'The glass is broken for one service at a time.',
          try: `break-glass ${read.services[0]} because …`,
        }
      return read.from === undefined && read.until === undefined
        ? { ...read, verb: 'break-glass' }
        : {
            verb: 'unreadable',
            what: 'Breaking the glass begins at once.',
            try: `break-glass ${read.service} 20m because …`,
          }
    }
    case 'preview': {
      const read = parseGrant(words, reason, names)
      return read.verb === 'grant' ? { ...read, verb: 'preview' } : read
    }
    default: {
      const meant = nearest(verb, verbs)
      const better = meant === undefined ? 'help' : [meant, ...words].join(' ')
      return { verb: 'unreadable', what: `“${verb}” is not something I do.`, try: better }
    }
  }
}

/** Slack writes a person as `<@U0ANA00001|ana>` (https://docs.slack.dev/interactivity/implementing-slash-commands). */
const mention = /^<@([UW][A-Z0-9]{2,30})(?:\|[^>]*)?>$/

const parseHandOver = ([pass, to, ...more]: readonly string[]): Command => {
  const user = to === undefined ? undefined : mention.exec(to)?.[1]
  if (pass === undefined || more.length > 0 || (to !== undefined && user === undefined))
    return {
      verb: 'unreadable',
      what: 'Say which one pass, and to whom.',
      try: 'handover orders-svc @ana',
    }
  return { verb: 'handover', pass: pass.toLowerCase(), ...(user === undefined ? {} : { to: user }) }
}

const parseExtend = ([pass, by, ...more]: readonly string[]): Command => {
  if (pass === undefined || more.length > 0)
    return { verb: 'unreadable', what: 'Say which one pass to extend.', try: 'extend orders-svc 30m' }
  const named = pass.toLowerCase()
  if (by === undefined) return { verb: 'extend', pass: named }
  const duration = parseDuration(by.toLowerCase())
  return duration === undefined
    ? {
        verb: 'unreadable',
        what: `“${by}” is not a duration I can read. Write 30m, 2h or 1h30m.`,
        try: parseDuration(named) === undefined ? `extend ${named} 30m` : `extend ${by} ${named}`,
      }
    : { verb: 'extend', pass: named, duration }
}

/** `orders-svc 4h from sat 22:00 until sun 02:00` in its three parts; the first names what is asked for. */
const spanIn = (
  words: readonly string[],
): { readonly what: readonly string[]; readonly from?: string; readonly until?: string } => {
  const at = (word: string): number =>
    words.findIndex((one, index) => index > 0 && one.toLowerCase() === word)
  const [from, until] = [at('from'), at('until')]
  const first = Math.min(...[from, until].filter((index) => index !== -1))
  const upTo = (begin: number, other: number): string =>
    words.slice(begin + 1, other > begin ? other : undefined).join(' ')
  return {
    what: words.slice(0, first),
    ...(from === -1 ? {} : { from: upTo(from, until) }),
    ...(until === -1 ? {} : { until: upTo(until, from) }),
  }
}

const serviceWord = /^(?:label:)?[a-z0-9][a-z0-9._-]{0,62}$/
/** Far more than are ever given in one go. */
const mostNamed = 30

/** The services that come first, `orders-svc payments-svc` or `orders-svc,label:web`, and the words behind them. */
const servicesIn = (words: readonly string[], { isService, isTier }: Names) => {
  const time = words.findIndex((word, index) => index > 0 && parseDuration(word) !== undefined)
  const isNamed = (word: string, index: number): boolean =>
    index === 0 ||
    (index < time && !isTier(word)) ||
    ((time === -1 || index < time) && (word.includes(',') || word.startsWith('label:') || isService(word)))
  const end = words.findIndex((word, index) => !isNamed(word, index))
  const listed = end === -1 ? words : words.slice(0, end)
  return {
    services: [...new Set(listed.flatMap((word) => word.split(',')).filter((name) => name !== ''))],
    rest: words.slice(listed.length),
  }
}

const parseGrant = (all: readonly string[], reason: string, names: Names): Command => {
  const { what, ...span } = spanIn(all)
  const words = what
    .map((word) => word.toLowerCase())
    .join(' ')
    .replaceAll(/ ?, ?/g, ',')
    .split(' ')
  const { services, rest: others } = servicesIn(
    words.filter((word) => word !== ''),
    names,
  )
  const [only] = services
  const several = services.length > 1 || only?.startsWith('label:') === true
  const service = several ? services.join(',') : only
  const [second, third, ...more] = others
  if (service === undefined)
    return { verb: 'unreadable', what: 'Say which service.', try: 'grant orders-svc 2h' }
  if (services.length > mostNamed)
    return {
      verb: 'unreadable',
      what: `Name at most ${mostNamed} services and labels.`,
      try: 'grant orders-svc,label:web 2h',
    }
  const odd = several ? services.find((name) => !serviceWord.test(name)) : undefined
  if (odd !== undefined)
    return {
      verb: 'unreadable',
      what: `“${odd}” is neither a service nor a label such as label:web.`,
      try: 'grant orders-svc,label:web 2h',
    }
  if (reason.length > longestReason) {
    return {
      verb: 'unreadable',
      what: `A reason has at most ${longestReason} characters.`,
      try: `grant ${service} 2h because …`,
    }
  }
  const duration = second === undefined ? undefined : parseDuration(second)
  const looksLikeTime = second !== undefined && /^[-+]?\d|^(?:nan|infinity)$/.test(second)
  if (duration === undefined && looksLikeTime) {
    const written = [second, third].filter((word) => word !== undefined).join(' ')
    return {
      verb: 'unreadable',
      what: `“${written}” is not a duration I can read. Write 30m, 2h or 1h30m.`,
      try: `grant ${service} 2h`,
    }
  }
  const tier = duration === undefined ? second : third
  const rest = duration === undefined ? [third, ...more] : more
  const left = rest.filter((word) => word !== undefined)
  if (left.length > 0) {
    return {
      verb: 'unreadable',
      what: `I don’t understand “${left.join(' ')}”. A reason begins with “because”.`,
      try: `grant ${service} ${duration === undefined ? '2h' : second} ${tier ?? ''} because ${left.join(' ')}`.replace(
        / +/g,
        ' ',
      ),
    }
  }
  if (duration !== undefined && span.until !== undefined)
    return {
      verb: 'unreadable',
      what: 'Say how long, or until when, not both.',
      try: `grant ${service} ${tier ?? ''} until ${span.until}`.replace(/ +/g, ' '),
    }
  return {
    verb: 'grant',
    service,
    ...(several ? { services } : {}),
    ...span,
    ...(duration === undefined ? {} : { duration }),
    ...(tier === undefined ? {} : { tier }),
    ...(reason === '' ? {} : { reason }),
  }
}
