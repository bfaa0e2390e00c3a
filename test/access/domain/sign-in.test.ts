import { expect, test } from 'vitest'
import { readSignIn, type SignInDemand, whyNoSignIn } from '#access/domain/sign-in.ts'
import { minute, noon } from '../../builders.ts'

const at = Math.floor(noon / 1_000)
const claims = {
  iss: 'https://idp.example.com',
  aud: 'pagepass',
  sub: 'idp-ben',
  nonce: 'the-scope',
  iat: at - 10,
  auth_time: at - 10,
  exp: at + 300,
  acr: 'phr',
}
const demand: SignInDemand = {
  issuer: claims.iss,
  client: 'pagepass',
  subject: 'idp-ben',
  nonce: 'the-scope',
  acr: 'phr',
  maxAge: 5 * minute,
  at: noon,
}
const token = (changes: object = {}): string =>
  `e30.${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}.c2ln`

test('A fresh sign-in of this person for this very scope is what was demanded', () => {
  expect(whyNoSignIn(token(), demand)).toBeUndefined()
  expect(whyNoSignIn(token({ aud: ['pagepass'], azp: 'pagepass' }), demand)).toBeUndefined()
  expect(whyNoSignIn(token({ acr: undefined }), { ...demand, acr: undefined })).toBeUndefined()
})

test.each<[string, object, string]>([
  ['of another provider', { iss: 'https://idp.example.com/' }, 'issuer'],
  ['for another client', { aud: 'other' }, 'client'],
  ['for several clients', { aud: ['pagepass', 'other'] }, 'unreadable'],
  ['for a client that another may act for', { azp: 'other' }, 'client'],
  ['of somebody else', { sub: 'idp-ana' }, 'subject'],
  ['for another scope', { nonce: 'the-scopf' }, 'nonce'],
  ['for nothing', { nonce: undefined }, 'unreadable'],
  ['of a weaker class', { acr: 'pwd' }, 'acr'],
  ['of no class', { acr: undefined }, 'acr'],
  ['too long ago', { auth_time: at - 301 }, 'too old'],
  ['in a token made too long ago', { iat: at - 301 }, 'too old'],
  ['at no time', { auth_time: undefined }, 'unreadable'],
  ['at a time that is none', { auth_time: 'now' }, 'unreadable'],
  ['after it was to count', { auth_time: at + 31, iat: at + 31 }, 'from the future'],
  ['that was over', { exp: at - 30 }, 'expired'],
  ['that never is', { exp: undefined }, 'unreadable'],
])('A sign-in %s is not', (_, changes, fault) => {
  expect(whyNoSignIn(token(changes), demand)).toBe(fault)
})

test('To the second: as old as may be, and as far ahead', () => {
  expect(whyNoSignIn(token({ auth_time: at - 300, iat: at - 300 }), demand)).toBeUndefined()
  expect(whyNoSignIn(token({ auth_time: at + 30, iat: at + 30 }), demand)).toBeUndefined()
  expect(whyNoSignIn(token({ exp: at - 29 }), demand)).toBeUndefined()
  expect(whyNoSignIn(token(), { ...demand, at: Number.NaN })).toBe('too old')
})

test.each([
  '',
  'a.b',
  'a.b.c.d',
  'e30.e30.',
  `e30.${Buffer.from('[]').toString('base64url')}.c2ln`,
  `e30.e30=.c2ln`,
  token({ sub: 'x'.repeat(9_000) }),
])('What is no token is read as none: %#', (text) => {
  expect(readSignIn(text)).toBeUndefined()
})
