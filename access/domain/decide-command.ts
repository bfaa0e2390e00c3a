import {
  type AccessDecision,
  approversFor,
  isShortEnough,
  type Refusal,
  saysEnough,
} from './decide-access.ts'
import { type Demand, isApproved } from './decide-approval.ts'
import type { Grant } from './grant.ts'
import { whyInactive } from './inactive.ts'
import { nearest } from './nearest.ts'
import { type Claims, type Person, type Principal, principalKey } from './principal.ts'
import type { Reason } from './reasons.ts'
import {
  belongsTo,
  fitsWhen,
  freezeOf,
  type RuleSet,
  requestRuleFor,
  requestRulesFor,
  type Service,
  tierOf,
} from './rule-set.ts'
import { scopeHash } from './scope.ts'
import type { Tier } from './tier.ts'

/** What the commander of an incident would have for somebody on one service. What is left out the rules fill in. */
export type CommandAsk = {
  readonly service: Service
  readonly tier?: string | undefined
  /** Milliseconds. */
  readonly duration?: number | undefined
  readonly reason?: string | undefined
}

/** Names, in a grant's `why`, what lets a commander add people. */
export const commandRule = 'incident_command'

/** Why somebody may not add people to an incident, by what the directory says of them now; undefined where they may. */
export const whyNoCommander = (rules: RuleSet, person: Person, now: number): Reason | undefined => {
  if (!person.active) return whyInactive(person)
  const { incidentCommand } = rules
  return incidentCommand !== undefined && belongsTo(rules, incidentCommand.who, person, now)
    ? undefined
    : 'not-commander'
}

/**
 * Decides on one person and one service that a commander names. The commander stands in for one of those who approve, up to
 * the tier that the rules say. Whatever else is demanded of whoever asks by hand is demanded here, but that the incident is
 * reason enough where any is: the rules must let the person have the tier now, by asking or when they are paged.
 */
export const decideCommand = (
  rules: RuleSet,
  commander: Principal,
  person: Person,
  { service, tier: named, duration: asked, reason }: CommandAsk,
  now: number,
): AccessDecision => {
  if (principalKey(commander) === principalKey(person)) return refuse('own-request')
  if (!person.active) return refuse(whyInactive(person))
  const tier = named === undefined ? service.tiers[0] : tierOf(service, named)
  if (tier === undefined) {
    const hint = nearest(
      named ?? '',
      service.tiers.map(({ name }) => name),
    )
    return refuse('tier-unknown', hint === undefined ? {} : { hint })
  }
  const facts = { tier: tier.name }
  // Nobody stands in for who has to sign in anew.
  if (!isWithinCap(rules, service, tier) || tier.approvals?.signIn !== undefined)
    return refuse('beyond-command', facts)
  const how = waysNow(rules, service, tier, person, now)
  if (how === undefined) return refuse('not-eligible', facts)
  const freeze = freezeOf(service, tier.name, now)
  if (freeze !== undefined)
    return refuse('frozen', { until: freeze.until, because: freeze.because, ...facts })
  const duration = asked ?? tier.usual
  if (!isShortEnough(tier, duration)) return refuse('duration-too-long', { longest: tier.longest, ...facts })
  if (tier.reason === 'ticket' && !saysEnough(tier, reason)) return refuse('ticket-needed', facts)
  const proposal = { service, tier: tier.name, duration, rule: commandRule }
  if (how === 'at once' || tier.approvals === undefined)
    return { give: true, proposal: { ...proposal, state: 'active' } }
  return {
    give: true,
    proposal: {
      ...proposal,
      state: tier.approvals.count > 1 ? 'pending' : 'active',
      ...(tier.approvals.count > 1 ? { approvers: approversFor(service, tier, now) } : {}),
    },
  }
}

const refuse = (reason: Reason, facts: Omit<Refusal, 'reason'> = {}): AccessDecision => ({
  give: false,
  refusal: { reason, ...facts },
})

/** Whether a commander may add people to this tier. A service that has no such tier as the cap has none for them. */
const isWithinCap = ({ incidentCommand }: RuleSet, service: Service, tier: Tier): boolean => {
  const cap = incidentCommand === undefined ? undefined : tierOf(service, incidentCommand.cap)
  return cap !== undefined && tier.rank <= cap.rank
}

/** How the rules would let somebody have a tier now; undefined where they would not. */
const waysNow = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  claims: Claims,
  now: number,
): 'at once' | 'approval' | undefined => {
  const asked = requestRuleFor(rules, service, tier.name, claims, now)?.how
  if (asked === 'at once' || (asked === 'approval' && tier.approvals !== undefined)) return asked
  return pagedFor(rules, service, tier, claims, now, now) ? 'approval' : undefined
}

/** Whether a page rule names somebody for exactly this tier, where `at` is given also at that hour. */
const pagedFor = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  claims: Claims,
  now: number,
  at?: number,
): boolean =>
  service.onPage.some(
    ({ give, who, when }) =>
      give === tier.name && belongsTo(rules, who, claims, now) && (at === undefined || fitsWhen(when, at)),
  )

/** Whether the rules may let somebody have a tier at all, at whatever hour. */
export const mayBeAdded = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  claims: Claims,
  now: number,
): boolean =>
  requestRulesFor(rules, service, tier.name, claims, now).some(
    ({ how }) => how === 'at once' || tier.approvals !== undefined,
  ) || pagedFor(rules, service, tier, claims, now)

/**
 * Whether a commander stands behind a grant: it carries the approval of whoever it names, who is not its holder, and who
 * belonged to those whom the rules let command.
 */
export const isCommanded = ({ incidentCommand }: RuleSet, grant: Grant): boolean => {
  const { why, who, approvals = [] } = grant
  if (why.kind !== 'command' || incidentCommand === undefined) return false
  const commander = principalKey(why.commander)
  return (
    commander !== principalKey(who) &&
    approvals.some(
      (approval) =>
        principalKey(approval) === commander &&
        approval.scope === scopeHash(grant) &&
        approval.teams.some((team) => incidentCommand.who.includes(team)),
    )
  )
}

/** In which way a grant that a commander gave goes beyond the rules on one service; undefined where it does not. */
export const whyBeyondCommand = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  who: Claims,
  grant: Grant,
  demand: Demand | undefined,
  now: number,
): 'length' | 'people' | 'approvals' | undefined => {
  if (grant.until - grant.from > tier.longest) return 'length'
  if (!mayBeAdded(rules, service, tier, who, now)) return 'people'
  if (!isWithinCap(rules, service, tier) || !isCommanded(rules, grant)) return 'approvals'
  const atOnce = requestRulesFor(rules, service, tier.name, who, now).some(({ how }) => how === 'at once')
  return isApproved(grant, atOnce || demand === undefined ? { count: 1 } : demand) ? undefined : 'approvals'
}
