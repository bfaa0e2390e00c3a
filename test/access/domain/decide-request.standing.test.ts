import { describe, expect, test } from 'vitest'
import { admittedBy, type DecisionRequest, decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Proven } from '#access/domain/principal.ts'
import { isStanding, standingGrant } from '#access/domain/standing-grant.ts'
import { createView } from '#access/domain/view.ts'
import {
  aGrant,
  aPerson,
  hour,
  minute,
  noon,
  provenOf,
  rulesOf,
  rulesText,
  serviceIn,
  tierIn,
} from '../../builders.ts'

const text = rulesText
  .replace(
    '  sre:      { groups: [sre] }',
    `  sre:      { groups: [sre] }
  auditors: { roles: [auditor] }
  guests:   { groups: [guests], until: 2026-01-15T12:00Z }`,
  )
  .replace('tiers:   ', 'workloads: { checkout: { subjects: [svc-checkout] } }\ntiers:   ')
  .replace('when_stale: 2m,  reason', 'when_stale: 2m, sign_in: { max_age: 2h }, reason')
  .replace('when_stale: 30s, reason', 'when_stale: 30s, sign_in: { max_age: 2h }, reason')
  .concat(`
standing:
  - { name: checks-out, from: workload:checkout, to: orders-svc, allow: [POST /v1/orders/*/retry, WS /live, GET /x], rate: 200/s }
  - { name: audits, from: auditors, to: [label:orders], tier: observe }
  - { name: elsewhere, from: auditors, to: payments-svc, tier: operate }
  - { name: repairs, from: sre, to: orders-svc, tier: operate }
  - { name: visits, from: guests, to: orders-svc, tier: observe }
  - { name: calls, from: on call of orders-svc, to: orders-svc, tier: observe }
`)
const rules = rulesOf(text)
const orders = serviceIn(rules)
const payments = serviceIn(rules, 'payments-svc')
const rule = (id: string) => {
  const found = rules.standing.find((one) => one.id === id)
  if (found === undefined) throw new Error(`no standing rule ${id}`)
  return found
}

const checkout = provenOf(aPerson({ subject: 'svc-checkout', groups: [] }))
const auditor = provenOf(aPerson({ subject: 'idp-kim', groups: [], roles: ['auditor'] }))
const guest = provenOf(aPerson({ subject: 'idp-gus', groups: ['guests'] }))
const engineer: Proven = { ...provenOf(aPerson({ subject: 'idp-ben', groups: ['sre'] })), signedInAt: noon }

/** A view in step with these grants, that saw a head just now. */
const viewOf = (...grants: readonly Grant[]) => {
  const view = createView()
  const next = view.resync(0)
  for (const grant of grants) next.load(grant, 'statement')
  next.commit()
  view.headSeen(noon)
  return view
}

type Given = Partial<DecisionRequest> & {
  readonly view?: ReturnType<typeof createView>
  readonly now?: number
}
const decide = ({ view = viewOf(), now = noon, ...request }: Given) =>
  decideRequest(
    rules,
    view,
    { who: auditor, service: orders, method: 'GET', path: '/v1/orders', ...request },
    now,
  )

const put = { method: 'PUT', path: '/v1/flags/y' }
const retry = { method: 'POST', path: '/v1/orders/7/retry' }

test('No standing rule admits whoever is locked, whether or not anything is known of grants', () => {
  for (const view of [viewOf(), createView()]) {
    expect(decide({ view }).allow).toBe(true)
    view.lock(auditor.principal)
    expect(decide({ view })).toEqual({ allow: false, reason: 'principal-locked' })
    expect(decide({ view, who: engineer }).allow).toBe(true)
  }
})

describe('Without a grant a standing rule admits', () => {
  test.each<[string, Given, string, string, string]>([
    [
      'what it names, under terms of its own',
      { who: checkout, ...retry },
      'checks-out',
      'checks-out',
      'POST /v1/orders/*/retry',
    ],
    [
      'what no tier allows',
      { who: checkout, method: 'WS', path: '/live' },
      'checks-out',
      'checks-out',
      'WS /live',
    ],
    [
      'what a lower tier allows, under its own terms',
      { who: checkout, path: '/x' },
      'checks-out',
      'checks-out',
      'GET /x',
    ],
    ['what its tier allows', {}, 'audits', 'observe', 'GET /**'],
    ['what a tier below its own allows, under that tier', { who: engineer }, 'repairs', 'observe', 'GET /**'],
    ['what its tier alone allows', { who: engineer, ...put }, 'repairs', 'operate', 'PUT /v1/flags/*'],
    ['until a set of people has its end', { who: guest, now: noon - 1 }, 'visits', 'observe', 'GET /**'],
    ['though nothing is known of grants', { view: createView() }, 'audits', 'observe', 'GET /**'],
    ['though what is known of grants is old', { now: noon + 24 * hour }, 'audits', 'observe', 'GET /**'],
  ])('%s', (_, given, by, tier, pattern) => {
    const decision = decide(given)
    if (!decision.allow) throw new Error(decision.reason)
    expect(decision.held).toBe(standingGrant(rules, rule(by), given.who ?? auditor))
    expect([decision.tier.name, decision.pattern.text]).toEqual([tier, pattern])
    expect(decision.service).toBe(orders)
  })
})

