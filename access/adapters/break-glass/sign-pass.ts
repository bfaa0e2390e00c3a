import { createHash } from 'node:crypto'
import {
  bytesOfGlass,
  type Glass,
  type GlassPass,
  type GlassSignature,
  glassShape,
  glassText,
  longestGlassText,
  mostSignatures,
  readGlass,
} from '../../domain/break-glass/pass.ts'
import { signedBytes } from '../../domain/break-glass/signed-bytes.ts'
import { isSignedBy, publicKeyOf } from '../../domain/break-glass/signers.ts'
import { Fault } from '../../domain/errors.ts'
import type { GlassSigner } from './signer.ts'
import { sshString } from './ssh-bytes.ts'

/** A new pass, signed by nobody yet. Faults with `break-glass/invalid`. */
export const newGlass = (body: Glass): Pick<GlassPass, 'body' | 'bytes' | 'signatures'> => {
  const read = glassShape.safeParse({ ...body, services: [...new Set(body.services)].sort() })
  if (!read.success) {
    const [first] = read.error.issues
    throw new Fault(
      'break-glass/invalid',
      `a break-glass pass can’t say this of ${first?.path.join('.') || 'itself'}`,
      { mend: 'write plain text without control characters; a reason has at most 500 characters' },
    )
  }
  return { body: read.data, bytes: bytesOfGlass(read.data), signatures: [] }
}

/** Reads a pass that somebody signed. Faults with `break-glass/invalid`. */
export const readSigned = (text: string): GlassPass => {
  const pass = readGlass(text.trim())
  if (pass === undefined)
    throw new Fault('break-glass/invalid', 'this is no break-glass pass', {
      mend: 'give the text that pagepass break-glass sign printed, whole and unchanged',
    })
  return pass
}

/** The text of a pass with one more signature. Faults with `break-glass/invalid`, and what the signer faults with. */
export const addSignature = async (
  { bytes, signatures }: Pick<GlassPass, 'bytes' | 'signatures'>,
  signer: GlassSigner,
): Promise<string> => {
  if (signatures.some(({ key }) => key.equals(signer.key)))
    throw new Fault('break-glass/invalid', 'this key has signed the pass already', {
      mend: 'have somebody else sign it, with another key',
    })
  const signed: GlassSignature = { key: signer.key, ...(await signer.sign(signedBytes(bytes))) }
  if (!isSignedBy(bytes, signed, publicKeyOf(signer.key)))
    throw new Fault('break-glass/invalid', 'what this key signed does not verify', {
      mend: 'sign with another key; one in a security key has to be touched, and made for the application ssh:',
    })
  const text = glassText({ bytes, signatures: [...signatures, signed] })
  if (signatures.length >= mostSignatures || text.length > longestGlassText)
    throw new Fault('break-glass/invalid', 'this pass is too long to be presented', {
      mend: 'name fewer services, a shorter reason, or have fewer people sign',
    })
  return text
}

/** A key by its fingerprint, as `ssh-keygen -lf` prints it. */
export const fingerprintOf = (key: Buffer): string => {
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(key)])
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}
