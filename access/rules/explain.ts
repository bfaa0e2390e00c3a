import type { Decision, Denied } from '../domain/decision.ts'
import type { Grant } from '../domain/grant.ts'
import { nearest } from '../domain/nearest.ts'
import { freezeOf } from '../domain/rule-set.ts'
import { canonicalPath, forwardedMethods } from '../domain/target.ts'
import type { Tier } from '../domain/tier.ts'
import { enoughReason } from './explain/ask-command.ts'
import { type Asker, supposedPerson } from './explain/asker.ts'
import { type Case, decideCase, heldIn, ruleOf } from './explain/case.ts'
import { type Condition, condition, type Mend, type RuleChecked } from './explain/condition.ts'
import { type AskExplanation, checkFreezes, explainAsk } from './explain/explain-ask.ts'
import { explainPage, type PageExplanation } from './explain/explain-page.ts'
import { type Early, mendsOfEarly, mendsOfRequest } from './explain/mends-of-request.ts'
import { checkPass, type PassChecked } from './explain/pass-conditions.ts'
import { type Places, placesOf } from './explain/places.ts'
import { checkStanding, signInConditions } from './explain/standing.ts'
import { type PageFacts, usualPage } from './explain/supposed-page.ts'
import { type SupposedPass, supposedGrant } from './explain/supposed-pass.ts'
import type { SoundRuleSet } from './parse-rule-set.ts'
import { lengthText } from './words.ts'

/** A request that somebody would make. Times are milliseconds since the epoch. */
export type Question = {
  readonly who: Asker
  readonly service: string
  /** `WS` for an upgrade. */
  readonly method: string
  /** As it would be sent; a query decides nothing. */
  readonly path: string
  readonly now: number
  /** What they hold, or would hold. */
  readonly holds?: readonly (SupposedPass | Grant)[]
  /** How old what is known of passes is, in milliseconds; by default it is news. */
  readonly viewAge?: number
  /** The page that has reached them. What it gives at once they hold, too. */
  readonly page?: PageFacts
}

export type Explanation = {
  /** What the proxy would decide. */
  readonly decision: Decision
  /** The lowest tier with a pattern for the request, the pattern, and where that is written. */
  readonly route: { readonly tier: string; readonly pattern: string; readonly where: string } | undefined
  /** The rule that admits it, or that is behind the pass that does; or the freeze that refuses it. */
  readonly by: { readonly id: string; readonly where: string } | undefined
  /** What has to hold whatever the pass, in the order in which it is tested. What follows from what is missing is left out. */
  readonly conditions: readonly Condition[]
  /** Each pass that they hold. One whose conditions all hold is enough, where those above hold too. */
  readonly passes: readonly PassChecked[]
  /** Standing rules and freezes. A standing rule that fits is enough, whatever pass there is. */
  readonly rules: readonly RuleChecked[]
  /** What they would get by asking for the tier that the request needs, with a good reason. */
  readonly asking: AskExplanation | undefined
  /** What the page gives them, or one as they mostly are would give. */
  readonly paging: PageExplanation | undefined
  /** What would have to change for it to be admitted. */
  readonly mends: readonly Mend[]
}

const nothing = {
  route: undefined,
  by: undefined,
  passes: [],
  rules: [],
  asking: undefined,
  paging: undefined,
}

/**
 * Why a request would be admitted or not, and what would have to change. The decision is the one of `decideRequest`
 * itself, after the two steps of the proxy that come before it: a path that reads one way, and a service that is known.
 */
export const explainRequest = (parsed: SoundRuleSet, question: Question): Explanation => {
  const { rules } = parsed
  const { method, now, viewAge = 0 } = question
  const who = supposedPerson(rules, question.who)
  const path = canonicalPath(question.path)
  const service = rules.services.get(question.service)
  const conditions = [
    condition(`${method} is forwarded`, method === 'WS' || forwardedMethods.has(method)),
    condition('the path can be read in one way only', path !== undefined),
    condition(`${question.service} is a service`, service !== undefined),
  ]
  const refused = (reason: Early): Explanation => {
    const hint = nearest(question.service, rules.services.keys())
    return {
      ...nothing,
      decision: { allow: false, reason },
      conditions,
      mends: mendsOfEarly(parsed, reason, question.service, hint),
    }
  }
  if (!conditions[0]?.held) return refused('method-not-allowed')
  if (path === undefined) return refused('target-not-canonical')
  if (service === undefined) return refused('service-unknown')

  const paging = explainPage(parsed, who, service, question.page ?? usualPage(service), now)
  const paged = question.page === undefined ? undefined : passOf(paging, now)
  const holds = [...(question.holds ?? []), ...(paged === undefined ? [] : [paged])]
  const grants = holds.map((held) => ('nonce' in held ? held : supposedGrant(rules, who, service, held, now)))
  const one: Case = { who, service, method, path, now, grants, viewAge }
  const decision = decideCase(rules, one)
  const places = placesOf(parsed)
  const found = service.routes.find(method, path)
  const tier = found?.tier
  const route =
    found === undefined || tier === undefined
      ? undefined
      : {
          tier: tier.name,
          pattern: found.pattern.text,
          where: places.pattern(service.name, tier.name, found.pattern.text),
        }
  const asking =
    tier === undefined
      ? undefined
      : explainAsk(parsed, who, { service: service.name, tier: tier.name, reason: enoughReason }, now)
  return {
    decision,
    route,
    by: decision.allow ? ruleOf(rules, one, decision) : freezeBehind(one, decision),
    conditions: [...conditions, ...conditionsOf(places, one, tier, route)],
    passes:
      tier === undefined
        ? []
        : heldIn(one).map((grant) => checkPass(rules, places, service, tier, who, grant, now)),
    rules: [
      ...checkStanding(rules, service, who, method, path, now),
      ...(tier === undefined ? [] : checkFreezes(service, tier.name, now)),
    ],
    asking,
    paging,
    mends: decision.allow
      ? []
      : mendsOfRequest(parsed, one, decision, asking, paging, question.page !== undefined),
  }
}

const freezeBehind = ({ service, now }: Case, { reason, needs }: Denied): Explanation['by'] =>
  reason === 'frozen' && needs !== undefined ? freezeOf(service, needs.name, now) : undefined

/** The pass that a page gives without anybody taking it. */
const passOf = ({ decision }: PageExplanation, now: number): SupposedPass | undefined => {
  if (!decision.give || decision.proposal.state !== 'active') return undefined
  const { tier, rule, duration } = decision.proposal
  return { kind: 'page', tier, rule, from: now, until: now + duration }
}

const conditionsOf = (
  places: Places,
  one: Case,
  tier: Tier | undefined,
  route: Explanation['route'],
): Condition[] => {
  const { who, service, method, path, now, viewAge } = one
  if (tier === undefined || route === undefined)
    return [
      condition(
        `a tier of ${service.name} has a pattern for ${method} ${path}`,
        false,
        places.tiers(service.name),
      ),
    ]
  const term = places.termOf(service.name, tier.name)
  return [
    condition(`${tier.name} allows ${route.pattern}`, true, route.where),
    condition(`${who.name} holds a pass for ${service.name}`, heldIn(one).length > 0),
    condition(
      `what is known of passes is no older than ${lengthText(tier.whenStale)}`,
      viewAge <= tier.whenStale,
      term('when_stale'),
    ),
    ...signInConditions(tier, who, now, term('sign_in')),
  ]
}
