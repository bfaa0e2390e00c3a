import { approversFor } from '../../domain/decide-access.ts'
import { decideApproval } from '../../domain/decide-approval.ts'
import type { Grant } from '../../domain/grant.ts'
import { type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import { asOneOf, type Supposed, supposedPerson } from '../explain/asker.ts'
import { supposedGrant } from '../explain/supposed-pass.ts'
import type { Approver, HeldPass } from './rule-case.ts'

/** The grant that somebody holds in a case. Only approvals that could have been given count. */
export const grantOf = (
  rules: RuleSet,
  who: Supposed,
  service: Service,
  { tier, kind, from, duration, approvedBy }: HeldPass,
  now: number,
): Grant => {
  const begins = from ?? now
  const grant = supposedGrant(
    rules,
    who,
    service,
    {
      tier,
      kind,
      from: begins,
      ...(duration === undefined ? {} : { until: begins + duration }),
      ...(approvedBy === undefined ? {} : { approvals: [] }),
    },
    now,
  )
  if (approvedBy === undefined) return grant
  const approvals = approvalsOf(rules, service, grant, approvedBy)
  return approvals.length === 0 ? grant : { ...grant, approvals }
}

const approvalsOf = (
  rules: RuleSet,
  service: Service,
  grant: Grant,
  approvedBy: readonly Approver[],
): NonNullable<Grant['approvals']> => {
  const { from, count, distinct } = approversFor(service, tierOf(service, grant.tier), grant.from)
  const approvers = { from: [...from], count, ...(distinct ? { distinct } : {}) }
  const approvals: NonNullable<Grant['approvals']> = []
  for (const [index, approver] of approvedBy.entries()) {
    const person = personOf(rules, approver, index)
    const decision = decideApproval(
      rules,
      { ...grant, state: 'pending', approvers, approvals },
      person,
      grant.from,
    )
    const { issuer, subject, name } = person
    if (decision.may) approvals.push({ issuer, subject, name, at: grant.from, teams: [...decision.teams] })
  }
  return approvals
}

const personOf = (rules: RuleSet, approver: Approver, index: number): Supposed => {
  if (approver.kind === 'person') return supposedPerson(rules, approver.who)
  const somebody = supposedPerson(rules, { subject: `supposed approver ${index + 1}`, groups: [] })
  return asOneOf(rules, somebody, approver.name)
}
