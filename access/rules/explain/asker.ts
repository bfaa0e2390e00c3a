import { type Claims, type Person, type Proven, principalKey } from '../../domain/principal.ts'
import type { RuleSet } from '../../domain/rule-set.ts'

/** Somebody as a token and the directory would show them. What is left out is as good as it can be. */
export type Asker = {
  readonly subject: string
  readonly name?: string
  readonly groups: readonly string[]
  readonly roles?: readonly string[]
  readonly acr?: string
  /** Milliseconds since the epoch. */
  readonly signedInAt?: number
  readonly active?: boolean
}

/** The PagerDuty user that pages are supposed to reach. */
const pagerdutyUser = 'SUPPOSED'

export type Supposed = Person & Proven

/** The person in every shape that decisions take. */
export const supposedPerson = (rules: RuleSet, asker: Asker): Supposed => {
  const { subject, name = subject, groups, roles = [] } = asker
  const { issuer } = rules.identity
  return {
    issuer,
    subject,
    name,
    groups,
    roles,
    principal: principalKey({ issuer, subject }),
    acr: asker.acr,
    signedInAt: asker.signedInAt,
    active: asker.active ?? true,
    pagerduty: { account: 'supposed', user: pagerdutyUser },
  }
}

/** The same claims, belonging to one more set of people, by the first thing that makes somebody one of them. */
export const asOneOf = <Who extends Claims>(rules: RuleSet, who: Who, set: string): Who => {
  const people = rules.people.get(set)
  const [group] = people?.groups ?? []
  const [role] = people?.roles ?? []
  const [subject] = people?.subjects ?? []
  if (group !== undefined) return { ...who, groups: [...who.groups, group] }
  if (role !== undefined) return { ...who, roles: [...(who.roles ?? []), role] }
  return subject === undefined ? who : { ...who, issuer: rules.identity.issuer, subject }
}
