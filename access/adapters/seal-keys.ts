import { readFile, writeFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { z } from 'zod'
import { Fault } from '../domain/errors.ts'
import type { Signer } from './seal.ts'

const algorithm = 'EdDSA'
/** The name of a signer: what a person goes by, such as `alice` or `alice@example.com`. */
export const nameShape = z.string().regex(/^[a-z0-9][a-z0-9._+@-]{0,63}$/i)
/** 32 bytes, base64url without padding (RFC 8037 2). */
const publicShape = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const privateShape = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  use: z.literal('rules-seal'),
  kid: nameShape,
  x: publicShape,
  d: publicShape,
})

/**
 * Makes the key pair of somebody who may seal: the private key in `file` (mode 0600), and `file.pub`, one line for the file
 * that PAGEPASS_RULES_KEYS names. Never overwrites. Gives that line. Faults with `keys/name-invalid` and
 * `file/unwritable`.
 */
export const createSealKey = async (file: string, name: string): Promise<string> => {
  if (!nameShape.safeParse(name).success)
    throw new Fault('keys/name-invalid', `${JSON.stringify(name)} is no name for a key`, {
      mend: 'use letters, digits and . _ + @ - only, such as alice or alice@example.com',
    })
  const pair = await generateKeyPair(algorithm, { crv: 'Ed25519', extractable: true })
  const jwk = privateShape.parse({ ...(await exportJWK(pair.privateKey)), kid: name, use: 'rules-seal' })
  const line = `${name} ${jwk.x}`
  await writeNew(file, `${JSON.stringify(jwk)}\n`, 0o600)
  await writeNew(`${file}.pub`, `${line}\n`, 0o644)
  return line
}

/** Faults with `file/unwritable`. */
export const writeNew = async (file: string, text: string, mode: number): Promise<void> =>
  writeFile(file, text, { mode, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    throw new Fault('file/unwritable', `${file} can't be written (${error.code})`, {
      mend:
        error.code === 'EEXIST' ? 'choose another file: a key is never overwritten' : 'choose another file',
    })
  })

/** The private key of somebody who may seal. */
export const readSealKey = async (file: string): Promise<Signer> => {
  const text = await readKeyFile(file)
  let parsed: z.output<typeof privateShape>
  try {
    parsed = privateShape.parse(JSON.parse(text))
  } catch {
    // Without the cause: its message may quote the file.
    throw new Fault('keys/missing', `${file} is no key to seal with`, {
      mend: 'make one with: pagepass keys create-seal-key --name alice --out FILE',
    })
  }
  const { kty, crv, x, d, kid } = parsed
  return { name: kid, key: await imported({ kty, crv, x, d }, file) }
}

/**
 * Who may seal: a line each, `name base64url-ed25519`. Empty lines and those that begin with # say nothing. A name may have
 * several keys, and a key has one name: an author who goes by another could seal.
 */
export const readSigners = async (file: string): Promise<readonly Signer[]> => {
  const lines = (await readKeyFile(file)).split(/\r?\n/)
  const signers: Signer[] = []
  const nameByKey = new Map<string, string>()
  for (const [index, line] of lines.entries()) {
    const words = line.trim().split(/\s+/)
    const [name = '', x = ''] = words
    if (name === '' || name.startsWith('#')) continue
    if (words.length !== 2 || !nameShape.safeParse(name).success || !publicShape.safeParse(x).success)
      throw new Fault('keys/missing', `${file}:${index + 1} is not "name key"`, {
        mend: 'put the line of a .pub file there, as pagepass keys create-seal-key made it',
      })
    // By its bytes: the last character has two bits that say nothing.
    const bytes = Buffer.from(x, 'base64url').toString('hex')
    const other = nameByKey.get(bytes) ?? name
    if (other !== name)
      throw new Fault('keys/missing', `${file}:${index + 1} gives ${name} the key of ${other}`, {
        mend: 'let each key have one name',
      })
    nameByKey.set(bytes, name)
    signers.push({ name, key: await imported({ kty: 'OKP', crv: 'Ed25519', x }, `${file}:${index + 1}`) })
  }
  if (signers.length === 0)
    throw new Fault('keys/missing', `${file} names nobody who may seal the rule set`, {
      mend: 'put the .pub line of each of them there',
    })
  return signers
}

const readKeyFile = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('keys/missing', `the key file ${file} can't be read (${error.code})`)
  })

const imported = async (jwk: JWK, where: string): Promise<Signer['key']> => {
  try {
    const key = await importJWK(jwk, algorithm)
    if (key instanceof Uint8Array) throw new Error('not asymmetric')
    return key
  } catch {
    throw new Fault('keys/missing', `${where} is no Ed25519 key`)
  }
}
