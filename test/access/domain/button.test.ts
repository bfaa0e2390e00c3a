import { describe, expect, test } from 'vitest'
import { buttonActions, buttonValue, grantOfButton, isButtonOf } from '#access/domain/button.ts'
import type { Grant } from '#access/domain/grant.ts'
import { aGrant, nthId } from '../../builders.ts'

const grant = aGrant({ nonce: 'a-Random_nonce-of-22-ch' })
const ben = { issuer: 'https://idp.example', subject: 'idp-ben' }

describe('A button', () => {
  test('names its grant, and is that grant’s for one action only', () => {
    for (const action of buttonActions) {
      const value = buttonValue(grant, action, ben)
      expect(grantOfButton(value)).toBe(grant.id)
      for (const other of buttonActions) expect(isButtonOf(grant, other, ben, value)).toBe(other === action)
    }
  })

  test('does not tell the nonce that it is made of', () => {
    for (const action of buttonActions) expect(buttonValue(grant, action, ben)).not.toContain(grant.nonce)
  })

  test('is a person’s, whatever else is known of them', () => {
    const now = { ...ben, name: 'Ben O.', groups: ['sre'], slack: { team: 'T0NEW', user: 'U0NEW' } }
    expect(isButtonOf(grant, 'approve', now, buttonValue(grant, 'approve', ben))).toBe(true)
  })

  test('stays the same over all versions of its grant', () => {
    const later: Grant = { ...grant, version: 9, state: 'pending', tier: 'admin' }
    expect(buttonValue(later, 'deny', ben)).toBe(buttonValue(grant, 'deny', ben))
  })

  const value = buttonValue(grant, 'approve', ben)
  test.each([
    ['of another grant', buttonValue({ ...grant, id: nthId(7) }, 'approve', ben)],
    ['of another nonce', buttonValue({ ...grant, nonce: 'b-Random_nonce-of-22-ch' }, 'approve', ben)],
    ['with another grant’s id before it', `${nthId(7)}${value.slice(14)}`],
    ['of another action', buttonValue(grant, 'deny', ben)],
    ['to another person', buttonValue(grant, 'approve', { ...ben, subject: 'idp-cho' })],
    [
      'to a namesake of another issuer',
      buttonValue(grant, 'approve', { ...ben, issuer: 'https://idp.other' }),
    ],
    ['to the person it is about', buttonValue(grant, 'approve', grant.who)],
    ['cut short', value.slice(0, -1)],
    ['made longer', `${value}A`],
    ['with one letter changed', `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`],
    ['with letters of several bytes', `${value.slice(0, -2)}é`],
    ['of the id alone', grant.id],
    ['of nothing', ''],
  ])('%s is not this one', (_, other) => {
    expect(isButtonOf(grant, 'approve', ben, other)).toBe(false)
  })

  test.each([
    '',
    'x',
    grant.id,
    `${grant.id}.`,
    `${value}\n`,
    ` ${value}`,
    `${value}=`,
    value.toUpperCase(),
    `__proto__.${value.slice(15)}`,
  ])('names no grant by “%s”', (text) => expect(grantOfButton(text)).toBeUndefined())
})
