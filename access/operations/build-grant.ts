import type { Proposal } from '../domain/decide-access.ts'
import type { Grant } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import type { Person } from '../domain/principal.ts'
import type { RuleSet } from '../domain/rule-set.ts'

/** An offer and a request stand this long, then they lapse. */
const standsMs = { offered: 4 * 3_600_000, pending: 3_600_000 } as const
const firstStep = { active: 'given', offered: 'offered', pending: 'asked' } as const

/** The first version of the grant that a proposal makes, from now on. `nonce` is random. */
export const buildGrant = (
  rules: RuleSet,
  person: Person,
  proposal: Proposal,
  why: Grant['why'],
  { id, nonce }: { readonly id: string; readonly nonce: string },
  now: number,
): Grant => {
  const { state, duration, approvers, begins, also } = proposal
  const from = state === 'active' ? (begins?.at ?? now) : now
  return {
    id,
    version: 1,
    environment: rules.environment,
    state,
    step: firstStep[state],
    who: byOf(person),
    services: proposal.services === undefined ? [proposal.service.name] : [...proposal.services],
    tier: proposal.tier,
    ...(also === undefined ? {} : { also }),
    from,
    // What is asked for ahead stands until it would begin.
    until: state === 'active' ? from + duration : (begins?.at ?? now + standsMs[state]),
    duration,
    ...(begins === undefined ? {} : { begins }),
    why,
    ...(approvers === undefined ? {} : { approvers: signedApprovers(approvers) }),
    nonce,
    rules: rules.hash,
    at: now,
  }
}

const signedApprovers = ({ from, escalate, ...terms }: NonNullable<Proposal['approvers']>) => ({
  ...terms,
  from: [...from],
  ...(escalate === undefined ? {} : { escalate: { at: escalate.at, to: [...escalate.to] } }),
})
