import type { Grant } from '../domain/grant.ts'
import { principalKey } from '../domain/principal.ts'
import { type RuleSet, setsOf } from '../domain/rule-set.ts'
import type { Directory } from '../ports.ts'

/** The approvals of those who might still give them, as the directory has them now. */
export const stillStanding = (
  rules: RuleSet,
  directory: Directory,
  { approvals = [] }: Grant,
  now: number,
): NonNullable<Grant['approvals']> =>
  approvals.flatMap(({ teams, ...approval }) => {
    const by = directory.byPrincipal(principalKey(approval))
    const still = by?.active === true ? setsOf(rules, teams, by, now) : []
    return still.length === 0 ? [] : [{ ...approval, teams: still }]
  })
