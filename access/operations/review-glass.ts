import type { Grant } from '../domain/grant.ts'
import { byOf } from '../domain/grant-transitions.ts'
import { whyInactive } from '../domain/inactive.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { belongsTo, type RuleSet } from '../domain/rule-set.ts'
import type { Clock, GlassReviews } from '../ports.ts'

/** The sets of people who may review that the glass was broken: the owners of its services, and who may lock. */
export const reviewersOf = (rules: RuleSet, { services }: Pick<Grant, 'services'>): readonly string[] => [
  ...services.flatMap((name) => rules.services.get(name)?.owners ?? []),
  ...(rules.lock?.who ?? []),
]

/**
 * Somebody else says that they have looked at what was done, which is signed. Only then may its person break the glass
 * again.
 */
export const reviewGlass = async (
  {
    rules,
    reviews,
    clock,
  }: { readonly rules: RuleSet; readonly reviews: GlassReviews; readonly clock: Clock },
  person: Person,
  grant: Grant,
): Promise<{ readonly reviewed: Grant } | { readonly refused: Reason }> => {
  if (!person.active) return { refused: whyInactive(person) }
  if (grant.why.kind !== 'break-glass') return { refused: 'already-decided' }
  if (principalKey(person) === principalKey(grant.who)) return { refused: 'own-request' }
  if (!belongsTo(rules, reviewersOf(rules, grant), person, clock.now())) return { refused: 'not-approver' }
  return (await reviews.done(grant, byOf(person))) ? { reviewed: grant } : { refused: 'already-decided' }
}
