import { describe, expect, test } from 'vitest'
import { Fault, faultCodes, isFault } from '#access/domain/errors.ts'

describe('A fault', () => {
  test.each(Object.entries(faultCodes))('%s says what it is', (_, what) => {
    expect(what).toMatch(/^[a-zA-Z’ ,;-]{20,}$/)
  })

  test('says what happened, how to mend it, and what it comes of', () => {
    const cause = new Error('ECONNREFUSED')
    const fault = new Fault('store/unreachable', 'Redis is gone', { mend: 'start it', cause })
    expect(fault).toMatchObject({
      name: 'Fault',
      code: 'store/unreachable',
      message: 'Redis is gone',
      mend: 'start it',
      cause,
    })
    expect(fault).toBeInstanceOf(Error)
  })

  test('may come of nothing, and have no mend', () => {
    const fault = new Fault('keys/missing', 'no key')
    expect([fault.mend, 'cause' in fault]).toEqual([undefined, false])
  })

  test('is told from every other error, and by its code from every other fault', () => {
    const fault = new Fault('keys/missing', 'no key')
    expect([isFault(fault), isFault(fault, 'keys/missing')]).toEqual([true, true])
    expect([isFault(fault, 'keys/revoked'), isFault(new Error('keys/missing'))]).toEqual([false, false])
    expect([isFault({ code: 'keys/missing' }, 'keys/missing'), isFault(undefined)]).toEqual([false, false])
  })
})
