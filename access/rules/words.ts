import { exactDuration } from '../domain/duration.ts'
import type { RuleSet } from '../domain/rule-set.ts'
import type { Tier } from '../domain/tier.ts'
import type { TimeWindow } from '../domain/time-window.ts'
import { dayNames } from './read-time.ts'

/** `a`, `a or b`, `a, b or c`. */
export const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** `a`, `a and b`, `a, b and c`. */
export const allOf = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

/** Three names, or two and how many more: never a page of them. */
export const few = (names: readonly string[]): string =>
  names.length <= 3 ? allOf(names) : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`

/** A set of people, and what makes somebody one of them: `payments (group team-payments)`. Names no person. */
export const setText = (rules: RuleSet, name: string): string => {
  const people = rules.people.get(name)
  if (people === undefined) return name
  const by = [
    ...people.groups.map((group) => `group ${group}`),
    ...people.roles.map((role) => `role ${role}`),
    ...(people.subjects.length === 0 ? [] : ['named by subject']),
  ]
  return `${name} (${oneOf(by)})`
}

/** A moment in UTC: `2026-12-20 18:00 UTC`; with seconds where it has some. */
export const momentText = (at: number): string =>
  `${new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/(?::00)?\.\d{3}Z$/, '')} UTC`

/** Days as the rule set writes them, the week beginning on Monday: `mon-fri`, `sat, sun`; nothing for every day. */
const daysText = (days: readonly number[]): string => {
  const week = [1, 2, 3, 4, 5, 6, 0].map((day) => days.includes(day))
  if (week.every(Boolean)) return ''
  const runs: string[] = []
  for (let first = 0; first < 7; first += 1) {
    if (!week[first]) continue
    let last = first
    while (week[last + 1]) last += 1
    const [from, to] = [dayNames[(first + 1) % 7], dayNames[(last + 1) % 7]]
    runs.push(last > first + 1 ? `${from}-${to}` : last > first ? `${from}, ${to}` : `${from}`)
    first = last
  }
  return `${runs.join(', ')} `
}

const minutesText = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`

/** `mon-fri 08:00-20:00 Europe/Berlin`. */
export const windowsText = (windows: readonly TimeWindow[]): string =>
  oneOf(
    windows.map(
      ({ days, from, until, zone }) => `${daysText(days)}${minutesText(from)}-${minutesText(until)} ${zone}`,
    ),
  )

/** A length of time, all of it; `ever` where it has no end. */
export const lengthText = (ms: number): string =>
  ms === Number.POSITIVE_INFINITY ? 'ever' : exactDuration(ms)

/** `10/s`, `30/m`. */
export const rateText = (perSecond: number): string =>
  Number.isInteger(perSecond) ? `${perSecond}/s` : `${Math.round(perSecond * 60)}/m`

/** What has to be done for a tier that asks for another sign-in, to go on from "sign in". */
export const signInText = ({ acr, maxAge }: NonNullable<Tier['signIn']>): string => {
  const as = acr === undefined ? '' : ` with class ${acr}`
  return `again${as}${maxAge === undefined ? '' : `; a sign-in counts for ${exactDuration(maxAge)}`}`
}
