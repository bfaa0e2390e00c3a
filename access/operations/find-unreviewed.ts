import { type Person, principalKey } from '../domain/principal.ts'
import type { GlassReviews, LiveGrants } from '../ports.ts'
import { heldBy } from './find-held.ts'

/**
 * A break-glass pass of somebody's, other than this one, that nobody else has reviewed: one that waits, or that still runs,
 * whatever is kept of what waits.
 */
export const findUnreviewed = async (
  { live, reviews }: { readonly live: LiveGrants; readonly reviews: GlassReviews },
  person: Person,
  now: number,
  id?: string,
): Promise<string | undefined> => {
  const principal = principalKey(person)
  const waits = await reviews.waiting(principal)
  if (waits !== undefined && waits !== id) return waits
  for (const { id: other, state, why } of heldBy(live, person, now))
    if (state === 'active' && why.kind === 'break-glass' && other !== id)
      if (!(await reviews.reviewed(principal, other))) return other
  return undefined
}
