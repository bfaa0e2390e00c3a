import { isShort, isWithin } from './break-glass/limits.ts'
import { isGlassSignedIn } from './break-glass/sign-in.ts'
import { type Demand, isApproved } from './decide-approval.ts'
import { whyBeyondCommand } from './decide-command.ts'
import type { Decision, Denied } from './decision.ts'
import { type Grant, signInsOf } from './grant.ts'
import type { Held, HeldCheck, HeldGrant, Usable } from './held.ts'
import { isMoment } from './moment.ts'
import { isByPageRule } from './page-rule.ts'
import type { Pattern } from './path-pattern.ts'
import type { Claims, Proven } from './principal.ts'
import { givesBeside, tierFor } from './reach.ts'
import {
  belongsTo,
  freezeOf,
  isFrom,
  nextEndOf,
  type PageRule,
  type RuleSet,
  requestRulesFor,
  type Service,
  type StandingRule,
  tierOf,
} from './rule-set.ts'
import { standingGrant } from './standing-grant.ts'
import type { Approvals, Tier } from './tier.ts'
import type { View } from './view.ts'

export type DecisionRequest = {
  readonly who: Proven
  readonly service: Service
  /** `WS` for an upgrade. */
  readonly method: string
  /** The exact bytes that go upstream, without the query. */
  readonly path: string
}

/** What of a view decides. */
export type DecidingView = Pick<View, 'ready' | 'age' | 'heldBy' | 'isLocked' | 'confirmedUntil'>

/**
 * The one decision on a request. Pure: the same for the proxy, for `rules explain`, for tests and for replay. Nothing
 * admits a locked principal. A grant admits a request, or a standing rule; the last line denies.
 */
export const decideRequest = (
  rules: RuleSet,
  view: DecidingView,
  request: DecisionRequest,
  now: number,
): Decision => {
  if (view.isLocked(request.who.principal)) return { allow: false, reason: 'principal-locked' }
  if (!isMoment(now)) return { allow: false, reason: 'view-missing' }
  const byGrant = decideByGrants(rules, view, request, now)
  if (byGrant.allow) return byGrant
  return decideByStanding(rules, request, now) ?? byGrant
}

/** The request counts under the lowest tier that admits it: that tier's rate, staleness and sign-in apply. */
const decideByGrants = (
  rules: RuleSet,
  view: DecidingView,
  { who, service, method, path }: DecisionRequest,
  now: number,
): Decision => {
  if (!view.ready()) return { allow: false, reason: 'view-missing' }
  const held = view.heldBy(service.name, who.principal)
  const route = service.routes.find(method, path)
  if (route === undefined) return { allow: false, reason: 'tier-none', ...nearestOf(held, now) }
  const { tier } = route
  if (held === undefined) return { allow: false, reason: 'grant-missing', needs: tier }
  if (!(view.age(now) <= tier.whenStale))
    return { allow: false, reason: 'view-stale', ...nearestOf(held, now) }

  const { usable, beyond, unproven } = checkOf(rules, view, service, who, held, now)
  const frozen = service.freezes.length > 0 && freezeOf(service, tier.name, now) !== undefined
  let low: Usable | undefined
  let stopped: Usable | undefined
  let unconfirmed: Usable | undefined
  for (const one of usable) {
    if (one.rank < route.rank) {
      if (one.unconfirmed !== undefined && one.unconfirmed >= route.rank) unconfirmed ??= one
      if (low === undefined || one.rank > low.rank) low = one
    } else if (frozen && one.isFreezable) stopped ??= one
    else
      return isSignedIn(tier, who, now)
        ? { allow: true, service, held: one.held, tier, pattern: route.pattern }
        : { allow: false, reason: 'sign-in-needed', needs: tier, held: one.held }
  }
  const more = unproven.length === 0 ? {} : { unproven }
  if (stopped !== undefined)
    return { allow: false, reason: 'frozen', needs: tier, held: stopped.held, ...more }
  if (unconfirmed !== undefined)
    return { allow: false, reason: 'page-unconfirmed', needs: tier, held: unconfirmed.held, ...more }
  if (low !== undefined) return { allow: false, reason: 'tier-too-low', needs: tier, held: low.held, ...more }
  return { allow: false, reason: beyond ? 'grant-beyond-rules' : 'grant-missing', needs: tier, ...more }
}

