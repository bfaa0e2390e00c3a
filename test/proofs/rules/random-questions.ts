import { doubts, type Grant } from '#access/domain/grant.ts'
import type { Incident, Paged } from '#access/domain/incident.ts'
import type { Person } from '#access/domain/principal.ts'
import type { AskQuestion, PageQuestion, RequestQuestion } from './interpreter.ts'
import { isMoment, msOf, timeOf } from './measures.ts'
import type { Random } from './random.ts'
import { acrs, groups, integrations, issuer, priorities, roles, subjects } from './random-rule-set.ts'
import type { SaidFile, SaidTerms, SaidWhen } from './said.ts'
import { aheadOf, changesOf } from './wall-clock.ts'

const minute = 60_000
const day = 1_440 * minute

/** What questions about a rule set aim at. */
export type Aims = {
  readonly file: SaidFile
  readonly services: readonly string[]
  readonly tiers: readonly string[]
  /** Moments at which something begins or ends. */
  readonly moments: readonly number[]
  /** When sets of people end. */
  readonly ends: readonly number[]
  readonly patterns: readonly string[]
  readonly patternsOf: Readonly<Record<string, readonly string[]>>
  /** Lengths (milliseconds) that something allows. */
  readonly lengths: readonly number[]
  readonly stale: readonly number[]
  readonly ahead: readonly number[]
}

/** Where each edge of what a rule set says lies. */
export const aimsOf = (file: SaidFile): Aims => {
  const services = Object.values(file.services)
  const profiles = Object.values(file.profiles ?? {})
  const said = [...profiles.map(({ tiers }) => tiers), ...services.map(({ tiers = {} }) => tiers)]
  const own = said.flatMap((tiers) => Object.values(tiers))
  const terms: SaidTerms[] = [...Object.values(file.tiers)]
  for (const one of own) if (!Array.isArray(one)) terms.push(one)
  const windows = [...(file.on_page ?? []), ...(file.on_request ?? [])].map(({ when }) => when)
  const lengths = [
    ...terms.flatMap(({ longest, default: usual, sign_in }) => [longest, usual, sign_in?.max_age]),
    ...(file.on_page ?? []).flatMap(({ for: lasts, cap }) => [lasts, cap]),
  ]
  const ends = Object.values(file.people).flatMap(({ until }) =>
    until === undefined ? [] : [timeOf(until, 'until')],
  )
  const text = (value: string | undefined): value is string => value !== undefined
  return {
    file,
    services: Object.keys(file.services),
    tiers: Object.keys(file.tiers),
    ends,
    moments: [
      ...(file.freeze ?? []).flatMap(({ from, until }) => [timeOf(from, 'from'), timeOf(until, 'until')]),
      ...ends,
      ...windows.flatMap(edgesOf),
      Date.UTC(2026, 0, 15, 12),
      Date.UTC(2026, 6, 4, 3),
    ],
    patterns: [
      ...own.flatMap((one) => (Array.isArray(one) ? one : (one.allow ?? []))),
      ...(file.standing ?? []).flatMap(({ allow = [] }) => allow),
    ],
    patternsOf: Object.fromEntries(
      Object.entries(file.services).map(([name, { tiers = {}, profile }]) => [
        name,
        [tiers, profile === undefined ? {} : (file.profiles?.[profile]?.tiers ?? {})]
          .flatMap((some) => Object.values(some))
          .flatMap((one) => (Array.isArray(one) ? one : (one.allow ?? []))),
      ]),
    ),
    lengths: [3_600_000, ...lengths.filter(text).map(msOf)],
    stale: terms.flatMap(({ when_stale }) => (when_stale === undefined ? [] : [msOf(when_stale)])),
    ahead: (file.on_request ?? []).flatMap(({ ahead }) => (ahead === undefined ? [] : [msOf(ahead)])),
  }
}

/** The edges of windows in the weeks in which clocks change, and the changes. */
const edgesOf = (when: SaidWhen | undefined): number[] =>
  when === undefined
    ? []
    : [when].flat().flatMap(({ hours, zone }) => {
        const { begins, ends } = changesOf(zone, 2026)
        const weeks = begins === 0 ? [Date.UTC(2026, 5, 10)] : [begins, ends]
        return weeks.flatMap((week) => {
          const edges = hours.split('-').flatMap((time) => {
            const [hour, minutes] = time.split(':').map(Number) as [number, number]
            return [-2, -1, 0, 1].flatMap((days) => {
              const wall = Math.floor(week / day) * day + days * day + (hour * 60 + minutes) * minute
              const at = wall - aheadOf(zone, wall) * minute
              return [at, wall - aheadOf(zone, at) * minute]
            })
          })
          return [...edges, week]
        })
      })

