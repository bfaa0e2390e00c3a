import { describe, expect, test } from 'vitest'
import type { Claims } from '#access/domain/principal.ts'
import {
  belongsTo,
  fitsWhen,
  freezeOf,
  isFrom,
  namesService,
  nextEdgeOf,
  nextEndOf,
  type RuleSet,
  requestRuleFor,
  requestRulesFor,
  setsOf,
  tierOf,
} from '#access/domain/rule-set.ts'
import type { TimeWindow } from '#access/domain/time-window.ts'
import { aPerson, hour, minute, noon, rulesOf, rulesText, serviceIn } from '../../builders.ts'

const lastDay = Date.UTC(2026, 0, 16)
const text = rulesText
  .replace(
    '  payments: { groups: [team-payments] }',
    `  payments: { groups: [team-payments, team-billing] }
  leads: { roles: [lead, head] }
  named: { subjects: [idp-kim, idp-lea] }
  mixed: { groups: [team-a], roles: [auditor], subjects: [idp-max] }
  visitors: { groups: [visitors], until: 2026-01-15 }
  guests: { roles: [guest], until: 2026-01-15T12:00Z }`,
  )
  .replace(
    'tiers:   ',
    'workloads:\n  checkout: { subjects: [svc-checkout, svc-till] }\n  batch: { subjects: [svc-batch] }\ntiers:   ',
  )
  .concat(`
standing:
  - { from: workload:checkout, to: orders-svc, allow: [GET /a] }
  - { from: payments, to: orders-svc, tier: observe }
  - { from: on call of orders-svc, to: orders-svc, tier: observe }
freeze:
  - { services: [orders-svc], tiers: [operate, admin], from: 2026-01-15T12:00Z, until: 2026-01-15T14:00Z, because: sales }
  - { services: [label:tier-1], tiers: [admin], from: 2026-01-15T13:00Z, until: 2026-01-15T15:00Z, because: audit }
`)
const rules = rulesOf(text)
const orders = serviceIn(rules)
const nobody = { groups: [], subject: 'idp-zoe' } as const

