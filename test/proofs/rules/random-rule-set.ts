import { msOf } from './measures.ts'
import type { Random } from './random.ts'
import { raised, raisedOwn } from './rising.ts'
import type {
  SaidApprovals,
  SaidFile,
  SaidFreeze,
  SaidPageRule,
  SaidPeople,
  SaidRequestRule,
  SaidService,
  SaidStanding,
  SaidTerms,
  SaidTier,
  SaidTiers,
  SaidWhen,
  SaidWindow,
} from './said.ts'
import { isStrict } from './terms.ts'
import { zoneNames } from './wall-clock.ts'
import { yamlOf } from './yaml-of.ts'

/** Few of each, so that what is said about one thing meets what is said about another. */
export const groups = ['g-a', 'g-b', 'g-c']
export const roles = ['r-a', 'r-b']
export const subjects = ['ana', 'ben', 'cho', 'w-1', 'w-2']
export const issuer = 'https://idp.example.com'
export const integrations = ['PIONE', 'PITWO']
export const priorities = ['P1', 'P2']
export const acrs = ['mfa', 'pwd']
const allTiers = ['observe', 'operate', 'admin']
const allPeople = ['sre', 'payments', 'leads']
const allServices = ['orders-svc', 'pay-svc', 'ledger']
const allLabels = ['tier-1', 'money']
const methods = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', '*', '*', 'WS']
const names = ['v1', 'orders', 'x', 'V1', 'a%2Fb']
const manyNames = Array.from({ length: 14 }, (_, n) => `k${n}`)
const durations = ['30s', '15m', '30m', '45m', '1h', '1h30m', '2h', '4h', '8h', '1d']
/** Days about which something changes: clocks, years, months. */
const days = [
  '2026-03-08',
  '2026-03-29',
  '2026-04-05',
  '2026-10-04',
  '2026-10-25',
  '2026-11-01',
  '2027-01-01',
]
const hours = ['00:00', '01:30', '02:00', '02:30', '03:00', '09:00', '12:15', '17:00', '22:00', '23:59']
const weekdays = ['mon-fri', 'sat, sun', 'sun', 'mon', 'fri-mon', 'sun-sun', 'tue,thu', 'sat-sun, wed']

/** A rule set that has no fault, its YAML and what stands in it. */
export const randomRuleSet = (random: Random): { readonly file: SaidFile; readonly text: string } => {
  const file = randomFile(random)
  return { file, text: yamlOf(file) }
}

const randomFile = (random: Random): SaidFile => {
  const { some, chance, pick } = random
  const tiers = allTiers.slice(0, pick([1, 2, 2, 3, 3, 3]))
  const people = some(allPeople, 2)
  const labels = some(allLabels, 1)
  const approving = { people, distinct: chance(0.5) }
  const common = raised(
    Object.fromEntries(
      tiers.map((tier, place) => [tier, commonTerms(random, place > 0 ? approving : undefined)]),
    ),
  )
  const profile = raisedOwn(common, [ownTiers(random, tiers, approving, common)])
  const profiles = chance(0.7) ? { web: { tiers: profile } } : undefined
  const services = Object.fromEntries(
    some(allServices, 1, 3).map((name) => [
      name,
      randomService(random, tiers, approving, labels, common, profiles?.web.tiers),
    ]),
  )
  const first = Object.values(services)[0]
  // A label that is named has to be some service's.
  if (first !== undefined) first.labels = labels
  const workloads = { checkout: { subjects: ['w-1'] }, billing: { subjects: some(['w-2', 'cho']) } }
  const world: World = {
    tiers,
    people,
    lists: ['*', ...Object.keys(services), ...labels.map((label) => `label:${label}`)],
    common,
    isStrict: (to) =>
      Object.entries(services).some(
        ([name, service]) => isNamed(to, name, service) && isStrict(common, profiles?.web.tiers, service),
      ),
    approvable: tiers.filter((tier) => approvedSomewhere(tier, common, profiles, services)),
    standing: tiers.filter((tier) => !approvedSomewhere(tier, common, profiles, services)),
    open: Object.keys(services).filter((name) =>
      [common, profiles?.web.tiers ?? {}, services[name]?.tiers ?? {}].every((some) =>
        Object.values(some).every(
          (said) => Array.isArray(said) || (said.approvals === undefined && said.sign_in === undefined),
        ),
      ),
    ),
  }
  const list = <T>(most: number, one: () => T | undefined): T[] =>
    Array.from({ length: random.whole(0, most) }, one).filter((made) => made !== undefined)
  let named = 0
  const withName = <T extends object>(rule: T): T => {
    named += 1
    return chance(0.4) ? { name: `rule-${named}`, ...rule } : rule
  }
  return {
    version: 1,
    environment: 'test',
    domain: 'access.example.com',
    identity: { issuer, audience: 'pagepass' },
    people: Object.fromEntries(people.map((name) => [name, randomPeople(random)])),
    workloads,
    tiers: common,
    ...(profiles === undefined ? {} : { profiles }),
    services,
    on_page: list(4, () => pageRule(random, world)).map(withName),
    on_request: list(5, () => requestRule(random, world)).map(withName),
    standing: list(3, () => standingRule(random, world)).map(withName),
    freeze: list(2, () => freeze(random, world)),
  }
}

