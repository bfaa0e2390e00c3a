import { describe, expect, test } from 'vitest'
import { isMoment } from '#access/domain/moment.ts'
import { principalKey } from '#access/domain/principal.ts'
import { renewsAhead } from '#access/domain/renewal.ts'
import { shortHash } from '#access/domain/short-hash.ts'
import { reasonDemands } from '#access/domain/tier.ts'
import { hour, minute } from '../../builders.ts'

/* What takes one line each: `mirrors.ts` says of which files. */

test.each([
  [0, true],
  [8_640_000_000_000_000, true],
  [-1, false],
  [8_640_000_000_000_001, false],
  [Number.NaN, false],
  [Number.POSITIVE_INFINITY, false],
])('A clock can show %d: %s', (at, can) => {
  expect(isMoment(at)).toBe(can)
})

test.each([
  [2 * hour, 15 * minute],
  [hour, 15 * minute],
  [40 * minute, 10 * minute],
])('A pass of %d ms is renewed when %d are left', (duration, left) => {
  expect(renewsAhead(duration)).toBe(left)
})

test('People tell hashes apart by twelve digits', () => {
  expect(shortHash('0123456789abcdef')).toBe('0123456789ab')
})

describe('A principal', () => {
  test('is the issuer and the subject, and no two share a key', () => {
    expect(principalKey({ issuer: 'https://idp', subject: 'ana' })).toBe('https://idp ana')
    expect(principalKey({ issuer: 'https://idp', subject: 'a b' })).not.toBe(
      principalKey({ issuer: 'https://idp a', subject: 'b ' }),
    )
  })
})

test('Each demand for a reason asks more than the one before', () => {
  expect(reasonDemands).toEqual(['optional', 'required', 'ticket'])
})