/** Clocks that show nothing. */
const noMoments = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  -day,
  9_000_000_000_000_000,
]

const momentOf = ({ pick, chance, whole }: Random, { moments }: Aims): number => {
  if (chance(0.01)) return pick(noMoments)
  const at = pick(moments)
  return chance(0.7) ? at + pick([-1, 0, 0, 1]) : at + whole(-3 * day, 3 * day)
}

const near = ({ pick }: Random, lengths: readonly number[]): number => pick(lengths) + pick([-1, 0, 0, 1])

/** Somebody of anywhere, or of a set that these rules name. */
const whoOf = (random: Random, { file }: Aims, rules: readonly { readonly who: readonly string[] }[]) => {
  const { pick, some, chance } = random
  const anybody = {
    issuer: chance(0.03) ? 'https://other.example.com' : issuer,
    subject: pick([...subjects, 'dan']),
    groups: chance(0.05) ? [] : some(groups, 0, 2),
    ...(chance(0.4) ? { roles: some(roles, 0, 2) } : {}),
  }
  const meant = rules.length > 0 && chance(0.6) ? pick(pick(rules).who) : undefined
  const set = file.people[meant ?? '']
  if (set === undefined) return anybody
  const [way, members] = pick(Object.entries(set).filter(([, some]) => Array.isArray(some))) as [
    string,
    string[],
  ]
  const one = pick(members)
  if (way === 'subjects') return { ...anybody, subject: one }
  return {
    ...anybody,
    [way]: chance(0.5) ? [one] : some([one, ...(way === 'groups' ? groups : roles)], 1, 2),
  }
}

const personOf = (
  random: Random,
  aims: Aims,
  rules: readonly { readonly who: readonly string[] }[],
): Person => {
  const { chance, pick } = random
  return {
    ...whoOf(random, aims, rules),
    name: 'Somebody',
    active: !chance(0.04),
    ...(chance(0.8) ? { pagerduty: { account: 'test', user: pick(['PU1', 'PU2']) } } : {}),
  }
}

const tierOf = ({ pick, chance }: Random, { tiers }: Aims): string =>
  chance(0.03) ? pick(['root', '', 'constructor', 'Observe']) : pick(tiers)

export const randomAsk = (random: Random, aims: Aims): AskQuestion => {
  const { chance, pick } = random
  const now = momentOf(random, aims)
  const later = aims.ahead.length > 0 && chance(0.5) ? near(random, aims.ahead) : pick([-1, 0, 1])
  const reasons = [
    'because',
    'see CHG-123',
    'CHG0030192',
    'chg-1',
    'A-1',
    'ÄCHG-12',
    'xCHG-12',
    'CHG-12b',
    'Q1-',
    'AB1-2-3',
    'ABCDEFGHIJK-1',
    'ABCDEFGHIJ-1',
    'B2B',
    'B22',
    '',
    'CHG--1',
    'CHG-1234567890123',
    '(OPS-7)',
    '(OPS-17)',
    'CHG00301',
    'CHG0030',
    'xINC00301',
    'RITM0030192b',
    'UTF-8',
    'CHG-1234567890',
  ]
  return {
    person: personOf(random, aims, aims.file.on_request ?? []),
    ask: {
      service: chance(0.03) ? pick(['other', '', '__proto__']) : pick(aims.services),
      ...(chance(0.8) ? { tier: tierOf(random, aims) } : {}),
      ...(chance(0.6)
        ? { duration: chance(0.05) ? pick([0, -1, Number.NaN, 1e300]) : near(random, aims.lengths) }
        : {}),
      ...(chance(0.7) ? { reason: pick(reasons) } : {}),
      ...(chance(0.4) ? { from: chance(0.3) ? momentOf(random, aims) : now + later } : {}),
    },
    now,
    ...(chance(0.3) ? { usualTier: tierOf(random, aims) } : {}),
  }
}

