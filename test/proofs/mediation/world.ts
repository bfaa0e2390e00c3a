import type { Random } from '../random.ts'
import { yamlOf } from '../rules/yaml-of.ts'
import { glassKeyNames, publicTextOf } from './glass-keys.ts'

/** What a rule set says, in plain values. Times are milliseconds; tiers are in rising order. */
export type World = {
  readonly environment: string
  readonly issuer: string
  readonly people: { readonly [set: string]: { readonly group: string; readonly until: number | undefined } }
  readonly workloads: { readonly [name: string]: string }
  readonly tiers: readonly {
    readonly name: string
    readonly longest: number
    readonly whenStale: number
    readonly acr: string | undefined
    readonly maxAge: number | undefined
    readonly approvals:
      | { readonly count: number; readonly from: readonly string[]; readonly distinct: boolean }
      | undefined
  }[]
  readonly services: {
    readonly [name: string]: {
      readonly owners: readonly string[]
      /** By tier. */
      readonly allow: { readonly [tier: string]: readonly string[] }
    }
  }
  readonly pages: readonly {
    readonly services: readonly string[]
    readonly who: readonly string[]
    readonly give: string
    readonly cap: number
  }[]
  readonly asking: readonly { readonly who: readonly string[]; readonly tiers: readonly string[] }[]
  readonly standing: readonly {
    readonly name: string
    readonly workload?: string
    readonly people?: string
    readonly to: readonly string[]
    readonly tier?: string
    readonly allow?: readonly string[]
  }[]
  readonly breakGlass:
    | {
        readonly who: readonly string[]
        readonly tier: string
        readonly lasts: number
        readonly need: number
        /** By name. */
        readonly keys: readonly string[]
      }
    | undefined
  readonly freezes: readonly {
    readonly services: readonly string[]
    readonly tiers: readonly string[]
    readonly from: number
    readonly until: number
  }[]
}

export const issuer = 'http://idp.test'
export const startsAt = Date.UTC(2026, 5, 1)
export const groups = ['g-a', 'g-b', 'g-c'] as const
export const sets = ['sre', 'payments'] as const
export const services = ['orders', 'ledger', 'mail'] as const
const minute = 60_000
const patterns = {
  observe: ['GET /', 'GET /v1/*', 'GET /v1/**', 'GET /public/**', 'OPTIONS /v1/**'],
  operate: ['POST /v1/*/retry', 'PUT /v1/**', 'WS /live', '* /any/**', 'GET /v2/**'],
  admin: ['* /admin/**', 'WS /admin/**', 'DELETE /v1/*', '* /**'],
}
/** What a request may ask for: what some pattern admits, and what none does. */
export const paths = [
  '/',
  '/v1/x',
  '/v1/x/y',
  '/v1/x/retry',
  '/v1/',
  '/public/a',
  '/live',
  '/live/a',
  '/any/x',
  '/v2/x',
  '/admin/x',
  '/hooks/x',
  '/adminx',
] as const
export const methods = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'WS', 'WS'] as const

const some = <T>(random: Random, from: readonly T[], least = 1): T[] =>
  random.shuffled(from).slice(0, random.whole(least, from.length))
const maybe = <T>(random: Random, share: number, value: T): T | undefined =>
  random.chance(share) ? value : undefined
const soon = (random: Random): number => startsAt + random.whole(1, 900) * minute

export const randomWorld = (random: Random): World => {
  const maxAge = maybe(random, 0.4, random.pick([60, 120]) * minute)
  return {
    environment: 'proof',
    issuer,
    people: {
      sre: { group: 'g-a', until: undefined },
      payments: { group: 'g-b', until: maybe(random, 0.5, soon(random)) },
    },
    workloads: { checkout: 'w-1' },
    tiers: [
      { name: 'observe', longest: 240 * minute, whenStale: 15 * minute, ...noDemands },
      { name: 'operate', longest: 120 * minute, whenStale: 2 * minute, ...noDemands },
      {
        name: 'admin',
        longest: 60 * minute,
        whenStale: minute / 2,
        acr: maybe(random, 0.4, 'mfa'),
        maxAge,
        approvals: maybe(random, 0.8, {
          count: random.whole(1, 2),
          from: random.chance(0.5) ? [...sets] : ['sre'],
          distinct: false,
        }),
      },
    ].map((tier) => ({ ...tier, approvals: distinctly(random, tier.approvals) })),
    services: Object.fromEntries(
      services.map((name) => [
        name,
        {
          owners: some(random, sets),
          allow: {
            observe: some(random, patterns.observe),
            operate: some(random, patterns.operate),
            admin: some(random, patterns.admin),
          },
        },
      ]),
    ),
    pages: Array.from({ length: random.whole(0, 2) }, () => ({
      services: some(random, services),
      who: some(random, sets),
      give: random.pick(['observe', 'operate']),
      cap: random.pick([60, 300]) * minute,
    })),
    asking: [
      { who: some(random, sets), tiers: ['observe'] },
      { who: [random.pick(sets)], tiers: ['operate', 'admin'] },
    ],
    standing: [
      { name: 'by-workload', workload: 'checkout', to: some(random, services), allow: ['POST /hooks/*'] },
      { name: 'by-people', people: random.pick(sets), to: [random.pick(services)], tier: 'observe' },
    ],
    breakGlass: maybe(random, 0.8, {
      who: some(random, sets),
      tier: random.pick(['operate', 'admin', 'admin']),
      lasts: random.pick([10, 20, 30]) * minute,
      need: random.whole(1, 2),
      keys: some(random, glassKeyNames.slice(0, 3), 2),
    }),
    freezes: Array.from({ length: random.whole(0, 2) }, () => {
      const from = soon(random)
      const until = from + random.whole(1, 120) * minute
      return {
        services: some(random, services),
        // What is frozen below is frozen above.
        tiers: ['observe', 'operate', 'admin'].slice(random.below(3)),
        from,
        until,
      }
    }),
  }
}

