import type { Grant } from '../domain/grant.ts'
import type { Person } from '../domain/principal.ts'
import type { Clock, LiveGrants } from '../ports.ts'
import { heldBy } from './find-held.ts'

/** A person's passes, offers and requests, the one that ends first first. */
export const listGrants = async (
  { live, clock }: { readonly live: LiveGrants; readonly clock: Clock },
  person: Person,
): Promise<Grant[]> => {
  await live.catchUp()
  return heldBy(live, person, clock.now()).sort((a, b) => a.until - b.until)
}
