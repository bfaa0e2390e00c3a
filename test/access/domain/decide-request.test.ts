import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import { patternMatches } from '#access/domain/path-pattern.ts'
import type { Person } from '#access/domain/principal.ts'
import { createView } from '#access/domain/view.ts'
import {
  aGrant,
  aPerson,
  hour,
  minute,
  noon,
  nthId,
  pageWhy,
  provenOf,
  rulesOf,
  rulesText,
  serviceIn,
  tierIn,
} from '../../builders.ts'

const rules = rulesOf()
const orders = serviceIn(rules)

/** A view that is in step, holds these grants, and saw a head at `headAt`. */
const viewOf = (grants: readonly Grant[], headAt: number | 'never') => {
  const view = createView()
  const next = view.resync(0)
  for (const [index, grant] of grants.entries())
    next.load({ ...grant, id: nthId(index) }, `statement ${index}`)
  next.commit()
  if (headAt !== 'never') view.headSeen(headAt)
  return view
}

type Given = {
  readonly grants?: readonly Grant[]
  readonly method?: string
  readonly path?: string
  readonly groups?: readonly string[]
  readonly who?: Person
  readonly now?: number
  readonly headAt?: number | 'never'
}

const decide = (given: Given) =>
  decideRequest(
    rules,
    viewOf(given.grants ?? [aGrant()], given.headAt ?? given.now ?? noon),
    {
      who: provenOf(given.who ?? aPerson({ groups: given.groups ?? ['team-payments'] })),
      service: orders,
      method: given.method ?? 'GET',
      path: given.path ?? '/v1/orders',
    },
    given.now ?? noon,
  )

const observe = aGrant({ tier: 'observe' })
const paged = aGrant({ why: pageWhy() })
const last = aGrant().until - 1
const own = { ...aGrant().who, at: noon, teams: ['sre'] }
const other = { ...own, subject: 'idp-ben', name: 'Ben Okafor', at: noon, teams: ['sre', 'payments'] }

describe('A request is admitted', () => {
  test.each<[string, Given, { tier: string; pattern: { text: string } }]>([
    ['under the lowest tier that admits it', {}, { tier: 'observe', pattern: { text: 'GET /**' } }],
    ['as HEAD where GET is', { method: 'HEAD' }, { tier: 'observe', pattern: { text: 'GET /**' } }],
    [
      'under the grant’s own tier where no lower one does',
      { method: 'POST', path: '/v1/orders/7/retry' },
      { tier: 'operate', pattern: { text: 'POST /v1/orders/*/retry' } },
    ],
    [
      'in the first millisecond of the grant',
      { now: noon },
      { tier: 'observe', pattern: { text: 'GET /**' } },
    ],
    [
      'in the last millisecond of the grant',
      { now: last },
      { tier: 'observe', pattern: { text: 'GET /**' } },
    ],
    [
      'by a grant that came with a page',
      { grants: [paged] },
      { tier: 'observe', pattern: { text: 'GET /**' } },
    ],
    [
      'by a page’s grant to people no rule names, that an owner approved',
      { grants: [aGrant({ why: pageWhy(), approvals: [other] })], groups: ['team-x'] },
      { tier: 'observe', pattern: { text: 'GET /**' } },
    ],
    [
      'by a page’s grant of another tier, that they could ask for',
      { grants: [aGrant({ tier: 'observe', why: pageWhy() })] },
      { tier: 'observe', pattern: { text: 'GET /**' } },
    ],
    [
      'with the approvals that the tier takes',
      {
        grants: [aGrant({ tier: 'admin', approvals: [own, other] })],
        groups: ['sre'],
        method: 'DELETE',
        path: '/v1/orders/7',
      },
      { tier: 'admin', pattern: { text: '* /**' } },
    ],
    [
      'as long as the view is no older than the tier bears',
      { now: noon + 15 * minute, headAt: noon },
      { tier: 'observe', pattern: { text: 'GET /**' } },
    ],
    [
      'by one of several grants',
      {
        grants: [observe, aGrant({ services: ['payments-svc'] }), aGrant()],
        method: 'PUT',
        path: '/v1/flags/x',
      },
      { tier: 'operate', pattern: { text: 'PUT /v1/flags/*' } },
    ],
  ])('%s', (_, given, { tier, pattern }) => {
    const decision = decide(given)
    expect(decision).toMatchObject({ allow: true, pattern })
    expect(decision.allow && decision.tier.name).toBe(tier)
  })

  test('by the grant that lasts longest of those that reach', () => {
    const decision = decide({
      grants: [aGrant({ until: noon + minute }), aGrant({ until: noon + hour }), aGrant({ until: noon + 2 })],
    })
    expect(decision.allow && decision.held.grant.until).toBe(noon + hour)
  })
})

