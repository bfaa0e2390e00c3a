import type { LookupAddress } from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { isIP, type LookupFunction } from 'node:net'
import os, { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createOutsideGuard, isOutside } from '#proxy/egress/outside-guard.ts'
import { AddressRefused, createAddressGuard } from '#proxy/upstream-address.ts'

const ofInterface = { netmask: '', mac: '', internal: false, cidr: null }

describe('Outside is', () => {
  test.each([
    '1.1.1.1',
    '93.184.216.34',
    '100.63.255.255',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '2606:4700:4700::1111',
    '2a00:1450:4001:800::200e',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
    '2002:101:101::1',
  ])('%s', (address) => {
    expect(isOutside(address)).toBe(true)
  })

  test.each([
    '127.0.0.1',
    '127.9.9.9',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '198.18.0.1',
    '192.0.2.1',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    'fd00::1',
    'fc00::1',
    'fe80::1%eth0',
    'fec0::1',
    '2001::1',
    '2001:db8::1',
    '3fff::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    '::ffff:0:a00:1',
    '::10.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::a00:1',
    '2002:a00:1::1',
    '5f00::1',
    '4000::1',
    'no address',
    '',
  ])('not %s', (address) => {
    expect(isOutside(address)).toBe(false)
  })

  test('no address of this machine, though the whole internet may reach it', () => {
    const { networkInterfaces: real } = os
    const [address, other] = ['93.184.216.34', '2606:4700:4700::1111']
    expect([isOutside(address), isOutside(other)]).toEqual([true, true])
    os.networkInterfaces = () => ({
      eth0: [
        { ...ofInterface, address, family: 'IPv4' },
        { ...ofInterface, address: other, family: 'IPv6', scopeid: 0 },
      ],
    })
    syncBuiltinESMExports()
    try {
      expect([isOutside(address), isOutside(other)]).toEqual([false, false])
      expect(isOutside('93.184.216.35')).toBe(true)
    } finally {
      os.networkInterfaces = real
      syncBuiltinESMExports()
    }
  })

  test('none of the addresses that this machine has', () => {
    for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
      expect([address, isOutside(address)]).toEqual([address, false])
  })
})

describe('A name that a rule names', () => {
  /** A name server that says what it likes. */
  const saying = (...addresses: readonly string[]) =>
    createOutsideGuard({
      check: () => undefined,
      lookupFor: (): LookupFunction => (_name, _options, found) =>
        found(
          null,
          addresses.map((address): LookupAddress => ({ address, family: isIP(address) })),
        ),
    })
  const found = (guard: ReturnType<typeof saying>, all: boolean) =>
    new Promise<unknown>((resolve) =>
      guard.lookupFor(443)('api.example.com', { all }, (error, address, family) =>
        resolve(error ?? (all ? address : [address, family])),
      ),
    )

  test('leads to what is outside alone, whatever stands beside it', async () => {
    const guard = saying('127.0.0.1', '10.0.0.7', '1.1.1.1', '::1', '2606:4700:4700::1111')
    expect(await found(guard, true)).toEqual([
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ])
    expect(await found(guard, false)).toEqual(['1.1.1.1', 4])
  })

  test.each(['127.0.0.1', '169.254.169.254', '10.0.0.7', '::1', 'fd00:ec2::254', '0.0.0.0'])(
    'leads nowhere by way of %s',
    async (address) => {
      expect(await found(saying(address), true)).toBeInstanceOf(AddressRefused)
      expect(await found(saying(address), false)).toBeInstanceOf(AddressRefused)
    },
  )

  test('leads nowhere by way of nothing', async () => {
    expect(await found(saying(), true)).toBeInstanceOf(AddressRefused)
  })

  test('is looked up by the guard of services, which tells what went wrong', async () => {
    const failing = createOutsideGuard({
      check: () => undefined,
      lookupFor: () => (name, _options, told) => told(new Error(`no ${name}`), ''),
    })
    expect(await found(failing, true)).toMatchObject({ message: 'no api.example.com' })
    const real = createOutsideGuard(createAddressGuard(new Set()))
    const local = await new Promise((resolve) =>
      real.lookupFor(8080)('localhost', { all: true }, (error, address) => resolve(error ?? address)),
    )
    expect(local).toBeInstanceOf(AddressRefused)
  })
})

test('An address that a rule names itself is refused only where no service may have it', () => {
  const guard = createOutsideGuard(createAddressGuard(new Set([7072])))
  expect(() => guard.check('127.0.0.1', 9000)).not.toThrow()
  expect(() => guard.check('10.0.0.7', 443)).not.toThrow()
  expect(() => guard.check('127.0.0.1', 7072)).toThrow(AddressRefused)
  expect(() => guard.check('169.254.169.254', 80)).toThrow(AddressRefused)
})
