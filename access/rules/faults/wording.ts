import { exactDuration, parseDuration } from '../../domain/duration.ts'
import { nearest } from '../../domain/nearest.ts'
import { parseInstant, parseWindowDays, parseWindowHours } from '../read-time.ts'
import { shown } from '../yaml/yaml-fault.ts'
import { pointOf } from '../yaml/yaml-text.ts'

/** What was written, as a message repeats it: texts in quotes, numbers as they are. */
export const quoted = (written: unknown): string => {
  if (typeof written === 'string') return shown(written)
  if (Array.isArray(written)) return 'a list'
  if (typeof written === 'object') return 'keys with values'
  return String(written)
}

/** A list or map has no text of its own. */
const textOf = (written: unknown): string => (typeof written === 'object' ? '' : String(written))

/** A text as it may stand between [ and ]. */
export const inList = (text: string): string =>
  /^[A-Za-z/][\w/.*-]*(?:[ :][\w/.*-]+)*$/.test(text) ? text : shown(text)

const unitSeconds: readonly (readonly [RegExp, number])[] = [
  [/^s(?:ec(?:ond)?s?)?$/, 1],
  [/^m(?:in(?:ute)?s?)?$/, 60],
  [/^h(?:(?:ou)?rs?)?$/, 3_600],
  [/^d(?:ays?)?$/, 86_400],
  [/^w(?:(?:ee)?ks?)?$/, 604_800],
]
const secondsOf = (unit: string): number | undefined =>
  unitSeconds.find(([names]) => names.test(unit.toLowerCase()))?.[1]

/** `2 hours`, `15min`, `1.5h`, `PT2H` as we write them. */
const durationMeant = (text: string): string | undefined => {
  const parts = [...text.matchAll(/(\d{1,5}(?:\.\d{1,2})?)\s*([a-z]+)/gi)]
  if (parts.length === 0 || text.replaceAll(/\d[\d.]*\s*[a-z]+|\s|,|and|^pt?/gi, '') !== '') return undefined
  let seconds = 0
  for (const [, count, unit = ''] of parts) seconds += Number(count) * (secondsOf(unit) ?? Number.NaN)
  const meant = Number.isInteger(seconds) ? exactDuration(seconds * 1_000) : ''
  return parseDuration(meant) === seconds * 1_000 ? meant : undefined
}

export const notADuration = (written: unknown): string => {
  const text = textOf(written)
  if (/^0[a-z]*$/.test(text)) return `${quoted(written)} is no time at all; write 15m or 2h, or leave it out`
  if (/^\d{1,4}$/.test(text))
    return `${quoted(written)} has no unit; write ${text}s, ${text}m, ${text}h or ${text}d`
  const meant = typeof written === 'string' ? durationMeant(text) : undefined
  return `${quoted(written)} is not a duration; write ${meant ?? '30s, 15m, 2h, 1h30m or 14d'}`
}

/** Characters that nobody sees: marks of format, and selectors of how another one looks. */
export const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u

export const notVisible = (written: unknown): string => {
  const text = textOf(written)
  const [found = ''] = invisible.exec(text) ?? []
  const rest = text.replaceAll(new RegExp(invisible, 'gu'), '')
  return `${quoted(written)} holds a character that nobody sees (${pointOf(found)}); write ${quoted(rest)}`
}

export const notARate = (written: unknown): string => {
  const [, count, unit] =
    /^\s*([1-9]\d{0,5})\s*(?:\/|per|an?)\s*1?\s*([a-z]+)\s*$/i.exec(textOf(written)) ?? []
  const seconds = secondsOf(unit ?? '')
  const mend =
    typeof written === 'number' && Number.isInteger(written) && written > 0
      ? `write ${written}/s (a second) or ${written}/m (a minute)`
      : seconds === 1 || seconds === 60
        ? `write ${count}/${seconds === 1 ? 's' : 'm'}`
        : 'write 10/s (a second) or 30/m (a minute), with whole numbers'
  return `${quoted(written)} is not a rate; ${mend}`
}

export const notAShare = (written: unknown): string => {
  const percent = Number(textOf(written)) * (Number(textOf(written)) < 1 ? 100 : 1)
  const meant = Number.isInteger(percent) && percent >= 1 && percent <= 100 ? `${percent}%` : '50%'
  return `${quoted(written)} is not a share; write ${meant} (1% to 100%)`
}

export const notLevels = (written: unknown): string => {
  const members = Array.isArray(written)
    ? written
    : /^\s*(\d+)\s*(?:-|to|\.\.)\s*(\d+)\s*$/.exec(textOf(written))
  const numbers = [...(members ?? [])]
    .map((one) => Number(textOf(one)))
    .filter((one) => one >= 1 && one <= 99)
  const [from, to] = [Math.min(...numbers), Math.max(...numbers)]
  const meant = numbers.length === 0 ? '1 or 1-2' : from === to ? `${from}` : `${from}-${to}`
  return Array.isArray(written)
    ? `levels are one range, not a list; write ${meant}`
    : `${quoted(written)} is no range of escalation levels; write ${meant}`
}

