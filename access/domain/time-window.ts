import { isMoment } from './moment.ts'

/** A weekly time window, by the clock on the wall of a place. */
export type TimeWindow = {
  /** 0 is Sunday. Those on which it begins. */
  readonly days: readonly number[]
  /** Minutes after midnight; `until` is not included. Where `until` is not after `from`, it ends on the next day. */
  readonly from: number
  readonly until: number
  /** An IANA time zone, such as Europe/Berlin. */
  readonly zone: string
}

const formats = new Map<string, Intl.DateTimeFormat>()
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Day of the week and minutes after midnight, as a clock in that zone shows them. */
const onTheWall = (zone: string, at: number): { readonly day: number; readonly minute: number } => {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(zone, format)
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    day: weekdays.indexOf(parts.get('weekday') ?? ''),
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  }
}

/** Whether a moment (milliseconds since the epoch) lies in the window. Follows daylight saving as the zone does. */
export const isWithin = ({ days, from, until, zone }: TimeWindow, at: number): boolean => {
  if (!isMoment(at)) return false
  const { day, minute } = onTheWall(zone, at)
  if (from < until) return days.includes(day) && minute >= from && minute < until
  return (days.includes(day) && minute >= from) || (days.includes((day + 6) % 7) && minute < until)
}
