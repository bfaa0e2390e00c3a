import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../../domain/canonical-json.ts'
import { formatDuration } from '../../domain/duration.ts'
import { createRouteIndex, createRouteTable } from '../../domain/route-index.ts'
import { namesService, type RuleSet, type Service } from '../../domain/rule-set.ts'
import { quoted } from '../faults/wording.ts'
import type { Part, Place, Report } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { compileBreakGlass, compileEgress, compileFreezes, compileStanding } from './compile-access.ts'
import { compilePageRules, compileRequestRules } from './compile-rules.ts'
import { checkTerms, createTier, readOwnTiers } from './compile-tiers.ts'
import type { Compiling } from './compiling.ts'
import { createKnownNames, ownersName } from './known-names.ts'
import { checkRising, type Saying } from './rising-terms.ts'

/** Resolves every name to what it means; reports each that dangles (`reportName`) or contradicts. */
export const compile = (
  source: RuleSetSource,
  placeOf: (path: YamlPath, part?: Part) => Place,
  report: Report,
  reportName = report,
): RuleSet => {
  const known = createKnownNames(source, reportName)
  const names = new Map<string, string>()
  const ruleAt: Compiling['ruleAt'] = (section, index, name) => {
    const { file, line } = placeOf([section, index])
    const where = `${file}:${line}`
    if (name !== undefined) {
      const other = names.get(name)
      if (name === ownersName)
        report([section, index, 'name'], '"owners" has a meaning of its own; choose another name')
      else if (Object.hasOwn(source.tiers, name))
        report([section, index, 'name'], `"${name}" is a tier; choose another name for the rule`)
      else if (other !== undefined)
        report(
          [section, index, 'name'],
          `the rule at ${other} is named "${name}" already; choose another name`,
        )
      names.set(name, other ?? where)
    }
    return { id: name ?? `${section}[${index}]`, where }
  }
  const compiling: Compiling = { source, known, report, table: createRouteTable(), ruleAt }

  checkPeople(compiling)
  if (Object.keys(source.tiers).length === 0)
    report(['tiers'], 'there are no tiers; name at least one, for example observe')
  for (const [name, terms] of Object.entries(source.tiers)) checkTerms(terms, ['tiers', name], known, report)

  const bare = compileServices(compiling)
  const onPage = compilePageRules(compiling, bare)
  const onRequest = compileRequestRules(compiling)
  const standing = compileStanding(compiling, bare)
  const freezes = compileFreezes(compiling)
  const services = new Map(
    [...bare.values()].map((service): [string, Service] => {
      const people = (who: readonly string[]): string[] => [
        ...new Set(who.flatMap((one) => (one === ownersName ? service.owners : [one]))),
      ]
      const tier = (name: string) => service.tiers.find((one) => one.name === name)
      return [
        service.name,
        {
          ...service,
          onPage: onPage
            .filter((rule) => namesService(rule.services, service))
            .map((rule) => ({
              ...rule,
              who: people(rule.who),
              for: Math.min(rule.for, tier(rule.give)?.longest ?? rule.for),
            })),
          onRequest: onRequest
            .filter((rule) => namesService(rule.services, service))
            .flatMap((rule) => byApproval(rule, service).map((one) => ({ ...one, who: people(one.who) }))),
          standing: orNone(standing.filter((rule) => namesService(rule.to, service))),
          freezes: orNone(freezes.filter((freeze) => namesService(freeze.services, service))),
        },
      ]
    }),
  )
  const { environment, domain, identity, incident_command, lock, drain } = source
  if (incident_command !== undefined) {
    known.people(incident_command.who, ['incident_command', 'who'], false)
    known.tier(incident_command.cap, ['incident_command', 'cap'])
  }
  if (lock !== undefined) known.people(lock.who, ['lock', 'who'], false)
  return {
    environment,
    domain,
    identity: { issuer: identity.issuer, audience: identity.audience, sessionMax: identity.session_max },
    people: new Map(
      Object.entries(source.people).map(([name, { until, ...people }]) => [name, { ...people, until }]),
    ),
    workloads: new Map(Object.entries(source.workloads).map(([name, { subjects }]) => [name, subjects])),
    services,
    onPage,
    onRequest,
    standing,
    egress: compileEgress(compiling),
    freezes,
    breakGlass: compileBreakGlass(compiling),
    incidentCommand: incident_command,
    lock,
    drain,
    hash: rulesHash(source),
  }
}

/** All that have none share one list, which is at hand whichever service is asked for. */
const none: readonly never[] = []
const orNone = <Of>(list: readonly Of[]): readonly Of[] => (list.length === 0 ? none : list)

/** A tier that a service lets nobody have without approval is asked for by approval, whatever the rule says. */
const byApproval = (rule: RuleSet['onRequest'][number], service: Service): RuleSet['onRequest'][number][] => {
  if (rule.how === 'approval') return [rule]
  const stricter = rule.tiers.filter((name) => service.tiers.find((tier) => tier.name === name)?.approvals)
  if (stricter.length === 0) return [rule]
  const free = rule.tiers.filter((name) => !stricter.includes(name))
  return [
    ...(free.length === 0 ? [] : [{ ...rule, tiers: free }]),
    { ...rule, tiers: stricter, how: 'approval' as const },
  ]
}

/** Where the proxy answers for itself, beside the services. */
const ourHost = 'pagepass'

const checkPeople = ({ source, report }: Compiling): void => {
  for (const [name, people] of Object.entries(source.people)) {
    const path = ['people', name]
    if (name === ownersName)
      report(path, '"owners" stands for the owners of each service; choose another name', 'key')
    if (people.groups.length + people.roles.length + people.subjects.length === 0)
      report(
        path,
        `nobody is in "${name}"; give it groups, roles or subjects, for example groups: [${name}]`,
        'key',
      )
  }
  const workloads = new Map<string, string>()
  for (const [name, { subjects }] of Object.entries(source.workloads))
    for (const [index, subject] of subjects.entries()) {
      const other = workloads.get(subject)
      if (other !== undefined && other !== name)
        report(
          ['workloads', name, 'subjects', index],
          `${quoted(subject)} is the workload "${other}" already; give each a subject of its own`,
        )
      workloads.set(subject, other ?? name)
    }
}

const compileServices = ({ source, known, report, table }: Compiling): Map<string, Service> => {
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
      owners: service.owners,
      labels: service.labels,
      tiers,
      onPage: [],
      onRequest: [],
    })
  }
  return services
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
      `"default" (${formatDuration(terms.default)}) is longer than "longest" of this tier (${formatDuration(longest)}); shorten it`,
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

/** Tiers are hashed with their order, which is what gives them their rank. */
const rulesHash = (source: RuleSetSource): string => {
  const ordered = { ...source, tiers: Object.entries(source.tiers) }
  return createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(ordered)) as Json))
    .digest('hex')
}
