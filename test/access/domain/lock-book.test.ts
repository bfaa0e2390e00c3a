import { describe, expect, test } from 'vitest'
import { isPlausible, kindOfLock, type Lock } from '#access/domain/lock.ts'
import { createLockBook } from '#access/domain/lock-book.ts'
import { principalKey } from '#access/domain/principal.ts'
import { aLift, aLock, noon } from '../../builders.ts'

const kept = (lock: Lock, statement = JSON.stringify(lock)) => ({ lock, statement })
const lock = aLock()
const who = principalKey(lock.who)

describe('The book of locks', () => {
  test('locks at the first word, and lets nobody in before it is checked', () => {
    const book = createLockBook()
    book.believe(kept(lock))
    expect([book.isLocked(who), book.of(who)]).toEqual([true, undefined])
    book.prove(kept(lock))
    const free = kept(aLift(lock))
    book.believe(free)
    expect(book.isLocked(who)).toBe(true)
    book.prove(free)
    expect([book.isLocked(who), book.of(who)?.state]).toEqual([false, 'free'])
  })

  test('forgets what proved to be forged, and nothing else', () => {
    const book = createLockBook()
    const free = kept(aLift(lock))
    book.prove(free)
    const forged = kept(aLock({ at: noon + 9 }), 'forged')
    book.believe(forged)
    expect(book.isLocked(who)).toBe(true)
    book.disprove(forged)
    expect([book.isLocked(who), book.of(who)?.state]).toEqual([false, 'free'])
    book.prove(kept(aLock({ at: noon + 10 })))
    book.believe(forged)
    book.disprove(kept(aLift(lock, { at: noon + 99 }), 'forged too'))
    book.disprove(forged)
    expect(book.isLocked(who)).toBe(true)
  })

  test.each([
    ['an old lock after it was lifted', [lock, aLift(lock)], lock, false],
    ['an old lift after a newer lock', [lock, aLock({ at: noon + 5 })], aLift(lock), true],
    ['a lock of the same moment as its lift', [aLift(lock)], aLock({ at: noon + 1, version: 7 }), true],
    ['a lift of the same moment as the lock', [aLock({ at: noon + 1 })], aLift(lock), true],
    [
      'a newer lock under a lower number, of a Redis that began anew',
      [aLift(lock, { version: 9 })],
      aLock({ at: noon + 60 }),
      true,
    ],
    ['one agreement of two', [lock], aLift(lock, {}, ['idp-ben']), true],
  ])('takes %s for what it is', (_name, before, last, locked) => {
    const book = createLockBook()
    for (const one of before) book.prove(kept(one))
    book.believe(kept(last))
    book.prove(kept(last))
    expect(book.isLocked(who)).toBe(locked)
  })

  test('knows a lock by its principal alone', () => {
    const book = createLockBook()
    book.prove(kept(lock))
    book.prove(kept(aLift(aLock({ who: { ...lock.who, subject: 'idp-eve' } }), { at: noon + 9 })))
    expect(book.isLocked(who)).toBe(true)
    expect(book.proven()).toHaveLength(2)
  })
})

describe('Beside what it knows', () => {
  const free = kept(aLift(lock))
  const eve = { ...lock.who, subject: 'idp-eve' }

  test('the book knows nothing of anybody else', () => {
    const book = createLockBook()
    expect([book.of(who), book.isProven(kept(lock)), book.isLocked(who), book.proven()]).toEqual([
      undefined,
      false,
      false,
      [],
    ])
    book.prove(kept(lock))
    expect([book.isLocked(principalKey(eve)), book.of(principalKey(eve))]).toEqual([false, undefined])
    expect([book.isProven(kept(lock)), book.isProven(kept(lock, 'forged'))]).toEqual([true, false])
    expect([book.of(who), book.proven()]).toEqual([lock, [kept(lock)]])
    book.believe(kept(aLock({ who: eve })))
    expect(book.proven()).toEqual([kept(lock)])
  })

  test('somebody is let in again where the only word against them was forged', () => {
    const book = createLockBook()
    book.believe(kept(lock))
    book.disprove(kept(lock))
    expect([book.isLocked(who), book.of(who)]).toEqual([false, undefined])
  })

  test('what is proven is no longer in doubt when it is said again', () => {
    const book = createLockBook()
    book.prove(kept(lock))
    book.believe(kept(lock))
    book.prove(free)
    expect(book.isLocked(who)).toBe(false)
  })

  test('one word, told twice, is disproved once', () => {
    const book = createLockBook()
    book.believe(kept(lock, 'forged'))
    book.believe(kept(lock, 'forged'))
    book.disprove(kept(lock, 'forged'))
    expect(book.isLocked(who)).toBe(false)
  })

  test('a word that lets in is nothing until it is proven, and takes nothing back', () => {
    const book = createLockBook()
    book.believe(free)
    expect(book.isLocked(who)).toBe(false)
    book.disprove(free)
    book.prove(kept(lock))
    book.believe(free)
    expect(book.of(who)).toEqual(lock)
  })

  test.each([
    ['older than the newest', noon, false],
    ['of its moment', noon + 1, true],
    ['newer', noon + 2, true],
  ])('a lock that is %s counts at once or not: %i', (_, at, locked) => {
    const believing = createLockBook()
    believing.prove(free)
    believing.believe(kept(aLock({ at }), 'other'))
    expect(believing.isLocked(who)).toBe(locked)
    const doubting = createLockBook()
    doubting.prove(free)
    doubting.doubt(kept(aLock({ at }), 'other'))
    expect(doubting.isLocked(who)).toBe(locked)
    const waiting = createLockBook()
    waiting.believe(kept(aLock({ at }), 'other'))
    waiting.prove(free)
    expect(waiting.isLocked(who)).toBe(locked)
  })

  test('this process alone may lock, and let in again, whatever is known', () => {
    const book = createLockBook()
    book.lock(who)
    expect([book.isLocked(who), book.isLocked(principalKey(eve)), book.of(who)]).toEqual([
      true,
      false,
      undefined,
    ])
    book.unlock(who)
    expect(book.isLocked(who)).toBe(false)
  })
})

describe('A statement that lets somebody in', () => {
  test.each([
    ['two people agreed', ['idp-ben', 'idp-cho'], undefined, true],
    ['one did', ['idp-ben'], undefined, false],
    ['one did twice', ['idp-ben', 'idp-ben'], undefined, false],
    ['one of them is whom it is about', ['idp-ben', 'idp-ana'], undefined, false],
    ['one did, and the rules ask for one', ['idp-ben'], 1, true],
    ['the rules ask for more by now', ['idp-ben', 'idp-cho'], 5, true],
  ])('counts as its words say: %s', (_name, agreed, lift, plausible) => {
    expect(isPlausible(aLift(lock, { state: 'free' }, agreed), lift)).toBe(plausible)
  })

  test('is of a kind of its own, so that who may only lock can’t sign it', () => {
    expect([kindOfLock(lock), kindOfLock(aLift(lock))]).toEqual(['lock', 'lift'])
  })
})
