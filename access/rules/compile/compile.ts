import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../../domain/canonical-json.ts'
import { createRouteTable } from '../../domain/route-index.ts'
import { namesService, type RuleSet, type Service, tierOf } from '../../domain/rule-set.ts'
import { quoted } from '../faults/wording.ts'
import type { Part, Place, Report } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { compileBreakGlass, compileEgress, compileFreezes, compileStanding } from './compile-access.ts'
import { compilePageRules, compileRequestRules } from './compile-rules.ts'
import { compileServices } from './compile-services.ts'
import { checkTerms } from './compile-tiers.ts'
import type { Compiling } from './compiling.ts'
import { createKnownNames, ownersName, writeOut } from './known-names.ts'
import { namingRules } from './name-rules.ts'

/** Resolves every name to what it means; reports each that dangles (`reportName`) or contradicts. */
export const compile = (
  source: RuleSetSource,
  placeOf: (path: YamlPath, part?: Part) => Place,
  report: Report,
  reportName = report,
): RuleSet => {
  const known = createKnownNames(source, reportName)
  const ruleAt = namingRules(source, placeOf, report)
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
    [...bare].map(([name, service]) => [name, withRules(service, { onPage, onRequest, standing, freezes })]),
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
    identity: {
      issuer: identity.issuer,
      audience: identity.audience,
      client: identity.client ?? identity.audience,
      sessionMax: identity.session_max,
    },
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
    paging: { perDay: source.paging.per_day },
    zone: source.zone ?? 'UTC',
    hash: rulesHash(source),
  }
}

/** A service with the rules that name it, written out for it. */
const withRules = (
  service: Service,
  rules: Pick<RuleSet, 'onPage' | 'onRequest' | 'standing' | 'freezes'>,
): Service => {
  const people = (who: readonly string[]): string[] => writeOut(who, service.owners)
  return {
    ...service,
    onPage: rules.onPage
      .filter((rule) => namesService(rule.services, service))
      .map((rule) => ({
        ...rule,
        who: people(rule.who),
        for: Math.min(rule.for, tierOf(service, rule.give)?.longest ?? rule.for),
      })),
    onRequest: rules.onRequest
      .filter((rule) => namesService(rule.services, service))
      .flatMap((rule) => byApproval(rule, service).map((one) => ({ ...one, who: people(one.who) }))),
    standing: orNone(rules.standing.filter((rule) => namesService(rule.to, service))),
    freezes: orNone(rules.freezes.filter((freeze) => namesService(freeze.services, service))),
  }
}

/** All that have none share one list, which is at hand whichever service is asked for. */
const none: readonly never[] = []
const orNone = <Of>(list: readonly Of[]): readonly Of[] => (list.length === 0 ? none : list)

/** A tier that a service lets nobody have without approval is asked for by approval, whatever the rule says. */
const byApproval = (rule: RuleSet['onRequest'][number], service: Service): RuleSet['onRequest'][number][] => {
  if (rule.how === 'approval') return [rule]
  const stricter = rule.tiers.filter((name) => tierOf(service, name)?.approvals)
  if (stricter.length === 0) return [rule]
  const free = rule.tiers.filter((name) => !stricter.includes(name))
  return [
    ...(free.length === 0 ? [] : [{ ...rule, tiers: free }]),
    { ...rule, tiers: stricter, how: 'approval' as const },
  ]
}

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

/** Tiers are hashed with their order, which is what gives them their rank. */
const rulesHash = (source: RuleSetSource): string => {
  const ordered = { ...source, tiers: Object.entries(source.tiers) }
  return createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(ordered)) as Json))
    .digest('hex')
}