export const randomPage = (random: Random, aims: Aims): PageQuestion => {
  const { chance, pick, some } = random
  const users = ['PU1', 'PU2']
  const at = momentOf(random, aims)
  const rules = aims.file.on_page ?? []
  /** What the page is aimed at; its edges are met as often as not. */
  const rule = rules.length > 0 && chance(0.6) ? pick(rules) : undefined
  const edges = String(rule?.levels ?? 'any')
    .replace('any', '1-2')
    .split('-')
    .map(Number)
  const urgency = rule?.urgency
  const paged: Paged = {
    user: pick(users),
    name: 'Somebody',
    at,
    ...(chance(0.75) ? { level: chance(0.6) ? pick(edges) + pick([0, 0, 0, 1, -1]) : pick([1, 2, 3]) } : {}),
  }
  const trigger = (): Incident['trigger'] => {
    if (chance(0.75)) return { kind: 'integration', id: pick(integrations) }
    return chance(0.5) ? { kind: 'person', user: pick(users) } : { kind: 'unknown' }
  }
  return {
    service: pick(aims.services),
    person: personOf(random, aims, rule === undefined ? rules : [rule]),
    paged,
    incident: {
      id: 'Q1',
      number: 1,
      title: 'stuck',
      status: 'triggered',
      urgency: urgency === undefined || urgency === 'any' || chance(0.2) ? pick(['high', 'low']) : urgency,
      ...(chance(0.7) ? { priority: pick([...priorities, 'P3', 'p1']) } : {}),
      service: 'PSERVICE',
      paged: [paged],
      acknowledgedBy: some(users, 0),
      trigger: trigger(),
      shapedBy: chance(0.2) ? some(users, 0) : [],
    },
    now:
      isMoment(at) && chance(0.7)
        ? at + pick([0, 0, 1_000, 599_999, 600_000, 600_001, -1])
        : momentOf(random, aims),
  }
}

export const randomRequest = (random: Random, aims: Aims): RequestQuestion => {
  const { chance, pick, whole } = random
  const service = pick(aims.services)
  // Shortly before a set of people ends, so that passes are held across it.
  const ending = aims.ends.length > 0 && chance(0.25)
  const now = ending ? pick(aims.ends) - whole(1, 600_000) : momentOf(random, aims)
  const all = [...(aims.file.on_request ?? []), ...(aims.file.on_page ?? [])]
  const who = whoOf(random, aims, all)
  const { method, path } = targetOf(random, aims, service)
  return {
    service,
    who: {
      ...who,
      principal: `${who.issuer} ${who.subject}`,
      ...(chance(0.8) ? { acr: pick([...acrs, 'MFA']) } : {}),
      ...(chance(0.8)
        ? {
            signedInAt: chance(0.05) ? Number.NaN : now - near(random, [...aims.lengths, 0, 30_000, -30_000]),
          }
        : {}),
    },
    method,
    path,
    now,
    passes: chance(0.08)
      ? []
      : Array.from({ length: pick([1, 1, 1, 2, 3]) }, (_, n) => passOf(random, aims, service, who, now, n)),
    view: {
      ready: !chance(0.02),
      age: chance(0.02)
        ? pick([Number.POSITIVE_INFINITY, Number.NaN, 1e12])
        : chance(0.6)
          ? whole(0, 5_000)
          : near(random, aims.stale),
    },
  }
}

/** The same person with the same passes once more: at another moment, or of another service or for something else. */
export const randomAgain = (random: Random, aims: Aims, before: RequestQuestion): RequestQuestion => {
  const { chance, pick, some } = random
  const { passes, now } = before
  const ends = aims.ends.filter((end) => Math.abs(end - now) < day)
  const edges = [now, ...ends, ...ends, ...passes.flatMap(({ from, until }) => [from, until])]
  const service = chance(0.9) ? before.service : pick(aims.services)
  return {
    ...before,
    ...targetOf(random, aims, service),
    // A newer token says otherwise.
    ...(chance(0.1) ? { who: { ...before.who, groups: some(groups, 0, 2) } } : {}),
    service,
    now: chance(0.2) ? momentOf(random, aims) : pick(edges) + pick([-1, 0, 0, 1]),
    view: { ready: true, age: chance(0.9) ? 0 : near(random, aims.stale) },
  }
}

