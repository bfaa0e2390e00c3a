import { describe, expect, test } from 'vitest'
import { decideGlassAsk, type GlassAsk } from '#access/domain/break-glass/decide-ask.ts'
import { aPerson, minute, noon, rulesOf, rulesText } from '../../../builders.ts'

const rulesWith = (lasts: string, tier = 'operate') =>
  rulesOf(
    `${rulesText}\nbreak_glass: { who: [sre], tier: ${tier}, for: ${lasts}, need: 1, keys: { ana: ${'B'.repeat(43)} } }\n`,
  )
const rules = rulesWith('20m')
const sre = aPerson({ groups: ['sre'] })
const ask: GlassAsk = { service: 'orders-svc', reason: 'everything burns' }

describe('Asking to break the glass', () => {
  test('reaches up to the tier of the rules, for as long as may be, where nothing else is said', () => {
    expect(decideGlassAsk(rules, sre, ask, noon)).toMatchObject({
      service: { name: 'orders-svc' },
      tier: { name: 'operate' },
      duration: 20 * minute,
      reason: 'everything burns',
    })
  })

  test.each<[string, Partial<GlassAsk>, object]>([
    ['a lower tier', { tier: 'observe' }, { tier: { name: 'observe' } }],
    ['a shorter time', { duration: minute }, { duration: minute }],
    ['the longest time', { duration: 20 * minute }, { duration: 20 * minute }],
    ['a reason between spaces', { reason: '  burns ' }, { reason: 'burns' }],
  ])('may ask for less: %s', (_, changes, decision) => {
    expect(decideGlassAsk(rules, sre, { ...ask, ...changes }, noon)).toMatchObject(decision)
  })

  test.each<[string, Partial<GlassAsk>, object]>([
    ['no such service', { service: 'order-svc' }, { reason: 'service-unknown', hint: 'orders-svc' }],
    ['nothing like a service', { service: 'x' }, { reason: 'service-unknown' }],
    ['no such tier', { tier: 'root' }, { reason: 'tier-unknown' }],
    ['a higher tier', { tier: 'admin' }, { reason: 'break-glass-tier', tier: 'admin' }],
    [
      'longer',
      { duration: 20 * minute + 1 },
      { reason: 'duration-too-long', longest: 20 * minute, tier: 'operate' },
    ],
    ['no time', { duration: 0 }, { reason: 'duration-too-long', longest: 20 * minute, tier: 'operate' }],
    [
      'no number',
      { duration: Number.NaN },
      { reason: 'duration-too-long', longest: 20 * minute, tier: 'operate' },
    ],
    ['only spaces as a reason', { reason: '  ' }, { reason: 'reason-needed', tier: 'operate' }],
  ])('is refused: %s', (_, changes, refusal) => {
    expect(decideGlassAsk(rules, sre, { ...ask, ...changes }, noon)).toStrictEqual({ refusal })
  })

  test('needs a reason', () => {
    expect(decideGlassAsk(rules, sre, { service: 'orders-svc' }, noon)).toEqual({
      refusal: { reason: 'reason-needed', tier: 'operate' },
    })
  })

  test.each([
    ['who is not active', rules, { ...sre, active: false }, 'person-inactive'],
    ['who is locked out', rules, { ...sre, active: false, locked: true as const }, 'principal-locked'],
    ['who is not of those who may', rules, aPerson(), 'break-glass-people'],
    ['where the rules know of none', rulesOf(), sre, 'break-glass-none'],
  ])('is for nobody %s', (_, by, person, reason) => {
    expect(decideGlassAsk(by, person, ask, noon)).toStrictEqual({ refusal: { reason } })
  })

  test('is never for longer than half an hour, whatever a rule set says that was made by other means', () => {
    const glass = rules.breakGlass
    if (glass === undefined) throw new Error('no break-glass')
    const loose = { ...rules, breakGlass: { ...glass, for: 24 * 60 * minute } }
    expect(decideGlassAsk(loose, sre, ask, noon)).toMatchObject({ duration: 30 * minute })
  })
})
