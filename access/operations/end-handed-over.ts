import type { Grant } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import { principalKey } from '../domain/principal.ts'
import type { DecideParts } from '../ports.ts'
import { standing } from './find-held.ts'

export type EndParts = Omit<DecideParts, 'rules'>

/** It may be extended again and again meanwhile. */
const attempts = 20

/**
 * Ends the pass that somebody handed over, once the other's is access. A worker does it, too, after the event: whoever is
 * stopped in between leaves nobody with both.
 */
export const endHandedOver = async (
  { live, store, clock }: EndParts,
  id: string,
  to: Grant,
): Promise<void> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const grant = await standing(live, id, clock.now())
    if (grant === undefined || !isHandedOver(grant, to)) return
    if ((await store.end(grant, 'handed over', byOf(grant.who))).ended) return
  }
}

/** What somebody else has of the same incident ends nothing but that. */
const isHandedOver = ({ why, who }: Grant, to: Grant): boolean =>
  to.state === 'active' &&
  why.kind === 'page' &&
  to.why.kind === 'page' &&
  why.incident.id === to.why.incident.id &&
  principalKey(who) !== principalKey(to.who)

/** The same, where the grant says which ones it takes the place of. */
export const endBefore = async (parts: EndParts, to: Grant): Promise<void> => {
  const before = to.state === 'active' && to.why.kind === 'page' ? (to.why.handedFrom ?? []) : []
  for (const id of before) await endHandedOver(parts, id, to)
}
