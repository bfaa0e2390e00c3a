import { describe, expect, test } from 'vitest'
import {
  agreedBy,
  anyLockShape,
  isPlausible,
  liftShape,
  lockOrderShape,
  lockShape,
  after as next,
  orderLastsMs,
} from '#access/domain/lock.ts'
import { aLift, aLock, minute, noon } from '../../builders.ts'

const lock = aLock()
const lift = aLift(lock)

describe('A statement about who is locked out', () => {
  test.each<[string, object]>([
    ['by a person', lock],
    ['by a key', aLock({ by: { kind: 'key', kid: 'ops-1' } })],
    ['by the directory', aLock({ by: { kind: 'directory', asOf: noon } })],
    ['for the longest reason', aLock({ because: 'b'.repeat(500) })],
    ['under a later number', aLock({ version: 9 })],
  ])('is a lock and no lift: %s', (_, one) => {
    expect([lockShape, anyLockShape].map((shape) => shape.parse(one))).toEqual([one, one])
    expect(liftShape.safeParse(one).success).toBe(false)
  })

  test.each<[string, object]>([
    ['enough agreed', lift],
    ['one agreed, of two', aLift(lock, {}, ['idp-ben'])],
  ])('is a lift and no lock: %s', (_, one) => {
    expect([liftShape, anyLockShape].map((shape) => shape.parse(one))).toEqual([one, one])
    expect(lockShape.safeParse(one).success).toBe(false)
  })

  test.each<[string, object]>([
    ['has no number', { version: 0 }],
    ['gives a reason too long', { because: 'b'.repeat(501) }],
    ['is of a state that there is not', { state: 'half' }],
    ['is by nobody', { by: { kind: 'wind' } }],
    ['names a person and more', { who: { ...lock.who, groups: [] } }],
    ['has another id', { id: 'one' }],
    ['says more', { more: true }],
  ])('is none that %s', (_, changes) => {
    expect(anyLockShape.safeParse({ ...lock, ...changes }).success).toBe(false)
  })

  test('is no lock where it says that they are free', () => {
    expect(lockShape.safeParse({ ...lock, state: 'free' }).success).toBe(false)
  })

  test('counts those who agreed, each once, and never whom it is about', () => {
    expect(agreedBy(lock)).toBe(0)
    expect(agreedBy(aLift(lock, {}, ['idp-ben', 'idp-cho', 'idp-ben', 'idp-ana']))).toBe(2)
  })

  test.each([
    ['that somebody is locked is believed from anybody', lock, 2, true],
    ['that somebody is free takes two', aLift(lock, { state: 'free' }, ['idp-ben']), 2, false],
    ['the rules may ask for one', aLift(lock, { state: 'free' }, ['idp-ben']), 1, true],
    ['but not for nobody', aLift(lock, { state: 'free' }, ['idp-ana']), 1, false],
    ['they never ask for more than two here', lift, 3, true],
  ])('is plausible or not: %s', (_, one, least, plausible) => {
    expect(isPlausible(one, least)).toBe(plausible)
  })

  test('is followed by the next number, or by the same where there is none', () => {
    expect(next(7)).toBe(8)
    expect(next(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('An order to lock somebody out', () => {
  const order = { environment: 'sandbox', subject: 'idp-ana', because: 'a stolen laptop', at: noon }

  test('is read, with the longest name and reason that there may be', () => {
    expect(lockOrderShape.parse(order)).toEqual(order)
    const longest = { ...order, subject: 's'.repeat(255), because: 'b'.repeat(500) }
    expect(lockOrderShape.parse(longest)).toEqual(longest)
    expect(orderLastsMs).toBe(5 * minute)
  })

  test.each<[string, object]>([
    ['names nobody', { subject: '' }],
    ['names somebody too long', { subject: 's'.repeat(256) }],
    ['gives no reason', { because: '' }],
    ['gives a reason too long', { because: 'b'.repeat(501) }],
    ['says more', { more: true }],
  ])('is none that %s', (_, changes) => {
    expect(lockOrderShape.safeParse({ ...order, ...changes }).success).toBe(false)
  })
})
