import { createHash } from 'node:crypto'
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { type core, z } from 'zod'
import { canonicalJson, type Json } from './canonical-json.ts'
import { nearest } from './nearest.ts'
import { type Pattern, parsePattern } from './path-pattern.ts'
import type { RuleSet, Service } from './rule-set.ts'
import { type RuleSetSource, ruleSetSource } from './rule-set-source.ts'
import type { Tier } from './tier.ts'

/** One fault of a rule set file: where (1-based), what is wrong, and how to mend it. */
export type RuleSetFault = { readonly line: number; readonly column: number; readonly what: string }

export type ParsedRuleSet =
  | { readonly ok: true; readonly rules: RuleSet }
  | { readonly ok: false; readonly faults: readonly RuleSetFault[] }

type Path = readonly (string | number)[]
type Report = (path: Path, what: string, at?: 'key' | 'value') => void

/** The rule set that this YAML says, or every fault in it at once. */
export const parseRuleSet = (text: string): ParsedRuleSet => {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    prettyErrors: false,
  })
  const faults: RuleSetFault[] = []
  const at = (offset: number, what: string) => {
    const { line, col } = lines.linePos(offset)
    faults.push({ line, column: col, what })
  }
  for (const error of document.errors) at(error.pos[0], error.message)
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined)
        at(alias.range?.[0] ?? 0, `"*${alias.source}" repeats nothing; name it with "&" first`)
    },
  })
  let plain: unknown
  try {
    if (faults.length === 0) plain = document.toJS({ maxAliasCount: 100 })
  } catch {
    at(0, 'its aliases stand for too much; write some of them out')
  }
  if (faults.length > 0) return { ok: false, faults }

  const report: Report = (path, what, part = 'value') => at(offsetOf(document, path, part), what)
  const parsed = ruleSetSource.safeParse(plain)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) reportShape(document, issue, report)
    return { ok: false, faults: inOrder(faults) }
  }
  const rules = link(parsed.data, report)
  return faults.length > 0 ? { ok: false, faults: inOrder(faults) } : { ok: true, rules }
}

const inOrder = (faults: RuleSetFault[]): RuleSetFault[] =>
  faults.sort((a, b) => a.line - b.line || a.column - b.column)

/** Where a path stands in the text; where it is missing, its nearest parent. */
const offsetOf = (document: Document, path: Path, part: 'key' | 'value'): number => {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = document.getIn(path.slice(0, depth - 1), true)
    const last = path[depth - 1]
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === last)
      : undefined
    const node = part === 'key' && pair !== undefined ? pair.key : document.getIn(path.slice(0, depth), true)
    const range = (node as Node | undefined)?.range
    if (range) return range[0]
  }
  return 0
}

/** Every key that a rule set may have somewhere, for guessing what a misspelt one meant. */
const knownKeys = new Set<string>()
const collectKeys = (schema: unknown): void => {
  if (typeof schema !== 'object' || schema === null) return
  if ('properties' in schema) for (const key of Object.keys(schema.properties as object)) knownKeys.add(key)
  for (const member of Object.values(schema)) collectKeys(member)
}
collectKeys(z.toJSONSchema(ruleSetSource, { io: 'input', unrepresentable: 'any' }))

const reportShape = (document: Document, issue: core.$ZodIssue, report: Report): void => {
  const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const hint = nearest(key, knownKeys)
      report(
        [...path, key],
        `unknown key "${key}"${hint === undefined ? '' : `; did you mean "${hint}"?`}`,
        'key',
      )
    }
    return
  }
  const name = path.at(-1)
  if (name === undefined) return report(path, 'the file is not a rule set; begin with "version: 1"')
  if (issue.code === 'invalid_key')
    return report(path, `the name "${name}": ${issue.issues.map(({ message }) => message).join('; ')}`, 'key')
  if (!document.hasIn(path)) return report(path, `"${name}" is missing`, 'key')
  report(path, `${name}: ${issue.message}`)
}