describe('A request is denied', () => {
  test.each<[string, Given, string]>([
    ['without any grant', { grants: [] }, 'grant-missing'],
    ['before the grant begins', { now: noon - 1 }, 'grant-missing'],
    ['when the grant is over, to the millisecond', { now: noon + hour }, 'grant-missing'],
    [
      'with a grant for another service',
      { grants: [aGrant({ services: ['payments-svc'] })] },
      'grant-missing',
    ],
    ['to another subject', { who: aPerson({ subject: 'idp-ben' }) }, 'grant-missing'],
    [
      'to the same subject of another issuer',
      { who: aPerson({ issuer: 'http://evil.example' }) },
      'grant-missing',
    ],
    [
      'where the grant’s tier is too low',
      { grants: [observe], method: 'POST', path: '/v1/orders/7/retry' },
      'tier-too-low',
    ],
    ['for what only the highest tier allows', { method: 'DELETE', path: '/v1/orders/7' }, 'tier-too-low'],
    ['as an upgrade that no tier names', { method: 'WS', path: '/v1/orders' }, 'tier-none'],
    ['when the view never saw a head', { headAt: 'never' }, 'view-stale'],
    ['when the view is too old for the tier', { now: noon + 15 * minute + 1, headAt: noon }, 'view-stale'],
    [
      'when the view is too old for a higher tier, though not for a lower',
      { now: noon + 2 * minute + 1, headAt: noon, method: 'PUT', path: '/v1/flags/x' },
      'view-stale',
    ],
    ['when the groups no longer allow it', { groups: [] }, 'grant-beyond-rules'],
    ['with groups of other people', { groups: ['team-x'] }, 'grant-beyond-rules'],
    [
      'with a grant of another environment',
      { grants: [aGrant({ environment: 'production' })] },
      'grant-beyond-rules',
    ],
    [
      'with a grant longer than its tier lasts',
      { grants: [aGrant({ until: noon + 2 * hour + 1 })] },
      'grant-beyond-rules',
    ],
    ['with a tier that is not in the rules', { grants: [aGrant({ tier: 'root' })] }, 'grant-beyond-rules'],
    [
      'with a tier that needs an approval nobody gave',
      { grants: [aGrant({ tier: 'admin' })], groups: ['sre'] },
      'grant-beyond-rules',
    ],
    [
      'with a page’s grant of a tier that no page gives, and that they could not ask for',
      { grants: [aGrant({ tier: 'admin', why: pageWhy() })] },
      'grant-beyond-rules',
    ],
    [
      'with a page’s grant that lasts beyond its cap',
      { grants: [aGrant({ why: pageWhy(), until: noon + 2 * hour + 1 })] },
      'grant-beyond-rules',
    ],
    [
      'with a page’s grant to people no rule names, that nobody approved',
      { grants: [paged], groups: ['team-x'] },
      'grant-beyond-rules',
    ],
    [
      'with a page’s grant to people no rule names, that they approved themselves',
      { grants: [aGrant({ why: pageWhy(), approvals: [own] })], groups: ['team-x'] },
      'grant-beyond-rules',
    ],
    [
      'with what somebody asked for whom no rule names, whoever approved it',
      { grants: [aGrant({ approvals: [other] })], groups: ['team-x'] },
      'grant-beyond-rules',
    ],
    [
      'with an approval of their own where another’s is needed',
      {
        grants: [aGrant({ tier: 'admin', approvals: [own, { ...own, name: 'Somebody Else' }] })],
        groups: ['sre'],
      },
      'grant-beyond-rules',
    ],
    [
      'with an approval, to people no rule lets ask for as much',
      { grants: [aGrant({ tier: 'admin', approvals: [other] })] },
      'grant-beyond-rules',
    ],
    [
      'with names of rules that would give it',
      { grants: [aGrant({ tier: 'admin', why: { kind: 'request', rule: 'on_request[1]' } })] },
      'grant-beyond-rules',
    ],
    [
      'with the owners’ name as the rule, and no approval of theirs',
      { grants: [aGrant({ why: { ...pageWhy(), rule: 'owners' } as Grant['why'] })], groups: ['team-x'] },
      'grant-beyond-rules',
    ],
    [
      'with an offer that nobody took',
      { grants: [aGrant({ state: 'offered', step: 'offered' })] },
      'grant-missing',
    ],
    [
      'with a request that nobody decided on',
      { grants: [aGrant({ state: 'pending', step: 'asked', approvals: [other] })] },
      'grant-missing',
    ],
  ])('%s', (_, given, reason) => {
    expect(decide(given)).toMatchObject({ allow: false, reason })
  })

  test('to whoever is locked, before anything else is looked at, and to nobody else', () => {
    const view = viewOf([aGrant(), aGrant({ who: { ...aGrant().who, subject: 'idp-ben' } })], noon)
    const asking = (person: Person, now = noon) =>
      decideRequest(rules, view, { who: provenOf(person), service: orders, method: 'GET', path: '/' }, now)
    const locked = { allow: false, reason: 'principal-locked' }
    const ana = provenOf(aPerson())
    view.lock(ana.principal)
    expect(asking(aPerson())).toEqual(locked)
    expect(asking(aPerson(), noon + 24 * hour)).toEqual(locked)
    expect(asking(aPerson(), Number.NaN)).toEqual(locked)
    expect(asking(aPerson({ subject: 'idp-ben' })).allow).toBe(true)
    view.unlock(ana.principal)
    expect(asking(aPerson()).allow).toBe(true)
  })

  test('until the view was once in step', () => {
    const request = { who: provenOf(aPerson()), service: orders, method: 'GET', path: '/' }
    expect(decideRequest(rules, createView(), request, noon)).toEqual({
      allow: false,
      reason: 'view-missing',
    })
  })

  test('with the tier that it would need', () => {
    const decision = decide({ grants: [], method: 'PUT', path: '/v1/flags/x' })
    expect(!decision.allow && decision.needs?.name).toBe('operate')
  })

  test('and counted to the pass that came nearest', () => {
    const decision = decide({ grants: [observe], method: 'PUT', path: '/v1/flags/x' })
    expect(!decision.allow && decision.held?.grant.tier).toBe('observe')
  })
})

