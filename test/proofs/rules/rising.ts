import { msOf } from './measures.ts'
import type { SaidTerms, SaidTiers } from './said.ts'
import { overTerms, ownTerms } from './terms.ts'

const countOf = ({ approvals }: SaidTerms): number => (approvals === undefined ? 0 : (approvals.count ?? 1))

const lacksApproval = (low: SaidTerms, high: SaidTerms): boolean => {
  if (low.approvals === undefined) return false
  const { from, distinct } = low.approvals
  return (
    countOf(high) < countOf(low) ||
    (distinct !== undefined && high.approvals?.distinct === undefined) ||
    high.approvals?.from.every((set) => from.includes(set)) !== true
  )
}

const reasons = ['optional', 'required', 'ticket']
const reasonOf = ({ reason = 'optional' }: SaidTerms): number => reasons.indexOf(reason)

/** What a tier has to say more, so that it asks no less than the one below it. */
const lacking = (low: SaidTerms, high: SaidTerms): SaidTerms => {
  const more: SaidTerms = {}
  if (low.approvals !== undefined && lacksApproval(low, high)) more.approvals = low.approvals
  if (low.reason !== undefined && reasonOf(high) < reasonOf(low)) more.reason = low.reason
  if (low.proxy_only === true && high.proxy_only !== true) more.proxy_only = true
  const { acr, max_age: age } = low.sign_in ?? {}
  const lacksClass = acr !== undefined && high.sign_in?.acr === undefined
  const lasts = high.sign_in?.max_age === undefined ? Number.POSITIVE_INFINITY : msOf(high.sign_in.max_age)
  const lacksAge = age !== undefined && msOf(age) < lasts
  if (lacksClass || lacksAge)
    more.sign_in = { ...high.sign_in, ...(lacksClass ? { acr } : {}), ...(lacksAge ? { max_age: age } : {}) }
  if (low.when_stale !== undefined && msOf(low.when_stale) < msOf(high.when_stale ?? ''))
    more.when_stale = low.when_stale
  return more
}

/** The same tiers, each asking no less than those below it. */
export const raised = (tiers: Readonly<Record<string, SaidTerms>>): Record<string, SaidTerms> => {
  let low: SaidTerms = {}
  return Object.fromEntries(
    Object.entries(tiers).map(([name, terms]) => {
      low = { ...terms, ...lacking(low, terms) }
      return [name, low]
    }),
  )
}

/** Whether as many teams are named as have to approve; where the owners are not known they may be any of the others. */
const isPossible = ({ approvals }: SaidTerms, owners: readonly string[]): boolean => {
  if (approvals?.distinct === undefined) return true
  const teams = new Set(approvals.from.flatMap((set) => (set === 'owners' ? owners : [set])))
  return (approvals.count ?? 1) <= (teams.size || 1)
}

/** The last of what is said on top of each other, with what its tiers then lack; without approvals where that is none. */
export const raisedOwn = (
  common: Readonly<Record<string, SaidTerms>>,
  layers: readonly SaidTiers[],
  owners: readonly string[] = [],
): SaidTiers => {
  const own: SaidTiers = { ...layers.at(-1) }
  const approves = Object.values(own).some((said) => ownTerms(said).approvals !== undefined)
  let low: SaidTerms = {}
  for (const [name, terms] of Object.entries(common)) {
    const merged = layers.reduce((below, layer) => overTerms(below, ownTerms(layer[name])), terms)
    const more = lacking(low, merged)
    low = overTerms(merged, more)
    if (approves && !isPossible(low, owners))
      return raisedOwn(common, [...layers.slice(0, -1), withoutApprovals(own)], owners)
    if (Object.keys(more).length === 0) continue
    const said = own[name] ?? {}
    own[name] = Array.isArray(said) ? { allow: said, ...more } : { ...said, ...more }
  }
  return own
}

const withoutApprovals = (tiers: SaidTiers): SaidTiers =>
  Object.fromEntries(
    Object.entries(tiers).map(([name, said]) => {
      if (Array.isArray(said)) return [name, said]
      const { approvals: _, ...rest } = said
      return [name, rest]
    }),
  )