/** Resolves every name to what it means; reports each that dangles or contradicts. */
const link = (source: RuleSetSource, report: Report): RuleSet => {
  const tierNames = Object.keys(source.tiers)
  const peopleNames = Object.keys(source.people)
  const known = (
    kind: string,
    names: readonly string[],
    name: string,
    path: Path,
    part?: 'key' | 'value',
  ) => {
    if (names.includes(name)) return true
    const hint = nearest(name, names)
    const mend = hint === undefined ? `known are: ${names.join(', ') || 'none'}` : `did you mean "${hint}"?`
    report(path, `unknown ${kind} "${name}"; ${mend}`, part)
    return false
  }
  const knowPeople = (names: readonly string[], path: Path) => {
    for (const [index, name] of names.entries()) known('people', peopleNames, name, [...path, index])
  }

  if (tierNames.length === 0) report(['tiers'], 'no tiers; name at least one')
  for (const [name, tier] of Object.entries(source.tiers)) {
    if (tier.approvals !== undefined) knowPeople(tier.approvals.from, ['tiers', name, 'approvals', 'from'])
  }

  const readPatterns = (byTier: Record<string, string[]>, path: Path): Map<string, Pattern[]> => {
    const patterns = new Map<string, Pattern[]>()
    for (const [tier, texts] of Object.entries(byTier)) {
      if (!known('tier', tierNames, tier, [...path, tier], 'key')) continue
      const parsed = texts.map((text, index) => {
        const pattern = parsePattern(text)
        if ('fault' in pattern) report([...path, tier, index], pattern.fault)
        return pattern
      })
      patterns.set(
        tier,
        parsed.filter((pattern): pattern is Pattern => !('fault' in pattern)),
      )
    }
    return patterns
  }
  const profiles = new Map(
    Object.entries(source.profiles).map(([name, profile]) => [
      name,
      readPatterns(profile.tiers, ['profiles', name, 'tiers']),
    ]),
  )

  const services = new Map<string, Service>()
  for (const [name, service] of Object.entries(source.services)) {
    const path = ['services', name]
    knowPeople(service.owners, [...path, 'owners'])
    known('release', Object.keys(service.releases), service.serve, [...path, 'serve'])
    if (service.profile !== undefined)
      known('profile', [...profiles.keys()], service.profile, [...path, 'profile'])
    const shared = service.profile === undefined ? undefined : profiles.get(service.profile)
    const own = readPatterns(service.tiers, [...path, 'tiers'])
    const tiers = Object.entries(source.tiers).map(
      ([tier, defaults], rank): Tier => ({
        name: tier,
        rank,
        longest: defaults.longest,
        rate: defaults.rate,
        whenStale: defaults.when_stale,
        reasonRequired: defaults.reason === 'required',
        approvals: defaults.approvals,
        patterns: [...(shared?.get(tier) ?? []), ...(own.get(tier) ?? [])],
      }),
    )
    if (tiers.every((tier) => tier.patterns.length === 0)) {
      report(
        [...path],
        `the service "${name}" allows nothing; give it a profile or patterns under "tiers"`,
        'key',
      )
    }
    services.set(name, {
      name,
      releases: service.releases,
      serve: service.serve,
      pagerduty: service.pagerduty,
      trustedTriggers: service.trusted_triggers,
      channel: service.channel,
      owners: service.owners,
      labels: service.labels,
      tiers,
    })
  }

  const serviceNames = [...services.keys()]
  const labels = new Set([...services.values()].flatMap((service) => service.labels))
  const knowServices = (names: readonly string[], path: Path) => {
    for (const [index, name] of names.entries()) {
      if (name === '*') continue
      if (name.startsWith('label:'))
        known('label', [...labels], name.slice('label:'.length), [...path, index])
      else known('service', serviceNames, name, [...path, index])
    }
  }

  const onPage = source.on_page.map((rule, index) => {
    const path = ['on_page', index]
    knowServices(rule.services, [...path, 'services'])
    knowPeople(rule.who, [...path, 'who'])
    if (known('tier', tierNames, rule.give, [...path, 'give'])) {
      const tier = source.tiers[rule.give]
      if (tier?.approvals !== undefined) {
        report(
          [...path, 'give'],
          `a page never gives "${rule.give}" by itself, because it needs approval; give a lower tier`,
        )
      }
      if (tier !== undefined && rule.for > tier.longest) {
        report(
          [...path, 'for'],
          `longer than the tier "${rule.give}" lasts at most; shorten it or raise "longest"`,
        )
      }
    }
    if (rule.cap !== undefined && rule.cap < rule.for)
      report([...path, 'cap'], 'shorter than "for"; a pass is renewed up to its cap')
    return { id: `on_page[${index}]`, ...rule, cap: rule.cap ?? rule.for, grace: rule.grace ?? 0 }
  })

  const onRequest = source.on_request.map((rule, index) => {
    const path = ['on_request', index]
    knowServices(rule.services, [...path, 'services'])
    knowPeople(rule.who, [...path, 'who'])
    for (const [place, tier] of rule.tiers.entries()) {
      if (!known('tier', tierNames, tier, [...path, 'tiers', place])) continue
      const approvals = source.tiers[tier]?.approvals
      if (rule.how === 'approval' && approvals === undefined) {
        report(
          [...path, 'tiers', place],
          `nobody is named to approve "${tier}"; give the tier "approvals: { count, from }"`,
        )
      }
      if (rule.how === 'at once' && approvals !== undefined) {
        report(
          [...path, 'tiers', place],
          `"${tier}" needs approval, so it can't be given at once; say "how: approval"`,
        )
      }
    }
    return { id: `on_request[${index}]`, ...rule }
  })

  return {
    environment: source.environment,
    domain: source.domain,
    identity: source.identity,
    people: new Map(Object.entries(source.people)),
    services,
    onPage,
    onRequest,
    hash: rulesHash(source),
  }
}

/** Tiers are hashed with their order, which is what gives them their rank. */
const rulesHash = (source: RuleSetSource): string => {
  const ordered = { ...source, tiers: Object.entries(source.tiers) }
  return createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(ordered)) as Json))
    .digest('hex')
}
