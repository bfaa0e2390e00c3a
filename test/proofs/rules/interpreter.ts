import type { Grant } from '#access/domain/grant.ts'
import type { Incident, Paged } from '#access/domain/incident.ts'
import type { Claims, Person, Proven } from '#access/domain/principal.ts'
import { isMoment, msOf, perSecond, timeOf } from './measures.ts'
import { admits } from './pattern-model.ts'
import type {
  SaidApprovals,
  SaidFile,
  SaidFreeze,
  SaidPageRule,
  SaidRequestRule,
  SaidService,
  SaidTerms,
} from './said.ts'
import { overTerms, ownTerms } from './terms.ts'
import { fits } from './wall-clock.ts'

/*
 * The rule set's language, read by hand: from the words of the file to an answer, question by question, without
 * anything in between. It shares no code with access/, and knows no more than access/rules/README.md says.
 */

export type RequestQuestion = {
  readonly service: string
  readonly who: Proven
  readonly method: string
  readonly path: string
  readonly now: number
  readonly passes: readonly Grant[]
  readonly view: { readonly ready: boolean; readonly age: number }
}
export type AskQuestion = {
  readonly person: Person
  readonly ask: {
    readonly service: string
    readonly tier?: string
    readonly duration?: number
    readonly reason?: string
    readonly from?: number
  }
  readonly now: number
  readonly usualTier?: string
}
export type PageQuestion = {
  readonly service: string
  readonly incident: Incident
  readonly person: Person
  readonly paged: Paged
  readonly now: number
}

/** What comes out, in plain values that two sides can be compared by. */
export type Answer = { readonly [part: string]: unknown }

const hourMs = 3_600_000
const lateMs = 10 * 60_000
const leewayMs = 30_000

const tierNames = (file: SaidFile): string[] => Object.keys(file.tiers)

/** What is said of one tier of a service: first in common, then by its profile, then by itself. */
const sayings = (file: SaidFile, service: SaidService, tier: string) => {
  const profile = service.profile === undefined ? undefined : file.profiles?.[service.profile]
  return [profile?.tiers[tier], service.tiers?.[tier]]
}

const termsOf = (file: SaidFile, service: SaidService, tier: string): SaidTerms => {
  let terms: SaidTerms = { ...file.tiers[tier] }
  for (const said of sayings(file, service, tier)) terms = overTerms(terms, ownTerms(said))
  return terms
}

const patternsOf = (file: SaidFile, service: SaidService, tier: string): string[] =>
  sayings(file, service, tier).flatMap((said) => (Array.isArray(said) ? said : (said?.allow ?? [])))

const isListed = (list: string | readonly string[], name: string, service: SaidService): boolean =>
  [list]
    .flat()
    .some((one) =>
      one.startsWith('label:') ? service.labels?.includes(one.slice(6)) : one === '*' || one === name,
    )

/** The sets that a list names, on a service: `owners` are its owners. */
const setsIn = (list: readonly string[], service: SaidService): string[] => {
  const sets: string[] = []
  for (const one of list)
    for (const name of one === 'owners' ? service.owners : [one]) if (!sets.includes(name)) sets.push(name)
  return sets
}

const isInSet = (file: SaidFile, set: string, who: Claims, now: number): boolean => {
  const people = file.people[set]
  if (people === undefined || who.issuer !== file.identity.issuer) return false
  if (people.until !== undefined && !(now < timeOf(people.until, 'until'))) return false
  const shares = (some: readonly string[] = [], own: readonly string[] = []) =>
    some.some((one) => own.includes(one))
  return (
    shares(people.groups, who.groups) ||
    shares(people.roles, who.roles) ||
    shares(people.subjects, [who.subject])
  )
}

const isAmong = (
  file: SaidFile,
  list: readonly string[],
  service: SaidService,
  who: Claims,
  now: number,
): boolean => setsIn(list, service).some((set) => isInSet(file, set, who, now))