type World = {
  readonly tiers: readonly string[]
  readonly people: readonly string[]
  /** What a list of services may hold. */
  readonly lists: readonly string[]
  readonly common: Readonly<Record<string, SaidTerms>>
  /** Whether one of these services asks people for approval or a sign-in anywhere. */
  readonly isStrict: (to: readonly string[]) => boolean
  /** Tiers that somebody is named to approve, at least on one service; and those that need it nowhere. */
  readonly approvable: readonly string[]
  readonly standing: readonly string[]
  /** Services that demand nothing beyond a pass: there people may have patterns of their own. */
  readonly open: readonly string[]
}

const isNamed = (list: readonly string[], name: string, { labels = [] }: SaidService): boolean =>
  list.some((one) => one === '*' || one === name || labels.some((label) => one === `label:${label}`))

const approvedSomewhere = (
  tier: string,
  common: Readonly<Record<string, SaidTerms>>,
  profiles: SaidFile['profiles'],
  services: SaidFile['services'],
): boolean => {
  const of = (said: SaidTier | undefined) => !Array.isArray(said) && said?.approvals !== undefined
  return (
    common[tier]?.approvals !== undefined ||
    Object.values(services).some(
      (service) =>
        of(service.tiers?.[tier]) ||
        (service.profile !== undefined && of(profiles?.[service.profile]?.tiers[tier])),
    )
  )
}

const randomPeople = ({ some, chance, pick }: Random): SaidPeople => {
  const people: SaidPeople = {
    ...(chance(0.7) ? { groups: some(groups, 1, 2) } : {}),
    ...(chance(0.3) ? { roles: some(roles, 1, 1) } : {}),
    ...(chance(0.3) ? { subjects: some(subjects, 1, 2) } : {}),
  }
  if (Object.keys(people).length === 0) people.groups = [pick(groups)]
  if (chance(0.4)) people.until = randomTime({ chance, pick })
  return people
}

const randomTime = ({ chance, pick }: Pick<Random, 'chance' | 'pick'>): string => {
  const day = pick(days)
  if (chance(0.5)) return day
  return `${day}T${pick(hours)}${pick(['', ':30'])}${pick(['Z', '+01:00', '-05:00', '+05:30'])}`
}

/** Who may approve. Where teams may have to be distinct, there are never more approvals than sets. */
type Approving = { readonly people: readonly string[]; readonly distinct: boolean }

const approvals = ({ some, chance, whole }: Random, { people, distinct }: Approving): SaidApprovals => {
  const from = some([...people, 'owners'], 1, 3)
  const most = distinct ? from.filter((one) => one !== 'owners').length || 1 : 3
  return {
    ...(chance(0.8) ? { count: whole(1, most) } : {}),
    from,
    ...(distinct && chance(0.6) ? { distinct: 'teams' as const } : {}),
  }
}