describe('Somebody belongs to a set of people', () => {
  test.each<[string, string, Partial<Claims>, boolean]>([
    ['by a group', 'payments', { groups: ['team-payments'] }, true],
    ['by another of its groups, among others', 'payments', { groups: ['team-x', 'team-billing'] }, true],
    ['by a role', 'leads', { roles: ['lead'] }, true],
    ['by another of its roles, among others', 'leads', { roles: ['x', 'head'] }, true],
    ['by name', 'named', { subject: 'idp-kim' }, true],
    ['by another of its names', 'named', { subject: 'idp-lea' }, true],
    ['by any of these: a group', 'mixed', { groups: ['team-a'] }, true],
    ['by any of these: a role', 'mixed', { roles: ['auditor'] }, true],
    ['by any of these: a name', 'mixed', { subject: 'idp-max' }, true],
    ['but not by another group', 'payments', { groups: ['team-x'] }, false],
    ['but not by the name of the set', 'payments', { groups: ['payments'] }, false],
    ['but not by a group with the name of a role', 'leads', { groups: ['lead'] }, false],
    ['but not by a role with the name of a group', 'payments', { roles: ['team-payments'] }, false],
    [
      'but not by a role with the name of a subject',
      'named',
      { roles: ['idp-kim'], groups: ['idp-kim'] },
      false,
    ],
    ['but not without roles', 'leads', {}, false],
    ['but not with roles that are unknown', 'leads', { roles: undefined }, false],
    [
      'but not at another issuer, by a group',
      'payments',
      { groups: ['team-payments'], issuer: 'https://two.example' },
      false,
    ],
    [
      'but not at another issuer, by a role',
      'leads',
      { roles: ['lead'], issuer: 'https://two.example' },
      false,
    ],
    [
      'but not at another issuer, by name',
      'named',
      { subject: 'idp-kim', issuer: 'https://two.example' },
      false,
    ],
    ['but not to one that is no more', 'gone', { groups: ['team-payments'], roles: ['lead'] }, false],
    [
      'but not to one with the name of every object’s property',
      'constructor',
      { groups: ['team-payments'] },
      false,
    ],
  ])('%s', (_, name, claims, belongs) => {
    const person = aPerson({ ...nobody, ...claims })
    expect(belongsTo(rules, [name], person, noon)).toBe(belongs)
    expect(setsOf(rules, [name], person, noon)).toEqual(belongs ? [name] : [])
  })

  test('that is one of several', () => {
    const lead = aPerson({ ...nobody, groups: ['team-billing'], roles: ['head'] })
    const sets = ['named', 'leads', 'gone', 'payments', 'sre']
    expect(belongsTo(rules, sets, lead, noon)).toBe(true)
    expect(setsOf(rules, sets, lead, noon)).toEqual(['leads', 'payments'])
    expect(belongsTo(rules, [], lead, noon)).toBe(false)
    expect(setsOf(rules, [], lead, noon)).toEqual([])
  })

  test.each<[string, string, Partial<Claims>, number]>([
    ['until the end of its last day', 'visitors', { groups: ['visitors'] }, lastDay],
    ['until its last millisecond', 'guests', { roles: ['guest'] }, noon],
  ])('%s', (_, name, claims, until) => {
    const person = aPerson({ ...nobody, ...claims })
    const edges = [0, until - 1, until, until + 1, Number.NaN]
    expect(edges.map((now) => belongsTo(rules, [name], person, now))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  test('that has no end, whatever the time', () => {
    const times = [0, noon, Number.MAX_SAFE_INTEGER]
    expect(times.map((now) => belongsTo(rules, ['payments'], aPerson(), now))).toEqual([true, true, true])
  })
})

test('The next end of a set of people is the first that is still to come', () => {
  const ends = [0, noon - 1, noon, noon + 1, lastDay - 1, lastDay].map((now) => nextEndOf(rules, now))
  const never = Number.POSITIVE_INFINITY
  expect(ends).toEqual([noon, noon, lastDay, lastDay, lastDay, never])
  expect(nextEndOf(rulesOf(), noon)).toBe(never)
  const turned: RuleSet = { ...rules, people: new Map([...rules.people].reverse()) }
  expect(nextEndOf(turned, 0)).toBe(noon)
})

test('The next edge is the next end of a set of people, or the next beginning of a freeze', () => {
  const never = Number.POSITIVE_INFINITY
  const times = [0, noon - 1, noon, noon + hour - 1, noon + hour, lastDay - 1, lastDay]
  const edges = [noon, noon, noon + hour, noon + hour, lastDay, lastDay, never]
  expect(times.map((now) => nextEdgeOf(rules, now))).toEqual(edges)
  const turned: RuleSet = { ...rules, freezes: rules.freezes.toReversed() }
  expect(times.map((now) => nextEdgeOf(turned, now))).toEqual(edges)
  const freezesOnly: RuleSet = { ...rules, people: new Map() }
  expect([0, noon, noon + hour].map((now) => nextEdgeOf(freezesOnly, now))).toEqual([
    noon,
    noon + hour,
    never,
  ])
  expect(nextEdgeOf(rulesOf(), noon)).toBe(never)
})

test('A tier is found by its name', () => {
  expect(tierOf(orders, 'operate')).toBe(orders.tiers[1])
  expect(tierOf(orders, 'root')).toBeUndefined()
})

describe('A list of services', () => {
  const service = { name: 'orders', labels: ['tier-1', 'money'] }

  test.each<[string, readonly string[], boolean]>([
    ['names it', ['orders'], true],
    ['names it among others', ['ledger', 'label:x', 'orders'], true],
    ['names every one', ['*'], true],
    ['names those of its label', ['label:money'], true],
    ['names those of its first label', ['label:tier-1'], true],
    ['names another', ['ledger'], false],
    ['names one whose name only begins alike', ['orders-svc'], false],
    ['names those of another label', ['label:tier-2'], false],
    ['names those of a label with its name', ['label:orders'], false],
    ['names a service with the name of its label', ['money'], false],
    ['names nothing', [], false],
  ])('%s', (_, list, named) => {
    expect(namesService(list, service)).toBe(named)
  })
})

describe('Time windows let a rule fit', () => {
  const hourOf = (hour: number): TimeWindow => ({
    days: [4],
    from: hour * 60,
    until: (hour + 1) * 60,
    zone: 'UTC',
  })

  test.each<[string, readonly TimeWindow[] | undefined, boolean]>([
    ['always, where there are none', undefined, true],
    ['in the one there is', [hourOf(12)], true],
    ['in any of them', [hourOf(9), hourOf(12)], true],
    ['not outside all of them', [hourOf(9), hourOf(13)], false],
    ['never, where none is left', [], false],
  ])('%s', (_, windows, fits) => {
    expect(fitsWhen(windows, noon)).toBe(fits)
  })
})

describe('Of the rules on asking', () => {
  const { length: before } = rulesText.split('\non_request:')[0] ?? ''
  const asking = (lines: string): RuleSet => rulesOf(`${rulesText.slice(0, before)}\non_request:\n${lines}`)
  const day = 'when: { days: thu, hours: "09:00-17:00", zone: UTC }'
  const set = asking(`
  - { name: others, who: [sre], tiers: [observe, operate], how: at once }
  - { name: elsewhere, who: [payments], services: [payments-svc], tiers: [operate], how: at once }
  - { name: day, who: [payments], tiers: [operate], how: at once, ${day} }
  - { name: evening, who: [payments, sre], tiers: [operate], how: at once, when: [{ hours: "16:00-20:00", zone: UTC }] }
  - { name: always, who: [payments], tiers: [observe, operate], how: at once }
  - { name: late, who: [payments], tiers: [operate], how: at once }
`)
  const service = serviceIn(set)
  const ids = (tier: string, groups = ['team-payments']) =>
    requestRulesFor(set, service, tier, aPerson({ groups }), noon).map(({ id }) => id)
  const first = (now: number, groups = ['team-payments']) =>
    requestRuleFor(set, service, 'operate', aPerson({ groups }), now)?.id

  test('those that fit at one hour or another count, down to the first that always does', () => {
    expect(ids('operate')).toEqual(['day', 'evening', 'always'])
    expect(ids('observe')).toEqual(['always'])
    expect(ids('admin')).toEqual([])
    expect(ids('operate', ['sre'])).toEqual(['others'])
    expect(ids('operate', ['team-x'])).toEqual([])
  })

  test('all count, where each has its hours', () => {
    const hours = asking(`
  - { name: day, who: [payments], tiers: [operate], how: at once, ${day} }
  - { name: night, who: [payments], tiers: [operate], how: at once, when: { hours: "22:00-06:00", zone: UTC } }
`)
    const all = requestRulesFor(hours, serviceIn(hours), 'operate', aPerson(), noon).map(({ id }) => id)
    expect(all).toEqual(['day', 'night'])
    expect(requestRuleFor(hours, serviceIn(hours), 'operate', aPerson(), noon + 6 * hour)).toBeUndefined()
  })

  test.each<[string, number, readonly string[], string | undefined]>([
    ['the first decides in its hours', noon, ['team-payments'], 'day'],
    ['the first decides to the last millisecond of its hours', noon + 5 * hour - 1, ['team-payments'], 'day'],
    ['the next decides when those are over', noon + 5 * hour, ['team-payments'], 'evening'],
    ['the last decides when no hours hold', noon + 8 * hour, ['team-payments'], 'always'],
    ['none decides on people whom none names', noon, ['team-x'], undefined],
  ])('%s', (_, now, groups, id) => {
    expect(first(now, [...groups])).toBe(id)
  })
})

describe('A freeze holds', () => {
  const because = (tier: string, at: number, name = 'orders-svc') =>
    freezeOf(serviceIn(rules, name), tier, at)?.because

  test.each<[string, string, number, string | undefined]>([
    ['not before it begins', 'operate', noon - 1, undefined],
    ['from its first millisecond', 'operate', noon, 'sales'],
    ['the first of two that do', 'admin', noon + hour, 'sales'],
    ['to its last millisecond', 'operate', noon + 2 * hour - 1, 'sales'],
    ['not when it is over', 'operate', noon + 2 * hour, undefined],
    ['though another is over', 'admin', noon + 2 * hour, 'audit'],
    ['until the last is over', 'admin', noon + 3 * hour, undefined],
    ['not for other tiers', 'observe', noon, undefined],
    ['not at no time', 'operate', Number.NaN, undefined],
  ])('%s', (_, tier, at, reason) => {
    expect(because(tier, at)).toBe(reason)
  })

  test('not for other services', () => {
    expect(because('admin', noon, 'payments-svc')).toBeUndefined()
    expect(because('admin', noon + hour, 'payments-svc')).toBe('audit')
    expect(because('operate', noon + hour, 'payments-svc')).toBeUndefined()
  })
})

describe('A standing rule is', () => {
  const [ofWorkload, ofPeople, onCall] = rules.standing
  if (ofWorkload === undefined || ofPeople === undefined || onCall === undefined)
    throw new Error('the rule set has three standing rules')

  test.each<[string, typeof ofWorkload, Partial<Claims>, boolean]>([
    ['for a workload of the name', ofWorkload, { subject: 'svc-checkout' }, true],
    ['for another subject of that workload', ofWorkload, { subject: 'svc-till' }, true],
    ['not for another workload', ofWorkload, { subject: 'svc-batch' }, false],
    ['not for the name of the workload', ofWorkload, { subject: 'checkout' }, false],
    [
      'not for such a subject of another issuer',
      ofWorkload,
      { subject: 'svc-till', issuer: 'https://two.example' },
      false,
    ],
    ['not for people, whatever their groups', ofWorkload, { groups: ['team-payments', 'svc-till'] }, false],
    ['for people of the set', ofPeople, { groups: ['team-payments'] }, true],
    ['not for other people', ofPeople, { groups: ['sre'] }, false],
    [
      'not for people of another issuer',
      ofPeople,
      { groups: ['team-payments'], issuer: 'https://two.example' },
      false,
    ],
    ['not for who is on call, which no token says', onCall, { groups: ['team-payments', 'sre'] }, false],
  ])('%s', (_, rule, claims, isIt) => {
    expect(isFrom(rules, rule, aPerson({ ...nobody, ...claims }), noon)).toBe(isIt)
  })

  test('for nobody, where its workload is no more', () => {
    const without: RuleSet = { ...rules, workloads: new Map() }
    expect(isFrom(without, ofWorkload, aPerson({ subject: 'svc-checkout' }), noon)).toBe(false)
  })

  test('for people until their set has its end', () => {
    const rule = { ...ofPeople, from: { kind: 'people', name: 'guests' } } as const
    const guest = aPerson({ ...nobody, roles: ['guest'] })
    expect([noon - minute, noon - 1, noon].map((now) => isFrom(rules, rule, guest, now))).toEqual([
      true,
      true,
      false,
    ])
  })
})