const freezeOn = (
  file: SaidFile,
  name: string,
  service: SaidService,
  tier: string,
  at: number,
): SaidFreeze | undefined =>
  (file.freeze ?? []).find(
    (freeze) =>
      isListed(freeze.services ?? ['*'], name, service) &&
      freeze.tiers.includes(tier) &&
      at >= timeOf(freeze.from, 'from') &&
      at < timeOf(freeze.until, 'until'),
  )

const ruleName = (section: string, index: number, name: string | undefined): string =>
  name ?? `${section}[${index}]`

type Asking = SaidRequestRule & { readonly id: string }

/** The rules for this person's asking for this tier, in their order, whatever the hour. */
const askingRules = (
  file: SaidFile,
  name: string,
  service: SaidService,
  tier: string,
  who: Claims,
  now: number,
): Asking[] =>
  (file.on_request ?? [])
    .map((rule, index) => ({ ...rule, id: ruleName('on_request', index, rule.name) }))
    .filter(
      (rule) =>
        isListed(rule.services ?? ['*'], name, service) &&
        rule.tiers.includes(tier) &&
        isAmong(file, rule.who, service, who, now),
    )
    // Approvals always win.
    .map((rule) => ({
      ...rule,
      how: termsOf(file, service, tier).approvals === undefined ? rule.how : 'approval',
    }))

/** Most approvals that can each stand for another team: every way of choosing is tried. */
const mostTeams = (people: readonly (readonly string[])[], taken: readonly string[] = []): number => {
  const [first, ...rest] = people
  if (first === undefined) return taken.length
  const ways = first.filter((team) => !taken.includes(team)).map((team) => mostTeams(rest, [...taken, team]))
  return Math.max(mostTeams(rest, taken), ...ways)
}

const isApprovedBy = (pass: Grant, demand: SaidApprovals, service: SaidService): boolean => {
  const key = ({ issuer, subject }: { issuer: string; subject: string }) => `${issuer} ${subject}`
  const latest: { [person: string]: readonly string[] } = {}
  for (const approval of pass.approvals ?? [])
    if (key(approval) !== key(pass.who)) latest[key(approval)] = approval.teams
  const named = setsIn(demand.from, service)
  const people = Object.values(latest).map((teams) => teams.filter((team) => named.includes(team)))
  const count =
    demand.distinct === 'teams' ? mostTeams(people) : people.filter((teams) => teams.length > 0).length
  return count >= (demand.count ?? 1)
}

/** The tier of a service that a pass opens; none where it opens none. */
const tierIn = ({ services, tier, also }: Grant, name: string): string =>
  services.includes(name) ? tier : (also?.find((one) => one.services.includes(name))?.tier ?? '')

/** Whether the file would let this person hold this pass; what was so only at the hour it was given counts no more. */
const mayHold = (
  file: SaidFile,
  name: string,
  service: SaidService,
  who: Claims,
  pass: Grant,
  now: number,
): boolean => {
  const tier = tierIn(pass, name)
  if (pass.environment !== file.environment || !tierNames(file).includes(tier)) return false
  const terms = termsOf(file, service, tier)
  const { approvals } = terms
  const lasts = pass.until - pass.from
  const ofPage = pass.why.kind === 'page'
  const isPaged = pass.services.includes(name)
  const pageGives = (isPaged ? [name] : pass.services).some((paged) => {
    const about = file.services[paged]
    return (file.on_page ?? []).some(
      (rule) =>
        about !== undefined &&
        isListed(rule.services, paged, about) &&
        rule.give === pass.tier &&
        (isPaged || rule.also?.some((one) => one.tier === tier && isListed(one.services, name, service))) &&
        lasts <= msOf(rule.cap ?? rule.for) &&
        isAmong(file, rule.who, about, who, now),
    )
  })
  if (ofPage && pageGives && approvals === undefined) return true
  if (lasts > msOf(terms.longest ?? '')) return false

  const asking = askingRules(file, name, service, tier, who, now)
  const always = asking.findIndex(({ when }) => when === undefined)
  const deciding = always === -1 ? asking : asking.slice(0, always + 1)
  if (approvals === undefined)
    return (
      deciding.some(({ how }) => how === 'at once') ||
      // A page in doubt, put before the owners.
      (ofPage && isApprovedBy(pass, { count: 1, from: service.owners }, service))
    )
  return (ofPage || deciding.length > 0) && isApprovedBy(pass, approvals, service)
}

