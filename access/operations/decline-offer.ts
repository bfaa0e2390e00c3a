import type { Grant } from '../domain/grant.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { Clock, GrantStore, LiveGrants } from '../ports.ts'
import { standing } from './find-held.ts'

/** "Not me": the paged person turns down what they are offered. */
export const declineOffer = async (
  { live, store, clock }: { readonly live: LiveGrants; readonly store: GrantStore; readonly clock: Clock },
  person: Person,
  id: string,
): Promise<{ readonly declined: Grant } | { readonly refused: Reason }> => {
  const grant = await standing(live, id, clock.now())
  if (grant === undefined) return { refused: 'already-decided' }
  if (principalKey(grant.who) !== principalKey(person)) return { refused: 'not-yours' }
  if (grant.state !== 'offered') return { refused: 'already-decided' }
  const { ended } = await store.end(grant, 'withdrawn', by(person))
  return ended ? { declined: grant } : { refused: 'already-decided' }
}

const by = ({ issuer, subject, name }: Person) => ({ issuer, subject, name })
