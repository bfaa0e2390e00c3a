import type { Grant } from '../domain/grant.ts'
import { type Person, type Principal, principalKey } from '../domain/principal.ts'
import { belongsTo, type RuleSet } from '../domain/rule-set.ts'
import type { Directory } from '../ports.ts'

type Approvers = {
  readonly from: readonly string[]
  readonly escalate?: { readonly at: number; readonly to: readonly string[] } | undefined
}

/** Everybody who is asked to decide on what somebody else asks for, and those who are asked later on, too, by name. */
export const whoDecides = (
  rules: RuleSet,
  directory: Directory,
  who: Principal,
  { from, escalate }: Approvers,
  now: number,
): { readonly asked: readonly Person[]; readonly later: readonly Person[] } => {
  const others = directory.activeWhere((person) => principalKey(person) !== principalKey(who))
  const isNow = escalate !== undefined && now >= escalate.at
  const sets = isNow ? [...from, ...escalate.to] : from
  const asked = others.filter((person) => belongsTo(rules, sets, person, now))
  const later = others.filter(
    (person) => !asked.includes(person) && belongsTo(rules, escalate?.to ?? [], person, now),
  )
  return { asked, later }
}

/** The same of a grant that is before them. */
export const whoDecidesOn = (rules: RuleSet, directory: Directory, grant: Grant, now: number) =>
  grant.approvers === undefined
    ? { asked: [], later: [] }
    : whoDecides(rules, directory, grant.who, grant.approvers, now)
