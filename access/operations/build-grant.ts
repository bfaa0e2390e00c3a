import type { Proposal } from '../domain/decide-access.ts'
import type { Grant } from '../domain/grant.ts'
import type { Person } from '../domain/principal.ts'
import type { RuleSet } from '../domain/rule-set.ts'

type GrantWhy = Grant['why']

/** The first version of the grant that a proposal makes, from now on. */
export const buildGrant = (
  rules: RuleSet,
  person: Person,
  proposal: Proposal,
  why: GrantWhy,
  id: string,
  now: number,
): Grant => ({
  id,
  version: 1,
  environment: rules.environment,
  state: 'active',
  who: { issuer: person.issuer, subject: person.subject, name: person.name },
  services: [proposal.service.name],
  tier: proposal.tier,
  from: now,
  until: now + proposal.duration,
  why,
  rules: rules.hash,
  at: now,
})
