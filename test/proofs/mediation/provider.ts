import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Token } from './history.ts'
import { issuer } from './world.ts'

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** Signs tokens with the key that it publishes, or with one that nobody knows. */
export const createProvider = () => {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }
  const documents: Readonly<Record<string, object>> = {
    [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/jwks` },
    [`${issuer}/jwks`]: { keys: [jwk] },
  }
  return {
    /** In the place of `fetch`: the same answers without a wire, since fake hours pass between two questions. */
    fetch: (async (url: string) => Response.json(documents[url] ?? {})) as typeof fetch,
    tokenOf: ({ genuine, subject, groups, acr, signedInAt, expires }: Token, now: number): string => {
      const said = {
        iss: issuer,
        aud: 'pagepass',
        sub: subject,
        groups,
        acr,
        auth_time: signedInAt === undefined ? undefined : signedInAt / 1_000,
        iat: Math.floor(now / 1_000),
        exp: expires / 1_000,
      }
      const input = `${encoded({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })}.${encoded(said)}`
      const key: KeyObject = genuine ? own.privateKey : foreign.privateKey
      const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    },
  }
}
export type Provider = ReturnType<typeof createProvider>
