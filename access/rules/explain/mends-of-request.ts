import { decideCommand } from '../../domain/decide-command.ts'
import { isSignedIn } from '../../domain/decide-request.ts'
import type { Denied } from '../../domain/decision.ts'
import { exactDuration } from '../../domain/duration.ts'
import { type Service, tierOf } from '../../domain/rule-set.ts'
import { forwardedMethods } from '../../domain/target.ts'
import type { Tier } from '../../domain/tier.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import { lengthText, momentText, oneOf, setText, signInText } from '../words.ts'
import { enoughReason } from './ask-command.ts'
import { asOneOf, type Supposed } from './asker.ts'
import { type Case, decideCase, heldIn, ruleOf } from './case.ts'
import type { Mend } from './condition.ts'
import type { AskExplanation } from './explain-ask.ts'
import type { PageExplanation } from './explain-page.ts'
import { unknownService, waitForThaw } from './mends-of-ask.ts'
import { placesOf } from './places.ts'
import { pageText } from './supposed-page.ts'

/** Why a proxy turns a request away before it looks at any rule. */
export type Early = 'method-not-allowed' | 'target-not-canonical' | 'service-unknown'

export const mendsOfEarly = (parsed: SoundRuleSet, reason: Early, service: string, hint?: string): Mend[] => {
  if (reason === 'service-unknown') return [unknownService(parsed, service, hint)]
  const say =
    reason === 'method-not-allowed'
      ? `use ${oneOf([...forwardedMethods])}, or WS for a WebSocket`
      : 'send a path that begins with / and every server reads alike: without //, /./, /../, ; and needless escapes'
  return [{ kind: 'request', say }]
}

/** What would have to change for a request to be admitted. Each is enough by itself, or a first step. */
export const mendsOfRequest = (
  parsed: SoundRuleSet,
  one: Case,
  { reason, needs }: Denied,
  asking: AskExplanation | undefined,
  paging: PageExplanation,
  isPaged: boolean,
): Mend[] => {
  const { service, method, path, now } = one
  const places = placesOf(parsed)
  const standing = belongDirectly(parsed, one)
  const without = method === 'WS' ? '; only a WS pattern admits an upgrade' : ''
  if (reason === 'view-stale') return [...standing, hearAgain(one)]
  if (reason === 'tier-none')
    return [
      ...standing,
      {
        kind: 'rules',
        say: `no tier has a pattern for ${method} ${path}; add one to a tier of ${service.name}${without}`,
        where: places.tiers(service.name),
      },
    ]
  if (needs === undefined) return standing
  const signIn = signInAgain(needs, one.who, now, places.termOf(service.name, needs.name)('sign_in'))
  if (reason === 'sign-in-needed') return signIn
  const paged = bePaged(service, needs, paging, isPaged)
  if (reason === 'frozen') return [...thawOrAsk(parsed, one, needs, asking), ...paged]
  // Who is let in at once by belonging somewhere need not ask.
  const direct = standing.flatMap((mend) => (mend.kind === 'belong' ? mend.sets : []))
  const asked = ask(needs, asking).filter(
    (mend) => mend.kind !== 'belong' || mend.sets.some((set) => !direct.includes(set)),
  )
  const ways = [...waitForPass(parsed, one), ...standing, ...asked, ...paged, ...beAdded(parsed, one, needs)]
  const stale = one.viewAge > needs.whenStale ? [hearAgain(one)] : []
  // These alone lead nowhere.
  return ways.some(({ kind }) => kind !== 'rules' && kind !== 'account')
    ? [...ways, ...signIn, ...stale]
    : ways
}

const hearAgain = ({ service, method, path }: Case): Mend => {
  const tier = service.routes.find(method, path)?.tier
  return {
    kind: 'hear',
    say: `the proxy would have to hear of changes again: ${tier?.name} closes ${lengthText(tier?.whenStale ?? 0)} after it last did`,
  }
}

const signInAgain = (tier: Tier, who: Supposed, now: number, where: string): Mend[] => {
  if (tier.signIn === undefined || isSignedIn(tier, who, now)) return []
  const { acr, maxAge } = tier.signIn
  return [
    {
      kind: 'sign in',
      say: `sign in ${signInText(tier.signIn)}`,
      where,
      ...(acr !== undefined && { acr }),
      ...(maxAge !== undefined && { maxAge }),
    },
  ]
}

