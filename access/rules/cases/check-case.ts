import { ownersRule } from '../../domain/decide-access.ts'
import { parsePattern } from '../../domain/path-pattern.ts'
import { reasons } from '../../domain/reasons.ts'
import type { Service } from '../../domain/rule-set.ts'
import { type KnownNames, knownBy } from '../compile/known-names.ts'
import type { SoundRuleSet } from '../parse-rule-set.ts'
import type { Report } from '../rule-file.ts'
import { readFrom } from '../standing-from.ts'
import { oneOf } from '../words.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import { type Happening, kinds } from './rule-case.ts'
import type { CaseFileSource, CaseSource, Expectation } from './source.ts'

/** What happens in a case: the last of these that is said. A page may come before a request. */
const kindOf = ({ request, ask, page }: CaseSource): Happening['kind'] | undefined => {
  if (request !== undefined) return 'request'
  if (ask !== undefined) return 'ask'
  return page === undefined ? undefined : 'page'
}

const acts = { request: 'a request', ask: 'asking', page: 'a page' } as const satisfies Record<
  Happening['kind'],
  string
>

/** Reports what a case names in vain, and what can't be so or changes nothing. */
export const checkCase = (
  parsed: SoundRuleSet,
  people: CaseFileSource['people'],
  said: CaseSource,
  path: YamlPath,
  known: KnownNames,
  report: Report,
): void => {
  const kind = kindOf(said)
  const isWorkload = checkWho(people, said.who, [...path, 'who'], known, report)
  known.service(said.service, [...path, 'service'])
  if (kind === undefined)
    report(path, 'nothing happens here; add "request: GET /v1/orders/7", "ask: operate" or "page: {}"')
  const isTwo = said.ask !== undefined && (said.request ?? said.page) !== undefined
  if (isTwo)
    report(
      [...path, 'ask'],
      `"ask" and "${said.request === undefined ? 'page' : 'request'}" are two cases; write one for each`,
      'key',
    )
  if (kind === 'request' && isWorkload && said.page !== undefined)
    report([...path, 'page'], 'a workload is not paged; leave it out', 'key')
  if (kind === 'ask' || kind === 'page') {
    const idle = (key: 'holds' | 'stale'): void =>
      report([...path, key], `"${key}" changes nothing about ${acts[kind]}; leave it out`, 'key')
    if (said.holds.length > 0) idle('holds')
    if (said.stale !== undefined) idle('stale')
    if (isWorkload)
      report([...path, kind], 'a workload is not paged and asks for nothing; it only makes requests', 'key')
  }
  if (said.ask?.tier !== undefined) known.tier(said.ask.tier, [...path, 'ask', 'tier'])
  for (const [index, { tier, approved_by }] of said.holds.entries()) {
    known.tier(tier, [...path, 'holds', index, 'tier'])
    for (const [place, by] of (approved_by ?? []).entries())
      knownBy(report)(
        'person or set of people',
        [...Object.keys(people), ...parsed.rules.people.keys()],
        by,
        [...path, 'holds', index, 'approved_by', place],
      )
  }
  const service = parsed.rules.services.get(said.service)
  if (kind !== undefined && service !== undefined && !isTwo)
    checkExpectation(service, kind, said.expect, [...path, 'expect'], known, report)
}

/** Whether it is a workload. */
const checkWho = (
  people: CaseFileSource['people'],
  who: string,
  path: YamlPath,
  known: KnownNames,
  report: Report,
): boolean => {
  const from = readFrom(who)
  if (from.kind === 'workload') known.workload(from.name, path)
  else knownBy(report)('person', Object.keys(people), who, path)
  return from.kind === 'workload'
}

const checkExpectation = (
  service: Service,
  kind: Happening['kind'],
  expect: Expectation,
  path: YamlPath,
  known: KnownNames,
  report: Report,
): void => {
  const { outcomes, facts } = kinds[kind]
  if (!outcomes.includes(expect.is))
    report([...path, 'is'], `${acts[kind]} never comes to "${expect.is}"; write ${oneOf(outcomes)}`)
  for (const fact of Object.keys(expect) as (keyof Expectation)[])
    if (!facts.includes(fact))
      report(
        [...path, fact],
        `nothing like "${fact}" comes of ${acts[kind]}; known here are: ${facts.join(', ')}`,
        'key',
      )
  const { tier, rule, reason, pattern, by } = expect
  if (tier !== undefined) known.tier(tier, [...path, 'tier'])
  if (by !== undefined && facts.includes('by')) known.people(by, [...path, 'by'], false)
  const named = [service.standing, service.onPage, service.onRequest, service.freezes].flatMap((rules) =>
    rules.map(({ id }) => id),
  )
  const one = knownBy(report)
  if (rule !== undefined)
    one(`rule about ${service.name}`, [...new Set([...named, ownersRule])], rule, [...path, 'rule'])
  if (reason !== undefined)
    one('reason', Object.keys(reasons), reason, [...path, 'reason'], { named: likely[kind] })
  if (pattern !== undefined && facts.includes('pattern'))
    checkPattern(service, pattern, [...path, 'pattern'], report)
}

/** The reasons that rules give, where nothing is near to what was written. */
const likely: Readonly<Record<Happening['kind'], readonly (keyof typeof reasons)[]>> = {
  request: [
    'grant-missing',
    'tier-too-low',
    'tier-none',
    'grant-beyond-rules',
    'sign-in-needed',
    'frozen',
    'view-stale',
  ],
  ask: [
    'not-eligible',
    'duration-too-long',
    'reason-needed',
    'ticket-needed',
    'too-far-ahead',
    'frozen',
    'person-inactive',
  ],
  page: ['page-no-rule', 'page-by-self', 'page-untrusted', 'page-needs-approval', 'person-inactive'],
}

const checkPattern = (service: Service, written: string, path: YamlPath, report: Report): void => {
  const pattern = parsePattern(written)
  if ('fault' in pattern) return report(path, pattern.fault)
  const all = [
    ...service.tiers,
    ...service.standing.flatMap(({ allow }) => (allow === undefined ? [] : [allow.terms])),
  ]
  const texts = [...new Set(all.flatMap(({ patterns }) => patterns.map(({ text }) => text)))]
  knownBy(report)(`pattern of ${service.name}`, texts, pattern.text, path)
}
