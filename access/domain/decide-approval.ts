import type { Grant } from './grant.ts'
import { whyInactive } from './inactive.ts'
import { type Person, principalKey } from './principal.ts'
import type { Reason } from './reasons.ts'
import { type RuleSet, setsOf } from './rule-set.ts'
import { scopeHash } from './scope.ts'
import { type SignInTerms, whyNoSignIn } from './sign-in.ts'

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
  /** These count, too, in what was approved from then on. */
  readonly escalate?: { readonly at: number; readonly to: readonly string[] } | undefined
  /** Each approval has to carry a sign-in like this. */
  readonly signIn?: DemandedSignIn | undefined
}

export type DemandedSignIn = SignInTerms & {
  readonly issuer: string
  readonly client: string
  /** The tokens whose signatures hold. */
  readonly proven: ReadonlySet<string>
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
  const teams = approvers === undefined ? [] : setsOf(rules, setsAt(approvers, now), person, now)
  if (approvers === undefined || teams.length === 0) return { may: false, reason: 'not-approver' }
  if (approvals.some((approval) => principalKey(approval) === principalKey(person)))
    return { may: false, reason: 'already-decided' }
  const { issuer, subject, name } = person
  const together = countsOf([...approvals, { issuer, subject, name, at: now, teams }], grant, approvers)
  if (together <= countsOf(approvals, grant, approvers)) return { may: false, reason: 'team-decided' }
  return { may: true, completes: together >= approvers.count, teams }
}

/** The sets of people who may decide at this moment. */
export const setsAt = (
  { from, escalate }: Pick<Demand, 'escalate'> & { readonly from: readonly string[] },
  now: number,
): readonly string[] =>
  escalate !== undefined && now >= escalate.at ? [...new Set([...from, ...escalate.to])] : from

/** Whether the approvals that a grant carries are enough. Its own holder's never count, nor those of anything else. */
export const isApproved = (grant: Grant, demand: Demand): boolean => {
  const { approvals = [] } = grant
  const { signIn } = demand
  if (signIn === undefined) return countsOf(approvals, grant, demand) >= demand.count
  const counting = approvals.filter((approval) => isBySignIn(approval, grant, signIn))
  return countsOf(counting, grant, demand) >= demand.count && beginsThen(grant, counting)
}

/** Whether it carries a sign-in of this very person for this very scope, as new and as strong as is demanded. */
const isBySignIn = (
  { issuer, subject, at, signIn: token }: Approval,
  grant: Grant,
  { proven, ...terms }: DemandedSignIn,
): boolean =>
  token !== undefined &&
  issuer === terms.issuer &&
  proven.has(token) &&
  whyNoSignIn(token, { ...terms, subject, at, nonce: scopeHash(grant) }) === undefined

/** Between an approval and the version that it makes. */
const writtenWithinMs = 60_000

/** What was approved begins when it was approved, or when that said: a sign-in is good for no other time. */
const beginsThen = ({ from, begins }: Grant, approvals: readonly Approval[]): boolean =>
  from <= Math.max(begins?.at ?? 0, ...approvals.map(({ at }) => at)) + writtenWithinMs

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

const countsOf = (approvals: readonly Approval[], grant: Grant, demand: Demand): number => {
  const { distinct, from, escalate } = demand
  const byCommander = commanderOf(grant)
  const byOthers = new Map(
    approvals
      .filter((approval) => principalKey(approval) !== principalKey(grant.who) && isOfScope(approval, grant))
      .map((approval) => [principalKey(approval), approval]),
  )
  // Who commands the incident stands in for one of those who approve, and never for two.
  const instead = byCommander !== undefined && byOthers.delete(byCommander) ? 1 : 0
  const given = [...byOthers.values()]
  const people = given.map(({ teams }) => teams)
  const named =
    from === undefined
      ? people
      : given.map(({ teams, at }) => teams.filter((team) => setsAt({ from, escalate }, at).includes(team)))
  if (distinct === true) return instead + differentTeams(named)
  return instead + (from === undefined ? people.length : named.filter((teams) => teams.length > 0).length)
}

const commanderOf = ({ why }: Grant): string | undefined =>
  why.kind === 'command' ? principalKey(why.commander) : undefined

/** What somebody was shown is what they approved. */
const isOfScope = ({ scope }: Approval, grant: Grant): boolean =>
  scope === undefined || scope === scopeHash(grant)

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
