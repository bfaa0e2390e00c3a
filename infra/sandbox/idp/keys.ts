import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { z } from 'zod'
import { openStateFile } from '../state-file.ts'

const signingKeySchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  alg: z.literal('ES256'),
  use: z.literal('sig'),
  kid: z.string(),
  x: z.string(),
  y: z.string(),
  d: z.string(),
})
const keysSchema = z.object({
  signing: z.array(signingKeySchema).min(1),
  cookies: z.array(z.string()).min(1),
})

export type Keys = z.infer<typeof keysSchema>

/** The keys of the identity provider, kept so that tokens outlive a restart. */
export const openKeys = async (stateFile: string | undefined): Promise<Keys> => {
  const { state, save } = openStateFile(stateFile, keysSchema, await newKeys())
  save()
  return state
}

const newKeys = async (): Promise<Keys> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = randomBytes(8).toString('hex')
  return {
    signing: [signingKeySchema.parse({ ...jwk, alg: 'ES256', use: 'sig', kid })],
    cookies: [randomBytes(32).toString('base64url')],
  }
}
