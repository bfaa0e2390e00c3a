import { parsePattern } from '../../domain/path-pattern.ts'
import { freezeOf } from '../../domain/rule-set.ts'
import { isStanding, tierGiven } from '../../domain/standing-grant.ts'
import { supposedPerson } from '../explain/asker.ts'
import { explainAsk } from '../explain/explain-ask.ts'
import { explainPage } from '../explain/explain-page.ts'
import { explainRequest } from '../explain.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { grantOf } from './held-pass.ts'
import type { RuleCase } from './rule-case.ts'
import type { Expectation } from './source.ts'
import { whyOfAsk, whyOfPage, whyOfRequest } from './why.ts'

/** A pattern by which a request was admitted: one of a tier of a service, or of a standing rule. */
export type Admitting = { readonly text: string } & (
  | { readonly service: string; readonly tier: string }
  | { readonly standing: string }
)

/** What came of a case, and what decided it. */
export type Result = {
  readonly one: RuleCase
  /** What came, in the words of an expectation. */
  readonly came: Expectation
  /** The parts of the expectation that it does not fit; none where the case holds. */
  readonly wrong: readonly (keyof Expectation)[]
  /** Why it came so, in one line. */
  readonly why: string
  /** The ids of the rules that decided. */
  readonly decidedBy: readonly string[]
  readonly admittedBy?: Admitting
}

type Ran = Omit<Result, 'one' | 'wrong'>

/** What the decisions themselves make of a case, and whether that is what is expected. */
export const runCase = (parsed: SoundRuleSet, one: RuleCase): Result => {
  const ran = run(parsed, one)
  return { one, ...ran, wrong: differing(one.expect, ran.came) }
}

const run = (parsed: SoundRuleSet, one: RuleCase): Ran => {
  const { happens } = one
  if (happens.kind === 'request') return runRequest(parsed, one, happens)
  return happens.kind === 'ask' ? runAsk(parsed, one, happens) : runPage(parsed, one, happens)
}

type Of<Kind extends RuleCase['happens']['kind']> = Extract<RuleCase['happens'], { readonly kind: Kind }>

const runRequest = (parsed: SoundRuleSet, one: RuleCase, { method, path, page }: Of<'request'>): Ran => {
  const { rules } = parsed
  const { service, at: now } = one
  const who = supposedPerson(rules, one.who)
  const it = explainRequest(parsed, {
    who: one.who,
    service: service.name,
    method,
    path,
    now,
    holds: one.holds.map((pass) => grantOf(rules, who, service, pass, now)),
    viewAge: one.stale,
    ...(page === undefined ? {} : { page }),
  })
  const { decision, by } = it
  const why = whyOfRequest(it)
  if (!decision.allow) {
    const { reason, needs } = decision
    return {
      came: { is: 'refused', reason, ...(needs === undefined ? {} : { tier: needs.name }), ...ruleOf(by) },
      why,
      decidedBy: by === undefined ? [] : [by.id],
    }
  }
  const { tier, pattern, held } = decision
  const ofService = tierGiven(rules, held) !== undefined
  const came: Expectation = {
    is: 'allowed',
    pattern: pattern.text,
    ...(ofService ? { tier: tier.name } : {}),
    ...ruleOf(by),
  }
  // What somebody is only said to hold, no rule has given them here.
  const given = isStanding(held) || (page !== undefined && held.grant.why.kind === 'page')
  return {
    came,
    why,
    decidedBy: given && by !== undefined ? [by.id] : [],
    admittedBy: ofService
      ? { text: pattern.text, service: service.name, tier: tier.name }
      : { text: pattern.text, standing: tier.name },
  }
}

const runAsk = (parsed: SoundRuleSet, { who, service, at: now }: RuleCase, { ask }: Of<'ask'>): Ran => {
  const it = explainAsk(parsed, supposedPerson(parsed.rules, who), ask, now)
  const { decision } = it
  const why = whyOfAsk(it)
  if (!decision.give) {
    const { reason, tier } = decision.refusal
    const freeze =
      reason === 'frozen' && tier !== undefined ? freezeOf(service, tier, ask.from ?? now) : undefined
    return {
      came: { is: 'refused', reason, ...(tier === undefined ? {} : { tier }), ...ruleOf(freeze) },
      why,
      decidedBy: freeze === undefined ? [] : [freeze.id],
    }
  }
  const { state, tier, duration, rule, approvers } = decision.proposal
  return {
    came: {
      is: state === 'active' ? 'at once' : 'approval',
      tier,
      for: duration,
      rule,
      ...(approvers === undefined ? {} : { by: [...approvers.from], count: approvers.count }),
    },
    why,
    decidedBy: [rule],
  }
}

const ruleOf = (rule: { readonly id: string } | undefined): { readonly rule?: string } =>
  rule === undefined ? {} : { rule: rule.id }

const pageOutcomes = { active: 'given', offered: 'offered', pending: 'approval' } as const

const runPage = (parsed: SoundRuleSet, { who, service, at: now }: RuleCase, { page }: Of<'page'>): Ran => {
  const it = explainPage(parsed, supposedPerson(parsed.rules, who), service, page, now)
  const { decision } = it
  const why = whyOfPage(it)
  if (!decision.give) return { came: { is: 'refused', reason: decision.refusal.reason }, why, decidedBy: [] }
  const { state, tier, duration, rule, approvers, doubt } = decision.proposal
  const fitting = it.rules.find(({ decides }) => decides)
  return {
    came: {
      is: pageOutcomes[state],
      tier,
      for: duration,
      rule,
      ...(approvers === undefined ? {} : { by: [...approvers.from], count: approvers.count }),
      ...(doubt === undefined ? {} : { reason: doubt }),
    },
    why,
    decidedBy: [...new Set([rule, ...(fitting === undefined ? [] : [fitting.id])])],
  }
}

const differing = (expected: Expectation, came: Expectation): (keyof Expectation)[] =>
  (Object.keys(expected) as (keyof Expectation)[]).filter((key) => {
    const [wanted, had] = [expected[key], came[key]]
    if (wanted === undefined) return false
    return key === 'pattern'
      ? textOf(expected.pattern ?? '') !== had
      : Array.isArray(wanted) && Array.isArray(had)
        ? wanted.toSorted().join('\n') !== had.toSorted().join('\n')
        : wanted !== had
  })

/** Spaces between method and path don't count. */
const textOf = (written: string): string => {
  const pattern = parsePattern(written)
  return 'text' in pattern ? pattern.text : written
}
