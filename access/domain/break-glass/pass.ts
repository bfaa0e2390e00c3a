import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../canonical-json.ts'
import { isMoment } from '../moment.ts'

/** UTF-16 units of a whole pass: what a header may carry beside everything else. */
export const longestGlassText = 6_144
export const mostSignatures = 10

const plain = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^\P{C}*$/u)

/** What a break-glass pass says: who may do what, until when, and why. Times are milliseconds since the epoch. */
export const glassShape = z.strictObject({
  environment: plain(64),
  who: z.strictObject({ issuer: plain(512), subject: plain(255) }),
  /** By name, sorted, each once. */
  services: z
    .array(plain(64))
    .min(1)
    .max(20)
    .refine((names) => names.every((name, index) => (names[index - 1] ?? '') < name)),
  tier: plain(64),
  from: z.int().refine(isMoment),
  until: z.int().refine(isMoment),
  because: plain(500),
  /** Random, so that no two passes are the same. 16 bytes in base64url. */
  nonce: z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/),
})
export type Glass = z.output<typeof glassShape>

/** One signature: by an Ed25519 key of its own, or by one in a security key, which adds its flags and counter. */
export type GlassSignature = {
  /** 32 bytes. */
  readonly key: Buffer
  /** 64 bytes. */
  readonly signature: Buffer
  /** Five bytes: the flags and the counter (CTAP 2.1, 6.1). */
  readonly device?: Buffer | undefined
}

export type GlassPass = {
  readonly body: Glass
  /** What is signed: the canonical form of the body. */
  readonly bytes: Buffer
  /** Sorted by key, of which each signs once. */
  readonly signatures: readonly GlassSignature[]
}

const prefix = 'pbg1'
const keyBytes = 32
const signatureBytes = 64
const deviceBytes = 5

/** The one way in which a body is written. */
export const bytesOfGlass = (body: Glass): Buffer => Buffer.from(canonicalJson(body))

/** A pass as text, for a header: `pbg1.<body>.<key and signature>…`, all base64url. */
export const glassText = ({ bytes, signatures }: Pick<GlassPass, 'bytes' | 'signatures'>): string =>
  [
    prefix,
    bytes.toString('base64url'),
    ...[...signatures]
      .sort((a, b) => a.key.compare(b.key))
      .map(({ key, signature, device = Buffer.alloc(0) }) =>
        Buffer.concat([key, signature, device]).toString('base64url'),
      ),
  ].join('.')

/** Reads a pass. Undefined where it is none, or not written in the one way that it may be. Says nothing of signatures. */
export const readGlass = (text: string): GlassPass | undefined => {
  if (text.length > longestGlassText) return undefined
  const [first, payload = '', ...rest] = text.split('.')
  if (first !== prefix || rest.length === 0 || rest.length > mostSignatures) return undefined
  const said = saidBy(payload)
  const signatures = rest.flatMap((part) => signatureOf(part) ?? [])
  if (said === undefined || signatures.length < rest.length) return undefined
  const sorted = signatures.every(({ key }, index) => (signatures[index - 1]?.key.compare(key) ?? -1) < 0)
  return sorted ? { ...said, signatures } : undefined
}

/** Base64url has spare bits, and Node's decoder takes more than base64url: only what would be written so again is read. */
const bytesOf = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** Bytes that are no UTF-8, or begin with a mark, would not be written so again either. */
const saidBy = (text: string): Pick<GlassPass, 'body' | 'bytes'> | undefined => {
  const bytes = bytesOf(text)
  if (bytes === undefined) return undefined
  try {
    const { data } = glassShape.safeParse(JSON.parse(bytes.toString()))
    return data !== undefined && bytesOfGlass(data).equals(bytes) ? { body: data, bytes } : undefined
  } catch {
    return undefined
  }
}

const signatureOf = (text: string): GlassSignature | undefined => {
  const bytes = bytesOf(text)
  const plainly = keyBytes + signatureBytes
  if (bytes === undefined || (bytes.length !== plainly && bytes.length !== plainly + deviceBytes))
    return undefined
  const signed = { key: bytes.subarray(0, keyBytes), signature: bytes.subarray(keyBytes, plainly) }
  return bytes.length === plainly ? signed : { ...signed, device: bytes.subarray(plainly) }
}

/** A name for a pass, by what it says: more signatures make no other one of it. No grant is ever called so. */
export const glassId = ({ bytes }: Pick<GlassPass, 'bytes'>): string =>
  `break-glass-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
