import { decideGlassAsk, type GlassAsk } from '../domain/break-glass/decide-ask.ts'
import { glassRule } from '../domain/break-glass/limits.ts'
import type { Refusal } from '../domain/decide-access.ts'
import type { Grant } from '../domain/grant.ts'
import { grantIdFromFacts } from '../domain/grant-id.ts'
import type { Person } from '../domain/principal.ts'
import type { DecideParts, GlassReviews, NewNonce, SignIns } from '../ports.ts'
import { buildGrant } from './build-grant.ts'
import { findUnreviewed } from './find-unreviewed.ts'

export type AskGlassParts = DecideParts & {
  readonly newNonce: NewNonce
  readonly reviews: GlassReviews
  /** Without it nobody can sign in freshly here. */
  readonly signIns?: SignIns | undefined
}

/** So long the question stands whether they mean it. */
const standsMs = 600_000

/**
 * Somebody wants to break the glass. What comes of it is only an offer, which they have to confirm (`break-glass.ts`). Not
 * while their last one waits for somebody else to review it.
 */
export const askToBreakGlass = async (
  { rules, live, store, clock, newNonce, reviews, signIns }: AskGlassParts,
  person: Person,
  ask: GlassAsk,
): Promise<{ readonly grant: Grant } | { readonly refused: Refusal }> => {
  await live.catchUp()
  const now = clock.now()
  const decision = decideGlassAsk(rules, person, ask, now)
  if ('refusal' in decision) return { refused: decision.refusal }
  if (signIns === undefined) return { refused: { reason: 'break-glass-offline' } }
  if ((await findUnreviewed({ live, reviews }, person, now)) !== undefined)
    return { refused: { reason: 'review-needed' } }
  const { service, tier, duration, reason } = decision
  const nonce = newNonce()
  const id = grantIdFromFacts([rules.environment, 'break-glass', nonce])
  const proposal = { state: 'offered', service, tier: tier.name, duration, rule: glassRule } as const
  const why = { kind: 'break-glass', rule: glassRule, reason } as const
  const grant = {
    ...buildGrant(rules, person, proposal, why, { id, nonce }, now),
    until: now + standsMs,
  }
  return (await store.give(grant)).given ? { grant } : { refused: { reason: 'already-decided' } }
}
