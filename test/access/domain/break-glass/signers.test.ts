import { describe, expect, test } from 'vitest'
import { bytesOfGlass, type GlassPass, type GlassSignature } from '#access/domain/break-glass/pass.ts'
import { glassKeys, isSignedBy, publicKeyOf, signersOf } from '#access/domain/break-glass/signers.ts'
import { aGlass, type GlassKey, glassKey, signedByDevice, signedWith } from '../../../builders/break-glass.ts'

const [alice, vault, stranger] = [glassKey(), glassKey(), glassKey()]
const keys = glassKeys({
  who: ['sre'],
  tier: 'admin',
  for: 60_000,
  need: 2,
  keys: new Map([
    ['vault', vault.x],
    ['alice', alice.x],
  ]),
})
const body = aGlass()
const bytes = bytesOfGlass(body)
const passOf = (...signatures: readonly GlassSignature[]): GlassPass => ({ body, bytes, signatures })
const inTheNameOf = (key: GlassKey, by: GlassKey): GlassSignature => ({
  ...signedWith(bytes, by),
  key: key.bytes,
})

describe('Who signed a pass', () => {
  test.each<[string, readonly GlassSignature[], readonly string[] | undefined]>([
    ['nobody', [], []],
    ['both', [signedWith(bytes, vault), signedWith(bytes, alice)], ['alice', 'vault']],
    ['one with a security key', [signedByDevice(bytes, alice)], ['alice']],
    ['a stranger beside one', [signedWith(bytes, alice), signedWith(bytes, stranger)], ['alice']],
    ['a stranger whose signature is none', [inTheNameOf(stranger, alice)], []],
    ['one of them in the name of another', [signedWith(bytes, alice), inTheNameOf(vault, alice)], undefined],
    ['one of them another pass', [signedWith(Buffer.from('{}'), alice)], undefined],
    ['one with a security key that nobody touched', [signedByDevice(bytes, alice, { flags: 0 })], undefined],
    [
      'one with a key of another application',
      [signedByDevice(bytes, alice, { application: 'ssh:x' })],
      undefined,
    ],
  ])('is known by the keys that the rules name: %s', (_, signatures, names) => {
    expect(signersOf(passOf(...signatures), keys)).toEqual(names)
  })

  test.each([
    [0x01, true],
    [0x05, true],
    [0x04, false],
    [0x00, false],
  ])('touched the security key or did not: flags %i', (flags, touched) => {
    expect(isSignedBy(bytes, signedByDevice(bytes, alice, { flags }), publicKeyOf(alice.bytes))).toBe(touched)
  })

  test('touched nothing where there is not even a flag', () => {
    const signed = { ...signedByDevice(bytes, alice), device: Buffer.alloc(0) }
    expect(isSignedBy(bytes, signed, publicKeyOf(alice.bytes))).toBe(false)
  })
})
