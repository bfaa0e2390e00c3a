import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { z } from 'zod'
import { Fault } from '../domain/errors.ts'

/** What a key may sign. One key, one role: a key found under another role's statement is refused. */
export const roles = ['issue', 'end', 'head', 'directory', 'assertion'] as const
export type Role = (typeof roles)[number]

/** Which private keys each part holds. A proxy holds none that could give, end or attest a grant. */
export const holders = {
  bot: ['issue', 'end', 'head'],
  workers: ['end', 'head'],
  proxy: ['assertion'],
  offline: ['directory'],
} as const satisfies Record<string, readonly Role[]>
export type Holder = keyof typeof holders

export type PrivateKey = { readonly role: Role; readonly kid: string; readonly key: CryptoKey }
export type PublicKey = {
  readonly role: Role
  readonly kid: string
  readonly key: CryptoKey
  readonly jwk: JWK
}

/** The keys of one process: the private ones of its part, and everybody's public ones. */
export type Keys = {
  readonly environment: string
  readonly own: ReadonlyMap<Role, PrivateKey>
  readonly trusted: ReadonlyMap<string, PublicKey>
}

const publicShape = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  role: z.enum(roles),
})
const privateShape = publicShape.extend({ d: z.string() })
const trustedShape = z.strictObject({ environment: z.string(), keys: z.array(publicShape) })

const algorithm = 'EdDSA'
const privateFile = (role: Role) => `${role}.private.json`
const trustedFile = 'trusted.json'

/**
 * Makes one Ed25519 key per holder and role, in one folder per holder, each with the public keys of all
 * (`trusted.json`). Leaves existing folders as they are.
 */
export const createKeys = async (folder: string, environment: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0) return
  const trusted: z.output<typeof publicShape>[] = []
  for (const [holder, held] of Object.entries(holders)) {
    await mkdir(join(folder, holder), { mode: 0o700 })
    for (const role of held) {
      const pair = await generateKeyPair(algorithm, { crv: 'Ed25519', extractable: true })
      const kid = `${holder}-${role}-1`
      const jwk = privateShape.parse({ ...(await exportJWK(pair.privateKey)), kid, role })
      await writeFile(join(folder, holder, privateFile(role)), JSON.stringify(jwk), {
        mode: 0o600,
        flag: 'wx',
      })
      const { d: _, ...open } = jwk
      trusted.push(open)
    }
  }
  for (const holder of Object.keys(holders)) {
    await writeFile(
      join(folder, holder, trustedFile),
      JSON.stringify({ environment, keys: trusted }, null, 2),
    )
  }
}

/** Loads the keys of one holder. Refuses a folder that lacks one, holds one it must not, or is of another environment. */
export const loadKeys = async (folder: string, holder: Holder, environment: string): Promise<Keys> => {
  const files = await readdir(folder).catch(() => {
    throw new Fault('keys/missing', `the key folder ${folder} can't be read`, {
      mend: 'make it with: pagepass keys create',
    })
  })
  const allowed: readonly Role[] = holders[holder]
  const own = new Map<Role, PrivateKey>()
  const ownPublic = new Map<string, Role>()
  for (const role of roles) {
    if (!files.includes(privateFile(role))) continue
    if (!allowed.includes(role)) {
      throw new Fault(
        'keys/forbidden',
        `a ${holder} process must not hold the private key of role "${role}"`,
        {
          mend: `remove ${privateFile(role)} from ${folder}`,
        },
      )
    }
    const jwk = await readShape(join(folder, privateFile(role)), privateShape)
    if (jwk.role !== role)
      throw new Fault('keys/forbidden', `${privateFile(role)} in ${folder} holds a key of role "${jwk.role}"`)
    ownPublic.set(jwk.x, role)
    own.set(role, { role, kid: jwk.kid, key: await imported(jwk) })
  }
  const missing = allowed.filter((role) => !own.has(role))
  if (missing.length > 0) {
    throw new Fault(
      'keys/missing',
      `the private keys of these roles are missing in ${folder}: ${missing.join(', ')}`,
    )
  }
  const { environment: made, keys } = await readShape(join(folder, trustedFile), trustedShape)
  if (made !== environment) {
    throw new Fault(
      'keys/forbidden',
      `the keys in ${folder} are of environment "${made}", the rule set is of "${environment}"`,
    )
  }
  const trusted = new Map<string, PublicKey>()
  for (const jwk of keys) {
    if (trusted.has(jwk.kid))
      throw new Fault('keys/missing', `two keys are called "${jwk.kid}" in ${trustedFile}`)
    const { role, ...rest } = jwk
    // Whatever its own file calls it: what others take it for is what it can sign.
    const ownRole = ownPublic.get(jwk.x)
    if (ownRole !== undefined && ownRole !== role) {
      throw new Fault(
        'keys/forbidden',
        `${privateFile(ownRole)} in ${folder} is the key that others trust for role "${role}"`,
      )
    }
    trusted.set(jwk.kid, {
      role,
      kid: jwk.kid,
      key: await imported(jwk),
      jwk: { ...rest, alg: algorithm, use: 'sig' },
    })
  }
  return { environment, own, trusted }
}

const readShape = async <T extends z.ZodType>(file: string, shape: T): Promise<z.output<T>> => {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Fault('keys/missing', `the key file ${file} can't be read`)
  })
  try {
    return shape.parse(JSON.parse(text))
  } catch {
    // Without the cause: its message may quote the file.
    throw new Fault('keys/missing', `the key file ${file} does not hold what it should`, {
      mend: 'make a new folder with: pagepass keys create',
    })
  }
}

const imported = async (jwk: JWK): Promise<CryptoKey> => {
  const key = await importJWK(jwk, algorithm)
  if (key instanceof Uint8Array) throw new Fault('keys/missing', 'a key is not asymmetric')
  return key
}
