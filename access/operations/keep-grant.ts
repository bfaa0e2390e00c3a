import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { Clock, GrantStore, LiveGrants } from '../ports.ts'
import { standing } from './find-held.ts'

/** An integration said that the incident is over, and the holder knows better: the pass lasts as long as it did before. */
export const keepGrant = async (
  { live, store, clock }: { readonly live: LiveGrants; readonly store: GrantStore; readonly clock: Clock },
  person: Person,
  id: string,
): Promise<{ readonly grant: Grant } | { readonly refused: Reason }> => {
  const now = clock.now()
  const grant = await standing(live, id, now)
  if (grant === undefined) return { refused: 'already-decided' }
  if (principalKey(grant.who) !== principalKey(person)) return { refused: 'not-yours' }
  if (!person.active) return { refused: 'person-inactive' }
  if (grant.state !== 'active' || grant.ending?.keepable !== true) return { refused: 'already-decided' }
  const kept = nextVersion(grant, 'restored', { until: grant.ending.was, kept: true }, now, person)
  return (await store.give(kept)).given ? { grant: kept } : { refused: 'already-decided' }
}
