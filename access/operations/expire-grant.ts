import type { EndCause, Grant } from '../domain/grant.ts'
import type { Clock, GrantStore, LiveGrants } from '../ports.ts'

export type ExpiryOutcome =
  | 'ended'
  /** It ended before, or never was. */
  | 'over'
  /** It lasts longer than the job knew. */
  | { readonly dueAt: number }

/** Ends a grant whose time is over. Proxies need nobody for that; this records it and lets the others know. */
export const expireGrant = async (
  { live, store, clock }: { readonly live: LiveGrants; readonly store: GrantStore; readonly clock: Clock },
  id: string,
): Promise<ExpiryOutcome> => {
  await live.catchUp()
  const held = live.get(id)
  if (held === undefined || !(await live.genuine(held))) return 'over'
  if (clock.now() < held.grant.until) return { dueAt: held.grant.until }
  return (await store.end(held.grant, causeOf(held.grant))).ended ? 'ended' : 'over'
}

const causeOf = ({ state, ending }: Grant): EndCause =>
  state === 'active' ? (ending?.cause ?? 'expired') : 'lapsed'
