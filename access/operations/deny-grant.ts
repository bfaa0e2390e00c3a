import { decideApproval } from '../domain/decide-approval.ts'
import { Fault } from '../domain/errors.ts'
import type { Grant } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import type { Person } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import type { DecideParts } from '../ports.ts'
import { standing } from './find-held.ts'

export type DenyOutcome = { readonly denied: Grant } | { readonly refused: Reason }

const attempts = 20
/** Whoever denies this soon after the approval saw the question still open. */
const tieMs = 5_000

/** Somebody who may approve says no, also who approved before. A denial beats an approval of the same moment. */
export const denyGrant = async (
  { rules, live, store, clock }: DecideParts,
  person: Person,
  id: string,
): Promise<DenyOutcome> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const now = clock.now()
    const grant = await standing(live, id, now)
    if (grant === undefined) return { refused: 'already-decided' }
    const open = grant.state === 'pending' || (grant.step === 'approved' && now - grant.at < tieMs)
    if (!open) return { refused: 'already-decided' }
    const decision = decideApproval(rules, grant, person, now)
    // Who has approved, or whose team has, may still deny.
    const decided = !decision.may && ['already-decided', 'team-decided'].includes(decision.reason)
    if (!decision.may && !decided) return { refused: decision.reason }
    const { ended } = await store.end(grant, 'denied', byOf(person))
    if (ended) return { denied: grant }
  }
  throw new Fault('store/conflict', `the grant changed ${attempts} times while it was to be denied`)
}
