import { Fault } from '../domain/errors.ts'
import type { Grant } from '../domain/grant.ts'
import { byOf, causeOfRevoking } from '../domain/grant-transitions.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import { belongsTo, type RuleSet } from '../domain/rule-set.ts'
import type { DecideParts, Receipt, Receipts } from '../ports.ts'
import { named, standing } from './find-held.ts'

export type RevokeOutcome =
  | { readonly revoked: Grant; readonly receipt: Receipt }
  /** It was no access yet: an offer, or a request before others. */
  | { readonly withdrawn: Grant }
  | { readonly refused: 'grant-unknown' | 'not-yours' }
  /** Several passes fit the name; one has to be chosen by its id. */
  | { readonly choose: readonly Grant[] }

/** Whoever extends a pass again and again must not outrun its end. */
const attempts = 20

/**
 * Revokes one pass, named by its id, or by its service where the person holds just one. One's own always; somebody
 * else's as an owner of its service. Ends when every proxy confirmed, or the time for that is over. Faults with
 * `store/conflict` when it could not be ended, because it changed again and again.
 */
export const revokeGrant = async (
  { rules, live, store, receipts, clock }: DecideParts & { readonly receipts: Receipts },
  person: Person,
  name: string,
): Promise<RevokeOutcome> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const now = clock.now()
    const found = await named(live, person, name, now)
    if (found !== undefined && 'choose' in found) return found
    // Named by its id, also what is just over: an extension of it may have been decided in time, and not be stored yet.
    const grant = found?.grant ?? (await standing(live, name, Number.NEGATIVE_INFINITY))
    if (grant === undefined) return { refused: 'grant-unknown' }
    if (principalKey(grant.who) !== principalKey(person) && !ownsServices(rules, person, grant, now))
      return { refused: 'not-yours' }
    const cause = causeOfRevoking(grant, now)
    const { ended, sequence } = await store.end(grant, cause, byOf(person))
    if (!ended) continue
    return cause === 'revoked'
      ? { revoked: grant, receipt: await receipts.of(sequence, grant.id) }
      : { withdrawn: grant }
  }
  throw new Fault('store/conflict', `the pass changed ${attempts} times while it was to be revoked`)
}

const ownsServices = (rules: RuleSet, person: Person, grant: Grant, now: number): boolean =>
  person.active &&
  grant.services.every((name) => {
    const service = rules.services.get(name)
    return service !== undefined && belongsTo(rules, service.owners, person, now)
  })