/** A page that may be late, or one of many, but is in no other doubt; all else is as what was asked for. */
const isOfClearPage = ({ why }: Grant): boolean =>
  why.kind === 'page' && [undefined, 'page-late', 'page-too-often'].includes(why.doubt)

const isSignedIn = ({ sign_in }: SaidTerms, who: Proven, now: number): boolean => {
  if (sign_in?.acr !== undefined && who.acr !== sign_in.acr) return false
  if (sign_in?.max_age === undefined) return true
  const { signedInAt } = who
  if (signedInAt === undefined || signedInAt > now + leewayMs) return false
  return now - signedInAt <= msOf(sign_in.max_age)
}

const paceOf = ({ rate, burst }: SaidTerms) => {
  const fast = rate === undefined ? Number.POSITIVE_INFINITY : perSecond(rate)
  return { rate: String(fast), burst: String(burst ?? Math.max(1, fast)) }
}

const denied = (reason: string, needs?: string): Answer => ({ allow: false, reason, needs })

/** What the file says of one request. */
export const answerRequest = (file: SaidFile, question: RequestQuestion): Answer => {
  if (!isMoment(question.now)) return denied('view-missing')
  const byPass = answerByPass(file, question)
  if (byPass['allow'] === true) return byPass
  return answerByStanding(file, question) ?? byPass
}

const answerByPass = (
  file: SaidFile,
  { service: name, who, method, path, now, passes, view }: RequestQuestion,
): Answer => {
  const service = file.services[name] as SaidService
  if (!view.ready) return denied('view-missing')
  const names = tierNames(file)
  const tier = names.find((one) =>
    patternsOf(file, service, one).some((pattern) => admits(pattern, method, path)),
  )
  if (tier === undefined) return denied('tier-none')
  const terms = termsOf(file, service, tier)
  if (passes.length === 0) return denied('grant-missing', tier)
  if (!(view.age <= msOf(terms.when_stale ?? ''))) return denied('view-stale')

  const frozen = freezeOn(file, name, service, tier, now) !== undefined
  const now_ = passes.filter(({ state, from, until }) => state === 'active' && from <= now && now < until)
  const allowed = now_.filter((pass) => mayHold(file, name, service, who, pass, now))
  const reaching = allowed.filter((pass) => names.indexOf(tierIn(pass, name)) >= names.indexOf(tier))
  const counting = reaching.filter((pass) => !frozen || isOfClearPage(pass))
  const latest = Math.max(...counting.map(({ until }) => until))
  const best = counting.find(({ until }) => until === latest)
  if (best !== undefined) {
    if (!isSignedIn(terms, who, now)) return denied('sign-in-needed', tier)
    const pattern = patternsOf(file, service, tier).find((one) => admits(one, method, path))
    return { allow: true, by: best.id, tier, pattern, ...paceOf(terms) }
  }
  if (reaching.length > 0) return denied('frozen', tier)
  if (allowed.length > 0) return denied('tier-too-low', tier)
  return denied(now_.length > 0 ? 'grant-beyond-rules' : 'grant-missing', tier)
}

