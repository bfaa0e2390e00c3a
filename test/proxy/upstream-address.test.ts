import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { AddressRefused, createAddressGuard } from '#proxy/upstream-address.ts'

const guard = createAddressGuard(new Set([7072]), () => [{ host: '10.0.0.9', port: 6379 }])

describe('An address of a service is none', () => {
  test.each([
    '169.254.169.254',
    '169.254.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.1',
    '255.255.255.255',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
    'fd00:ec2::23',
    '::ffff:0:a9fe:a9fe',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:FF9B:0:0:0:0:A9FE:A9FE',
    '2002:a9fe:a9fe::1',
    'no address',
    '',
  ])('that no service is: %s', (address) => {
    expect(guard.refuses(address, 80)).toBe(true)
  })

  test.each([
    ['127.0.0.1', 7072],
    ['127.9.9.9', 7072],
    ['::1', 7072],
    ['::ffff:127.0.0.1', 7072],
    ['64:ff9b::127.0.0.1', 7072],
    ['10.0.0.9', 6379],
    ['::ffff:10.0.0.9', 6379],
    ['64:ff9b::10.0.0.9', 6379],
  ])('that is ours: %s port %d', (address, port) => {
    expect(guard.refuses(address, port)).toBe(true)
    expect(guard.refuses(address, port + 1)).toBe(false)
  })

  test('of this machine, at a port of ours', () => {
    for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
      expect([address, guard.refuses(address, 7072)]).toEqual([address, true])
  })
})

test.each([
  '127.0.0.1',
  '10.0.0.9',
  '10.0.0.1',
  '192.168.1.1',
  '::1',
  'fd00::1',
  '2001:db8::1',
  '100.100.100.201',
  '64:ff9b::a00:1',
])('An address of a service may be %s', (address) => {
  expect(guard.refuses(address, 8080)).toBe(false)
  expect(() => guard.check(address, 8080)).not.toThrow()
  expect(() => guard.check(`[${address}]`, 8080)).not.toThrow()
})

describe('What is given as an address', () => {
  test.each(['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]'])('is refused: %s', (host) => {
    expect(() => guard.check(host, 80)).toThrow(AddressRefused)
  })

  test('and not as a name', () => {
    expect(() => guard.check('metadata.internal', 80)).not.toThrow()
  })
})

describe('A name', () => {
  const found = (name: string, port: number, all: boolean) =>
    new Promise<unknown>((resolve) =>
      createAddressGuard(new Set([7072])).lookupFor(port)(name, { all }, (error, address) =>
        resolve(error ?? address),
      ),
    )

  test('is looked up', async () => {
    expect(await found('localhost', 8080, false)).toMatch(/^(127\.|::1)/)
    expect(await found('localhost', 8080, true)).toContainEqual(
      expect.objectContaining({ address: expect.stringMatching(/^(127\.|::1)/) }),
    )
  })

  test('that means an address that is refused is refused', async () => {
    expect(await found('localhost', 7072, false)).toBeInstanceOf(AddressRefused)
    expect(await found('localhost', 7072, true)).toBeInstanceOf(AddressRefused)
  })

  test('that means nothing is told to', async () => {
    expect(await found('nowhere.invalid', 8080, false)).toMatchObject({ code: expect.stringMatching(/^E/) })
  })
})
