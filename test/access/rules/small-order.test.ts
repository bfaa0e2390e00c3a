import { expect, test } from 'vitest'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { isOfSmallOrder } from '#access/rules/small-order.ts'
import { glassKey } from '../../builders/break-glass.ts'
import { rulesText } from '../../builders.ts'

// RFC 8032 (5.1): the curve -x² + y² = 1 + d x² y² over the integers modulo p.
const p = 2n ** 255n - 19n
const modulo = (n: bigint): bigint => ((n % p) + p) % p
const power = (base: bigint, exponent: bigint): bigint => {
  let [result, square] = [1n, modulo(base)]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square)
    square = modulo(square * square)
  }
  return result
}
const inverse = (n: bigint): bigint => power(n, p - 2n)
const d = modulo(-121665n * inverse(121666n))

/** The square of y after each of three doublings; a point is of small order where they lead to the neutral one, y = 1. */
const isSmallByArithmetic = (encoded: Buffer): boolean => {
  let y = modulo(BigInt(`0x${Buffer.from(encoded).reverse().toString('hex')}`) & (2n ** 255n - 1n))
  for (let doubled = 0; doubled < 3; doubled += 1) {
    const yy = modulo(y * y)
    const xx = modulo((yy - 1n) * inverse(d * yy + 1n))
    // y of 2P is (y² + x²) / (1 - d x² y²).
    y = modulo((yy + xx) * inverse(1n - d * xx * yy))
  }
  return y === 1n
}

const small = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].flatMap((hex) => {
  const plain = Buffer.from(hex, 'hex')
  const signed = Buffer.from(plain)
  signed[31] = (signed[31] ?? 0) | 0x80
  return [plain, signed]
})

const faultsWith = (key: string, other = glassKey().x): string[] => {
  const keys = `{ alice: ${key}, vault: ${other} }`
  const parsed = parseRuleSet(
    `${rulesText}\nbreak_glass: { who: [sre], tier: admin, for: 20m, need: 2, keys: ${keys} }\n`,
  )
  return parsed.ok ? [] : parsed.faults.map(({ what }) => what)
}

test.each(small.map((key) => [key.toString('hex'), key] as const))('%s is no key that may sign', (_, key) => {
  expect(isSmallByArithmetic(key)).toBe(true)
  expect(isOfSmallOrder(key.toString('base64url'))).toBe(true)
  expect(faultsWith(key.toString('base64url'))).toEqual([
    'anybody can sign with this key (a point of small order); make one with: pagepass keys create-break-glass-key',
  ])
  const written = Buffer.concat([Buffer.from('\0\0\0\u000bssh-ed25519\0\0\0 '), key]).toString('base64')
  expect(faultsWith(`ssh-ed25519 ${written} alice`)).toHaveLength(1)
})

test('Keys that people make may sign', () => {
  for (let each = 0; each < 20; each += 1) {
    const { x, bytes } = glassKey()
    expect([isOfSmallOrder(x), isSmallByArithmetic(bytes)]).toEqual([false, false])
  }
  expect(faultsWith(glassKey().x)).toEqual([])
})
