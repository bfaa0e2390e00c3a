import { describe, expect, test } from 'vitest'
import {
  bytesOfGlass,
  type Glass,
  type GlassSignature,
  glassId,
  glassText,
  longestGlassText,
  mostSignatures,
  readGlass,
} from '#access/domain/break-glass/pass.ts'
import { aGlass, glassBy, glassKey, signedByDevice, signedWith } from '../../../builders/break-glass.ts'

const [one, other] = [glassKey(), glassKey()].sort((a, b) => a.bytes.compare(b.bytes)) as [
  ReturnType<typeof glassKey>,
  ReturnType<typeof glassKey>,
]
const body = aGlass()
const bytes = bytesOfGlass(body)
const fine = glassBy(body, one, other)
const encoded = (what: Buffer | string): string => Buffer.from(what).toString('base64url')
const [, payload = '', first = '', second = ''] = fine.split('.')
/** As anybody may write it who has no signature to lose. */
const written = (what: unknown): string => `pbg1.${encoded(JSON.stringify(what))}.${first}`
const canonical = (changes: object): string =>
  `pbg1.${encoded(bytesOfGlass({ ...body, ...changes }))}.${first}`

describe('A break-glass pass', () => {
  test('is read as it was written, its signatures in order', () => {
    expect(fine).toMatch(/^pbg1\.[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(glassBy(body, other, one)).toBe(fine)
    expect(readGlass(fine)).toEqual({
      body,
      bytes,
      signatures: [signedWith(bytes, one), signedWith(bytes, other)],
    })
  })

  test('is read with the signature of a security key', () => {
    const signature = signedByDevice(bytes, one)
    expect(readGlass(glassText({ bytes, signatures: [signature] }))?.signatures).toEqual([signature])
  })

  test.each<[string, Partial<Glass>]>([
    ['a service that begins with a digit', { services: ['1st'] }],
    ['several services', { services: ['a', 'b', 'c'] }],
    ['as many as may be', { services: Array.from({ length: 20 }, (_, index) => `s${100 + index}`) }],
    ['what is not ASCII', { because: 'Überlast – jetzt' }],
    [
      'the longest words',
      {
        environment: 'e'.repeat(64),
        who: { issuer: 'i'.repeat(512), subject: 's'.repeat(255) },
        services: ['s'.repeat(64)],
        tier: 't'.repeat(64),
        because: 'b'.repeat(500),
      },
    ],
  ])('is read with %s', (_, changes) => {
    expect(readGlass(canonical(changes))?.body).toEqual({ ...body, ...changes })
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['of another kind', fine.replace('pbg1', 'pbg2')],
    ['without a kind', fine.slice('pbg1'.length)],
    ['without a body', 'pbg1'],
    ['with an empty body', `pbg1..${first}`],
    ['without a signature', `pbg1.${payload}`],
    ['with an empty signature', `pbg1.${payload}.`],
    ['with signatures in another order', `pbg1.${payload}.${second}.${first}`],
    ['with the same signature twice', `pbg1.${payload}.${first}.${first}`],
    ['with half a signature', `pbg1.${payload}.${first.slice(0, 80)}`],
    ['with a signature and a byte', `pbg1.${payload}.${encoded(Buffer.alloc(97))}`],
    ['with one that is none beside a good one', `pbg1.${payload}.${first}.x`],
    ['in the other base64', fine.replaceAll('.', '.+')],
    ['padded', `${fine}=`],
    ['with a space', `pbg1.${payload}.${first} `],
    ['that is no JSON', `pbg1.${encoded('{')}.${first}`],
    ['that is a text', `pbg1.${encoded('"a"')}.${first}`],
    ['with its keys in another order', written(Object.fromEntries(Object.entries(body).reverse()))],
    ['with spaces', `pbg1.${encoded(bytes.toString().replace(',', ', '))}.${first}`],
    ['after a byte order mark', `pbg1.${encoded(`\uFEFF${bytes}`)}.${first}`],
    [
      'that is not UTF-8',
      `pbg1.${encoded(Buffer.from(bytes.toString().replace('Redis', '\xff'), 'latin1'))}.${first}`,
    ],
  ])('is none that is %s', (_, text) => {
    expect(readGlass(text)).toBeUndefined()
  })

  test.each<[string, object]>([
    ['no environment', { environment: '' }],
    ['an environment too long', { environment: 'e'.repeat(65) }],
    ['an issuer too long', { who: { issuer: 'i'.repeat(513), subject: 's' } }],
    ['a subject too long', { who: { issuer: 'i', subject: 's'.repeat(256) } }],
    ['nobody', { who: { issuer: 'i', subject: '' } }],
    ['somebody and more', { who: { issuer: 'i', subject: 's', name: 'n' } }],
    ['no service', { services: [] }],
    ['services out of order', { services: ['b', 'a'] }],
    ['a service twice', { services: ['a', 'a'] }],
    ['a service without a name', { services: [''] }],
    ['a service with a name too long', { services: ['s'.repeat(65)] }],
    ['more services than may be', { services: Array.from({ length: 21 }, (_, index) => `s${100 + index}`) }],
    ['no tier', { tier: '' }],
    ['a tier too long', { tier: 't'.repeat(65) }],
    ['a time that no clock shows', { from: 9e15 }],
    ['a time before all clocks', { from: -1 }],
    ['an end that no clock shows', { until: 9e15 }],
    ['half a millisecond', { until: 0.5 }],
    ['no reason', { because: '' }],
    ['a reason too long', { because: 'b'.repeat(501) }],
    ['a reason of two lines', { because: 'a\nb' }],
    ['a reason that nobody sees', { because: 'a\u202eb' }],
    ['a nonce of its own', { nonce: 'n'.repeat(21) }],
    ['a nonce with spare bits', { nonce: 'n'.repeat(22) }],
    ['a nonce before something', { nonce: `${'n'.repeat(21)}Ax` }],
    ['a nonce after something', { nonce: `x${'n'.repeat(21)}A` }],
    ['something beside', { more: true }],
  ])('is none with %s', (_, changes) => {
    expect(readGlass(canonical(changes))).toBeUndefined()
  })

  test('carries ten signatures at most', () => {
    const signed = (count: number): GlassSignature[] =>
      Array.from({ length: count }, (_, index) => ({
        key: Buffer.alloc(32, index),
        signature: Buffer.alloc(64, index),
      }))
    const textOf = (count: number): string => glassText({ bytes, signatures: signed(count) })
    expect(mostSignatures).toBe(10)
    expect(readGlass(textOf(10))?.signatures).toHaveLength(10)
    expect(readGlass(textOf(11))).toBeUndefined()
  })

  test('is short enough for a header, to the character', () => {
    const device = Buffer.alloc(5, 1)
    const signatures = Array.from({ length: mostSignatures }, (_, index) => ({
      key: Buffer.alloc(32, index),
      signature: Buffer.alloc(64, 1),
      device,
    }))
    const textFor = (long: number): string => {
      const services = Array.from({ length: 20 }, (_, index) => `${'s'.repeat(61)}${100 + index}`)
      const who = { issuer: 'é'.repeat(512), subject: 's'.repeat(255) }
      return glassText({
        bytes: bytesOfGlass(aGlass({ services, who, because: 'ü'.repeat(long) })),
        signatures,
      })
    }
    const texts = Array.from({ length: 500 }, (_, index) => textFor(index + 1))
    const [longest, tooLong] = [longestGlassText, longestGlassText + 3].map((most) =>
      texts.findLast(({ length }) => length <= most),
    )
    expect([longest?.length, (tooLong?.length ?? 0) > longestGlassText]).toEqual([longestGlassText, true])
    expect([readGlass(longest ?? '') === undefined, readGlass(tooLong ?? '')]).toEqual([false, undefined])
  })

  test('is named by what it says, whoever signed it', () => {
    const id = glassId({ bytes })
    expect(id).toMatch(/^break-glass-[0-9a-f]{16}$/)
    expect(glassId({ bytes: Buffer.from(bytes) })).toBe(id)
    expect(glassId({ bytes: bytesOfGlass(aGlass()) })).not.toBe(id)
  })
})