/** What holds for every request of a token under what it holds, found out once. */
const checkOf = (
  rules: RuleSet,
  view: DecidingView,
  service: Service,
  who: Proven,
  held: Held,
  now: number,
): HeldCheck => {
  const { check } = held
  return check !== undefined &&
    check.who === who &&
    check.service === service &&
    now >= check.from &&
    now < check.until &&
    check.unproven.every(({ signIns }) => signIns === undefined)
    ? check
    : findOut(rules, view, service, who, held, now)
}

/** PagerDuty's word on a page's pass may come, or change, any moment: it is asked for once a second at most. */
const lookAgainMs = 1_000

const findOut = (
  rules: RuleSet,
  view: DecidingView,
  service: Service,
  who: Proven,
  held: Held,
  now: number,
): HeldCheck => {
  const running = held.grants.filter(({ grant }) => isRunning(grant, now))
  const usable = running
    .flatMap((one): Usable[] => {
      const name = tierFor(one.grant, service.name)
      const tier = name === undefined ? undefined : tierOf(service, name)
      if (tier === undefined || !mayHold(rules, service, tier, who, one.grant, now, one.signIns)) return []
      const known = { held: one, isFreezable: isFreezable(one.grant) }
      return now < view.confirmedUntil(one.grant)
        ? [{ ...known, rank: tier.rank }]
        : [{ ...known, rank: lowestRank(service), unconfirmed: tier.rank }]
    })
    .sort((a, b) => b.held.grant.until - a.held.grant.until)
  const edges = held.grants.flatMap(({ grant }) => {
    const confirmed = view.confirmedUntil(grant)
    const word = confirmed < Number.POSITIVE_INFINITY ? [confirmed, now + lookAgainMs] : []
    return [grant.from, grant.until, ...word]
  })
  const check = {
    service,
    who,
    usable,
    beyond: usable.length < running.length,
    unproven: running.filter((one) => one.signIns === undefined && carriesSignIn(one.grant)),
    from: now,
    until: Math.min(nextEndOf(rules, now), ...edges.filter((edge) => edge > now)),
  }
  held.check = check
  return check
}

const lowestRank = ({ tiers }: Service): number => Math.min(...tiers.map(({ rank }) => rank))

/** Whether a grant is access at this moment. */
export const isRunning = ({ state, from, until }: Grant, now: number): boolean =>
  state === 'active' && now >= from && now < until

const carriesSignIn = (grant: Grant): boolean => signInsOf(grant).length > 0

/** Whether a freeze stops it: what a page rule gave goes on, and what broke the glass. */
export const isFreezable = (grant: Grant): boolean => !isByPageRule(grant) && grant.why.kind !== 'break-glass'

/** What a standing rule says of this request: undefined where none is for it. */
const decideByStanding = (
  rules: RuleSet,
  { who, service, method, path }: DecisionRequest,
  now: number,
): Decision | undefined => {
  let refused: Denied | undefined
  for (const rule of service.standing) {
    if (!isFrom(rules, rule, who, now)) continue
    const admitted = admittedBy(rule, service, method, path)
    if (admitted === undefined) continue
    const { tier, pattern } = admitted
    if (isSignedIn(tier, who, now))
      return { allow: true, service, held: standingGrant(rules, rule, who), tier, pattern }
    refused = { allow: false, reason: 'sign-in-needed', needs: tier }
  }
  return refused
}

/** What a standing rule admits a request by, and the tier whose terms it counts under. */
export const admittedBy = (
  rule: StandingRule,
  service: Service,
  method: string,
  path: string,
): { readonly tier: Tier; readonly pattern: Pattern } | undefined => {
  if (rule.allow !== undefined) {
    const route = rule.allow.routes.find(method, path)
    return route === undefined ? undefined : { tier: rule.allow.terms, pattern: route.pattern }
  }
  const route = service.routes.find(method, path)
  const highest = rule.tier === undefined ? undefined : tierOf(service, rule.tier)
  return route === undefined || highest === undefined || route.tier.rank > highest.rank ? undefined : route
}

/** Whether the sign-in behind the token is as strong and as new as the tier demands. What it does not say fails. */
export const isSignedIn = (tier: Tier, who: Proven, now: number): boolean =>
  tier.signIn === undefined || (isStrongEnough(tier, who) && isNewEnough(tier, who, now))

export const isStrongEnough = ({ signIn }: Tier, { acr }: Proven): boolean =>
  signIn?.acr === undefined || acr === signIn.acr

/** How far the identity provider's clock may be ahead (milliseconds), as for the times of its tokens. */
const leewayMs = 30_000

export const isNewEnough = ({ signIn }: Tier, { signedInAt }: Proven, now: number): boolean => {
  if (signIn?.maxAge === undefined) return true
  return signedInAt !== undefined && now - signedInAt <= signIn.maxAge && signedInAt - now <= leewayMs
}

