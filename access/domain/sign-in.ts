import { z } from 'zod'

/** How new and how strong a sign-in must be. Milliseconds. */
export type SignInTerms = { readonly acr: string | undefined; readonly maxAge: number }

/** What a fresh sign-in must say: by whom, at which provider, for which client, for what (the nonce), and until when. */
export type SignInDemand = SignInTerms & {
  readonly issuer: string
  /** The client that was signed in to. */
  readonly client: string
  readonly subject: string
  readonly nonce: string
  /** When it counts, in milliseconds since the epoch. */
  readonly at: number
}

const seconds = z.number().min(0).max(1e11)
const text = z.string().min(1).max(255)
const claimsShape = z.object({
  iss: z.string(),
  sub: text,
  aud: z.union([text, z.tuple([text])]),
  azp: text.optional(),
  nonce: text,
  iat: seconds,
  exp: seconds,
  auth_time: seconds,
  acr: text.optional(),
})
export type SignInClaims = z.output<typeof claimsShape>

const longest = 8_192
const threeParts = /^[A-Za-z0-9_-]{1,1024}\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/

/** What an ID token says, its signature unchecked; undefined where it is none. */
export const readSignIn = (token: string): SignInClaims | undefined => {
  if (token.length > longest) return undefined
  try {
    const [, payload = ''] = threeParts.exec(token) ?? []
    return claimsShape.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
  } catch {
    return undefined
  }
}

/** How far the provider's clock may be ahead of who says when it counts. */
const leewayMs = 30_000

/** Whether a sign-in is what was demanded. `unavailable`: nobody can say now. */
export type SignInVerdict =
  | { readonly signedInAt: number }
  | { readonly refused: SignInFault | 'signature' | 'unavailable' }

export type SignInFault =
  | 'unreadable'
  | 'issuer'
  | 'client'
  | 'subject'
  | 'nonce'
  | 'acr'
  | 'too old'
  | 'from the future'
  | 'expired'

/**
 * Why what a token says is not the sign-in that is demanded; undefined where it is. What it does not say fails. The
 * signature is another matter (`verify-sign-in.ts`).
 */
export const whyNoSignIn = (token: string, demand: SignInDemand): SignInFault | undefined => {
  const claims = readSignIn(token)
  if (claims === undefined) return 'unreadable'
  const { iss, sub, aud, azp, nonce, iat, exp, auth_time, acr } = claims
  if (iss !== demand.issuer) return 'issuer'
  const [client] = typeof aud === 'string' ? [aud] : aud
  if (client !== demand.client || (azp !== undefined && azp !== demand.client)) return 'client'
  if (sub !== demand.subject) return 'subject'
  if (nonce !== demand.nonce) return 'nonce'
  if (demand.acr !== undefined && acr !== demand.acr) return 'acr'
  const made = Math.min(auth_time, iat) * 1_000
  if (!(demand.at - made <= demand.maxAge)) return 'too old'
  if (!(Math.max(auth_time, iat) * 1_000 - demand.at <= leewayMs)) return 'from the future'
  return demand.at < exp * 1_000 + leewayMs ? undefined : 'expired'
}