export const notATime = (written: unknown): string => {
  const text = textOf(written)
  const general = '2026-12-20 (a day, UTC) or 2026-12-20T18:00+01:00'
  const [, day, time, offset] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)\s*(Z|[+-]\d{2}:\d{2})?)?$/.exec(text) ?? []
  if (day !== undefined && parseInstant(day, 'start') === undefined)
    return `${quoted(written)} is no day of the calendar; write ${lastDayBefore(day) ?? general}`
  if (day !== undefined && parseInstant(`${day}T${time}Z`, 'start') !== undefined)
    return offset === undefined
      ? `${quoted(written)} does not say its offset from UTC; write ${day}T${time}+01:00, or ${day}T${time}Z for UTC`
      : `${quoted(written)} is not a time; write ${day}T${time}${offset}`
  const [, first = '', second = '', year = ''] = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text) ?? []
  const meant = `${year}-${second.padStart(2, '0')}-${first.padStart(2, '0')}`
  // 12/31/2026 can be read in one way only, 11/12/2026 in two.
  const [, one = '', other = '', ofYear = ''] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text) ?? []
  const [month, dayOfMonth] = Number(one) > 12 ? [other, one] : [one, other]
  const slashed = `${ofYear}-${month.padStart(2, '0')}-${dayOfMonth.padStart(2, '0')}`
  const isClear = Number(dayOfMonth) > 12 && parseInstant(slashed, 'start') !== undefined
  const mend = isClear ? slashed : parseInstant(meant, 'start') === undefined ? general : meant
  return `${quoted(written)} is not a time; write ${mend}`
}

/** `2026-02-28` of `2026-02-30`; undefined where the month is none, either. */
const lastDayBefore = (day: string): string | undefined =>
  ['31', '30', '29', '28']
    .map((last) => `${day.slice(0, 8)}${last}`)
    .find((one) => one < day && parseInstant(one, 'start') !== undefined)

