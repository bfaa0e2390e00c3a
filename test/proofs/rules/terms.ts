import type { SaidApprovals, SaidService, SaidTerms, SaidTier, SaidTiers } from './said.ts'

/** The terms that stand in one place of the file. */
export const ownTerms = (said: SaidTier | undefined): SaidTerms => {
  if (said === undefined || Array.isArray(said)) return {}
  const { allow: _, ...terms } = said
  return terms
}

/** What is said of a tier, with what is said closer to the service on top. */
export const overTerms = (before: SaidTerms, own: SaidTerms): SaidTerms => {
  const terms: SaidTerms = { ...before, ...own }
  // Of these a part that is said replaces that part alone.
  if (own.sign_in !== undefined) terms.sign_in = { ...before.sign_in, ...own.sign_in }
  if (own.extend !== undefined) terms.extend = { ...before.extend, ...own.extend }
  if (own.approvals !== undefined) terms.approvals = overApprovals(own.approvals, before.approvals)
  return terms
}

/** Who approves and how many is said anew; that they are of distinct teams stays once it is demanded. */
const overApprovals = (own: SaidApprovals, before: SaidApprovals | undefined): SaidApprovals => {
  const { count = 1, from } = own
  const isDistinct = own.distinct === 'teams' || before?.distinct === 'teams'
  return isDistinct ? { count, from, distinct: 'teams' } : { count, from }
}

/** Whether a service asks people for approval or a sign-in anywhere. */
export const isStrict = (
  common: Readonly<Record<string, SaidTerms>>,
  profile: SaidTiers | undefined,
  service: SaidService,
): boolean =>
  Object.entries(common).some(([tier, terms]) => {
    const shared = service.profile === undefined ? {} : ownTerms(profile?.[tier])
    const { approvals, sign_in } = overTerms(overTerms(terms, shared), ownTerms(service.tiers?.[tier]))
    return approvals !== undefined || sign_in !== undefined
  })
