import { decideGlassAsk } from '../domain/break-glass/decide-ask.ts'
import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { scopeHash } from '../domain/scope.ts'
import { isFreshFor } from '../domain/sign-in-proof.ts'
import type { DecideParts, FreshSignIns, GlassReviews, Locks } from '../ports.ts'
import { ownStanding } from './find-held.ts'

export type BreakGlassParts = DecideParts & {
  readonly locks: Pick<Locks, 'isLocked'>
  readonly reviews: GlassReviews
  readonly freshSignIns: FreshSignIns | undefined
  /** Tells the channel, the owners and who may review it. Resolves once somebody else sees to it that they hear of it. */
  readonly announce: (grant: Grant) => Promise<void>
}

/**
 * Whoever asked confirms that they mean it, with a fresh sign-in for this very pass. It is access only after the channel
 * and the owners are told, and it waits for a review by somebody else from before on: whatever fails on the way, there is
 * no unseen access.
 */
export const breakGlass = async (
  { rules, live, store, clock, locks, reviews, freshSignIns, announce }: BreakGlassParts,
  person: Person,
  id: string,
): Promise<{ readonly grant: Grant } | { readonly refused: Reason }> => {
  const found = await ownStanding(live, person, id, clock.now())
  if ('refused' in found) return found
  const { grant } = found
  const { state, why, services, tier, duration } = grant
  const [service = ''] = services
  if (state !== 'offered' || why.kind !== 'break-glass') return { refused: 'already-decided' }
  const decision = decideGlassAsk(rules, person, { service, tier, duration, reason: why.reason }, clock.now())
  if ('refusal' in decision) return { refused: decision.refusal.reason }
  if (freshSignIns === undefined) return { refused: 'break-glass-offline' }
  const scope = scopeHash(grant)
  const proof = await freshSignIns.of(person, scope)
  const acr = decision.tier.signIn?.acr ?? freshSignIns.acr
  if (proof === undefined || !isFreshFor(proof, person, scope, acr, clock.now()))
    return { refused: 'sign-in-needed' }
  if (!(await reviews.begin(principalKey(person), id))) return { refused: 'review-needed' }
  const now = clock.now()
  const taken = nextVersion(
    grant,
    'taken',
    { from: now, until: now + duration, why: { ...why, signIn: proof.token } },
    now,
    person,
  )
  await announce(taken)
  await live.catchUp()
  if (locks.isLocked(principalKey(person))) return { refused: 'principal-locked' }
  return (await store.give(taken)).given ? { grant: taken } : { refused: 'already-decided' }
}
