import type { HeldGrant } from './held.ts'
import type { Claims, Proven } from './principal.ts'
import type { RuleSet, StandingRule } from './rule-set.ts'

const made = new WeakMap<StandingRule, Map<string, HeldGrant>>()

/**
 * What a standing rule gives somebody, in the shape of a grant that nobody signed: it exists in this process only, for as
 * long as the rule set does. One per rule and principal, so that what is open and used is kept under it.
 */
export const standingGrant = (rules: RuleSet, rule: StandingRule, who: Proven): HeldGrant => {
  const known = made.get(rule) ?? new Map<string, HeldGrant>()
  made.set(rule, known)
  const held = known.get(who.principal) ?? create(rules, rule, who)
  known.set(who.principal, held)
  return held
}

const create = (rules: RuleSet, rule: StandingRule, { issuer, subject }: Claims): HeldGrant => ({
  grant: {
    id: `${rule.id} ${subject}`,
    version: 1,
    environment: rules.environment,
    state: 'active',
    step: 'given',
    who: { issuer, subject, name: rule.from.kind === 'workload' ? rule.from.name : subject },
    services: [...rule.to],
    tier: rule.tier ?? rule.id,
    from: 0,
    until: Number.MAX_SAFE_INTEGER,
    duration: Number.MAX_SAFE_INTEGER,
    why: { kind: 'request', rule: rule.id },
    nonce: '',
    rules: rules.hash,
    at: 0,
  },
  statement: '',
  verified: true,
})

/** The tier that this gives. A standing rule with patterns of its own gives none, whatever it is called. */
export const tierGiven = (rules: RuleSet, held: HeldGrant): string | undefined => {
  const { tier, why } = held.grant
  return isStanding(held) ? rules.standing.find(({ id }) => id === why.rule)?.tier : tier
}

/** Whether this is no grant, but what a standing rule gives. */
export const isStanding = ({ statement }: HeldGrant): boolean => statement === ''
