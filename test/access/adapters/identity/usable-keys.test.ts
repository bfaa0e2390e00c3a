import { describe, expect, test } from 'vitest'
import { usableKeys } from '#access/adapters/identity/usable-keys.ts'
import { ecKey, edKey, rsaKey, type SigningKey } from '../../../builders/provider.ts'

const algorithmsIn = async (...keys: readonly unknown[]) =>
  (await usableKeys({ keys })).map(({ algorithm }) => algorithm)
const bare = ({ jwk: { alg: _, use: __, ...jwk } }: SigningKey) => jwk
const strong = rsaKey('strong', 2_048)

describe('Used is', () => {
  test.each<[string, object, readonly string[]]>([
    ['P-256', ecKey('a').jwk, ['ES256']],
    ['P-384', ecKey('a', {}, 'P-384').jwk, ['ES384']],
    ['Ed25519', edKey('a').jwk, ['EdDSA']],
    ['RSA for one algorithm', strong.jwk, ['RS256']],
    ['RSA for any', bare(strong), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['a key without an id', { ...ecKey('a').jwk, kid: undefined }, ['ES256']],
    ['one that says what it is for', { ...ecKey('a').jwk, key_ops: ['verify'] }, ['ES256']],
    [
      'one with a certificate, which is not looked at',
      { ...ecKey('a').jwk, x5c: ['MIIB'], x5u: 'http://127.0.0.1:1/' },
      ['ES256'],
    ],
  ])('%s', async (_, jwk, expected) => {
    expect(await algorithmsIn(jwk)).toEqual(expected)
  })
})

describe('Not used is', () => {
  const ec = ecKey('a').jwk
  test.each<[string, unknown]>([
    ['RSA of 1024 bits', rsaKey('a', 1_024).jwk],
    ['RSA of 2047 bits', rsaKey('a', 2_047).jwk],
    ['RSA with the exponent 3', rsaKey('a', 2_048, 3).jwk],
    ['RSA with the exponent 1', { ...strong.jwk, e: 'AQ' }],
    ['RSA with an exponent of many bytes', { ...strong.jwk, e: 'A'.repeat(1_000) }],
    [
      'RSA padded to look long',
      { ...rsaKey('a', 1_024).jwk, n: `${'A'.repeat(200)}${rsaKey('b', 1_024).jwk.n}` },
    ],
    ['RSA of 8193 bits and more', { ...strong.jwk, n: `_${'A'.repeat(1_366)}` }],
    ['RSA that is nothing', { ...strong.jwk, n: 'AAAA' }],
    ['a shared secret', { kty: 'oct', k: Buffer.alloc(64, 1).toString('base64url'), kid: 'a', alg: 'HS256' }],
    ['a shared secret that calls itself ES256', { kty: 'oct', k: 'AAAA', kid: 'a', alg: 'ES256' }],
    ['P-521', ecKey('a', {}, 'P-521').jwk],
    ['secp256k1', { ...ec, crv: 'secp256k1' }],
    ['X25519', { ...edKey('a').jwk, crv: 'X25519' }],
    ['a point off its curve', { ...ec, x: Buffer.alloc(32, 1).toString('base64url') }],
    ['a point too short', { ...ec, x: 'AAAA' }],
    ['a key for encryption', { ...ec, use: 'enc' }],
    ['a key for signing alone', { ...ec, key_ops: ['sign'] }],
    ['a key for deriving', { ...ec, key_ops: ['deriveBits'] }],
    ['another algorithm than its kind', { ...ec, alg: 'RS256' }],
    ['RSA for encryption', { ...strong.jwk, alg: 'RSA-OAEP' }],
    ['no signature at all', { ...ec, alg: 'none' }],
    ['a private key', { ...ec, ...strong.privateKey.export({ format: 'jwk' }), ...ec, d: 'AAAA' }],
    ['an id that is no text', { ...ec, kid: 7 }],
    ['a kind nobody knows', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }],
    ['null', null],
    ['a text', 'key'],
    ['a list', []],
  ])('%s, and what lies beside it is', async (_, jwk) => {
    expect(await algorithmsIn(jwk)).toEqual([])
    expect(await algorithmsIn(jwk, edKey('good').jwk)).toEqual(['EdDSA'])
  })
})

test('The same key twice is one; another with its id is another', async () => {
  const one = ecKey('a')
  expect(await usableKeys({ keys: [one.jwk, one.jwk] })).toHaveLength(1)
  const names = (await usableKeys({ keys: [one.jwk, ecKey('a').jwk] })).map(({ name }) => name)
  expect(new Set(names).size).toBe(2)
})
