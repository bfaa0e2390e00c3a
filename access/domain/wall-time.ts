import { isMoment } from './moment.ts'

/** A moment as it was written, by the clock on the wall of a place. `zone` is an IANA time zone, or `UTC`. */
export type Moment = { readonly at: number; readonly zone: string }

export type ReadMoment =
  | { readonly moment: Moment }
  /** Why it is none: nobody can read it, it is over, or the clocks are turned then and it is there never, or twice. */
  | { readonly fault: 'unreadable' | 'past' | 'never' | 'twice' }

type Wall = { readonly day: number; readonly minute: number }

const dayMs = 86_400_000
const minuteMs = 60_000
const dayNames = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/**
 * Reads a moment that is to come: `22:00` (the next time it is that late), `sat 22:00`, `tomorrow 06:00`, `2026-11-28 22:00`,
 * each perhaps with a zone behind it (`Europe/Berlin`, `UTC`), and `2026-11-28T22:00+01:00`. Without a zone it is by the
 * clocks of `zone`. It is to come after `after`.
 */
export const readMoment = (text: string, zone: string, after: number): ReadMoment => {
  if (!isMoment(after)) return { fault: 'unreadable' }
  const words = text.trim().split(/\s+/)
  const exact = words.length === 1 ? readExact(words[0] ?? '') : undefined
  if (exact !== undefined) return inFuture([exact], zone, after)
  const named = words.length > 1 ? zoneOf(words.at(-1) ?? '') : undefined
  const [first = '', second, ...more] = named === undefined ? words : words.slice(0, -1)
  if (more.length > 0) return { fault: 'unreadable' }
  const where = named ?? zone
  const minute = readTime(second ?? first)
  const days = daysOf(second === undefined ? undefined : first.toLowerCase(), where, after)
  if (minute === undefined || days === undefined) return { fault: 'unreadable' }
  for (const day of days) {
    const read = inFuture(instantsOf({ day, minute }, where), where, after)
    if (!('fault' in read && read.fault === 'past')) return read
  }
  return { fault: 'past' }
}

const inFuture = (instants: readonly number[], zone: string, after: number): ReadMoment => {
  const [at, ...others] = instants
  if (at === undefined) return { fault: 'never' }
  if (!isMoment(at)) return { fault: 'unreadable' }
  if (Math.max(at, ...others) <= after) return { fault: 'past' }
  return others.length > 0 ? { fault: 'twice' } : { moment: { at, zone } }
}

/** RFC 3339, with its offset. */
const readExact = (text: string): number | undefined => {
  const parts = /^(\d{4}-\d{2}-\d{2})t([01]\d|2[0-3]):([0-5]\d)(?:z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i.exec(
    text,
  )
  const day = parts === null ? undefined : readDate(parts[1] ?? '')
  if (parts === null || day === undefined) return undefined
  const offset = Number(parts[5] ?? 0) * 60 + Number(parts[6] ?? 0)
  const minute = Number(parts[2]) * 60 + Number(parts[3]) - (parts[4] === '-' ? -offset : offset)
  return day * dayMs + minute * minuteMs
}

/** Days since the epoch; undefined for a day that no calendar has. */
const readDate = (text: string): number | undefined => {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (parts === null) return undefined
  const midnight = Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]))
  return new Date(midnight).toISOString().startsWith(text) ? midnight / dayMs : undefined
}

/** Minutes after midnight. */
const readTime = (text: string): number | undefined => {
  const parts = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text)
  return parts === null ? undefined : Number(parts[1]) * 60 + Number(parts[2])
}

/** The days that a word may mean, the first to come first. */
const daysOf = (word: string | undefined, zone: string, after: number): number[] | undefined => {
  const today = onTheWall(after, zone).day
  if (word === undefined) return [today, today + 1]
  if (word === 'today') return [today]
  if (word === 'tomorrow') return [today + 1]
  const weekday = word.length < 3 ? -1 : dayNames.findIndex((name) => name.startsWith(word))
  if (weekday === -1) {
    const date = readDate(word)
    return date === undefined ? undefined : [date]
  }
  const ahead = (((weekday - weekdayOf(today)) % 7) + 7) % 7
  return [today + ahead, today + ahead + 7]
}

/** The epoch began on a Thursday. */
const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7

/** Every moment at which the clocks there show this: none or two of them where they are turned. */
const instantsOf = ({ day, minute }: Wall, zone: string): number[] => {
  const asUtc = day * dayMs + minute * minuteMs
  if (!isMoment(asUtc - dayMs) || !isMoment(asUtc + dayMs)) return []
  const offsets = new Set([asUtc - dayMs, asUtc, asUtc + dayMs].map((at) => offsetAt(at, zone)))
  return [...offsets]
    .map((offset) => asUtc - offset)
    .filter((at) => at + offsetAt(at, zone) === asUtc)
    .sort((a, b) => a - b)
}

/** How far the clocks there are ahead of UTC, in milliseconds. */
const offsetAt = (at: number, zone: string): number => {
  const { day, minute } = onTheWall(at, zone)
  return day * dayMs + minute * minuteMs - Math.floor(at / minuteMs) * minuteMs
}

const onTheWall = (at: number, zone: string): Wall => {
  const parts = new Map(
    wallFormat(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? Number.NaN
  return {
    day: Date.UTC(of('year'), of('month') - 1, of('day')) / dayMs,
    minute: of('hour') * 60 + of('minute'),
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Zones come from what people write: an unknown one throws, and the known ones are some hundreds. */
const formatOf = (name: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = `${name} ${zone}`
  const known = formats.get(key)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone, hourCycle: 'h23' })
  formats.set(key, made)
  return made
}

const wallFormat = (zone: string): Intl.DateTimeFormat =>
  formatOf('wall', zone, {
    calendar: 'iso8601',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })

/** The name of a time zone as its database has it; undefined for anything else. */
const zoneOf = (text: string): string | undefined => {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return undefined
  if (dayNames.some((name) => name.startsWith(text.toLowerCase()))) return undefined
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-GB', { timeZone: text }).resolvedOptions()
    // What has been renamed is told by the name that was written.
    return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text
  } catch {
    return undefined
  }
}

/** Whether this is the name of a time zone. */
export const isZone = (text: string): boolean => zoneOf(text) !== undefined

/** `Sat 28 Nov 2026 22:00 Europe/Berlin`; of a zone that this process does not know, in UTC. */
export const momentText = ({ at, zone }: Moment): string => {
  const where = zoneOf(zone) ?? 'UTC'
  const parts = new Map(
    formatOf('text', where, {
      weekday: 'short',
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const words = ['weekday', 'day', 'month', 'year'] as const
  return `${words.map((part) => parts.get(part)).join(' ')} ${parts.get('hour')}:${parts.get('minute')} ${where}`
}
