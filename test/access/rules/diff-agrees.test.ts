import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml, stringify } from 'yaml'
import { decideAsk, decidePage } from '#access/domain/decide-access.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { diffRuleSets } from '#access/rules/diff.ts'
import { parseRuleSet, type SoundRuleSet } from '#access/rules/parse-rule-set.ts'
import { anIncident, aPerson, hour, provenOf } from '../../builders.ts'
import { type Random, randomFrom } from '../../proofs/random.ts'

type Pick = Random['pick']
type Tree = { [key: string]: Tree } & Tree[]

const base = readFileSync(new URL('diff.yaml', import.meta.url), 'utf8')

const people = ['sre', 'payments', 'leads', 'contractors', 'security']
const groups = ['sre', 'team-payments', 'leads', 'agency', 'platform']
const tierNames = ['observe', 'operate', 'admin']
const serviceNames = ['orders-svc', 'payments-svc', 'ledger-svc']
const durations = ['30m', '1h', '2h', '4h']
const texts = [
  'GET /**',
  'GET /v1/*',
  'GET /v1/orders',
  '* /v1/**',
  'POST /v1/*/*/retry',
  'POST /v1/orders',
  'PUT /v1/flags/*',
  'DELETE /**',
  'HEAD /v1/**',
  'WS /live',
]
const windows = [
  { days: 'mon-fri', hours: '08:00-18:00', zone: 'Europe/Berlin' },
  { days: 'mon-fri', hours: '09:00-17:00', zone: 'Europe/Berlin' },
  { days: 'sat, sun', hours: '20:00-06:00', zone: 'UTC' },
  { days: 'mon-sun', hours: '00:00-24:00', zone: 'UTC' },
]

const some = <One>(pick: Pick, from: readonly One[]): One[] => {
  const chosen = from.filter(() => pick([true, false, false]))
  return chosen.length > 0 ? chosen : [pick(from)]
}

const swap = (pick: Pick, list: unknown[]): void => {
  if (list.length < 2) return
  const at = pick([...list.keys()].slice(1))
  list.splice(at - 1, 2, list[at], list[at - 1])
}

/** Adds a rule somewhere, perhaps in place of another. */
const put = (pick: Pick, list: unknown[] | undefined, rule: object): void =>
  void list?.splice(pick([0, 1, 2]), pick([0, 1]), rule)

const requestRule = (pick: Pick): object => ({
  who: some(pick, people),
  services: pick([['*'], ['orders-svc'], ['label:tier-1']]),
  ...pick([
    { tiers: some(pick, ['observe', 'operate']), how: 'at once' },
    { tiers: ['admin'], how: 'approval' },
  ]),
  ...pick([{}, {}, { when: pick(windows) }]),
  ...pick([{}, {}, { ahead: pick(durations) }]),
})

const pageRule = (pick: Pick): object => ({
  who: some(pick, people),
  services: pick([['*'], ['orders-svc'], ['label:tier-1']]),
  give: pick(['observe', 'operate']),
  how: pick(['auto', 'offer', 'on acknowledge']),
  for: pick(['30m', '1h']),
  ...pick([{}, { urgency: pick(['high', 'low']) }]),
  ...pick([{}, { priority: some(pick, ['P1', 'P2', 'P3']) }]),
  ...pick([{}, { levels: pick(['1-2', '2', '3-5']) }]),
  ...pick([{}, {}, { when: pick(windows) }]),
})

/** What somebody may do to a rule set; some of it means nothing. */
type Edit = (rules: Tree, pick: Pick) => void
/** Which rule is first matters to whoever both are about. */
const swaps: readonly Edit[] = [
  (rules, pick) => swap(pick, rules['on_request'] ?? []),
  (rules, pick) => swap(pick, rules['on_page'] ?? []),
]
const edits: readonly Edit[] = [
  ...swaps,
  (rules, pick) => put(pick, rules['on_request'], requestRule(pick)),
  (rules, pick) => put(pick, rules['on_page'], pageRule(pick)),
  (rules, pick) => Object.assign(pick(rules['on_request'] ?? []), { who: some(pick, people) }),
  (rules, pick) => Object.assign(pick(rules['on_page'] ?? []), { who: some(pick, [...people, 'owners']) }),
  (rules, pick) =>
    Object.assign(rules['profiles']?.['web']?.['tiers'] ?? {}, { [pick(tierNames)]: some(pick, texts) }),
  (rules, pick) =>
    Object.assign(rules['services']?.[pick(serviceNames)] ?? {}, {
      tiers: { [pick(tierNames)]: some(pick, texts) },
    }),
  (rules, pick) =>
    Object.assign(rules['services']?.[pick(serviceNames)] ?? {}, {
      labels: some(pick, ['orders', 'tier-1', 'ledger']),
    }),
  (rules, pick) =>
    Object.assign(rules['services']?.[pick(serviceNames)] ?? {}, { owners: some(pick, people) }),
  (rules, pick) =>
    Object.assign(rules['services']?.[pick(serviceNames)] ?? {}, {
      trusted_triggers: pick([[], ['PIDATADOG'], ['PI2']]),
    }),
  (rules, pick) => Object.assign(rules['tiers']?.[pick(tierNames)] ?? {}, { longest: pick(durations) }),
  (rules, pick) =>
    Object.assign(rules['tiers']?.[pick(tierNames)] ?? {}, {
      reason: pick(['optional', 'required', 'ticket']),
    }),
  (rules, pick) =>
    Object.assign(rules['tiers']?.['admin'] ?? {}, { approvals: { from: some(pick, people) } }),
  (rules, pick) => Object.assign(rules['people']?.[pick(people)] ?? {}, { groups: some(pick, groups) }),
  (rules, pick) =>
    Object.assign(rules['people']?.[pick(people)] ?? {}, { until: pick(['2026-06-30', '2027-03-31']) }),
  (rules, pick) =>
    Object.assign(pick(rules['freeze'] ?? []), {
      tiers: some(pick, tierNames),
      until: pick(['2026-12-31', '2027-01-02']),
    }),
  (rules, pick) =>
    put(pick, rules['standing'], {
      from: pick([...people, 'workload:checkout']),
      to: pick([['*'], ['orders-svc']]),
      ...pick([
        { tier: pick(['observe', 'operate']) },
        { allow: some(pick, texts), rate: pick(['5/s', '9/s']) },
      ]),
    }),
  (rules, pick) => {
    const people: Record<string, Tree> = rules['people'] ?? {}
    for (const [name, one] of Object.entries(people).reverse()) {
      delete people[name]
      people[name] = one
    }
    Object.assign(pick(rules['on_request'] ?? []), { name: pick(['one', 'two']) })
  },
]

