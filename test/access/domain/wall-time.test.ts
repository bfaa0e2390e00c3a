import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isZone, momentText, readMoment } from '#access/domain/wall-time.ts'
import { hour } from '../../builders.ts'

/** A Thursday, 13:00 in Berlin. */
const now = Date.UTC(2026, 10, 26, 12)
const berlin = 'Europe/Berlin'
const read = (text: string, zone = berlin, after = now): string => {
  const found = readMoment(text, zone, after)
  return 'moment' in found ? `${new Date(found.moment.at).toISOString()} ${found.moment.zone}` : found.fault
}

describe('A moment that is to come', () => {
  test.each([
    ['sat 22:00', '2026-11-28T21:00:00.000Z Europe/Berlin'],
    ['Saturday 22:00', '2026-11-28T21:00:00.000Z Europe/Berlin'],
    ['22:00', '2026-11-26T21:00:00.000Z Europe/Berlin'],
    ['9:05', '2026-11-27T08:05:00.000Z Europe/Berlin'],
    ['thu 12:59', '2026-12-03T11:59:00.000Z Europe/Berlin'],
    ['thu 13:00', '2026-12-03T12:00:00.000Z Europe/Berlin'],
    ['thu 13:01', '2026-11-26T12:01:00.000Z Europe/Berlin'],
    ['tomorrow 06:00', '2026-11-27T05:00:00.000Z Europe/Berlin'],
    ['today 23:59', '2026-11-26T22:59:00.000Z Europe/Berlin'],
    ['2026-11-28 22:00', '2026-11-28T21:00:00.000Z Europe/Berlin'],
    ['sat 22:00 America/New_York', '2026-11-29T03:00:00.000Z America/New_York'],
    ['22:00 UTC', '2026-11-26T22:00:00.000Z UTC'],
    ['22:00 europe/berlin', '2026-11-26T21:00:00.000Z Europe/Berlin'],
    ['2026-11-28T22:00+05:30', '2026-11-28T16:30:00.000Z Europe/Berlin'],
    ['2026-11-28t22:00z', '2026-11-28T22:00:00.000Z Europe/Berlin'],
  ])('%s', (text, expected) => expect(read(text)).toBe(expected))

  test('is of the day that it is there, not here', () => {
    // In Auckland it is Friday already.
    expect(read('fri 22:00', 'Pacific/Auckland')).toBe('2026-11-27T09:00:00.000Z Pacific/Auckland')
    expect(read('today 22:00', 'Pacific/Auckland')).toBe('2026-11-27T09:00:00.000Z Pacific/Auckland')
  })

  test.each([
    ['today 13:00', 'past'],
    ['today 11:00', 'past'],
    ['2026-11-25 22:00', 'past'],
    ['2026-11-26T12:00Z', 'past'],
    ['2027-03-28 02:30', 'never'],
    ['2027-10-31 02:30', 'twice'],
  ])('is never %s: %s', (text, fault) => expect(read(text)).toBe(fault))

  test.each([
    '',
    'sat',
    'UTC',
    'soon',
    '25:00',
    '22:60',
    '24:00',
    '22',
    '-22:00',
    'mo 22:00',
    '2026-02-30 10:00',
    '2026-13-01 10:00',
    '99999-01-01 10:00',
    '2026-11-28T22:00',
    '2026-11-28T22:00+25:00',
    '22:00 Mars/Base',
    '22:00 UTC UTC',
    'sat 22:00 because',
    '__proto__ 22:00',
    '22:00 constructor',
  ])('is not “%s”', (text) => expect(read(text)).toBe('unreadable'))

  test('is read of no time that no clock shows', () => {
    for (const after of [Number.NaN, -1, Number.POSITIVE_INFINITY, 9e15])
      expect(read('22:00', berlin, after)).toBe('unreadable')
  })
})

test('What is read comes after, is what was written by the clocks there, and nothing makes it throw', () => {
  const zones = fc.constantFrom('UTC', berlin, 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe')
  fc.assert(
    fc.property(zones, fc.integer({ min: 1e9, max: 4e12 }), fc.nat(23), fc.nat(59), (zone, after, h, m) => {
      const time = `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`
      const found = readMoment(time, zone, after)
      if ('fault' in found) {
        expect(['never', 'twice']).toContain(found.fault)
        return
      }
      expect(found.moment.at).toBeGreaterThan(after)
      expect(found.moment.at - after).toBeLessThanOrEqual(25 * hour)
      expect(momentText(found.moment)).toContain(` ${time} ${zone}`)
    }),
  )
  fc.assert(
    fc.property(fc.string(), zones, (text, zone) => {
      readMoment(text, zone, now)
    }),
  )
})

test('It is told with its day, its year and its zone', () => {
  expect(momentText({ at: Date.UTC(2026, 10, 28, 21), zone: berlin })).toBe(
    'Sat 28 Nov 2026 22:00 Europe/Berlin',
  )
})

test.each(['Mars/Base', '', 'x'.repeat(60), '<!channel>'])(
  'By the clocks of “%s” it is told in UTC',
  (zone) => {
    expect(momentText({ at: Date.UTC(2026, 10, 28, 21), zone })).toBe('Sat 28 Nov 2026 21:00 UTC')
    expect(isZone(zone)).toBe(false)
  },
)
