import { describe, expect, test } from 'vitest'
import { isWithin, type TimeWindow } from '#access/domain/time-window.ts'
import { hour, minute } from '../../builders.ts'

const [sunday, monday, tuesday, wednesday, thursday, friday, saturday] = [0, 1, 2, 3, 4, 5, 6]
const workdays = [monday, tuesday, wednesday, thursday, friday]
const everyDay = [...workdays, saturday, sunday]

/** A window as the rule set writes its hours. */
const windowOf = (days: readonly number[], hours: string, zone: string): TimeWindow => {
  const [from = 0, until = 0] = hours.split('-').map((time) => {
    const [hour = 0, minute = 0] = time.split(':').map(Number)
    return hour * 60 + minute
  })
  return { days, from, until, zone }
}

const berlin = 'Europe/Berlin'
const newYork = 'America/New_York'

// 2026: Berlin leaps on 29 March and falls back on 25 October at 01:00 UTC; New York leaps on 8 March at 07:00 UTC and
// falls back on 1 November at 06:00 UTC (tz database).
describe('A window is open from its first millisecond to its last', () => {
  test.each<[string, readonly number[], string, string, string, string]>([
    ['in winter', workdays, '08:00-20:00', berlin, '2026-01-15T07:00Z', '2026-01-15T19:00Z'],
    ['in summer', workdays, '08:00-20:00', berlin, '2026-07-16T06:00Z', '2026-07-16T18:00Z'],
    ['in winter elsewhere', workdays, '09:00-17:00', newYork, '2026-01-15T14:00Z', '2026-01-15T22:00Z'],
    ['in summer elsewhere', workdays, '09:00-17:00', newYork, '2026-07-16T13:00Z', '2026-07-16T21:00Z'],
    ['half an hour aside', workdays, '09:15-18:45', 'Asia/Kolkata', '2026-01-15T03:45Z', '2026-01-15T13:15Z'],
    [
      'on another day than in UTC',
      [friday],
      '01:00-02:00',
      'Asia/Tokyo',
      '2026-01-15T16:00Z',
      '2026-01-15T17:00Z',
    ],
    ['of a minute', [thursday], '12:00-12:01', 'UTC', '2026-01-15T12:00Z', '2026-01-15T12:01Z'],
    ['to the end of the day', [friday], '20:00-24:00', berlin, '2026-01-16T19:00Z', '2026-01-16T23:00Z'],
    ['to midnight', [friday], '20:00-00:00', berlin, '2026-01-16T19:00Z', '2026-01-16T23:00Z'],
    ['of a whole day', [monday], '00:00-24:00', berlin, '2026-01-18T23:00Z', '2026-01-19T23:00Z'],
    ['that ends when it began', [monday], '08:00-08:00', berlin, '2026-01-19T07:00Z', '2026-01-20T07:00Z'],
    ['over midnight', [friday], '22:00-06:00', berlin, '2026-01-16T21:00Z', '2026-01-17T05:00Z'],
    ['over the end of the week', [saturday], '22:00-06:00', berlin, '2026-01-17T21:00Z', '2026-01-18T05:00Z'],
    ['from its first day', [sunday], '22:00-06:00', berlin, '2026-01-18T21:00Z', '2026-01-19T05:00Z'],
    [
      'over two nights on end',
      [friday, saturday],
      '08:00-08:00',
      berlin,
      '2026-01-16T07:00Z',
      '2026-01-18T07:00Z',
    ],
    [
      'over the end of the year',
      [thursday],
      '23:00-01:00',
      newYork,
      '2027-01-01T04:00Z',
      '2027-01-01T06:00Z',
    ],
    [
      'of three hours, two of which there are',
      [sunday],
      '01:00-04:00',
      berlin,
      '2026-03-29T00:00Z',
      '2026-03-29T02:00Z',
    ],
    [
      'that begins in the hour that is left out',
      [sunday],
      '02:30-03:30',
      berlin,
      '2026-03-29T01:00Z',
      '2026-03-29T01:30Z',
    ],
    [
      'that ends in the hour that is left out',
      [sunday],
      '01:00-02:30',
      berlin,
      '2026-03-29T00:00Z',
      '2026-03-29T01:00Z',
    ],
    [
      'of three hours that last four',
      [sunday],
      '01:00-04:00',
      berlin,
      '2026-10-24T23:00Z',
      '2026-10-25T03:00Z',
    ],
    [
      'of the hour that comes twice',
      [sunday],
      '02:00-03:00',
      berlin,
      '2026-10-25T00:00Z',
      '2026-10-25T02:00Z',
    ],
    [
      'of the night that is shorter',
      [saturday],
      '22:00-06:00',
      berlin,
      '2026-03-28T21:00Z',
      '2026-03-29T04:00Z',
    ],
    [
      'of the night that is longer',
      [saturday],
      '22:00-06:00',
      berlin,
      '2026-10-24T20:00Z',
      '2026-10-25T05:00Z',
    ],
    ['of the day after the leap', [monday], '08:00-20:00', berlin, '2026-03-30T06:00Z', '2026-03-30T18:00Z'],
    ['of a leap elsewhere', [sunday], '01:00-04:00', newYork, '2026-03-08T06:00Z', '2026-03-08T08:00Z'],
    [
      'of the hour that comes twice elsewhere',
      [sunday],
      '01:00-02:00',
      newYork,
      '2026-11-01T05:00Z',
      '2026-11-01T07:00Z',
    ],
    [
      'of a longer night elsewhere',
      [saturday],
      '22:00-06:00',
      newYork,
      '2026-11-01T02:00Z',
      '2026-11-01T11:00Z',
    ],
    [
      'while the one place has leapt and the other has not',
      [wednesday],
      '09:00-17:00',
      newYork,
      '2026-03-18T13:00Z',
      '2026-03-18T21:00Z',
    ],
  ])('%s', (_, days, hours, zone, opens, closes) => {
    const window = windowOf(days, hours, zone)
    const [from, until] = [Date.parse(opens), Date.parse(closes)]
    const edges = [from - 1, from, Math.floor((from + until) / 2), until - 1, until]
    expect(edges.map((at) => isWithin(window, at))).toEqual([false, true, true, true, false])
  })

  test('and again where the clock shows its hours a second time', () => {
    const window = windowOf([sunday], '02:30-03:00', berlin)
    const halves = ['00:00', '00:30', '01:00', '01:30', '02:00'].map((time) =>
      isWithin(window, Date.parse(`2026-10-25T${time}Z`)),
    )
    expect(halves).toEqual([false, true, false, true, false])
  })
})

