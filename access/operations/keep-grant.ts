import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import { whyInactive } from '../domain/inactive.ts'
import type { Person } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { DecideParts } from '../ports.ts'
import { endBeside } from './end-with-incident.ts'
import { ownStanding } from './find-held.ts'

/**
 * An integration said that the incident is over, and the holder knows better: the pass lasts as long as it did before. An
 * offer that was made when the incident came back is needed no more.
 */
export const keepGrant = async (
  parts: DecideParts,
  person: Person,
  id: string,
): Promise<{ readonly grant: Grant } | { readonly refused: Reason }> => {
  const { live, store, clock } = parts
  const now = clock.now()
  const found = await ownStanding(live, person, id, now)
  if ('refused' in found) return found
  const { grant } = found
  if (!person.active) return { refused: whyInactive(person) }
  if (grant.state !== 'active' || grant.ending?.keepable !== true) return { refused: 'already-decided' }
  const kept = nextVersion(grant, 'restored', { until: grant.ending.was, kept: true }, now, person)
  if (!(await store.give(kept)).given) return { refused: 'already-decided' }
  await endBeside(parts, kept)
  return { grant: kept }
}
