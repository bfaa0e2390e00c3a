import { describe, expect, test } from 'vitest'
import { glassRule, isShort, isWithin, longestGlassMs } from '#access/domain/break-glass/limits.ts'
import type { BreakGlass } from '#access/domain/rule-set.ts'
import { minute, noon, rulesOf, serviceIn, tierIn } from '../../../builders.ts'

const glass = (changes: Partial<BreakGlass> = {}): BreakGlass => ({
  who: ['sre'],
  tier: 'operate',
  for: 20 * minute,
  need: 2,
  keys: new Map(),
  ...changes,
})
const service = serviceIn(rulesOf())

describe('Breaking the glass', () => {
  test.each([
    ['observe', 'operate', true],
    ['operate', 'operate', true],
    ['admin', 'operate', false],
    ['admin', 'admin', true],
    // A service may lack the tier that the rules name: then nothing of it is within.
    ['observe', 'root', false],
  ])('reaches %s where the rules say %s: %s', (asked, highest, within) => {
    expect(isWithin(service, tierIn(service, asked), glass({ tier: highest }))).toBe(within)
  })

  test('is a rule that no list of rules can hold', () => {
    expect(glassRule).toBe('break_glass')
  })

  test('reaches no tier that there is not', () => {
    expect(isWithin(service, undefined, glass({ tier: 'admin' }))).toBe(false)
  })

  test.each([
    ['as long as the rules say', 20 * minute, 20 * minute, true],
    ['longer than the rules say', 20 * minute + 1, 20 * minute, false],
    ['as long as anything may', longestGlassMs, 24 * 60 * minute, true],
    ['longer than anything may, whatever the rules say', longestGlassMs + 1, 24 * 60 * minute, false],
    ['for a moment', 1, 20 * minute, true],
    ['for no time', 0, 20 * minute, false],
    ['backwards', -1, 20 * minute, false],
    ['for no number', Number.NaN, 20 * minute, false],
  ])('lasts or does not: %s', (_, lasts, longest, short) => {
    expect(longestGlassMs).toBe(30 * minute)
    expect(isShort({ from: noon, until: noon + lasts }, glass({ for: longest }))).toBe(short)
  })
})
