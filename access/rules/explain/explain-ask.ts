import {
  type AccessDecision,
  type Ask,
  decideAsk,
  isInReach,
  isShortEnough,
  saysEnough,
} from '../../domain/decide-access.ts'
import type { Claims } from '../../domain/principal.ts'
import {
  belongsTo,
  fitsWhen,
  freezeOf,
  type RuleSet,
  requestRuleFor,
  type Service,
  tierOf,
} from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { allOf, lengthText, momentText, oneOf, setText, windowsText } from '../words.ts'
import { askCommand } from './ask-command.ts'
import type { Supposed } from './asker.ts'
import { allHold, type Condition, condition, inOrder, type Mend, type RuleChecked } from './condition.ts'
import { mendsOfAsk } from './mends-of-ask.ts'
import { placesOf } from './places.ts'

export type AskExplanation = {
  /** What `decideAsk` says. */
  readonly decision: AccessDecision
  /** The tier that was asked for, where there is one. */
  readonly tier: string | undefined
  /** The command that asks for it. */
  readonly command: string | undefined
  /** The first of these that does not hold is why it is refused. */
  readonly conditions: readonly Condition[]
  readonly rules: readonly RuleChecked[]
  readonly mends: readonly Mend[]
}

/** Why somebody would get what they ask for, or not. Pure; times are milliseconds since the epoch. */
export const explainAsk = (parsed: SoundRuleSet, who: Supposed, ask: Ask, now: number): AskExplanation => {
  const { rules } = parsed
  const decision = decideAsk(rules, who, ask, now)
  const service = rules.services.get(ask.service)
  const name = ask.tier ?? service?.tiers[0]?.name
  const tier = service === undefined || name === undefined ? undefined : tierOf(service, name)
  return {
    decision,
    tier: tier?.name,
    command: service === undefined || tier === undefined ? undefined : askCommand(service.name, tier),
    conditions: conditionsOf(parsed, who, ask, service, tier, now),
    rules:
      service === undefined || tier === undefined
        ? []
        : checkRequestRules(rules, service, tier.name, who, now),
    mends: decision.give ? [] : mendsOfAsk(parsed, who, ask, now, decision.refusal),
  }
}

/** What `decideAsk` tests, in its order; what follows from what is not there is left out. */
const conditionsOf = (
  parsed: SoundRuleSet,
  who: Supposed,
  ask: Ask,
  service: Service | undefined,
  tier: Tier | undefined,
  now: number,
): Condition[] => {
  const { rules } = parsed
  const places = placesOf(parsed)
  const tested = [
    condition(`${who.name} is active`, who.active),
    condition(`${ask.service} is a service`, service !== undefined),
  ]
  if (service === undefined) return tested
  const named = tier?.name ?? ask.tier ?? ''
  tested.push(condition(`${named} is a tier of ${service.name}`, tier !== undefined))
  if (tier === undefined) return tested
  const rule = requestRuleFor(rules, service, tier.name, who, now)
  tested.push(condition(`a rule lets ${who.name} ask for ${tier.name} now`, rule !== undefined, rule?.where))
  if (rule === undefined) return tested
  const from = ask.from ?? now
  if (ask.from !== undefined)
    tested.push(
      condition(
        `it begins no earlier than now, and no further ahead than ${lengthText(rule.ahead)}`,
        isInReach(rule, from, now),
        rule.where,
      ),
    )
  const freeze = freezeOf(service, tier.name, from)
  tested.push(condition(`${tier.name} is not frozen`, freeze === undefined, freeze?.where))
  const duration = ask.duration ?? tier.usual
  const term = places.termOf(service.name, tier.name)
  tested.push(
    condition(
      `${lengthText(duration)} is no longer than ${lengthText(tier.longest)}`,
      isShortEnough(tier, duration),
      term('longest'),
    ),
  )
  if (tier.reason !== 'optional') {
    const what = tier.reason === 'ticket' ? 'the reason names a ticket' : 'a reason is given'
    tested.push(condition(what, saysEnough(tier, ask.reason), term('reason')))
  }
  if (rule.how === 'approval')
    tested.push(
      condition(`somebody is named to approve ${tier.name}`, tier.approvals !== undefined, term('approvals')),
    )
  return tested
}

/** The rules on asking that name this service, in order, for one tier. */
const checkRequestRules = (
  rules: RuleSet,
  service: Service,
  tier: string,
  who: Claims & { readonly name: string },
  now: number,
): RuleChecked[] =>
  inOrder(
    service.onRequest.map((rule) => ({
      section: 'on_request' as const,
      id: rule.id,
      where: rule.where,
      does: `${allOf(rule.tiers)} ${rule.how === 'at once' ? 'at once' : 'by approval'}`,
      conditions: [
        condition(`it is about ${tier}`, rule.tiers.includes(tier)),
        whoCondition(rules, rule.who, who, now),
        ...(rule.when === undefined
          ? []
          : [condition(`it is ${windowsText(rule.when)}`, fitsWhen(rule.when, now))]),
      ],
    })),
  )

/** The freezes that name this service, for one tier. */
export const checkFreezes = (service: Service, tier: string, now: number): RuleChecked[] => {
  const holding = freezeOf(service, tier, now)
  return service.freezes.map((freeze) => {
    const { id, where, because, tiers, from, until } = freeze
    const conditions = [
      condition(`it is about ${tier}`, tiers.includes(tier)),
      condition(`it is ${momentText(from)} or later`, now >= from),
      condition(`it is before ${momentText(until)}`, now < until),
    ]
    return {
      section: 'freeze' as const,
      id,
      where,
      does: `freezes ${allOf(tiers)} (${because})`,
      conditions,
      fits: allHold(conditions),
      decides: holding === freeze,
    }
  })
}

export const whoCondition = (
  rules: RuleSet,
  who: readonly string[],
  person: Claims & { readonly name: string },
  now: number,
): Condition =>
  condition(
    `${person.name} is in ${oneOf(who.map((set) => setText(rules, set) + overText(rules, set, now)))}`,
    belongsTo(rules, who, person, now),
  )

const overText = (rules: RuleSet, set: string, now: number): string => {
  const until = rules.people.get(set)?.until
  return until !== undefined && now >= until ? `, which ended ${momentText(until)}` : ''
}