const nearestOf = (held: Held | undefined, now: number): { readonly held?: HeldGrant } => {
  const live = held?.grants.find(({ grant }) => now >= grant.from && now < grant.until)
  return live === undefined ? {} : { held: live }
}

/**
 * Checks a grant against this process's own rule set, so that whoever could issue grants still could not give more than
 * the rules say: somebody like this must be allowed this tier for this long, and approvals must be there where the rules
 * demand them. What was so only at the hour when it was given (time windows, urgency, levels) is not looked at again.
 */
export const mayHold = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  who: Claims,
  grant: Grant,
  now: number,
  proven?: ProvenSignIns,
): boolean => whyBeyond(rules, service, tier, who, grant, now, proven) === undefined

/** The page rules that may have given it: of what it opens beside, those of the services that it is about. */
const pageRulesFor = (rules: RuleSet, service: Service, tier: Tier, grant: Grant): readonly PageRule[] =>
  grant.services.includes(service.name)
    ? service.onPage.filter(({ give }) => give === tier.name)
    : grant.services.flatMap((name) =>
        (rules.services.get(name)?.onPage ?? []).filter(
          (rule) => rule.give === grant.tier && givesBeside(rule, service, tier.name),
        ),
      )

/** What a tier demands of this grant: others approve, too, where it was put before them. */
const demandOf = (
  { identity: { issuer, client } }: RuleSet,
  { escalate, signIn, ...demand }: Approvals,
  { approvers }: Grant,
  proven: ProvenSignIns,
): Demand => ({
  ...demand,
  ...(escalate === undefined || approvers?.escalate === undefined
    ? {}
    : { escalate: { at: approvers.escalate.at, to: escalate.to } }),
  ...(signIn === undefined || proven === 'by others'
    ? {}
    : { signIn: { ...signIn, issuer, client, proven } }),
})

/** The sign-ins in a grant whose signatures hold. `by others`: whoever uses the grant looks at them, not who asks this. */
export type ProvenSignIns = ReadonlySet<string> | 'by others'
const nothingProven: ReadonlySet<string> = new Set()

/** In which way a grant goes beyond the rules; undefined where it does not. */
export type Beyond = 'environment' | 'length' | 'people' | 'approvals'

export const whyBeyond = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  who: Claims,
  grant: Grant,
  now: number,
  proven: ProvenSignIns = nothingProven,
): Beyond | undefined => {
  if (grant.environment !== rules.environment) return 'environment'
  if (grant.why.kind === 'command') {
    const demand = tier.approvals === undefined ? undefined : demandOf(rules, tier.approvals, grant, proven)
    return whyBeyondCommand(rules, service, tier, who, grant, demand, now)
  }
  if (grant.why.kind === 'break-glass') return whyBeyondGlass(rules, service, tier, who, grant, proven, now)
  const lasts = grant.until - grant.from
  const paged = grant.why.kind === 'page'
  if (tier.approvals === undefined) {
    const byPage = pageRulesFor(rules, service, tier, grant).some(
      ({ cap, who: named }) => lasts <= cap && belongsTo(rules, named, who, now),
    )
    if (paged && byPage) return undefined
  }
  if (lasts > tier.longest) return 'length'
  const asked = requestRulesFor(rules, service, tier.name, who, now)
  if (asked.some(({ how }) => how === 'at once')) return undefined
  if (tier.approvals === undefined)
    return paged && isApproved(grant, { count: 1, from: service.owners }) ? undefined : 'people'
  if (!paged && !asked.some(({ how }) => how === 'approval')) return 'people'
  return isApproved(grant, demandOf(rules, tier.approvals, grant, proven)) ? undefined : 'approvals'
}

/** A break-glass pass needs nobody's approval, and a fresh sign-in that this process has verified. */
const whyBeyondGlass = (
  rules: RuleSet,
  service: Service,
  tier: Tier,
  who: Claims,
  grant: Grant,
  proven: ProvenSignIns,
  now: number,
): Beyond | undefined => {
  const { breakGlass } = rules
  if (breakGlass === undefined || !belongsTo(rules, breakGlass.who, who, now)) return 'people'
  if (!grant.services.includes(service.name) || !isWithin(service, tier, breakGlass)) return 'people'
  const lasts = grant.until - grant.from
  if (!isShort(grant, breakGlass) || lasts > grant.duration || grant.extended !== undefined) return 'length'
  return proven === 'by others' || isGlassSignedIn(rules, tier, grant, proven) ? undefined : 'approvals'
}
