import { msOf } from './measures.ts'
import type { SaidTerms, SaidTier, SaidTiers } from './said.ts'

const termsOf = (said: SaidTier | undefined): SaidTerms => {
  if (said === undefined || Array.isArray(said)) return {}
  const { allow: _, ...terms } = said
  return terms
}

/** What a tier has to say more, so that it asks no less than the one below it. */
const lacking = (low: SaidTerms, high: SaidTerms): SaidTerms => {
  const more: SaidTerms = {}
  if (
    (high.approvals?.count ?? (high.approvals && 1) ?? 0) <
    (low.approvals?.count ?? (low.approvals && 1) ?? 0)
  )
    more.approvals = low.approvals as NonNullable<SaidTerms['approvals']>
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

/** The last of what is said on top of each other, with what its tiers then lack. */
export const raisedOwn = (
  common: Readonly<Record<string, SaidTerms>>,
  layers: readonly SaidTiers[],
): SaidTiers => {
  const own: SaidTiers = { ...layers.at(-1) }
  let low: SaidTerms = {}
  for (const [name, terms] of Object.entries(common)) {
    const merged: SaidTerms = Object.assign({}, terms, ...layers.map((layer) => termsOf(layer[name])))
    const more = lacking(low, merged)
    low = { ...merged, ...more }
    if (Object.keys(more).length === 0) continue
    const said = own[name] ?? {}
    own[name] = Array.isArray(said) ? { allow: said, ...more } : { ...said, ...more }
  }
  return own
}
