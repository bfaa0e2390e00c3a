import { decideTake } from '../domain/decide-take.ts'
import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import type { Person } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { DecideParts } from '../ports.ts'
import { endBeside } from './end-with-incident.ts'
import { ownStanding } from './find-held.ts'

export type TakeOutcome = { readonly grant: Grant } | { readonly refused: Reason }

/**
 * The paged person takes what they are offered. Only they can, and only while the rules still let them. An earlier pass of
 * the incident that runs out sooner makes way.
 */
export const takeOffer = async (parts: DecideParts, person: Person, id: string): Promise<TakeOutcome> => {
  const { rules, live, store, clock } = parts
  const now = clock.now()
  const found = await ownStanding(live, person, id, now)
  if ('refused' in found) return found
  const { grant } = found
  if (grant.state !== 'offered') return { refused: 'already-decided' }
  // It takes more than a click (`break-glass.ts`).
  if (grant.why.kind === 'break-glass') return { refused: 'sign-in-needed' }
  const reason = decideTake(rules, grant, person, now)
  if (reason !== undefined) return { refused: reason }
  const taken = takenBy(grant, person, now)
  if (!(await store.give(taken)).given) return { refused: 'already-decided' }
  await endBeside(parts, taken)
  return { grant: taken }
}

/** What is offered, once its person has taken it: how long it lasts counts from then. */
export const takenBy = (grant: Grant, person: Person, now: number): Grant =>
  nextVersion(grant, 'taken', { from: now, until: now + grant.duration }, now, person)
