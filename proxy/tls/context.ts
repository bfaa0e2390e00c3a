import { constants } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'

/**
 * Forward secrecy and authenticated encryption only (RFC 9325 4.2), which is also what HTTP/2 demands of TLS 1.2
 * (RFC 9113 9.2.2). The client's order counts: phones without AES instructions ask for ChaCha20 first.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** What a TLS listener is set up with, at the start and at every reload. */
export const contextOf = (pair: {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
}): SecureContextOptions => ({
  cert: pair.cert,
  key: pair.key,
  ...(pair.ca === undefined ? {} : { ca: pair.ca }),
  minVersion: 'TLSv1.2',
  ciphers,
  honorCipherOrder: false,
  // HTTP/2 forbids renegotiation (RFC 9113 9.2.1), and it costs the server more than the client.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
})
