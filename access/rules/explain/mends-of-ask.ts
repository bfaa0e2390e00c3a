import { type Ask, decideAsk, type Refusal } from '../../domain/decide-access.ts'
import { fitsWhen, freezeOf, requestRulesFor, type Service, tierOf } from '../../domain/rule-set.ts'
import type { Tier } from '../../domain/tier.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { lengthText, momentText, oneOf, setText, windowsText } from '../words.ts'
import { askCommand, enoughReason } from './ask-command.ts'
import { asOneOf, type Supposed } from './asker.ts'
import type { Mend } from './condition.ts'
import { placesOf } from './places.ts'

/** What would have to change so that somebody gets what they were refused. Each is enough by itself, or a first step. */
export const mendsOfAsk = (
  parsed: SoundRuleSet,
  who: Supposed,
  ask: Ask,
  now: number,
  { reason, hint, tier: refused }: Refusal,
): Mend[] => {
  if (reason === 'person-inactive')
    return [{ kind: 'account', say: `${who.name}’s account would have to be active` }]
  const service = parsed.rules.services.get(ask.service)
  if (service === undefined) return [unknownService(parsed, ask.service, hint)]
  const tier = tierOf(service, refused ?? '')
  if (tier === undefined)
    return [{ kind: 'request', say: `ask for ${oneOf(service.tiers.map(({ name }) => name))}` }]
  const term = placesOf(parsed).termOf(service.name, tier.name)
  switch (reason) {
    case 'not-eligible':
      return notEligible(parsed, who, service, tier, now)
    case 'frozen':
      return afterThaw(parsed, who, service, tier, ask.from ?? now)
    case 'too-far-ahead': {
      const [rule] = requestRulesFor(parsed.rules, service, tier.name, who, now)
      const ahead = rule === undefined || rule.ahead === 0 ? 'now' : `within ${lengthText(rule.ahead)}`
      return [{ kind: 'request', say: `let it begin ${ahead}`, ...(rule && { where: rule.where }) }]
    }
    case 'duration-too-long':
      return [{ kind: 'request', say: `ask for ${lengthText(tier.longest)} at most`, where: term('longest') }]
    case 'reason-needed':
    case 'ticket-needed':
      return [{ kind: 'request', say: `say why: ${askCommand(service.name, tier)}`, where: term('reason') }]
    default:
      return []
  }
}

export const unknownService = (parsed: SoundRuleSet, service: string, hint?: string): Mend => ({
  kind: 'request',
  say:
    hint === undefined
      ? `name a service; ${service} is none of the ${parsed.rules.services.size} here`
      : `name a service; did you mean ${hint}?`,
  where: placesOf(parsed).services(),
})

/** Wait until no freeze holds the tier any more. */
export const waitForThaw = (
  service: Service,
  tier: Tier,
  from: number,
): Extract<Mend, { readonly kind: 'wait' }> => {
  const first = freezeOf(service, tier.name, from)
  const until = thaw(service, tier, from)
  return {
    kind: 'wait',
    until,
    say: `wait until ${momentText(until)}: ${first?.because ?? 'frozen'}`,
    ...(first && { where: first.where }),
  }
}

/** The end of the freeze, where they may ask then, or in hours that come after it. */
const afterThaw = (
  parsed: SoundRuleSet,
  who: Supposed,
  service: Service,
  tier: Tier,
  from: number,
): Mend[] => {
  const wait = waitForThaw(service, tier, from)
  const leads =
    wouldGet(parsed, who, service, tier, wait.until) !== undefined ||
    waitForHours(parsed, who, service, tier, wait.until).length > 0
  return leads ? [wait] : notEligible(parsed, who, service, tier, from)
}

/** When no freeze holds the tier any more: one may follow on another. */
export const thaw = (service: Service, tier: Tier, from: number): number => {
  const freeze = freezeOf(service, tier.name, from)
  return freeze === undefined ? from : thaw(service, tier, freeze.until)
}

