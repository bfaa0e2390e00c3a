import { type AccessDecision, type Ask, decideAsk, type Proposal, type Refusal } from './decide-access.ts'
import { nearest } from './nearest.ts'
import type { Person } from './principal.ts'
import { labelIn, type RuleSet } from './rule-set.ts'

/** More are never asked for in one go. */
export const mostAskedFor = 10

/**
 * Decides on what a person asks for by hand, be it one service or several in one go: they get all of them or nothing, under
 * one tier, for a time that each allows. Whatever is refused is named with why.
 */
export const decideAskAll = (
  rules: RuleSet,
  person: Person,
  ask: Ask,
  now: number,
  usualTier?: string,
): AccessDecision => {
  if (ask.services === undefined) return decideAsk(rules, person, ask, now, usualTier)
  const named = servicesNamed(rules, ask.services)
  if ('unknown' in named) return refuseAll(named.unknown)
  const { names } = named
  const [first] = names
  if (first === undefined) return refuseAll([])
  if (names.length > mostAskedFor) return { give: false, refusal: { reason: 'too-many-services' } }
  const tier = ask.tier ?? rules.services.get(first)?.tiers[0]?.name
  const each = names.map((service) => ({
    service,
    decision: decideAsk(rules, person, { ...ask, service, ...(tier === undefined ? {} : { tier }) }, now),
  }))
  const refused = each.flatMap(({ service, decision }) =>
    decision.give ? [] : [{ service, refusal: decision.refusal }],
  )
  if (refused.length > 0) return refuseAll(refused)
  return together(
    names,
    each.flatMap(({ decision }) => (decision.give ? [decision.proposal] : [])),
  )
}

/** One grant of all: what others have to approve for any of them is approved for all, by the same people. */
const together = (names: readonly string[], proposals: readonly Proposal[]): AccessDecision => {
  const waiting = proposals.filter(({ state }) => state === 'pending')
  const leading = waiting[0] ?? proposals[0]
  if (leading === undefined) return refuseAll([])
  if (new Set(waiting.map(termsOf)).size > 1) return { give: false, refusal: { reason: 'approvals-differ' } }
  const duration = Math.min(...proposals.map((one) => one.duration))
  return { give: true, proposal: { ...leading, duration, ...(names.length > 1 ? { services: names } : {}) } }
}

const termsOf = ({ approvers }: Proposal): string =>
  JSON.stringify([
    approvers?.from.toSorted(),
    approvers?.count,
    approvers?.distinct,
    approvers?.escalate?.at,
    approvers?.escalate?.to.toSorted(),
  ])

const refuseAll = (
  each: readonly { readonly service: string; readonly refusal: Refusal }[],
): AccessDecision => ({
  give: false,
  refusal:
    each.length === 1 && each[0] !== undefined
      ? { ...each[0].refusal, each }
      : { reason: each[0]?.refusal.reason ?? 'service-unknown', each },
})

/** Names and labels as names of services, each once. A label that nothing has is as unknown as a name. */
const servicesNamed = (
  rules: RuleSet,
  words: readonly string[],
):
  | { readonly names: readonly string[] }
  | { readonly unknown: readonly { readonly service: string; readonly refusal: Refusal }[] } => {
  const found = words.map((word) => ({ word, names: namesOf(rules, word) }))
  const unknown = found
    .filter(({ names }) => names.length === 0)
    .map(({ word }) => {
      const hint = labelIn(word) === undefined ? nearest(word, rules.services.keys()) : undefined
      return {
        service: word,
        refusal: { reason: 'service-unknown' as const, ...(hint === undefined ? {} : { hint }) },
      }
    })
  return unknown.length > 0 ? { unknown } : { names: [...new Set(found.flatMap(({ names }) => names))] }
}

const namesOf = (rules: RuleSet, word: string): readonly string[] => {
  const label = labelIn(word)
  if (label === undefined) return rules.services.has(word) ? [word] : []
  return [...rules.services.values()].filter(({ labels }) => labels.includes(label)).map(({ name }) => name)
}
