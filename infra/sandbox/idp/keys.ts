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

/** The keys of the identity provider, the newest signing key first, kept so that tokens outlive a restart. */
export const openKeys = async (stateFile: string | undefined) => {
  const { state, save } = openStateFile(stateFile, keysSchema, {
    signing: [await newSigningKey()],
    cookies: [randomBytes(32).toString('base64url')],
  })
  save()
  return {
    current: (): Keys => state,

    /** A new key signs from now on; those before it are still there to verify with. */
    async rotate(): Promise<void> {
      state.signing = [await newSigningKey(), ...state.signing]
      save()
    },

    /** Only the newest key stays. */
    withdrawOld(): void {
      state.signing = state.signing.slice(0, 1)
      save()
    },
  }
}

const newSigningKey = async (): Promise<z.infer<typeof signingKeySchema>> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = randomBytes(8).toString('hex')
  return signingKeySchema.parse({ ...jwk, alg: 'ES256', use: 'sig', kid })
}
