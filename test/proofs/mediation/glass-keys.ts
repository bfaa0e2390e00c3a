import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** Those that a rule set may name, and one that none does. */
export const glassKeyNames = ['kit', 'lou', 'mia', 'stranger'] as const

const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same key for the same name, always. */
export const privateKeyOf = (name: string): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([pkcs8, createHash('sha256').update(name).digest()]),
    format: 'der',
    type: 'pkcs8',
  })

/** Its 32 public bytes, base64url. */
export const publicTextOf = (name: string): string =>
  createPublicKey(privateKeyOf(name)).export({ format: 'jwk' }).x ?? ''