const commonTerms = (random: Random, approving: Approving | undefined): SaidTerms => {
  const { pick } = random
  return {
    longest: pick(durations.slice(1)),
    rate: pick(['50/s', '10/s', '30/m', '1/s']),
    when_stale: pick(['5s', '30s', '2m', '15m']),
    ...moreTerms(random, approving),
  }
}

const moreTerms = (random: Random, approving: Approving | undefined): SaidTerms => {
  const { chance, pick, whole } = random
  const terms: SaidTerms = {}
  if (chance(0.2)) terms.default = pick(['30s', '10m'])
  if (chance(0.2)) terms.burst = whole(1, 40)
  if (chance(0.5)) terms.reason = pick(['optional', 'required', 'ticket'])
  if (approving !== undefined && chance(0.3)) terms.approvals = approvals(random, approving)
  if (chance(0.1)) terms.proxy_only = chance(0.7)
  if (chance(0.2)) terms.extend = pick([{ count: 2 }, { share: '50%' }])
  if (chance(0.2))
    terms.sign_in = pick([
      { acr: 'mfa' },
      { max_age: '15m' },
      { acr: 'mfa', max_age: '2h' },
      { acr: 'pwd', max_age: '30s' },
    ])
  return terms
}

const ownTiers = (
  random: Random,
  tiers: readonly string[],
  approving: Approving,
  common: Readonly<Record<string, SaidTerms>>,
): SaidTiers => {
  const { chance, pick, some } = random
  const own: SaidTiers = {}
  for (const tier of some(tiers, 1)) {
    const allow = randomPatterns(random)
    if (chance(0.5)) own[tier] = allow
    else {
      const terms = moreTerms(random, approving)
      if (chance(0.4)) terms.longest = pick(durations.slice(1))
      if (chance(0.3)) terms.when_stale = pick(['5s', '1m', '20m'])
      if (chance(0.2)) terms.rate = pick(['3/s', '90/m'])
      own[tier] = chance(0.8) ? { allow, ...terms } : { ...common[tier], ...terms }
    }
  }
  return own
}

const randomPatterns = (random: Random): string[] => {
  const { whole, pick, chance, some } = random
  const made = new Set<string>()
  for (let left = whole(1, 4); left > 0; left -= 1) {
    const segments: string[] = []
    for (let depth = whole(0, 3); depth > 0; depth -= 1) segments.push(chance(0.35) ? '*' : pick(names))
    if (chance(0.4)) segments.push('**')
    else if (segments.length === 0 || chance(0.15)) segments.push('')
    made.add(`${pick(methods)} /${segments.join('/')}`)
  }
  // So many names beside each other are looked up another way.
  if (chance(0.08))
    for (const name of some(manyNames, 7)) made.add(`${pick(methods)} /${name}${pick(['', '/*', '/x'])}`)
  return [...made]
}

const randomService = (
  random: Random,
  tiers: readonly string[],
  approving: Approving,
  labels: readonly string[],
  common: Readonly<Record<string, SaidTerms>>,
  profile: SaidTiers | undefined,
): SaidService => {
  const { chance, some } = random
  const shared = chance(0.7) ? profile : undefined
  const own = ownTiers(random, tiers, approving, common)
  if (!Object.values(own).some((said) => Array.isArray(said)))
    own[tiers[0] as string] = randomPatterns(random)
  return {
    ...(shared === undefined ? {} : { profile: 'web' }),
    releases: { blue: 'http://127.0.0.1:7076' },
    serve: 'blue',
    trusted_triggers: some(integrations, 0, 1),
    channel: '#inc',
    owners: some(approving.people, 1, 2),
    labels: some(labels, 0),
    tiers: raisedOwn(common, shared === undefined ? [own] : [shared, own]),
  }
}

