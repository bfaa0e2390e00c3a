import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exactDuration, formatDuration, parseDuration } from '#access/domain/duration.ts'

describe('A duration', () => {
  test.each([
    ['45s', 45_000],
    ['30m', 1_800_000],
    ['90m', 5_400_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['1d2h3m4s', 93_784_000],
    ['0h5m', 300_000],
  ])('is read from %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each([
    ['nothing', ''],
    ['zero', '0'],
    ['zero with a unit', '0s'],
    ['a bare number', '2'],
    ['a negative', '-1h'],
    ['a sign', '+1h'],
    ['a fraction', '1.5h'],
    ['an exponent', '1e9'],
    ['an exponent with a unit', '1e9s'],
    ['not a number', 'NaN'],
    ['infinity', 'Infinity'],
    ['white space before', ' 2h'],
    ['white space between', '1h 30m'],
    ['a line break after', '2h\n'],
    ['units in the wrong order', '30m1h'],
    ['a unit twice', '1h1h'],
    ['upper case', '2H'],
    ['a word', '2hours'],
    ['more digits than any duration has', '99999h'],
    ['something appended', '1h; drop'],
    ['digits of another script', '٢h'],
  ])('is not read from %s', (_, text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  test.each([
    [0, '0s'],
    [-5_000, '0s'],
    [499, '0s'],
    [500, '1s'],
    [59_600, '1m'],
    [7_200_000, '2h'],
    [5_400_000, '1h30m'],
    [86_400_000 + 3_600_000 + 60_000, '1d1h'],
    [3_605_000, '1h5s'],
  ])('of %i ms is written as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test.each([
    [0, '0s'],
    [86_400_000 + 3_600_000 + 60_000, '1d1h1m'],
    [93_784_000, '1d2h3m4s'],
    [93_784_400, '1d2h3m4s'],
  ])('of %i ms is written in full as %s', (ms, text) => {
    expect(exactDuration(ms)).toBe(text)
  })

  test('written in full is read back as it was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9_999 * 86_400 }),
        (seconds) => parseDuration(exactDuration(seconds * 1_000)) === seconds * 1_000,
      ),
    )
  })

  test('of one or two units survives being written and read', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(60_000, 3_600_000, 86_400_000),
        fc.integer({ min: 1, max: 23 }),
        (unit, count) => parseDuration(formatDuration(unit * count)) === unit * count,
      ),
    )
  })
})