describe('Whatever is granted and asked', () => {
  const grant = fc
    .record({
      tier: fc.constantFrom('observe', 'operate', 'operate', 'admin', 'root'),
      environment: fc.constantFrom('sandbox', 'sandbox', 'production'),
      services: fc.constantFrom<string[]>(['orders-svc'], ['payments-svc'], ['orders-svc', 'payments-svc']),
      from: fc.integer({ min: -1, max: 1 }).map((hours) => noon + hours * hour),
      lasts: fc.integer({ min: 1, max: 4 }).map((hours) => hours * hour),
      why: fc.constantFrom(pageWhy(), aGrant().why),
      state: fc.constantFrom<Grant['state'][]>('active', 'active', 'active', 'offered', 'pending'),
      approvals: fc.subarray([own, other]),
    })
    .map(({ lasts, ...rest }) => aGrant({ ...rest, until: rest.from + lasts }))
  const request = fc.record({
    groups: fc.subarray(['team-payments', 'sre', 'other'], { minLength: 1 }),
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'WS'),
    path: fc.constantFrom('/', '/v1/orders', '/v1/orders/7/retry', '/v1/flags/x', '/admin/retry/1', '/x/y'),
    now: fc.integer({ min: -20, max: 100 }).map((minutes) => noon + minutes * minute),
    age: fc.nat(20).map((quarters) => quarters * quarters * 3_000),
  })

  test('a decision never admits beyond the grant’s tier, window, environment and groups', () => {
    let admitted = 0
    fc.assert(
      fc.property(fc.array(grant, { minLength: 1, maxLength: 4 }), request, (grants, { age, ...asked }) => {
        const decision = decide({ ...asked, grants, headAt: asked.now - age })
        if (!decision.allow) return
        admitted += 1
        const { grant: by } = decision.held
        const has = tierIn(orders, by.tier)
        expect(by.services).toContain('orders-svc')
        expect(by.environment).toBe('sandbox')
        expect(by.from).toBeLessThanOrEqual(asked.now)
        expect(by.until).toBeGreaterThan(asked.now)
        expect(by.until - by.from).toBeLessThanOrEqual(has.longest)
        expect(has.rank).toBeGreaterThanOrEqual(decision.tier.rank)
        expect(by.state).toBe('active')
        if (has.approvals) expect(by.approvals).toContain(other)
        expect(age).toBeLessThanOrEqual(decision.tier.whenStale)
        const named = asked.groups.some((group) => group === 'sre' || group === 'team-payments')
        // Only a page may reach people no rule names, and then somebody else said yes.
        if (!named)
          expect(by).toMatchObject({ why: { kind: 'page' }, approvals: expect.arrayContaining([other]) })
        const within = orders.tiers.filter(({ rank }) => rank <= has.rank).flatMap(({ patterns }) => patterns)
        expect(within.some((pattern) => patternMatches(pattern, asked.method, asked.path))).toBe(true)
      }),
      { numRuns: 3_000 },
    )
    expect(admitted).toBeGreaterThan(50)
  })

  test('what is no access yet is none, though a view should hold it as if it were', () => {
    for (const state of ['offered', 'pending'] as const) {
      const view = viewOf([aGrant()], noon)
      const not = { grant: aGrant({ state, approvals: [other] }), statement: 'x', verified: true }
      const lying = { ...view, heldBy: () => ({ grants: [not] }) }
      const request = { who: provenOf(aPerson()), service: orders, method: 'GET', path: '/' }
      expect(decideRequest(rules, lying, request, noon)).toMatchObject({
        allow: false,
        reason: 'grant-missing',
      })
    }
  })

  test('approvals count by person, each once, and as many as the tier takes now', () => {
    const two = rulesOf(rulesText.replace('count: 1, from', 'count: 2, from'))
    const admin = (approvals: Grant['approvals'] & object) =>
      decideRequest(
        two,
        viewOf([aGrant({ tier: 'admin', approvals, approvers: { from: ['sre'], count: 1 } })], noon),
        {
          who: provenOf(aPerson({ groups: ['sre'] })),
          service: serviceIn(two),
          method: 'DELETE',
          path: '/x',
        },
        noon,
      ).allow
    const third = { ...other, subject: 'idp-ida' }
    expect(admin([other, third])).toBe(true)
    expect(admin([other])).toBe(false)
    expect(admin([other, { ...other, name: 'Ben again', at: noon + 1 }])).toBe(false)
    expect(admin([other, own])).toBe(false)
  })

  test('a grant more never takes away what was admitted, a grant less never adds to it', () => {
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 3 }), grant, request, (grants, more, { age, ...asked }) => {
        const headAt = asked.now - age
        const before = decide({ ...asked, grants, headAt })
        const after = decide({ ...asked, grants: [...grants, more], headAt })
        if (before.allow) expect(after.allow).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})
