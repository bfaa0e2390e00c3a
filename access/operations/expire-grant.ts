import { causeOfExpiry } from '../domain/grant-transitions.ts'
import type { DecideParts } from '../ports.ts'

export type ExpiryOutcome =
  | 'ended'
  /** It ended before, or never was. */
  | 'over'
  /** It lasts longer than the job knew. */
  | { readonly dueAt: number }

/** Ends a grant whose time is over. Proxies need nobody for that; this records it and lets the others know. */
export const expireGrant = async (
  { live, store, clock }: Omit<DecideParts, 'rules'>,
  id: string,
): Promise<ExpiryOutcome> => {
  await live.catchUp()
  const held = live.get(id)
  if (held === undefined || !(await live.genuine(held))) return 'over'
  if (clock.now() < held.grant.until) return { dueAt: held.grant.until }
  return (await store.end(held.grant, causeOfExpiry(held.grant))).ended ? 'ended' : 'over'
}