const randomWindow = ({ pick, chance }: Random): SaidWindow => {
  const from = pick(hours)
  const until = pick([...hours, '24:00'].filter((one) => one !== from))
  return {
    ...(chance(0.7) ? { days: pick(weekdays) } : {}),
    hours: `${from}-${until}`,
    zone: pick(zoneNames),
  }
}

const randomWhen = (random: Random): { when?: SaidWhen } =>
  random.chance(0.35)
    ? { when: random.chance(0.6) ? randomWindow(random) : [randomWindow(random), randomWindow(random)] }
    : {}

const who = ({ some }: Random, { people }: World): string[] => some([...people, 'owners'], 1, 2)

const pageRule = (random: Random, world: World): SaidPageRule | undefined => {
  const { chance, pick, some } = random
  const gives = world.tiers.filter((tier) => world.common[tier]?.approvals === undefined)
  const give = pick(gives)
  if (give === undefined) return undefined
  const longest = msOf(world.common[give]?.longest ?? '')
  const lasts = pick(durations.filter((one) => msOf(one) <= longest))
  return {
    services: some(world.lists, 1, 2),
    who: who(random, world),
    ...(chance(0.5) ? { urgency: pick(['high', 'low', 'any'] as const) } : {}),
    ...(chance(0.3) ? { priority: some(priorities) } : {}),
    ...(chance(0.3) ? { levels: pick<number | string>([1, 2, '1-2', '2-3', '1-1', 'any']) } : {}),
    ...randomWhen(random),
    give,
    how: pick(['auto', 'on acknowledge', 'offer'] as const),
    for: lasts,
    ...(chance(0.5) ? { cap: pick(durations.filter((one) => msOf(one) >= msOf(lasts))) } : {}),
    ...(chance(0.4) && world.standing.length > 0
      ? {
          also: Array.from({ length: pick([1, 1, 2]) }, () => ({
            services: some(world.lists, 1, 2),
            tier: pick(world.standing),
          })),
        }
      : {}),
  }
}

const requestRule = (random: Random, world: World): SaidRequestRule | undefined => {
  const { chance, pick, some } = random
  const how = pick(['at once', 'at once', 'approval'] as const)
  const possible =
    how === 'approval'
      ? world.approvable
      : world.tiers.filter((tier) => world.common[tier]?.approvals === undefined)
  if (possible.length === 0) return undefined
  return {
    who: who(random, world),
    ...(chance(0.4) ? { services: some(world.lists, 1, 2) } : {}),
    tiers: some(possible),
    how,
    ...randomWhen(random),
    ...(chance(0.4) ? { ahead: pick(['1h', '1d', '14d']) } : {}),
  }
}

const standingRule = (random: Random, world: World): SaidStanding | undefined => {
  const { chance, pick, some, whole } = random
  const workloads = ['workload:checkout', 'workload:billing']
  const from = pick([...workloads, ...world.people])
  const to = chance(0.4) ? pick(world.lists) : some(world.lists, 1, 2)
  const tier = pick(world.standing)
  if (tier !== undefined && chance(0.5)) return { from, to, tier }
  return {
    // Of people it may be a way past what they are asked for, which is a fault.
    from: world.isStrict([to].flat()) ? pick(workloads) : from,
    to,
    allow: randomPatterns(random),
    ...(chance(0.4) ? { rate: pick(['200/s', '30/m']) } : {}),
    ...(chance(0.2) ? { burst: whole(1, 9) } : {}),
  }
}

const freeze = (random: Random, world: World): SaidFreeze | undefined => {
  const { chance, pick, some, shuffled, below } = random
  const services = chance(0.5) ? { services: some(world.lists, 1, 2) } : {}
  const [from, until] = [randomTime(random), randomTime(random)]
  const tiers = shuffled(world.tiers.slice(below(world.tiers.length)))
  const made = { ...services, tiers, from, until, because: pick(['audit', 'year’s end']) }
  return Date.parse(from) < Date.parse(until) ? made : undefined
}
