import { exactDuration } from '../../domain/duration.ts'
import type { Pattern } from '../../domain/path-pattern.ts'
import { createRouteIndex, type RouteIndex } from '../../domain/route-index.ts'
import type { BreakGlass, EgressRule, Freeze, Service, StandingRule } from '../../domain/rule-set.ts'
import { isOfSmallOrder } from '../small-order.ts'
import type { RuleSetSource } from '../source.ts'
import { readFrom } from '../standing-from.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { readPatterns } from './compile-tiers.ts'
import type { Compiling } from './compiling.ts'
import { approvedOn, demandText, pastDemands } from './past-demands.ts'

const longestBreakGlassMs = 1_800_000

const routesOf = (texts: readonly string[], path: YamlPath, { report }: Compiling): RouteIndex<unknown> =>
  createRouteIndex([{ patterns: readPatterns(texts, path, report) }])

/** Patterns that a standing rule names itself, and the terms that requests count under. */
const allowing = (
  name: string,
  patterns: readonly Pattern[],
  said: RuleSetSource['standing'][number],
  table: Compiling['table'],
): NonNullable<StandingRule['allow']> => {
  const { rate = Number.POSITIVE_INFINITY, burst = Math.max(1, rate) } = said
  const terms = {
    name,
    rank: 0,
    longest: Number.POSITIVE_INFINITY,
    usual: Number.POSITIVE_INFINITY,
    rate,
    burst,
    whenStale: Number.POSITIVE_INFINITY,
    reason: 'optional' as const,
    approvals: undefined,
    extend: { count: 0, share: 1 },
    proxyOnly: false,
    signIn: undefined,
    patterns,
  }
  return { routes: createRouteIndex([terms], table), terms }
}

export const compileStanding = (
  compiling: Compiling,
  services: ReadonlyMap<string, Service>,
): StandingRule[] => {
  const { source, known, report, table, ruleAt } = compiling
  return source.standing.map((said, index) => {
    const { name, from, to, tier, allow, rate, burst } = said
    const path = ['standing', index]
    known.services(to, [...path, 'to'])
    if (tier === undefined && allow === undefined)
      report(path, 'this rule gives nothing; add "tier: observe", or "allow: [GET /v1/orders/*]"')
    if (tier !== undefined && allow !== undefined)
      report([...path, 'allow'], '"tier" and "allow" both say what it gives; keep one', 'key')
    const fast = rate === undefined ? 'burst' : 'rate'
    if (tier !== undefined && allow === undefined && (rate ?? burst) !== undefined)
      report(
        [...path, fast],
        `"${fast}" is the tier's to say; leave it out, or name patterns with "allow"`,
        'key',
      )
    const rule = ruleAt('standing', index, name)
    if (tier !== undefined && known.tier(tier, [...path, 'tier'])) {
      const strict = approvedOn(services.values(), to, tier)
      if (strict !== undefined)
        report(
          [...path, 'tier'],
          `"${tier}" needs approval on ${strict.name}, so it is never standing; give a lower tier`,
        )
    }
    const compiled: StandingRule = {
      ...rule,
      from: knownFrom(from, [...path, 'from'], compiling),
      to,
      tier,
      allow:
        allow === undefined
          ? undefined
          : allowing(rule.id, readPatterns(allow, [...path, 'allow'], report), said, table),
    }
    if (compiled.from.kind === 'on call' || Object.hasOwn(source.people, from))
      checkPast(compiled, index, [...services.values()], report)
    return compiled
  })
}

/** Patterns of its own are no way for people past what a tier demands of them. */
const checkPast = (
  rule: StandingRule,
  index: number,
  services: readonly Service[],
  report: Compiling['report'],
): void => {
  for (const { place, pattern, service, tier } of pastDemands(rule, services))
    report(
      ['standing', index, 'allow', place],
      `"${pattern}" reaches what "${tier.name}" allows on ${service.name}, and that ${demandText(tier)}; allow less, or let people ask for "${tier.name}"`,
    )
}

const knownFrom = (said: string, path: YamlPath, { known }: Compiling): StandingRule['from'] => {
  const from = readFrom(said)
  if (from.kind === 'on call') known.service(from.service, path)
  else if (from.kind === 'workload') known.workload(from.name, path)
  else known.onePeople(from.name, path)
  return from
}

export const compileEgress = (compiling: Compiling): EgressRule[] =>
  compiling.source.egress.map(({ name, from, to, allow }, index) => {
    const path = ['egress', index]
    for (const [place, workload] of from.entries())
      compiling.known.workload(workload, [...path, 'from', place])
    return {
      ...compiling.ruleAt('egress', index, name),
      from,
      to: to.map((origin) => new URL(origin).origin),
      allow: routesOf(allow, [...path, 'allow'], compiling),
    }
  })

export const compileFreezes = ({ source, known, report, ruleAt }: Compiling): Freeze[] =>
  source.freeze.map(({ name, ...freeze }, index) => {
    const path = ['freeze', index]
    known.services(freeze.services, [...path, 'services'])
    if (known.tiers(freeze.tiers, [...path, 'tiers']))
      checkUpward(freeze.tiers, Object.keys(source.tiers), [...path, 'tiers'], report)
    if (freeze.until <= freeze.from)
      report([...path, 'until'], '"until" is not after "from", so nothing is frozen; write a later one')
    return { ...ruleAt('freeze', index, name), ...freeze }
  })

/** Who holds a higher tier holds those below it, so that to freeze one of them alone keeps nobody out. */
const checkUpward = (
  named: readonly string[],
  all: readonly string[],
  path: YamlPath,
  report: Compiling['report'],
): void => {
  const lowest = all.findIndex((tier) => named.includes(tier))
  const left = all.slice(lowest).filter((tier) => !named.includes(tier))
  if (left.length === 0) return
  const low = all[lowest] ?? ''
  const others = left.map((tier) => `"${tier}"`).join(', ')
  report(
    [...path, named.indexOf(low)],
    left.length === 1
      ? `${others} includes "${low}"; name it too`
      : `${others} include "${low}"; name them too`,
  )
}

export const compileBreakGlass = ({ source, known, report }: Compiling): BreakGlass | undefined => {
  const glass = source.break_glass
  if (glass === undefined) return undefined
  const path = ['break_glass']
  known.people(glass.who, [...path, 'who'], false)
  known.tier(glass.tier, [...path, 'tier'])
  if (glass.for > longestBreakGlassMs)
    report(
      [...path, 'for'],
      `"for" (${exactDuration(glass.for)}) is longer than 30m, the most there may be; shorten it`,
    )
  const keys = new Map(Object.entries(glass.keys))
  if (keys.size < glass.need)
    report(
      [...path, 'need'],
      `${glass.need} keys have to sign, and ${keys.size} are named; name more or need fewer`,
    )
  const holders = new Map<string, string>()
  for (const [name, key] of keys) {
    const twin = holders.get(key)
    if (twin !== undefined)
      report([...path, 'keys', name], `this is the key of "${twin}" already; give each a key of their own`)
    holders.set(key, twin ?? name)
    if (isOfSmallOrder(key))
      report(
        [...path, 'keys', name],
        'anybody can sign with this key (a point of small order); make one with: pagepass keys create-break-glass-key',
      )
  }
  return { who: glass.who, tier: glass.tier, for: glass.for, acr: glass.acr, need: glass.need, keys }
}