const noDemands = { acr: undefined, maxAge: undefined, approvals: undefined }

type Approvals = World['tiers'][number]['approvals']

/** Only so many different teams can be asked for as there are. */
const distinctly = (random: Random, approvals: Approvals): Approvals =>
  approvals && {
    ...approvals,
    count: Math.min(approvals.count, 2),
    distinct: approvals.from.length >= approvals.count && random.chance(0.5),
  }

const inSeconds = (ms: number): string => `${ms / 1_000}s`
const asTime = (ms: number): string => new Date(ms).toISOString().replace('.000', '')
const withoutUndefined = <T extends object>(one: T): Partial<T> =>
  Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as Partial<T>

/** The same as the file that a product reads. */
export const textOf = (world: World): string =>
  yamlOf({
    version: 1,
    environment: world.environment,
    domain: 'access.test',
    identity: { issuer: world.issuer, audience: 'pagepass' },
    people: Object.fromEntries(
      Object.entries(world.people).map(([name, { group, until }]) => [
        name,
        withoutUndefined({ groups: [group], until: until && asTime(until) }),
      ]),
    ),
    workloads: Object.fromEntries(
      Object.entries(world.workloads).map(([name, subject]) => [name, { subjects: [subject] }]),
    ),
    tiers: Object.fromEntries(
      world.tiers.map(({ name, longest, whenStale, acr, maxAge, approvals }) => [
        name,
        withoutUndefined({
          longest: inSeconds(longest),
          rate: '1000/s',
          when_stale: inSeconds(whenStale),
          sign_in:
            acr === undefined && maxAge === undefined
              ? undefined
              : withoutUndefined({ acr, max_age: maxAge && inSeconds(maxAge) }),
          approvals: approvals && {
            count: approvals.count,
            from: approvals.from,
            ...(approvals.distinct ? { distinct: 'teams' } : {}),
          },
        }),
      ]),
    ),
    services: Object.fromEntries(
      Object.entries(world.services).map(([name, { owners, allow }], index) => [
        name,
        {
          releases: { only: `http://${name}.test:8080` },
          serve: 'only',
          pagerduty: [`PSERV0${index}`],
          channel: `#${name}`,
          owners,
          tiers: allow,
        },
      ]),
    ),
    on_page: world.pages.map(({ services: on, who, give, cap }) => ({
      services: on,
      who,
      give,
      how: 'auto',
      for: '30m',
      cap: inSeconds(cap),
    })),
    on_request: world.asking.flatMap(({ who, tiers }) =>
      tiers.map((tier) => ({
        who,
        tiers: [tier],
        how: world.tiers.find(({ name }) => name === tier)?.approvals === undefined ? 'at once' : 'approval',
      })),
    ),
    standing: world.standing.map(({ name, workload, people, to, tier, allow }) =>
      withoutUndefined({
        name,
        from: workload === undefined ? people : `workload:${workload}`,
        to,
        tier,
        allow,
        rate: allow && '1000/s',
      }),
    ),
    ...(world.breakGlass && {
      break_glass: {
        who: world.breakGlass.who,
        tier: world.breakGlass.tier,
        for: inSeconds(world.breakGlass.lasts),
        need: world.breakGlass.need,
        keys: Object.fromEntries(world.breakGlass.keys.map((name) => [name, publicTextOf(name)])),
      },
    }),
    freeze: world.freezes.map(({ services: on, tiers, from, until }) => ({
      services: on,
      tiers,
      from: asTime(from),
      until: asTime(until),
      because: 'frozen',
    })),
  })
