import type { Grant } from './grant.ts'
import { type Principal, principalKey } from './principal.ts'

/** That somebody has just signed in at the identity provider, for one thing alone. Whoever hands it out has verified it. */
export type SignInProof = Principal & {
  /** The scope (`scope.ts`) of the grant that it is for. */
  readonly nonce: string
  /** How they signed in (OpenID Connect `acr`), and when (`auth_time`, in milliseconds). */
  readonly acr?: string | undefined
  readonly at: number
  /** What the identity provider signed: it goes into the grant. */
  readonly token: string
}

/** A sign-in is fresh for so long. */
const freshMs = 120_000

/** Whether this is a fresh sign-in of this principal, for this scope, and as strong as it has to be. */
export const isFreshFor = (
  proof: SignInProof,
  who: Principal,
  scope: string,
  acr: string | undefined,
  now: number,
): boolean =>
  principalKey(proof) === principalKey(who) &&
  proof.nonce === scope &&
  (acr === undefined || proof.acr === acr) &&
  proof.at <= now &&
  now - proof.at <= freshMs

const proven = new WeakSet<Grant>()

/**
 * This process has verified the sign-in that travels in a grant. To be said before anything is decided by the grant; until
 * then it counts for nothing.
 */
export const provenSignIn = (grant: Grant): void => void proven.add(grant)

export const isSignInProven = (grant: Grant): boolean => proven.has(grant)