const sound = (rules: Tree): SoundRuleSet | undefined => {
  const parsed = parseRuleSet(stringify(rules))
  return parsed.ok ? parsed : undefined
}

/** A random rule set, and what a few edits make of it; undefined where one of them is not sound. */
const pairBy = (pick: Pick): { readonly old: SoundRuleSet; readonly now: SoundRuleSet } | undefined => {
  const rules: Tree = parseYaml(base)
  for (let left = pick([0, 2, 4, 6]); left > 0; left -= 1) pick(edits)(rules, pick)
  const old = sound(rules)
  for (let left = pick([1, 1, 2, 3]); left > 0; left -= 1) pick(pick([edits, swaps]))(rules, pick)
  const now = sound(rules)
  return old === undefined || now === undefined ? undefined : { old, now }
}

/** One question that a rule set answers: by an ask, a page or a request; without what rules are called. */
const questionBy = (pick: Pick): ((rules: RuleSet) => unknown) => {
  const person = aPerson({
    issuer: 'https://idp.example.com',
    subject: pick(['idp-ana', 'idp-checkout']),
    groups: groups.filter(() => pick([true, false, false])),
    roles: pick([[], ['security'], ['lead']]),
  })
  const now = Date.UTC(
    2026,
    pick([0, 5, 6, 8, 11]),
    pick([1, 4, 11, 20, 26, 31]),
    pick([1, 6, 7, 8, 12, 17, 22]),
    pick([0, 30]),
  )
  const name = pick(serviceNames)
  const kind = pick(['ask', 'page', 'request'])
  const ask = {
    service: name,
    tier: pick(tierNames),
    ...pick([{}, { duration: pick([hour / 2, hour, 3 * hour]) }]),
    reason: pick(['stuck', 'CHG-123 stuck']),
    ...pick([{}, { from: now + hour }]),
  }
  const paged = { user: 'PUANA01', name: 'Ana', at: now, ...pick([{}, { level: pick([1, 2, 3, 6]) }]) }
  const incident = anIncident({
    urgency: pick(['high', 'low']),
    ...pick([{}, { priority: pick(['P1', 'P2', 'P4']) }]),
    trigger: { kind: 'integration', id: pick(['PIDATADOG', 'PIDATADOG', 'PI2']) },
    acknowledgedBy: pick([[], ['PUANA01']]),
  })
  const method = pick(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'WS'])
  const path = pick([
    '/',
    '/v1/',
    '/v1/orders',
    '/v1/orders/7',
    '/v1/orders/7/retry',
    '/v1/flags/x',
    '/live',
    '/a/b/c/d',
  ])
  return (rules) => {
    const service = rules.services.get(name)
    if (service === undefined) return undefined
    if (kind === 'request') {
      const view = {
        ready: () => true,
        age: () => 0,
        heldBy: () => undefined,
        isLocked: () => false,
        confirmedUntil: () => Number.POSITIVE_INFINITY,
      }
      const decision = decideRequest(rules, view, { who: provenOf(person), service, method, path }, now)
      const route = service.routes.find(method, path)?.tier.name
      return decision.allow ? [route, decision.tier.rate, decision.tier.burst] : [route, decision.reason]
    }
    const decision =
      kind === 'ask'
        ? decideAsk(rules, person, ask, now)
        : decidePage(rules, incident, service, person, paged, now)
    if (!decision.give) return decision.refusal
    const { service: _service, rule: _rule, approvers, ...proposal } = decision.proposal
    const { from = [], escalate, ...terms } = approvers ?? {}
    const later = escalate && { ...escalate, to: [...escalate.to].sort() }
    return { ...proposal, approvers: { ...terms, from: [...from].sort(), later } }
  }
}

describe('The changes of a random edit', () => {
  test('are never none where a person, a page or a request is decided on otherwise', () => {
    const seen = { sound: 0, none: 0, otherwise: 0 }
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { pick } = randomFrom(seed)
        const pair = pairBy(pick)
        if (pair === undefined) return
        const { old, now } = pair
        seen.sound += 1
        const { changes } = diffRuleSets(old, now)
        if (changes.length === 0) seen.none += 1
        const questions = Array.from({ length: changes.length === 0 ? 200 : 20 }, () => questionBy(pick))
        const otherwise = questions.some((ask) => !isDeepStrictEqual(ask(old.rules), ask(now.rules)))
        if (!otherwise) return
        seen.otherwise += 1
        expect(changes).not.toEqual([])
      }),
      { seed: 20_260_115, numRuns: 120 },
    )
    // Otherwise this would show nothing.
    expect(seen.sound).toBeGreaterThan(50)
    expect(seen.otherwise).toBeGreaterThan(20)
    expect(seen.none).toBeGreaterThan(10)
  }, 60_000)
})