/** A request that fits a pattern, or nearly does. */
const targetOf = (
  { pick, chance }: Random,
  { patterns, patternsOf }: Aims,
  service: string,
): { method: string; path: string } => {
  const own = patternsOf[service] ?? []
  const [said = 'GET', shape = '/'] = pick(own.length > 0 && chance(0.85) ? own : patterns).split(' ')
  const method = chance(0.15)
    ? pick(['GET', 'HEAD', 'WS', 'POST', 'DELETE', 'OPTIONS', 'get', 'ws', 'FOO', '', '*', 'CONNECT'])
    : said === '*'
      ? pick(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'WS'])
      : said === 'GET' && chance(0.3)
        ? 'HEAD'
        : said
  const segments = shape
    .slice(1)
    .split('/')
    .flatMap((segment) => {
      if (segment === '*') return [pick(['v1', 'orders', 'x', '7', '**', '*'])]
      return segment === '**' ? pick([['x'], ['x', 'y', 'z'], [''], ['v1', 'orders'], ['', '']]) : [segment]
    })
  const at = pick([...segments.keys()])
  const change = pick([...Array(10).fill('none'), 'empty', 'drop', 'more', 'case', 'longer', 'swap'])
  if (change === 'empty') segments[at] = ''
  if (change === 'drop') segments.splice(at, 1)
  if (change === 'more') segments.splice(at, 0, pick(['', 'x', 'v1']))
  if (change === 'case') segments[at] = (segments[at] ?? '').toUpperCase()
  if (change === 'longer') segments[at] = `${segments[at]}${pick(['s', '%20', '.', '/'])}`
  if (change === 'swap') segments[at] = pick(['v1', 'orders', 'x', 'V1', '%76%31'])
  return { method, path: `${chance(0.02) ? pick(['', 'x', '*']) : '/'}${segments.join('/')}` }
}

/** What a pass opens: mostly the service, alone, with others or beside them. */
const reachOf = (random: Random, aims: Aims, service: string): Pick<Grant, 'services' | 'tier' | 'also'> => {
  const { pick, chance, some } = random
  const tier = tierOf(random, aims)
  const others = aims.services.filter((name) => name !== service)
  if (others.length === 0 || chance(0.6)) return { services: [service], tier }
  const rules = (aims.file.on_page ?? []).filter(({ also = [] }) => also.length > 0)
  const rule = rules.length > 0 && chance(0.8) ? pick(rules) : undefined
  const beside = rule?.also?.map((one) => one.tier) ?? []
  if (chance(0.3)) return { services: [service, ...some(others, 0, 2)], tier }
  return {
    services: some(others, 1, 2),
    tier: rule === undefined || chance(0.1) ? tier : rule.give,
    ...(chance(0.9)
      ? { also: [{ services: [service], tier: beside.length > 0 && chance(0.8) ? pick(beside) : tier }] }
      : {}),
  }
}

const passOf = (
  random: Random,
  aims: Aims,
  service: string,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
  now: number,
  number: number,
): Grant => {
  const { pick, chance, whole, some } = random
  const lasts = Math.max(1, near(random, aims.lengths))
  const from = chance(0.75)
    ? now - whole(0, Math.max(0, lasts - 1))
    : pick([now, now + 1, now - 1, now - lasts, now - lasts + 1])
  const sets = Object.keys(aims.file.people)
  const approvers = [issuer, 'https://other.example.com'].flatMap((by) => [
    ...subjects.map((name) => ({ issuer: by, subject: name })),
  ])
  const approval = () => ({
    ...(chance(0.9) ? pick(approvers.slice(0, subjects.length)) : pick(approvers)),
    name: 'Somebody',
    at: from,
    teams: chance(0.15) ? ['strangers'] : some(sets, 1, 2),
  })
  const why: Grant['why'] = chance(0.5)
    ? {
        kind: 'page',
        rule: 'on_page[0]',
        incident: { id: 'Q1', number: 1, title: 'stuck' },
        ...(chance(0.5) ? { doubt: pick(doubts) } : {}),
      }
    : { kind: 'request', rule: 'on_request[0]' }
  return {
    id: `aaaa-bbbb-000${number}`,
    version: 1,
    environment: chance(0.03) ? 'other' : aims.file.environment,
    state: chance(0.9) ? 'active' : pick(['offered', 'pending']),
    step: 'given',
    who: { issuer, subject, name: 'Somebody' },
    ...reachOf(random, aims, service),
    from,
    until: from + lasts,
    duration: lasts,
    why,
    ...(chance(0.5) ? { approvals: Array.from({ length: whole(1, 4) }, approval) } : {}),
    nonce: 'n'.repeat(22),
    rules: 'hash',
    at: from,
  }
}