/** The end of the freeze, where it lets in the pass that is held, or lets them ask; otherwise what lets them ask. */
const thawOrAsk = (
  { rules }: SoundRuleSet,
  one: Case,
  needs: Tier,
  asking: AskExplanation | undefined,
): Mend[] => {
  const wait = waitForThaw(one.service, needs, one.now)
  const holds = decideCase(rules, { ...one, now: wait.until }).allow
  return holds ? [wait] : ask(needs, asking)
}

/** A pass that is held already, and begins later. */
const waitForPass = ({ rules }: SoundRuleSet, one: Case): Mend[] => {
  const from = heldIn(one)
    .map((grant) => grant.from)
    .filter((at) => at > one.now && decideCase(rules, { ...one, now: at }).allow)
  const until = Math.min(...from)
  return from.length === 0
    ? []
    : [{ kind: 'wait', until, say: `wait until ${momentText(until)}, when the pass begins` }]
}

/** The sets of people whom what is there already, a standing rule or the pass that is held, would let in. */
const belongDirectly = ({ rules }: SoundRuleSet, one: Case): Mend[] => {
  const { service } = one
  const sets = new Set([
    ...service.standing.flatMap(({ from }) => (from.kind === 'people' ? [from.name] : [])),
    ...(heldIn(one).length === 0 ? [] : [...service.onRequest, ...service.onPage].flatMap(({ who }) => who)),
  ])
  const byRule = new Map<string, { readonly where: string; readonly sets: string[] }>()
  for (const set of sets) {
    const changed = { ...one, who: asOneOf(rules, one.who, set) }
    const rule = ruleOf(rules, changed, decideCase(rules, changed))
    if (rule === undefined) continue
    const group = byRule.get(rule.id) ?? { where: rule.where, sets: [] }
    group.sets.push(set)
    byRule.set(rule.id, group)
  }
  return [...byRule.values()].map(({ where, sets: named }) => ({
    kind: 'belong',
    sets: named,
    say: `be in ${oneOf(named.map((set) => setText(rules, set)))}`,
    where,
  }))
}

const ask = (needs: Tier, asking: AskExplanation | undefined): Mend[] => {
  if (asking === undefined) return []
  if (!asking.decision.give) return [...asking.mends]
  const { state, approvers } = asking.decision.proposal
  const rule = asking.rules.find(({ decides }) => decides)
  return [
    {
      kind: 'ask',
      tier: needs.name,
      state: state === 'pending' ? 'pending' : 'active',
      say: `ask: ${asking.command}`,
      ...(approvers && {
        next: `${approvers.count} of ${oneOf(approvers.from)} ${approvers.count === 1 ? 'has' : 'have'} to approve`,
      }),
      ...(rule && { where: rule.where }),
    },
  ]
}

/** The commander of an incident can add whom the rules let have the tier, and stands in for one who approves. */
const beAdded = ({ rules }: SoundRuleSet, { service, who, now }: Case, needs: Tier): Mend[] => {
  const sets = rules.incidentCommand?.who ?? []
  const commander = { issuer: who.issuer, subject: '' }
  const ask = { service, tier: needs.name, reason: enoughReason }
  const decision = decideCommand(rules, commander, who, ask, now)
  if (!decision.give) return []
  const { state, approvers } = decision.proposal
  const others = (approvers?.count ?? 1) - 1
  const say = `in an incident, have its commander (${oneOf(sets)}) add you to ${needs.name}`
  return [
    {
      kind: 'command',
      tier: needs.name,
      sets,
      say,
      ...(state === 'pending' && {
        next: `${others} more of ${oneOf(approvers?.from ?? [])} ${others === 1 ? 'has' : 'have'} to approve`,
      }),
    },
  ]
}

const bePaged = (
  service: Service,
  needs: Tier,
  { decision, page, rules }: PageExplanation,
  isPaged: boolean,
): Mend[] => {
  if (!decision.give || decision.proposal.state === 'pending') return []
  const { tier, duration, state } = decision.proposal
  if ((tierOf(service, tier)?.rank ?? -1) < needs.rank) return []
  const rule = rules.find(({ decides }) => decides)
  const gets = `${tier} for ${exactDuration(duration)}`
  // What a page gives by itself is held already.
  if (isPaged && state === 'active') return []
  const say = isPaged
    ? `take what this page offers: ${gets}`
    : `be paged (${pageText(page)}): that ${state === 'active' ? 'gives' : 'offers'} ${gets}`
  return [
    {
      kind: 'page',
      tier,
      say,
      ...(rule && { where: rule.where }),
    },
  ]
}