/** `9-17`, `9am-5pm`, `8:00 - 20:00` as we write them. */
const hoursMeant = (text: string): string | undefined => {
  const parts =
    /^\s*(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\s*(?:-|–|to)\s*(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\s*$/i.exec(text)
  if (parts === null) return undefined
  const clock = (hour = '', minute = '00', half = ''): string => {
    const of12 = half === '' ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
    return `${String(of12).padStart(2, '0')}:${minute}`
  }
  const meant = `${clock(parts[1], parts[2], parts[3])}-${clock(parts[4], parts[5], parts[6])}`
  return parseWindowHours(meant) === undefined ? undefined : meant
}

export const notHours = (written: unknown): string => {
  const text = textOf(written)
  const [from, to] = text.split('-')
  if (from === to) return `${quoted(written)} is no time at all; write 00:00-24:00 for the whole day`
  const meant = hoursMeant(text)
  const mend = meant === undefined ? '09:00-17:00 (22:00-06:00 ends on the next day)' : `"${meant}"`
  return `${quoted(written)} are no hours; write ${mend}`
}

export const notDays = (written: unknown): string => {
  const listed = Array.isArray(written) ? written.map(textOf).join(', ') : textOf(written)
  const meant = listed
    .toLowerCase()
    .replaceAll(/\b(sun|mon|tue|wed|thu|fri|sat)[a-z]*/g, '$1')
    .replaceAll(/\s*-\s*/g, '-')
  const isEnglish = /^(?:(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?)(?:day)?s?[\s,-]*)+$/i.test(
    listed,
  )
  const mend =
    isEnglish && parseWindowDays(meant) !== undefined
      ? inList(meant)
      : 'mon-fri or "sat, sun" (mon tue wed thu fri sat sun)'
  return Array.isArray(written)
    ? `days are one text, not a list; write ${mend}`
    : `${quoted(written)} names no days; write ${mend}`
}

/** A zone that the runtime knows, also by a name that others have replaced; an offset is no zone. */
export const isZone = (zone: string): boolean => {
  if (!/^[A-Z][A-Za-z0-9_+/-]*$/.test(zone)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

export const notAZone = (written: unknown): string => {
  const meant = nearest(textOf(written), Intl.supportedValuesOf('timeZone'))
  const mend =
    meant === undefined ? 'write an IANA name such as Europe/Berlin, or UTC' : `did you mean "${meant}"?`
  return `unknown time zone ${quoted(written)}; ${mend}`
}

const slugOf = (text: string, allowed: RegExp): string =>
  text
    .toLowerCase()
    .replaceAll(allowed, '-')
    .replaceAll(/-{2,}/g, '-')
    .replaceAll(/^-+|-+$/g, '')

export const notAName = (written: unknown): string => {
  const meant = slugOf(textOf(written), /[^a-z0-9_]+/g)
  const rule = 'begin with a lower-case letter, then letters, digits, - and _; at most 63'
  const mend = /^[a-z][a-z0-9_-]{1,62}$/.test(meant) ? `write ${meant}` : rule
  return `${quoted(written)} can't be a name; ${mend}`
}

export const notAHost = (written: unknown): string => {
  const meant = slugOf(textOf(written), /[^a-z0-9]+/g)
  const rule = 'lower-case letters, digits and dashes between them, at most 63'
  const mend = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(meant) ? `${meant} (${rule})` : rule
  return `${quoted(written)} can't be a part of a host name; write ${mend}`
}

export const notADomain = (written: unknown): string => {
  const [, host = ''] =
    /^(?:[a-z]+:\/\/)?(?:\*\.)?([^/:@?#\s]+)(?::\d+)?(?:[/?#].*)?$/i.exec(textOf(written)) ?? []
  const meant = host.toLowerCase()
  const mend = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(meant)
    ? `write ${meant}`
    : 'write one such as access.example.com'
  const what = textOf(written).includes('@') ? 'this' : quoted(written)
  return `${what} is not a plain domain; ${mend}, without scheme, port or path`
}

export const notAText = (written: unknown): string => {
  const text = textOf(written)
  if (text.trim() === '') return 'this says nothing; write 1 to 255 characters'
  if (text.length > 255) return `${quoted(written)} is longer than 255 characters; shorten it`
  if (text.trim() !== text) return `${quoted(written)} begins or ends with a space; leave it out`
  return `${quoted(written)} runs over several lines; write it on one`
}

export const notAChannel = (written: unknown): string => {
  const meant = slugOf(textOf(written), /[^a-z0-9_]+/g).slice(0, 80)
  return `${quoted(written)} is not a channel; write "#${meant === '' ? 'inc-orders' : meant}", or a channel's id`
}

export const notAPagerDutyId = (written: unknown): string => {
  const [meant] = textOf(written).match(/\bP[A-Z0-9]{6,13}\b/) ?? []
  const mend = meant === undefined ? 'write what its address ends with, such as PNE3JZM' : `write ${meant}`
  return `${quoted(written)} is not the id of a PagerDuty service; ${mend}`
}

/** What is wrong with an address of scheme, host and port. What may be a secret is not repeated. */
export const faultOfOrigin = (written: string): string | undefined => {
  const url = urlOf(written)
  if (url === undefined) return notAUrl(written, 'http://')
  if (holdsSecret(url)) return withSecret
  const plain = url.pathname === '/' && !/[?#]/.test(written)
  return plain ? undefined : `an address is only scheme, host and port; write ${url.origin}`
}

/** The same of a release, which may also speak HTTP/2 without TLS. */
export const faultOfRelease = (written: string): string | undefined =>
  written.startsWith('h2c:')
    ? faultOfOrigin(written.replace('h2c:', 'http:'))?.replaceAll('http:', 'h2c:')
    : faultOfOrigin(written)

export const faultOfIssuer = (written: string): string | undefined => {
  const url = urlOf(written)
  if (url === undefined) return notAUrl(written, 'https://')
  if (holdsSecret(url)) return withSecret
  return /[\s?#]/.test(written)
    ? `an issuer has no query, fragment or space; write ${url.origin}${url.pathname === '/' ? '' : url.pathname}`
    : undefined
}

const withSecret = 'this address holds a user name or password; leave them out, and never write secrets here'

const urlOf = (written: string): URL | undefined => {
  const url = URL.canParse(written) ? new URL(written) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}
const holdsSecret = (url: URL): boolean => url.username !== '' || url.password !== ''

const notAUrl = (written: string, scheme: 'http://' | 'https://'): string => {
  const example = scheme === 'http://' ? 'http://orders-blue:8080' : 'https://idp.example.com'
  if (/[@?]/.test(written))
    return `this is not an http or https address; write one such as ${example}, without any secret`
  const bare = /^[a-z0-9.-]+(?::\d+)?$/i.test(written)
  const mend = bare ? `write ${scheme}${written}` : `write one such as ${example}`
  return `${quoted(written)} is not an http or https address; ${mend}`
}

export const notAKey = (written: unknown): string => {
  const text = textOf(written)
  if (text.includes('PRIVATE KEY'))
    return 'this is a private key, and no secret any more; make a new one, and write only its public part here'
  const mend = 'write ssh-ed25519 AAAA…, or its 32 bytes in base64url'
  const [kind] = /^(?:ssh-(?!ed25519 )|ecdsa-|sk-(?!ssh-ed25519@openssh\.com ))\S+/.exec(text) ?? []
  if (kind !== undefined)
    return `a key of the kind ${shown(kind)} does not count here; make one with: ssh-keygen -t ed25519`
  if (/^[~./]|\.pub$/.test(text)) return `${quoted(written)} is the name of a file; write what the file holds`
  return `this is no Ed25519 public key; ${mend}`
}

export const notAFrom = (written: unknown): string => {
  if (Array.isArray(written))
    return '"from" names one set of people or workload, not a list; write a rule for each'
  return `${quoted(written)} names nobody; write workload:checkout, a set of people, or "on call of orders-svc"`
}
