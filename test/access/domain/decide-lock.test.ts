import { describe, expect, test } from 'vitest'
import { agreementLastsMs, decideLift, decideLock } from '#access/domain/decide-lock.ts'
import type { Lock } from '#access/domain/lock.ts'
import { aLift, aLock, aPerson, hour, noon, rulesOf, rulesText } from '../../builders.ts'

const rulesFor = (lift: number) => rulesOf(`${rulesText}\nlock: { who: [sre], lift: ${lift} }\n`)
const rules = rulesOf(`${rulesText}\nlock: { who: [sre] }\n`)
const of = (subject: string, changes = {}) => aPerson({ subject, name: subject, groups: ['sre'], ...changes })
const [ben, cho, dev] = ['idp-ben', 'idp-cho', 'idp-dev'].map((subject) => of(subject)) as [
  ReturnType<typeof of>,
  ReturnType<typeof of>,
  ReturnType<typeof of>,
]
const agreedAt = (at: number, ...subjects: readonly string[]): Lock => {
  const lock = aLock()
  return { ...lock, agreed: aLift(lock, {}, [...subjects]).agreed.map((one) => ({ ...one, at })) }
}
const anybody = () => true

describe('Locking somebody out', () => {
  test.each([
    ['somebody of those who may', rules, ben, undefined],
    ['somebody else', rules, aPerson(), 'not-locker'],
    ['anybody, where the rules name nobody', rulesOf(), ben, 'not-locker'],
    ['who is not active', rules, of('idp-ben', { active: false }), 'person-inactive'],
    ['who is locked out', rules, of('idp-ben', { active: false, locked: true }), 'principal-locked'],
  ])('is decided: %s', (_, by, person, reason) => {
    expect(decideLock(by, person, noon)).toBe(reason)
  })
})

describe('Letting somebody in again', () => {
  test('takes two people, unless the rules say otherwise', () => {
    expect(decideLift(rules, aLock(), ben, anybody, noon)).toEqual({
      agreed: [{ issuer: ben.issuer, subject: 'idp-ben', name: 'idp-ben', at: noon }],
      free: false,
      missing: 1,
    })
    expect(decideLift(rules, agreedAt(noon - 1, 'idp-ben'), cho, anybody, noon)).toMatchObject({
      free: true,
      missing: 0,
    })
    expect(decideLift(rulesFor(3), agreedAt(noon - 1, 'idp-ben'), cho, anybody, noon)).toMatchObject({
      free: false,
      missing: 1,
    })
  })

  test('is no more missing than nobody, where more agreed than it takes by now', () => {
    const lock = agreedAt(noon, 'idp-ben', 'idp-cho')
    expect(decideLift(rules, lock, dev, anybody, noon)).toMatchObject({ free: true, missing: 0 })
  })

  test.each([
    ['who may not lock', aLock(), aPerson(), 'not-locker'],
    ['for somebody who is free', aLift(aLock()), ben, 'not-locked'],
    ['for themselves', aLock(), of('idp-ana'), 'own-request'],
    ['twice', agreedAt(noon, 'idp-ben'), ben, 'already-decided'],
  ])('is refused: %s', (_, lock, person, refused) => {
    expect(decideLift(rules, lock, person, anybody, noon)).toEqual({ refused })
  })

  test.each([
    ['an hour ago', agreedAt(noon - agreementLastsMs, 'idp-cho'), anybody, 1],
    ['less than an hour ago', agreedAt(noon - agreementLastsMs + 1, 'idp-cho'), anybody, 0],
    ['and whom it is about', agreedAt(noon, 'idp-ana'), anybody, 1],
    ['who may not any more', agreedAt(noon, 'idp-cho'), (who: string) => !who.endsWith(' idp-cho'), 1],
  ])('asks anew: %s', (_, lock, stillMay, missing) => {
    expect(agreementLastsMs).toBe(hour)
    expect(decideLift(rules, lock, ben, stillMay, noon)).toMatchObject({ missing, free: missing === 0 })
  })
})