const answerByStanding = (
  file: SaidFile,
  { service: name, who, method, path, now }: RequestQuestion,
): Answer | undefined => {
  const service = file.services[name] as SaidService
  const names = tierNames(file)
  let refused: Answer | undefined
  for (const [index, rule] of (file.standing ?? []).entries()) {
    const workload = rule.from.startsWith('workload:') ? rule.from.slice(9) : undefined
    const isFor =
      workload === undefined
        ? isInSet(file, rule.from, who, now)
        : who.issuer === file.identity.issuer && file.workloads?.[workload]?.subjects.includes(who.subject)
    if (!isListed(rule.to, name, service) || isFor !== true) continue
    const id = ruleName('standing', index, rule.name)
    const by = `${id} ${who.subject}`
    const own = rule.allow?.find((pattern) => admits(pattern, method, path))
    if (own !== undefined) return { allow: true, by, tier: id, pattern: own, ...paceOf(rule) }
    if (rule.tier === undefined) continue
    const tier = names.find((one) =>
      patternsOf(file, service, one).some((pattern) => admits(pattern, method, path)),
    )
    if (tier === undefined || names.indexOf(tier) > names.indexOf(rule.tier)) continue
    const terms = termsOf(file, service, tier)
    if (isSignedIn(terms, who, now)) {
      const pattern = patternsOf(file, service, tier).find((one) => admits(one, method, path))
      return { allow: true, by, tier, pattern, ...paceOf(terms) }
    }
    refused = denied('sign-in-needed', tier)
  }
  return refused
}

const refusal = (reason: string, more: Answer = {}): Answer => ({ give: false, reason, ...more })

const approversOf = ({ from, count = 1, distinct }: SaidApprovals, service: SaidService): Answer => ({
  from: setsIn(from, service),
  count,
  distinct: distinct === 'teams',
})

/** CHG-123 or CHG0030192 among other words. */
const namesTicket = (reason: string): boolean => {
  const isDigit = (letter: string) => letter >= '0' && letter <= '9'
  const isCapital = (letter: string) => letter >= 'A' && letter <= 'Z'
  const isProject = (word: string) =>
    word.length >= 2 &&
    word.length <= 10 &&
    isCapital(word.charAt(0)) &&
    [...word].every((letter) => isCapital(letter) || isDigit(letter))
  const isNumber = (word: string, least: number) =>
    word.length >= least && word.length <= 12 && [...word].every(isDigit)
  const forms = ['CHG', 'INC', 'PRB', 'RITM', 'REQ', 'TASK']
  const words = reason.split(/[^A-Za-z0-9-]+/)
  return words.some((word) => {
    const parts = word.split('-')
    return parts.some((part, index) => {
      const next = parts[index + 1]
      if (next !== undefined && isProject(part) && isNumber(next, 2)) return true
      return forms.some((form) => part.startsWith(form) && isNumber(part.slice(form.length), 5))
    })
  })
}

/** What the file says of one asking. */
export const answerAsk = (file: SaidFile, { person, ask, now, usualTier }: AskQuestion): Answer => {
  if (!person.active) return refusal('person-inactive')
  const service = Object.hasOwn(file.services, ask.service) ? file.services[ask.service] : undefined
  if (service === undefined) return refusal('service-unknown')
  const tier = ask.tier ?? usualTier ?? tierNames(file)[0] ?? ''
  if (!tierNames(file).includes(tier)) return refusal('tier-unknown')
  const terms = termsOf(file, service, tier)
  const rule = askingRules(file, ask.service, service, tier, person, now).find(({ when }) => fits(when, now))
  if (rule === undefined) return refusal('not-eligible', { tier })
  const from = ask.from ?? now
  const ahead = rule.ahead === undefined ? 0 : msOf(rule.ahead)
  if (!isMoment(now) || !(from >= now && from - now <= ahead)) return refusal('too-far-ahead', { tier })
  const freeze = freezeOn(file, ask.service, service, tier, from)
  if (freeze !== undefined)
    return refusal('frozen', { tier, until: timeOf(freeze.until, 'until'), because: freeze.because })
  const longest = msOf(terms.longest ?? '')
  const usual = Math.min(terms.default === undefined ? hourMs : msOf(terms.default), longest)
  const duration = ask.duration ?? usual
  if (!(duration > 0 && duration <= longest)) return refusal('duration-too-long', { tier, longest })
  if (terms.reason === 'required' && ask.reason === undefined) return refusal('reason-needed', { tier })
  if (terms.reason === 'ticket' && !namesTicket(ask.reason ?? '')) return refusal('ticket-needed', { tier })
  if (rule.how === 'at once') return { give: true, state: 'active', tier, duration, rule: rule.id }
  if (terms.approvals === undefined) return refusal('not-eligible', { tier })
  const approvers = approversOf(terms.approvals, service)
  return { give: true, state: 'pending', tier, duration, rule: rule.id, approvers }
}

