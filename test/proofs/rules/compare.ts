import { type AccessDecision, decideAsk, decidePage } from '#access/domain/decide-access.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { RuleSet, Service } from '#access/domain/rule-set.ts'
import {
  type Answer,
  type AskQuestion,
  answerAsk,
  answerPage,
  answerRequest,
  type PageQuestion,
  type RequestQuestion,
} from './interpreter.ts'
import type { SaidFile } from './said.ts'

export type Question =
  | { readonly kind: 'request'; readonly question: RequestQuestion }
  | { readonly kind: 'ask'; readonly question: AskQuestion }
  | { readonly kind: 'page'; readonly question: PageQuestion }

/** What the model says by the words of the file. */
export const modelAnswer = (file: SaidFile, { kind, question }: Question): Answer =>
  kind === 'request'
    ? answerRequest(file, question)
    : kind === 'ask'
      ? answerAsk(file, question)
      : answerPage(file, question)

/** What the product says by the compiled rule set, in the model's form. */
export const productAnswer = (rules: RuleSet, { kind, question }: Question): Answer =>
  kind === 'request'
    ? askRequest(rules, question)
    : kind === 'ask'
      ? plain(decideAsk(rules, question.person, question.ask, question.now, question.usualTier))
      : askPage(rules, question)

const serviceOf = (rules: RuleSet, name: string): Service => {
  const service = rules.services.get(name)
  if (service === undefined) throw new Error(`the rule set lost the service ${name}`)
  return service
}

const held = new WeakMap<Grant, HeldGrant>()

/** The same each time, as a view keeps it, with whatever deciding keeps beside it. */
const heldOf = (grant: Grant): HeldGrant => {
  const known = held.get(grant) ?? { grant, statement: 'signed', verified: true }
  held.set(grant, known)
  return known
}

const askRequest = (rules: RuleSet, question: RequestQuestion): Answer => {
  const { service, who, method, path, now, passes, view } = question
  const decision = decideRequest(
    rules,
    {
      ready: () => view.ready,
      age: () => view.age,
      heldBy: () => (passes.length === 0 ? undefined : { grants: passes.map(heldOf) }),
      isLocked: () => false,
      confirmedUntil: () => Number.POSITIVE_INFINITY,
    },
    { who, service: serviceOf(rules, service), method, path },
    now,
  )
  if (!decision.allow) return { allow: false, reason: decision.reason, needs: decision.needs?.name }
  const { tier, pattern } = decision
  return {
    allow: true,
    by: decision.held.grant.id,
    tier: tier.name,
    pattern: pattern.text,
    rate: String(tier.rate),
    burst: String(tier.burst),
  }
}

const askPage = (rules: RuleSet, { service, incident, person, paged, now }: PageQuestion): Answer =>
  plain(decidePage(rules, incident, serviceOf(rules, service), person, paged, now))

const plain = (decision: AccessDecision): Answer => {
  if (!decision.give) {
    const { reason, tier, longest, until, because } = decision.refusal
    return {
      give: false,
      reason,
      tier,
      longest: reason === 'too-far-ahead' ? undefined : longest,
      until,
      because,
    }
  }
  const { state, tier, duration, rule, doubt, approvers, also } = decision.proposal
  return {
    give: true,
    state,
    tier,
    duration,
    rule,
    doubt,
    also: also && Object.fromEntries(also.flatMap((one) => one.services.map((name) => [name, one.tier]))),
    approvers: approvers && {
      from: approvers.from,
      count: approvers.count,
      distinct: approvers.distinct === true,
    },
  }
}

/** What differs is written the same way on both sides: keys in order, nothing that is not said. */
export const written = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'number' && !Number.isFinite(one)) return String(one)
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
