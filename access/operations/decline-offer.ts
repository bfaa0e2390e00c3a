import type { Grant } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import type { Person } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { DecideParts } from '../ports.ts'
import { ownStanding } from './find-held.ts'

/** "Not me": the paged person turns down what they are offered. */
export const declineOffer = async (
  { live, store, clock }: Omit<DecideParts, 'rules'>,
  person: Person,
  id: string,
): Promise<{ readonly declined: Grant } | { readonly refused: Reason }> => {
  const found = await ownStanding(live, person, id, clock.now())
  if ('refused' in found) return found
  const { grant } = found
  if (grant.state !== 'offered') return { refused: 'already-decided' }
  const { ended } = await store.end(grant, 'withdrawn', byOf(person))
  return ended ? { declined: grant } : { refused: 'already-decided' }
}
