import { exactDuration } from '../../domain/duration.ts'
import { createRouteIndex } from '../../domain/route-index.ts'
import type { Service } from '../../domain/rule-set.ts'
import type { Report } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { createTier, readOwnTiers } from './compile-tiers.ts'
import type { Compiling } from './compiling.ts'
import { checkRising, type Saying } from './rising-terms.ts'

/** Where the proxy answers for itself, beside the services. */
const ourHost = 'pagepass'

/** Each service with its tiers; rules that name it are put in later. */
export const compileServices = ({ source, known, report, table }: Compiling): Map<string, Service> => {
  const profiles = new Map(
    Object.entries(source.profiles).map(([name, { tiers }]) => [
      name,
      readOwnTiers(tiers, ['profiles', name, 'tiers'], known, report),
    ]),
  )
  const services = new Map<string, Service>()
  const told = new Set<string>()
  for (const [name, service] of Object.entries(source.services)) {
    const path = ['services', name]
    if (name === ourHost) report(path, `"${ourHost}" is our own host; choose another name`, 'key')
    known.people(service.owners, [...path, 'owners'], false)
    known.release(service.serve, Object.keys(service.releases), [...path, 'serve'])
    if (service.profile !== undefined) known.profile(service.profile, [...path, 'profile'])
    const shared = service.profile === undefined ? undefined : profiles.get(service.profile)
    const own = readOwnTiers(service.tiers, [...path, 'tiers'], known, report)
    const tiers = Object.entries(source.tiers).map(([tier, terms], rank) =>
      createTier(tier, rank, terms, service.owners, [shared?.get(tier), own.get(tier)]),
    )
    const sayings: readonly Saying[] = [
      { path: ['tiers'], terms: (tier: string) => source.tiers[tier] },
      {
        path: ['profiles', service.profile ?? '', 'tiers'],
        terms: (tier: string) => shared?.get(tier)?.terms,
      },
      { path: [...path, 'tiers'], terms: (tier: string) => own.get(tier)?.terms },
    ]
    for (const tier of tiers) checkTier(service, tier, sayings, report)
    checkRising(tiers, sayings, told, report)
    if (tiers.length > 0 && tiers.every((tier) => tier.patterns.length === 0))
      report(path, `the service "${name}" allows nothing; give it a profile or patterns under "tiers"`, 'key')
    services.set(name, {
      name,
      routes: createRouteIndex(tiers, table),
      freezes: [],
      standing: [],
      releases: service.releases,
      serve: service.serve,
      pagerduty: service.pagerduty,
      trustedTriggers: service.trusted_triggers,
      channel: service.channel,
      timeouts: timeoutsOf(service, path, report),
      owners: service.owners,
      labels: service.labels,
      tiers,
      onPage: [],
      onRequest: [],
    })
  }
  return services
}

const usualTimeouts = { connect: 10_000, headers: 30_000 }
const longestTimeouts = { connect: 60_000, headers: 3_600_000 }

const timeoutsOf = (
  { timeouts = {} }: RuleSetSource['services'][string],
  path: YamlPath,
  report: Report,
): Service['timeouts'] => {
  for (const name of ['connect', 'headers'] as const) {
    const [said, most] = [timeouts[name], longestTimeouts[name]]
    if (said !== undefined && said > most)
      report(
        [...path, 'timeouts', name],
        `"${name}" (${exactDuration(said)}) is longer than ${exactDuration(most)}, the most there may be; shorten it`,
      )
  }
  const { connect = usualTimeouts.connect, headers = usualTimeouts.headers, idle } = timeouts
  return { connect, headers, idle }
}

/** What a service's terms contradict only together with those they stand on. */
const checkTier = (
  { owners }: RuleSetSource['services'][string],
  { name, longest, approvals }: Service['tiers'][number],
  sayings: readonly Saying[],
  report: Report,
): void => {
  const own = sayings.at(-1)
  const terms = own?.terms(name)
  if (
    own !== undefined &&
    terms?.default !== undefined &&
    terms.longest === undefined &&
    terms.default > longest
  )
    report(
      [...own.path, name, 'default'],
      `"default" (${exactDuration(terms.default)}) is longer than "longest" of this tier (${exactDuration(longest)}); shorten it`,
    )
  if (approvals === undefined || !approvals.distinct || approvals.from.length >= approvals.count) return
  const level = sayings.findLastIndex((saying) => saying.terms(name)?.approvals !== undefined)
  const saying = sayings[level]
  const said = saying?.terms(name)?.approvals
  if (saying === undefined || said === undefined) return
  const at = [...saying.path, name, 'approvals']
  if (said.from.length < said.count) {
    // By themselves too few sets are a fault where they are written.
    if (said.distinct === undefined)
      report(
        [...at, 'count'],
        `${said.count} approvals from distinct teams, which is demanded of every "${name}", need as many sets in "from", which names ${said.from.length}; name more, or lower "count"`,
      )
    return
  }
  report(
    level === sayings.length - 1 ? [...at, 'from'] : ['services', ...(own?.path.slice(1, 2) ?? []), 'owners'],
    `"${name}" needs ${approvals.count} approvals from distinct teams, and with the owners (${owners.join(', ')}) only ${approvals.from.join(', ')} approves here; name another set in "from"`,
  )
}
