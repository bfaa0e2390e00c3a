import type { Grant } from './grant.ts'
import { whyInactive } from './inactive.ts'
import { type Person, principalKey } from './principal.ts'
import type { Reason } from './reasons.ts'
import { type RuleSet, setsOf } from './rule-set.ts'

export type ApprovalDecision =
  | { readonly may: true; readonly completes: boolean; readonly teams: readonly string[] }
  | { readonly may: false; readonly reason: Reason }

/**
 * What it takes for something to be approved: so many people of the sets in `from`, perhaps each of another of them.
 * Where `from` is left out, whoever was let approve counts.
 */
export type Demand = {
  readonly count: number
  readonly distinct?: boolean | undefined
  readonly from?: readonly string[] | undefined
}

type Approval = NonNullable<Grant['approvals']>[number]

/**
 * Decides whether this person may approve or deny what is before others, by what the directory says of them now.
 * Nobody decides for themselves, whatever else they are.
 */
export const decideApproval = (
  rules: RuleSet,
  grant: Grant,
  person: Person,
  now: number,
): ApprovalDecision => {
  const { approvers, who, approvals = [] } = grant
  if (!person.active) return { may: false, reason: whyInactive(person) }
  if (principalKey(who) === principalKey(person)) return { may: false, reason: 'own-request' }
  const teams = approvers === undefined ? [] : setsOf(rules, approvers.from, person, now)
  if (approvers === undefined || teams.length === 0) return { may: false, reason: 'not-approver' }
  if (approvals.some((approval) => principalKey(approval) === principalKey(person)))
    return { may: false, reason: 'already-decided' }
  const { issuer, subject, name } = person
  const together = countsOf([...approvals, { issuer, subject, name, at: now, teams }], grant, approvers)
  if (together <= countsOf(approvals, grant, approvers)) return { may: false, reason: 'team-decided' }
  return { may: true, completes: together >= approvers.count, teams }
}

/** Whether the approvals that a grant carries are enough. Its own holder's never count. */
export const isApproved = (grant: Grant, demand: Demand): boolean =>
  countsOf(grant.approvals ?? [], grant, demand) >= demand.count

/** Whether these people together could give the approvals that are demanded. */
export const couldApprove = (
  rules: RuleSet,
  people: readonly Person[],
  demand: Demand & { readonly from: readonly string[] },
  now: number,
): boolean => {
  const teams = people
    .map((person) => setsOf(rules, demand.from, person, now))
    .filter(({ length }) => length > 0)
  return (demand.distinct === true ? differentTeams(teams) : teams.length) >= demand.count
}

const countsOf = (approvals: readonly Approval[], { who }: Grant, { distinct, from }: Demand): number => {
  const byOthers = new Map(
    approvals
      .filter((approval) => principalKey(approval) !== principalKey(who))
      .map(({ teams, ...by }) => [principalKey(by), teams]),
  )
  const people = [...byOthers.values()]
  const named =
    from === undefined ? people : people.map((teams) => teams.filter((team) => from.includes(team)))
  if (distinct === true) return differentTeams(named)
  return from === undefined ? people.length : named.filter((teams) => teams.length > 0).length
}

/**
 * How many of these people, each by the teams they belong to, can stand for another team (a maximum matching, by
 * augmenting paths).
 */
const differentTeams = (people: readonly (readonly string[])[]): number => {
  const standsFor = new Map<string, readonly string[]>()
  const place = (teams: readonly string[], tried: Set<string>): boolean => {
    for (const team of teams) {
      if (tried.has(team)) continue
      tried.add(team)
      const other = standsFor.get(team)
      if (other === undefined || place(other, tried)) {
        standsFor.set(team, teams)
        return true
      }
    }
    return false
  }
  return people.filter((teams) => place(teams, new Set())).length
}
