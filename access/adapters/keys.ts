import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CryptoKey, JWK } from 'jose'
import { z } from 'zod'
import { Fault } from '../domain/errors.ts'
import {
  type Algorithm,
  algorithmOf,
  demandUsable,
  importKey,
  makeKey,
  type PublicJwk,
  privateShape,
  publicOf,
  publicShape,
  type Role,
  readKeyFile,
  roles,
  sameKey,
} from './key-file.ts'

export { type Algorithm, algorithms, type Role, roles } from './key-file.ts'

/** Which private keys each part holds. A proxy holds none that could give, end or attest a grant. */
export const holders = {
  bot: ['issue', 'end', 'head'],
  workers: ['end', 'head'],
  proxy: ['assertion', 'report'],
  offline: ['directory'],
  responder: ['lock'],
  security: ['revoke'],
} as const satisfies Record<string, readonly Role[]>
export type Holder = keyof typeof holders

export type PrivateKey = {
  readonly role: Role
  readonly kid: string
  readonly alg: Algorithm
  readonly key: CryptoKey
}
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
  /** The kids of those that were revoked (`revocations.ts`). It only grows. */
  readonly revoked: Set<string>
}

const trustedShape = z.strictObject({ environment: z.string(), keys: z.array(publicShape) })

const privateFile = (role: Role) => `${role}.private.json`
const trustedFile = 'trusted.json'

/**
 * Makes one key per holder and role, in one folder per holder, each with the public keys of all (`trusted.json`). They
 * are Ed25519; the one that signs assertions for services is what `assertion` says. Leaves an existing folder as it is,
 * and says whether it made one.
 */
export const createKeys = async (
  folder: string,
  environment: string,
  assertion: Algorithm = 'EdDSA',
): Promise<boolean> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0) return false
  const trusted: PublicJwk[] = []
  for (const [holder, held] of Object.entries(holders)) {
    await mkdir(join(folder, holder), { mode: 0o700 })
    for (const role of held) {
      const algorithm = role === 'assertion' ? assertion : 'EdDSA'
      // A name of its own, so that keys of both kinds can be trusted at once.
      const kid = algorithm === 'EdDSA' ? `${holder}-${role}-1` : `${holder}-${role}-es256-1`
      const jwk = await makeKey(algorithm, role, kid)
      await writeFile(join(folder, holder, privateFile(role)), JSON.stringify(jwk), {
        mode: 0o600,
        flag: 'wx',
      })
      trusted.push(publicOf(jwk))
    }
  }
  for (const holder of Object.keys(holders)) {
    await writeFile(
      join(folder, holder, trustedFile),
      JSON.stringify({ environment, keys: trusted }, null, 2),
    )
  }
  return true
}

/**
 * Makes one more key of a role for a holder, in a folder of its own: `add` is the public part, a line for the `keys` of every
 * part's `trusted.json`. Faults with `file/unwritable` where there is a key already.
 */
export const addKey = async (
  folder: string,
  role: Role,
  kid: string,
  algorithm: Algorithm = 'EdDSA',
): Promise<PublicJwk> => {
  const jwk = await makeKey(role === 'assertion' ? algorithm : 'EdDSA', role, kid)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, privateFile(role))
  await writeFile(file, JSON.stringify(jwk), { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Fault('file/unwritable', `${file} can't be written (${error.code})`, {
        mend:
          error.code === 'EEXIST'
            ? 'choose another folder: a key is never overwritten'
            : 'choose another folder',
      })
    },
  )
  return publicOf(jwk)
}

/**
 * Loads the keys of one holder. Refuses a folder that lacks one, holds one it must not or one that nobody trusts, or is of
 * another environment.
 */
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
    const file = join(folder, privateFile(role))
    const jwk = await readKeyFile(file, privateShape)
    if (jwk.role !== role)
      throw new Fault('keys/forbidden', `${privateFile(role)} in ${folder} holds a key of role "${jwk.role}"`)
    demandUsable(jwk, file)
    ownPublic.set(sameKey(jwk), role)
    own.set(role, { role, kid: jwk.kid, alg: algorithmOf(jwk), key: await importKey(jwk, file) })
  }
  const missing = allowed.filter((role) => !own.has(role))
  if (missing.length > 0) {
    throw new Fault(
      'keys/missing',
      `the private keys of these roles are missing in ${folder}: ${missing.join(', ')}`,
    )
  }
  const { environment: made, keys } = await readKeyFile(join(folder, trustedFile), trustedShape)
  if (made !== environment) {
    throw new Fault(
      'keys/forbidden',
      `the keys in ${folder} are of environment "${made}", the rule set is of "${environment}"`,
    )
  }
  const trusted = new Map<string, PublicKey>()
  const known = new Set<Role>()
  for (const jwk of keys) {
    if (trusted.has(jwk.kid))
      throw new Fault('keys/missing', `two keys are called "${jwk.kid}" in ${trustedFile}`)
    demandUsable(jwk, join(folder, trustedFile))
    const { role, ...rest } = jwk
    // Whatever its own file calls it: what others take it for is what it can sign.
    const ownRole = ownPublic.get(sameKey(jwk))
    if (ownRole !== undefined && ownRole !== role) {
      throw new Fault(
        'keys/forbidden',
        `${privateFile(ownRole)} in ${folder} is the key that others trust for role "${role}"`,
      )
    }
    if (ownRole !== undefined && own.get(role)?.kid === jwk.kid) known.add(role)
    trusted.set(jwk.kid, {
      role,
      kid: jwk.kid,
      key: await importKey(jwk, join(folder, trustedFile)),
      jwk: { ...rest, alg: algorithmOf(jwk), use: 'sig' },
    })
  }
  const unknown = allowed.find((role) => !known.has(role))
  if (unknown !== undefined) {
    throw new Fault(
      'keys/missing',
      `${trustedFile} in ${folder} does not have the key "${own.get(unknown)?.kid}" of ${privateFile(unknown)}, so nobody would take what it signs`,
      { mend: `put its public part there, under the same kid, in the folder of every part` },
    )
  }
  return { environment, own, trusted, revoked: new Set() }
}
