import type { RuleSet } from '../domain/rule-set.ts'
import { askingChanges } from './diff/asking.ts'
import { type Change, type Found, fold } from './diff/change.ts'
import { compared } from './diff/compared.ts'
import { egressChanges } from './diff/egress.ts'
import { freezeChanges } from './diff/freezes.ts'
import { pagingChanges } from './diff/paging.ts'
import { peopleChanges } from './diff/people.ts'
import { routeChanges } from './diff/routes.ts'
import { inNamesOf } from './diff/same-names.ts'
import { type LeftOut, serviceChanges } from './diff/services.ts'
import { standingChanges } from './diff/standing.ts'
import { termChanges } from './diff/terms.ts'
import { wholeChanges } from './diff/whole.ts'
import type { RuleSetSource } from './source.ts'

export type RulesDiff = {
  /** The most dangerous first; none where both mean the same. */
  readonly changes: readonly Change[]
  /** Between environments: addresses and ids that differ, and on which services. */
  readonly leftOut: readonly LeftOut[]
}

type Ruled = { readonly rules: RuleSet; readonly source: Pick<RuleSetSource, 'egress'> }

/**
 * What access changes from one rule set to another, by what they mean and not by what they say: what each set of people
 * (and somebody in two of them) gets by asking, by a page and without a pass, at every hour and under every condition
 * that either rule set tells apart; which tier every request needs; and on which terms. Between rule sets of two
 * environments addresses and ids are only counted, unless `addresses` asks for them.
 */
export const diffRuleSets = (
  { rules: before, source: beforeSource }: Ruled,
  { rules: now, source }: Ruled,
  { addresses = before.environment === now.environment }: { readonly addresses?: boolean } = {},
): RulesDiff => {
  const old = inNamesOf(before, now)
  const both = compared(old, now)
  const { found: ofServices, leftOut } = serviceChanges(both, !addresses)
  const found: Found[] = [
    ...askingChanges(both),
    ...pagingChanges(both),
    ...standingChanges(both),
    ...routeChanges(both),
    ...termChanges(both),
    ...freezeChanges(both),
    ...peopleChanges(old, now),
    ...egressChanges(old, now, [beforeSource, source]),
    ...ofServices,
    ...wholeChanges(old, now),
  ]
  return { changes: fold(found), leftOut }
}
