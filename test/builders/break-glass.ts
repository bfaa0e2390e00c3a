import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { bytesOfGlass, type Glass, type GlassSignature, glassText } from '#access/domain/break-glass/pass.ts'
import { signedBytes } from '#access/domain/break-glass/signed-bytes.ts'

/** A key as one of those that `break_glass.keys` names. */
export type GlassKey = {
  readonly privateKey: KeyObject
  /** Base64url. */
  readonly x: string
  readonly bytes: Buffer
}

export const glassKey = (): GlassKey => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const x = publicKey.export({ format: 'jwk' }).x ?? ''
  return { privateKey, x, bytes: Buffer.from(x, 'base64url') }
}

export const aNonce = (): string => randomBytes(16).toString('base64url')

export const signedWith = (bytes: Buffer, { privateKey, bytes: key }: GlassKey): GlassSignature => ({
  key,
  signature: sign(null, signedBytes(bytes), privateKey),
})

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

/** As a security key signs: its flags say whether somebody touched it. */
export const signedByDevice = (
  bytes: Buffer,
  { privateKey, bytes: key }: GlassKey,
  { flags = 1, application = 'ssh:' } = {},
): GlassSignature => {
  const device = Buffer.from([flags, 0, 0, 0, 7])
  const over = Buffer.concat([sha256(Buffer.from(application)), device, sha256(signedBytes(bytes))])
  return { key, signature: sign(null, over, privateKey), device }
}

/** A pass as text, signed by these keys. */
export const glassBy = (body: Glass, ...keys: readonly GlassKey[]): string => {
  const bytes = bytesOfGlass(body)
  return glassText({ bytes, signatures: keys.map((key) => signedWith(bytes, key)) })
}

/** A bot where nobody can break the glass. */
export const noGlass = {
  reviews: {
    waiting: async () => undefined,
    reviewed: async () => false,
    begin: async () => false,
    done: async () => false,
  },
  announce: async (): Promise<void> => undefined,
}

/** What a pass says: Ana may operate the orders for ten minutes. */
export const aGlass = (changes: Partial<Glass> = {}): Glass => ({
  environment: 'sandbox',
  who: { issuer: 'http://127.0.0.1:7074', subject: 'idp-ana' },
  services: ['orders-svc'],
  tier: 'operate',
  from: Date.UTC(2026, 0, 15, 12),
  until: Date.UTC(2026, 0, 15, 12, 10),
  because: 'Redis and Slack are down',
  nonce: aNonce(),
  ...changes,
})
