import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportSPKI,
  generateKeyPair,
  SignJWT,
} from 'jose'
import { z } from 'zod'

export type Tokens = {
  /** What the identity provider gave, and the key that it signed it with, as a PEM file. */
  readonly es256: { readonly token: string; readonly publicKey: string }
  /** The same claims, signed by an RSA key of 2,048 bits. */
  readonly rs256: { readonly token: string; readonly publicKey: string }
}

const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

/** The token that every request carries, by both algorithms, for those who verify one per request. */
export const bothAlgorithms = async (issuer: string, token: string, folder: string): Promise<Tokens> => {
  const { keys } = jwks.parse(await (await fetch(`${issuer}/jwks`)).json())
  const { alg, typ, kid } = decodeProtectedHeader(token)
  if (alg !== 'ES256')
    throw new Error(`the identity provider signs with ${alg}, and the bench compares ES256`)
  const ec = await createLocalJWKSet({ keys })({ alg, ...(kid === undefined ? {} : { kid }) })
  const rsa = await generateKeyPair('RS256', { extractable: true })
  const signed = await new SignJWT(decodeJwt(token))
    .setProtectedHeader({ alg: 'RS256', typ: typ ?? 'at+jwt', kid: 'bench' })
    .sign(rsa.privateKey)
  const files = { es256: join(folder, 'es256.pem'), rs256: join(folder, 'rs256.pem') }
  await writeFile(files.es256, await exportSPKI(ec))
  await writeFile(files.rs256, await exportSPKI(rsa.publicKey))
  return {
    es256: { token, publicKey: files.es256 },
    rs256: { token: signed, publicKey: files.rs256 },
  }
}
