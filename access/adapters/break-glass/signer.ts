import { type KeyObject, sign } from 'node:crypto'
import type { GlassSignature } from '../../domain/break-glass/pass.ts'

/** Whoever can sign a pass: a key in a file, or one that an agent holds. */
export type GlassSigner = {
  /** The public key: 32 bytes. */
  readonly key: Buffer
  /** What it is called where it was found. */
  readonly comment: string
  /** Over `signedBytes`. */
  readonly sign: (bytes: Buffer) => Promise<Omit<GlassSignature, 'key'>>
}

export const signerOf = (privateKey: KeyObject, key: Buffer, comment: string): GlassSigner => ({
  key,
  comment,
  sign: async (bytes) => ({ signature: sign(null, bytes, privateKey) }),
})
