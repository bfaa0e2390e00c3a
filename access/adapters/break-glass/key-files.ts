import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair } from 'jose'
import { z } from 'zod'
import { Fault } from '../../domain/errors.ts'
import { nameShape, writeNew } from '../seal-keys.ts'
import { type GlassSigner, signerOf } from './signer.ts'
import { sshReader } from './ssh-bytes.ts'

/** 32 bytes, base64url without padding (RFC 8037 2). */
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const ownShape = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  use: z.literal('break-glass'),
  kid: nameShape,
  x: bytes32,
  d: bytes32,
})

/**
 * Makes the key of somebody who may sign break-glass passes: the private key in `file` (mode 0600). Never overwrites.
 * Gives the line for the rules' `break_glass.keys`. Faults with `keys/name-invalid` and `file/unwritable`.
 */
export const createGlassKey = async (file: string, name: string): Promise<string> => {
  if (!nameShape.safeParse(name).success)
    throw new Fault('keys/name-invalid', `${JSON.stringify(name)} is no name for a key`, {
      mend: 'use letters, digits and . _ + @ - only, such as alice or alice-yubi',
    })
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = ownShape.parse({ ...(await exportJWK(pair.privateKey)), kid: name, use: 'break-glass' })
  await writeNew(file, `${JSON.stringify(jwk)}\n`, 0o600)
  return `${name}: ${jwk.x}`
}

/** Whoever signs with the key in this file: one of ours, or an Ed25519 key of OpenSSH without a passphrase. */
export const signerInFile = async (file: string): Promise<GlassSigner> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('keys/missing', `the key file ${file} can't be read (${error.code})`)
  })
  return text.includes(sshBegins) ? ofOpenSsh(text, file) : ofOurs(text, file)
}

const ofOurs = (text: string, file: string): GlassSigner => {
  try {
    const { kty, crv, x, d, kid } = ownShape.parse(JSON.parse(text))
    return checked(
      createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' }),
      Buffer.from(x, 'base64url'),
      kid,
    )
  } catch {
    // Without the cause: its message may quote the file.
    throw new Fault('keys/missing', `${file} is no key to break the glass with`, {
      mend: 'make one with: pagepass keys create-break-glass-key --name alice --out FILE, or use an Ed25519 key of OpenSSH',
    })
  }
}

const sshBegins = '-----BEGIN OPENSSH PRIVATE KEY-----'
const sshEnds = '-----END OPENSSH PRIVATE KEY-----'
const magic = 'openssh-key-v1\0'

/** A private key as ssh-keygen writes it (OpenSSH, PROTOCOL.key). */
const ofOpenSsh = (text: string, file: string): GlassSigner => {
  try {
    const body = text.slice(text.indexOf(sshBegins) + sshBegins.length, text.indexOf(sshEnds))
    const read = sshReader(Buffer.from(body, 'base64'))
    if (read.take(magic.length).toString('latin1') !== magic) throw new Error('another format')
    const cipher = read.text()
    read.string()
    read.string()
    if (cipher !== 'none')
      throw new Fault('keys/missing', `${file} is protected with a passphrase`, {
        mend: `add it to an agent (ssh-add ${file}) and sign without --key`,
      })
    if (read.number() !== 1) throw new Error('several keys')
    read.string()
    const inner = sshReader(read.string())
    const check = inner.number()
    if (inner.number() !== check) throw new Error('check numbers differ')
    if (inner.text() !== 'ssh-ed25519') throw new Error('another kind')
    const key = Buffer.from(inner.string())
    const d = inner.string().subarray(0, 32)
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url'), d: d.toString('base64url') }
    return checked(createPrivateKey({ key: jwk, format: 'jwk' }), key, inner.text())
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('keys/missing', `${file} is no Ed25519 key of OpenSSH`, {
      mend: 'make one with: ssh-keygen -t ed25519; a key in a security key signs by an agent, without --key',
    })
  }
}

/** What it signs has to verify with what it says is its public key. */
const checked = (privateKey: KeyObject, key: Buffer, comment: string): GlassSigner => {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (x !== key.toString('base64url')) throw new Error('not the key of its public part')
  return signerOf(privateKey, key, comment)
}