describe('Without a grant nothing admits', () => {
  const observe = tierIn(orders, 'observe')
  const operate = tierIn(orders, 'operate')
  const admin = tierIn(orders, 'admin')
  const other = 'https://two.example'

  test.each<[string, Given, object]>([
    ['what the rule does not name', { who: checkout }, { reason: 'grant-missing', needs: observe }],
    ['a tier above the rule’s', { ...retry }, { reason: 'grant-missing', needs: operate }],
    [
      'a tier just above the rule’s',
      { who: engineer, method: 'DELETE', path: '/x' },
      { reason: 'grant-missing', needs: admin },
    ],
    ['what no tier allows', { method: 'WS', path: '/live' }, { reason: 'tier-none' }],
    ['people whom no rule names', { who: provenOf(aPerson()) }, { reason: 'grant-missing', needs: observe }],
    [
      'those on call, whom no token names',
      { who: provenOf(aPerson({ groups: ['team-x'] })) },
      { reason: 'grant-missing', needs: observe },
    ],
    ['a set of people after its end', { who: guest }, { reason: 'grant-missing', needs: observe }],
    [
      'a workload of another issuer',
      { who: { ...checkout, issuer: other }, ...retry },
      { reason: 'grant-missing', needs: operate },
    ],
    [
      'people of another issuer',
      { who: { ...auditor, issuer: other } },
      { reason: 'grant-missing', needs: observe },
    ],
    [
      'on another service than the rule’s',
      { who: checkout, service: payments, path: '/x' },
      { reason: 'grant-missing', needs: tierIn(payments, 'observe') },
    ],
    [
      'whom no rule names, while nothing is known',
      { who: guest, view: createView() },
      { reason: 'view-missing' },
    ],
    [
      'a sign-in that is too old for the tier, whatever is known of grants',
      { who: { ...engineer, signedInAt: noon - 2 * hour - 1 }, ...put, view: createView() },
      { reason: 'sign-in-needed', needs: operate },
    ],
    ['at a time that no clock shows', { now: -1 }, { reason: 'view-missing' }],
    ['at no time', { now: Number.NaN, view: createView() }, { reason: 'view-missing' }],
  ])('%s', (_, given, denied) => {
    expect(decide(given)).toStrictEqual({ allow: false, ...denied })
  })
})

describe('Beside a grant a standing rule', () => {
  const who = { issuer: engineer.issuer, subject: 'idp-ben', name: 'Ben Okafor' }

  test('gives way to it', () => {
    const decision = decide({ who: engineer, view: viewOf(aGrant({ who })), ...put })
    expect(decision.allow && isStanding(decision.held)).toBe(false)
    expect(decision).toMatchObject({ allow: true, held: { grant: { tier: 'operate', who } } })
  })

  test.each<[string, Partial<Grant>, number]>([
    ['whose tier is too low', { tier: 'observe' }, noon],
    ['that is over', {}, noon + hour],
    ['beyond the rules', { environment: 'production' }, noon],
    ['that nobody took', { state: 'offered' }, noon],
  ])('admits in place of one %s', (_, changes, now) => {
    const decision = decide({ who: engineer, view: viewOf(aGrant({ who, ...changes })), ...put, now })
    expect(decision.allow && isStanding(decision.held)).toBe(true)
  })

  test('says of the sign-in what the grant’s tier says, too', () => {
    const old = { ...engineer, signedInAt: noon - 2 * hour - 1 }
    const decision = decide({ who: old, view: viewOf(aGrant({ who, tier: 'observe' })), ...put })
    expect(decision).toStrictEqual({
      allow: false,
      reason: 'sign-in-needed',
      needs: tierIn(orders, 'operate'),
    })
  })

  test('is not asked where nothing is refused', () => {
    const old = { ...engineer, signedInAt: noon - 3 * hour }
    expect(decide({ who: old, now: noon + minute })).toMatchObject({ allow: true, tier: { name: 'observe' } })
  })
})

describe('What a standing rule admits a request by', () => {
  const audits = rule('audits')

  test('is a route of its tier or one below', () => {
    expect(admittedBy(audits, orders, 'GET', '/a')).toBe(orders.routes.find('GET', '/a'))
    expect(admittedBy(audits, orders, 'PUT', '/v1/flags/x')).toBeUndefined()
    expect(admittedBy(rule('repairs'), orders, 'GET', '/a')?.tier.name).toBe('observe')
    expect(admittedBy(rule('repairs'), orders, 'PUT', '/v1/flags/x')?.tier.name).toBe('operate')
    expect(admittedBy(rule('repairs'), orders, 'DELETE', '/x')).toBeUndefined()
  })

  test('is nothing where no tier allows it', () => {
    expect(admittedBy(audits, orders, 'WS', '/live')).toBeUndefined()
  })

  test('is nothing by a tier that is no more, or none', () => {
    expect(admittedBy({ ...audits, tier: 'root' }, orders, 'GET', '/a')).toBeUndefined()
    expect(admittedBy({ ...audits, tier: undefined }, orders, 'GET', '/a')).toBeUndefined()
  })

  test('is one of its own patterns, whatever tier would admit it', () => {
    const checksOut = rule('checks-out')
    expect(admittedBy(checksOut, orders, 'GET', '/x')).toStrictEqual({
      tier: checksOut.allow?.terms,
      pattern: checksOut.allow?.terms.patterns[2],
    })
    expect(admittedBy(checksOut, orders, 'GET', '/y')).toBeUndefined()
    expect(checksOut.allow?.terms).toMatchObject({ name: 'checks-out', rate: 200, burst: 200 })
  })
})