describe('A window is not open', () => {
  const open = (
    days: readonly number[],
    hours: string,
    zone: string,
    from: string,
    until: string,
  ): number => {
    const window = windowOf(days, hours, zone)
    let minutes = 0
    for (let at = Date.parse(from); at < Date.parse(until); at += minute)
      if (isWithin(window, at)) minutes += 1
    return minutes
  }

  test('at all on the day on which its hour is left out', () => {
    expect(open([sunday], '02:00-03:00', berlin, '2026-03-28T12:00Z', '2026-03-29T12:00Z')).toBe(0)
    expect(open([sunday], '02:00-03:00', newYork, '2026-03-08T00:00Z', '2026-03-08T12:00Z')).toBe(0)
  })

  test('in the night before its first day, nor in the one after its last', () => {
    // From Sunday to Saturday at noon, UTC: three nights of eight hours, those from Monday to Thursday morning.
    const nights = [monday, tuesday, wednesday]
    expect(open(nights, '22:00-06:00', 'UTC', '2026-01-18T12:00Z', '2026-01-19T22:00Z')).toBe(0)
    expect(open(nights, '22:00-06:00', 'UTC', '2026-01-19T12:00Z', '2026-01-22T12:00Z')).toBe(3 * 8 * 60)
    expect(open(nights, '22:00-06:00', 'UTC', '2026-01-22T06:00Z', '2026-01-25T12:00Z')).toBe(0)
  })

  test.each(everyDay)('on another day than that of the week numbered %i', (day) => {
    const week = [18, 19, 20, 21, 22, 23, 24].map((date) => Date.UTC(2026, 0, date, 12))
    const days = week.map((noon) => isWithin(windowOf([day], '12:00-13:00', 'UTC'), noon))
    expect(days).toEqual(week.map((_, index) => index === day))
    // In the night after it, one day on; that of Saturday lies at the beginning of the week.
    const nights = week.map((noon) => isWithin(windowOf([day], '23:00-01:00', 'UTC'), noon - 12 * hour))
    expect(nights).toEqual(week.map((_, index) => index === (day + 1) % 7))
  })

  test('on no day', () => {
    expect(open([], '00:00-24:00', 'UTC', '2026-01-18T00:00Z', '2026-01-19T00:00Z')).toBe(0)
    expect(open([], '12:00-12:00', 'UTC', '2026-01-18T00:00Z', '2026-01-19T00:00Z')).toBe(0)
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 8_640_000_000_000_001])(
    'at %d, which no clock shows',
    (at) => {
      expect(isWithin(windowOf(everyDay, '00:00-24:00', 'UTC'), at)).toBe(false)
      expect(isWithin(windowOf(everyDay, '12:00-12:00', 'UTC'), at)).toBe(false)
    },
  )

  test('before the first moment that a clock shows, nor after the last', () => {
    const always = windowOf(everyDay, '00:00-24:00', 'UTC')
    expect([0, 8_640_000_000_000_000].map((at) => isWithin(always, at))).toEqual([true, true])
  })
})
