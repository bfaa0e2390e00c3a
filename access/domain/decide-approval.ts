import { approversOf, type Grant } from './grant.ts'
import { type Person, principalKey } from './principal.ts'
import type { Reason } from './reasons.ts'
import { belongsTo, type RuleSet } from './rule-set.ts'

export type ApprovalDecision =
  | { readonly may: true; readonly completes: boolean }
  | { readonly may: false; readonly reason: Reason }

/**
 * Decides whether this person may approve or deny what is before others, by their groups as the directory has them now.
 * Nobody decides for themselves, whatever else they are.
 */
export const decideApproval = (rules: RuleSet, grant: Grant, person: Person): ApprovalDecision => {
  const { approvers, who, approvals = [] } = grant
  if (!person.active) return { may: false, reason: 'person-inactive' }
  if (principalKey(who) === principalKey(person)) return { may: false, reason: 'own-request' }
  if (approvers === undefined || !belongsTo(rules, approvers.from, person.groups))
    return { may: false, reason: 'not-approver' }
  if (approvals.some((approval) => principalKey(approval) === principalKey(person)))
    return { may: false, reason: 'already-decided' }
  return { may: true, completes: approversOf(grant).length + 1 >= approvers.count }
}
