import { describe, expect, test } from 'vitest'
import { keepPlainly } from '#access/domain/compact-grant.ts'
import { createLockBook } from '#access/domain/lock-book.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createView } from '#access/domain/view.ts'
import { aGrant, aLift, aLock, anEnd } from '../../builders.ts'

const ana = principalKey(aLock().who)
const locked = { lock: aLock(), statement: 'lock' }
const lifted = { lock: aLift(aLock()), statement: 'lift' }

describe('What a revoked key said of a lock', () => {
  test('lets nobody in: a lift that was believed locks, until there is something newer', () => {
    const book = createLockBook()
    book.prove(locked)
    book.prove(lifted)
    expect(book.isLocked(ana)).toBe(false)
    book.doubt(lifted)
    expect([book.isLocked(ana), book.of(ana), book.isProven(lifted)]).toEqual([true, undefined, false])
    const again = { lock: aLock({ version: 3, at: lifted.lock.at + 1 }), statement: 'again' }
    book.prove(again)
    expect([book.isLocked(ana), book.of(ana)]).toEqual([true, again.lock])
    book.prove({ lock: aLift(again.lock), statement: 'lifted again' })
    expect(book.isLocked(ana)).toBe(false)
  })

  test('keeps out whom it locked, and is nothing beside what is newer and proven', () => {
    const book = createLockBook()
    book.doubt(locked)
    expect(book.isLocked(ana)).toBe(true)
    const other = createLockBook()
    other.prove(lifted)
    other.doubt(locked)
    expect(other.isLocked(ana)).toBe(false)
  })
})

describe('A grant that a revoked key signed', () => {
  const service = 'orders-svc'
  const grant = aGrant()
  const holder = principalKey(grant.who)
  const withKey = () => {
    let revoked = ''
    const view = createView(keepPlainly, ({ statement }) => revoked !== '' && statement.startsWith(revoked))
    const next = view.resync(0)
    next.load(grant, 'stolen.1')
    next.commit()
    return {
      view,
      revoke: (key: string) => {
        revoked = key
        return view.distrust()
      },
    }
  }

  test('gives nothing from then on, and is held and counted as by everybody until it is ended', () => {
    const { view, revoke } = withKey()
    expect(view.heldBy(service, holder)?.grants).toHaveLength(1)
    const before = view.at(0)
    const [held, ...more] = revoke('stolen')
    expect([held?.grant.id, more, held?.verified]).toEqual([grant.id, [], false])
    expect(view.heldBy(service, holder)).toBeUndefined()
    expect(view.get(grant.id)).toBe(held)
    expect(view.at(0)).toEqual(before)
    const { ended } = view.apply({ kind: 'end', sequence: 1, end: anEnd(grant), statement: 'end' })
    expect(ended).toBe(held)
    expect(view.at(1)?.count).toBe(0)
  })

  test('gives nothing when it comes later, nor in a newer version; what another key signed does', () => {
    const { view, revoke } = withKey()
    revoke('stolen')
    const newer = { ...grant, version: 2 }
    view.apply({ kind: 'grant', sequence: 1, grant: newer, statement: 'stolen.2' })
    expect(view.heldBy(service, holder)).toBeUndefined()
    view.apply({ kind: 'grant', sequence: 2, grant: { ...newer, version: 3 }, statement: 'good.3' })
    expect(view.heldBy(service, holder)?.grants).toHaveLength(1)
  })

  test('gives nothing after a resync, and none is taken that is not by it', () => {
    const { view, revoke } = withKey()
    expect(revoke('other')).toEqual([])
    expect(view.heldBy(service, holder)?.grants).toHaveLength(1)
    revoke('stolen')
    const next = view.resync(3)
    next.load(grant, 'stolen.1')
    next.commit()
    expect(view.heldBy(service, holder)).toBeUndefined()
    expect(view.isDistrusted({ grant, statement: 'stolen.1', verified: true })).toBe(true)
  })

  test('Without heads that are believed the view is as old as can be', () => {
    const { view } = withKey()
    view.headSeen(1_000)
    expect(view.age(1_500)).toBe(500)
    view.forgetHead()
    expect(view.age(1_500)).toBe(Number.POSITIVE_INFINITY)
  })
})
