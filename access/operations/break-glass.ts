import { decideGlassAsk } from '../domain/break-glass/decide-ask.ts'
import { glassSignInDemand, glassSignInTerms } from '../domain/break-glass/sign-in.ts'
import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { scopeHash } from '../domain/scope.ts'
import type { DecideParts, GlassReviews, Locks, SignInAsk, SignIns, VerifySignIn } from '../ports.ts'
import { ownStanding } from './find-held.ts'
import { findUnreviewed } from './find-unreviewed.ts'

export type BreakGlassParts = DecideParts & {
  readonly locks: Pick<Locks, 'isLocked'>
  readonly reviews: GlassReviews
  /** Where people sign in anew. Without both nobody breaks the glass here. */
  readonly signIns?: SignIns | undefined
  readonly verifySignIn?: VerifySignIn | undefined
  /** Tells the channel, the owners and who may review it. Resolves once somebody else sees to it that they hear of it. */
  readonly announce: (grant: Grant) => Promise<void>
}

export type GlassOutcome =
  | { readonly grant: Grant }
  | { readonly refused: Reason }
  /** They are to sign in anew first. */
  | { readonly signIn: SignInAsk }

/**
 * Whoever asked confirms that they mean it, and then signs in anew for this very pass. It is access only after the channel
 * and the owners are told, and it waits for a review by somebody else from before on: whatever fails on the way, there is
 * no unseen access. The sign-in goes into the pass, and proxies look at it themselves.
 */
export const breakGlass = async (
  { rules, live, store, clock, locks, reviews, signIns, verifySignIn, announce }: BreakGlassParts,
  person: Person,
  id: string,
  /** The ID token of their sign-in for it. */
  signIn?: string,
): Promise<GlassOutcome> => {
  const found = await ownStanding(live, person, id, clock.now())
  if ('refused' in found) return found
  const { grant } = found
  const { state, why, services, tier: name, duration } = grant
  const [service = ''] = services
  if (state !== 'offered' || why.kind !== 'break-glass') return { refused: 'already-decided' }
  // The pass begins now: a sign-in that takes long to be looked at is no fresher for it.
  const now = clock.now()
  const decision = decideGlassAsk(rules, person, { service, tier: name, duration, reason: why.reason }, now)
  if ('refusal' in decision) return { refused: decision.refusal.reason }
  if (signIns === undefined || verifySignIn === undefined) return { refused: 'break-glass-offline' }
  const { tier } = decision
  if (signIn === undefined)
    return { signIn: { ...glassSignInTerms(rules, tier), person, grant: id, nonce: scopeHash(grant) } }
  const verdict = await verifySignIn(signIn, glassSignInDemand(rules, tier, grant, now))
  if ('refused' in verdict)
    return { refused: verdict.refused === 'unavailable' ? 'identity-unavailable' : 'sign-in-refused' }
  if (grant.who.issuer !== rules.identity.issuer) return { refused: 'sign-in-refused' }
  if ((await findUnreviewed({ live, reviews }, person, now, id)) !== undefined)
    return { refused: 'review-needed' }
  if (!(await reviews.begin(principalKey(person), id))) return { refused: 'review-needed' }
  const taken = nextVersion(
    grant,
    'taken',
    { from: now, until: now + duration, why: { ...why, signIn } },
    now,
    person,
  )
  await announce(taken)
  await live.catchUp()
  if (locks.isLocked(principalKey(person))) return { refused: 'principal-locked' }
  return (await store.give(taken)).given ? { grant: taken } : { refused: 'already-decided' }
}