const notEligible = (
  parsed: SoundRuleSet,
  who: Supposed,
  service: Service,
  tier: Tier,
  now: number,
): Mend[] => {
  const { rules } = parsed
  const mends = [
    ...waitForHours(parsed, who, service, tier, now),
    ...belongToAsk(parsed, who, service, tier, now),
  ]
  if (mends.length > 0) return mends
  const fitting = requestRulesFor(rules, service, tier.name, who, now)
  if (fitting.length > 0 && tier.approvals === undefined)
    return [
      {
        kind: 'rules',
        say: `name who approves ${tier.name} on ${service.name}`,
        where: placesOf(parsed).termOf(service.name, tier.name)('approvals'),
      },
    ]
  return [
    {
      kind: 'rules',
      say: `no rule would let ${who.name} ask for ${tier.name} on ${service.name}; add one under on_request`,
      where: placesOf(parsed).onRequest(),
    },
  ]
}

/** Whether asking for a tier would lead to something at this moment, with a reason that is good enough. */
const wouldGet = (parsed: SoundRuleSet, who: Supposed, service: Service, tier: Tier, at: number) => {
  const decision = decideAsk(
    parsed.rules,
    who,
    { service: service.name, tier: tier.name, reason: enoughReason },
    at,
  )
  return decision.give ? decision.proposal : undefined
}

/** The sets of people that one would have to be in, by the rule that would then decide. */
const belongToAsk = (
  parsed: SoundRuleSet,
  who: Supposed,
  service: Service,
  tier: Tier,
  now: number,
): Mend[] => {
  const { rules } = parsed
  const at = thaw(service, tier, now)
  const sets = new Set(service.onRequest.flatMap((rule) => (rule.tiers.includes(tier.name) ? rule.who : [])))
  const byRule = new Map<string, string[]>()
  for (const set of sets) {
    const proposal = wouldGet(parsed, asOneOf(rules, who, set), service, tier, at)
    if (proposal !== undefined) byRule.set(proposal.rule, [...(byRule.get(proposal.rule) ?? []), set])
  }
  return [...byRule].map(([id, named]) => {
    const rule = service.onRequest.find((one) => one.id === id && one.tiers.includes(tier.name))
    return {
      kind: 'belong',
      sets: named,
      say: `be in ${oneOf(named.map((set) => setText(rules, set)))}`,
      next: `ask: ${askCommand(service.name, tier)}`,
      ...(rule && { where: rule.where }),
    }
  })
}

const minuteMs = 60_000
/** A weekly window opens within a week and a day, whatever its zone does to its clocks. */
const aheadMinutes = 8 * 24 * 60
/** Zones differ by quarters of an hour, and change their clocks at one, so windows open at these minutes or at none. */
const quarterMinutes = 15

/** Where a rule is for this person, and only the hour is wrong: when it is right. */
const waitForHours = (
  parsed: SoundRuleSet,
  who: Supposed,
  service: Service,
  tier: Tier,
  now: number,
): Mend[] => {
  const fitting = requestRulesFor(parsed.rules, service, tier.name, who, now)
  if (fitting.length === 0 || fitting.some(({ when }) => fitsWhen(when, now))) return []
  const windows = fitting.flatMap(({ when = [] }) => when)
  const quarters = new Set([0, ...windows.map(({ from }) => from % quarterMinutes)])
  const next = Math.floor(now / minuteMs) + 1
  for (let minute = next; minute < next + aheadMinutes; minute += 1) {
    if (!quarters.has(minute % quarterMinutes)) continue
    const at = minute * minuteMs
    const rule = fitting.find(({ when }) => fitsWhen(when, at))
    if (rule === undefined) continue
    if (wouldGet(parsed, who, service, tier, thaw(service, tier, at)) === undefined) continue
    return [
      {
        kind: 'wait',
        until: at,
        say: `wait until ${momentText(at)}: the rule is for ${windowsText(rule.when ?? [])}`,
        where: rule.where,
      },
    ]
  }
  return []
}
