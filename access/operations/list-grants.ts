import type { Grant } from '../domain/grant.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Clock, LiveGrants } from '../ports.ts'

/** A person's live passes, the one that ends first first. */
export const listGrants = async (
  { live, clock }: { readonly live: LiveGrants; readonly clock: Clock },
  person: Person,
): Promise<Grant[]> => {
  await live.catchUp()
  const now = clock.now()
  return [...live.all()]
    .map(({ grant }) => grant)
    .filter((grant) => grant.until > now && principalKey(grant.who) === principalKey(person))
    .sort((a, b) => a.until - b.until)
}
