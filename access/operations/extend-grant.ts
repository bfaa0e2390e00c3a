import type { Refusal } from '../domain/decide-access.ts'
import { decideExtension } from '../domain/decide-extension.ts'
import type { Grant } from '../domain/grant.ts'
import { nextVersion } from '../domain/grant-transitions.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { DecideParts } from '../ports.ts'
import { named } from './find-held.ts'

export type ExtendOutcome =
  | { readonly grant: Grant; readonly was: number }
  | { readonly refused: Refusal }
  /** Several passes fit the name; one has to be chosen by its id. */
  | { readonly choose: readonly Grant[] }

const attempts = 3

/**
 * Makes one's own pass last longer, in place: the same grant, a new version, so that what is open stays open. `duration`
 * is in milliseconds; left out, it is as much as the pass first gave, or what is left. A page's pass whose incident PagerDuty
 * does not confirm is not extended.
 */
export const extendGrant = async (
  { rules, live, store, clock }: DecideParts,
  person: Person,
  name: string,
  duration?: number,
): Promise<ExtendOutcome> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const now = clock.now()
    const found = await named(live, person, name, now)
    if (found !== undefined && 'choose' in found) return found
    const grant = found?.grant
    if (grant?.state !== 'active') return { refused: { reason: 'grant-unknown' } }
    if (principalKey(grant.who) !== principalKey(person)) return { refused: { reason: 'not-yours' } }
    const decision = decideExtension(rules, grant, person, duration, now)
    if ('refusal' in decision) return { refused: decision.refusal }
    if (now >= live.confirmedUntil(grant)) return { refused: { reason: 'page-unconfirmed' } }
    const extended = nextVersion(
      grant,
      'extended',
      { until: decision.until, extended: (grant.extended ?? 0) + 1 },
      now,
      person,
    )
    if ((await store.give(extended)).given) return { grant: extended, was: grant.until }
  }
  return { refused: { reason: 'already-decided' } }
}
