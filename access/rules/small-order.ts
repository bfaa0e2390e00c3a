/**
 * The encodings of the points of small order on edwards25519, the sign of x left out: the five y of its eight points (0, 1,
 * p - 1 and two of order 8), and p and p + 1, which stand for 0 and 1. Nobody needs a private key to sign
 * under them where a verifier takes them, which RFC 8032 (5.1.7) leaves open. OpenSSL 3.5 refused what was tried; rules that name
 * such a key are wrong whatever verifies.
 * Source: libsodium, `ge25519_has_small_order`; Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), table 1.
 */
const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** Whether an Ed25519 public key (32 bytes in base64url) verifies what nobody signed. */
export const isOfSmallOrder = (key: string): boolean => {
  const bytes = Buffer.from(key, 'base64url')
  bytes[31] = (bytes[31] ?? 0) & 0x7f
  return smallOrder.has(bytes.toString('hex'))
}