const isAbout = (rule: SaidPageRule, incident: Incident, { level, at }: Paged): boolean => {
  const { urgency = 'any', priority, levels } = rule
  if (urgency !== 'any' && urgency !== incident.urgency) return false
  if (priority !== undefined && (incident.priority === undefined || !priority.includes(incident.priority)))
    return false
  if (levels !== undefined && levels !== 'any') {
    const [low, high = low] = String(levels).split('-')
    if (level === undefined || !(level >= Number(low) && level <= Number(high))) return false
  }
  return fits(rule.when, at)
}

/** The tier of each other service that a page rule gives beside: the highest, and none that people approve. */
const besides = (file: SaidFile, { also }: SaidPageRule, paged: string): Answer | undefined => {
  const tiers: { [service: string]: string } = {}
  for (const tier of tierNames(file))
    for (const [name, service] of Object.entries(file.services)) {
      const given = also?.some((one) => one.tier === tier && isListed(one.services, name, service)) === true
      if (name !== paged && given && termsOf(file, service, tier).approvals === undefined) tiers[name] = tier
    }
  return Object.keys(tiers).length === 0 ? undefined : tiers
}

/** What the file says of one page. */
export const answerPage = (
  file: SaidFile,
  { service: name, incident, person, paged, now }: PageQuestion,
): Answer => {
  const service = file.services[name] as SaidService
  if (!person.active) return refusal('person-inactive')
  const about = (file.on_page ?? [])
    .map((rule, index) => ({ ...rule, id: ruleName('on_page', index, rule.name) }))
    .filter((rule) => isListed(rule.services, name, service) && isAbout(rule, incident, paged))
  const rule = about.find(({ who }) => isAmong(file, who, service, person, now))
  const page = rule ?? about[0]
  const tier = page?.give ?? tierNames(file)[0] ?? ''
  const terms = termsOf(file, service, tier)
  const longest = msOf(terms.longest ?? '')
  const usual = Math.min(terms.default === undefined ? hourMs : msOf(terms.default), longest)
  const duration = page === undefined ? usual : Math.min(msOf(page.for), longest)

  const user = person.pagerduty?.user
  const { trigger } = incident
  const bySelf =
    user !== undefined &&
    (incident.shapedBy.includes(user) || (trigger.kind === 'person' && trigger.user === user))
  const trusted = trigger.kind === 'integration' && (service.trusted_triggers ?? []).includes(trigger.id)
  const doubt =
    rule === undefined
      ? 'page-no-rule'
      : bySelf
        ? 'page-by-self'
        : !trusted
          ? 'page-untrusted'
          : terms.approvals !== undefined
            ? 'page-needs-approval'
            : undefined
  if (rule !== undefined && doubt === undefined) {
    const given = { tier, duration, rule: rule.id, also: besides(file, rule, name) }
    const acknowledged = incident.acknowledgedBy.includes(paged.user)
    if (rule.how === 'offer' || (rule.how === 'on acknowledge' && !acknowledged))
      return { give: true, state: 'offered', ...given }
    const inTime = isMoment(now) && isMoment(paged.at) && now - paged.at <= lateMs
    return inTime
      ? { give: true, state: 'active', ...given }
      : { give: true, state: 'offered', ...given, doubt: 'page-late' }
  }
  const asking = askingRules(file, name, service, tier, person, now).find(({ when }) => fits(when, now))
  const frozen = freezeOn(file, name, service, tier, now) !== undefined
  if (asking?.how === 'at once' && !frozen && terms.reason !== 'ticket')
    return { give: true, state: 'offered', tier, duration, rule: asking.id, doubt }
  const approvers =
    terms.approvals === undefined
      ? { from: service.owners, count: 1, distinct: false }
      : approversOf(terms.approvals, service)
  return { give: true, state: 'pending', tier, duration, rule: asking?.id ?? 'owners', doubt, approvers }
}
