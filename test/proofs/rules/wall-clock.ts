import { isMoment } from './measures.ts'
import type { SaidWhen, SaidWindow } from './said.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** Midnight, UTC, of the n-th Sunday of a month (1 is January); `-1` is its last. */
const sunday = (year: number, month: number, nth: number): number => {
  const all: number[] = []
  for (let at = Date.UTC(year, month - 1, 1); new Date(at).getUTCMonth() === month - 1; at += day)
    if (new Date(at).getUTCDay() === 0) all.push(at)
  return all.at(nth < 0 ? nth : nth - 1) as number
}

/** A zone: minutes ahead of UTC in winter and in summer, and when a year's summer begins and ends (UTC). */
type Zone = {
  readonly winter: number
  readonly summer: number
  readonly begins: (year: number) => number
  readonly ends: (year: number) => number
}

const fixed = (minutes: number): Zone => ({
  winter: minutes,
  summer: minutes,
  begins: () => 0,
  ends: () => 0,
})

/** As the IANA time zone database (2024b) has them since 2019. */
const zones: { readonly [name: string]: Zone } = {
  UTC: fixed(0),
  'Asia/Tokyo': fixed(9 * 60),
  'Asia/Tehran': fixed(3 * 60 + 30),
  'Pacific/Kiritimati': fixed(14 * 60),
  'Pacific/Honolulu': fixed(-10 * 60),
  'Europe/Berlin': {
    winter: 60,
    summer: 120,
    begins: (year) => sunday(year, 3, -1) + 60 * minute,
    ends: (year) => sunday(year, 10, -1) + 60 * minute,
  },
  'America/New_York': {
    winter: -300,
    summer: -240,
    begins: (year) => sunday(year, 3, 2) + 7 * 60 * minute,
    ends: (year) => sunday(year, 11, 1) + 6 * 60 * minute,
  },
  // South of the equator, summer goes over the year's end; here it is by half an hour only.
  'Australia/Lord_Howe': {
    winter: 630,
    summer: 660,
    begins: (year) => sunday(year, 10, 1) + 120 * minute - 630 * minute,
    ends: (year) => sunday(year, 4, 1) + 120 * minute - 660 * minute,
  },
}
export const zoneNames = Object.keys(zones)

/** Minutes that a zone's clocks are ahead of UTC at a moment, in the years 2020 to 2036. */
export const aheadOf = (name: string, at: number): number => {
  const zone = zones[name]
  if (zone === undefined) throw new Error(`the model knows no zone ${name}`)
  if (zone.winter === zone.summer) return zone.winter
  const { begins, ends } = changesOf(name, new Date(at).getUTCFullYear())
  const summer = begins < ends ? at >= begins && at < ends : at >= begins || at < ends
  return summer ? zone.summer : zone.winter
}

const known = new Map<string, { readonly begins: number; readonly ends: number }>()

/** When a zone's clocks change in a year. */
export const changesOf = (name: string, year: number): { readonly begins: number; readonly ends: number } => {
  const key = `${name} ${year}`
  const zone = zones[name] ?? fixed(0)
  const changes = known.get(key) ?? { begins: zone.begins(year), ends: zone.ends(year) }
  known.set(key, changes)
  return changes
}

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** Whether `sat, mon-wed` names a day, by walking from the first to the last. */
const namesDay = (written: string, name: string): boolean =>
  written.split(',').some((part) => {
    const [first = '', last = first] = part.trim().split('-')
    let at = dayNames.indexOf(first)
    for (;;) {
      if (dayNames[at] === name) return true
      if (dayNames[at] === last) return false
      at = (at + 1) % 7
    }
  })

/** `09:30` and `24:00` sort as texts. */
const isIn = ({ days, hours, zone }: SaidWindow, at: number): boolean => {
  const [from = '', until = ''] = hours.split('-')
  const wall = new Date(at + aheadOf(zone, at) * minute)
  const time = wall.toISOString().slice(11, 16)
  const today = dayNames[wall.getUTCDay()] as string
  const yesterday = dayNames[(wall.getUTCDay() + 6) % 7] as string
  const on = (name: string): boolean => days === undefined || namesDay(days, name)
  if (from < until) return on(today) && time >= from && time < until
  return (on(today) && time >= from) || (on(yesterday) && time < until)
}

/** Whether the moment lies in one of the windows; what has none always fits. */
export const fits = (when: SaidWhen | undefined, at: number): boolean =>
  when === undefined || (isMoment(at) && [when].flat().some((window) => isIn(window, at)))
