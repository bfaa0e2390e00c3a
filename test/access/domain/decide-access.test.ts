import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ask, decideAsk, decidePage, ownersRule, servicesOf } from '#access/domain/decide-access.ts'
import type { Incident } from '#access/domain/incident.ts'
import type { Person } from '#access/domain/principal.ts'
import { requestRuleFor, tierOf } from '#access/domain/rule-set.ts'
import { anIncident, aPerson, hour, minute, noon, rulesOf, rulesText, serviceIn } from '../../builders.ts'

const rules = rulesOf()
const sre = aPerson({ subject: 'idp-ben', groups: ['sre'] })

describe('What a person asks for is given', () => {
  test.each<[string, Ask, { tier: string; duration: number }, string?]>([
    [
      'at the lowest tier for an hour, if they say nothing more',
      { service: 'orders-svc' },
      { tier: 'observe', duration: hour },
    ],
    [
      'for as long as they say',
      { service: 'orders-svc', duration: 8 * hour },
      { tier: 'observe', duration: 8 * hour },
    ],
    [
      'at the tier they name, with a reason where it needs one',
      { service: 'orders-svc', tier: 'operate', reason: 'stuck' },
      { tier: 'operate', duration: hour },
    ],
    [
      'at the tier of their page, if they name none',
      { service: 'orders-svc', reason: 'stuck' },
      { tier: 'operate', duration: hour },
      'operate',
    ],
    [
      'at the tier they name, even if their page gave another',
      { service: 'orders-svc', tier: 'observe' },
      { tier: 'observe', duration: hour },
      'operate',
    ],
  ])('%s', (_, ask, proposal, usualTier) => {
    expect(decideAsk(rules, aPerson(), ask, noon, usualTier)).toMatchObject({
      give: true,
      proposal: { ...proposal, rule: 'on_request[0]', service: { name: 'orders-svc' } },
    })
  })

  test('for no longer than the tier lasts, if they name no time', () => {
    const short = rulesOf(rulesText.replace('observe: { longest: 8h', 'observe: { longest: 20m'))
    expect(decideAsk(short, aPerson(), { service: 'orders-svc' }, noon)).toMatchObject({
      proposal: { duration: 20 * minute },
    })
  })
})

test('What others have to approve is put before them, as many as the tier takes', () => {
  const two = rulesOf(rulesText.replace('count: 1, from', 'count: 2, from'))
  expect(decideAsk(two, sre, { service: 'orders-svc', tier: 'admin', reason: 'x' }, noon)).toEqual({
    give: true,
    proposal: {
      state: 'pending',
      service: serviceIn(two),
      tier: 'admin',
      duration: hour,
      rule: 'on_request[1]',
      approvers: { from: ['sre'], count: 2 },
    },
  })
})

describe('What a person asks for is refused', () => {
  test.each<[string, Person, Ask, object]>([
    [
      'to somebody who left',
      aPerson({ active: false }),
      { service: 'orders-svc' },
      { reason: 'person-inactive' },
    ],
    [
      'for a service nobody knows, with the one they may have meant',
      aPerson(),
      { service: 'order-svc' },
      { reason: 'service-unknown', hint: 'orders-svc' },
    ],
    ['for a service nothing is like', aPerson(), { service: 'zzz' }, { reason: 'service-unknown' }],
    [
      'for a tier nobody knows',
      aPerson(),
      { service: 'orders-svc', tier: 'operat' },
      { reason: 'tier-unknown', hint: 'operate' },
    ],
    [
      'to people no rule names',
      aPerson({ groups: ['team-x'] }),
      { service: 'orders-svc' },
      { reason: 'not-eligible', tier: 'observe' },
    ],
    ['to people of no group', aPerson({ groups: [] }), { service: 'orders-svc' }, { reason: 'not-eligible' }],
    [
      'for a tier beyond theirs',
      aPerson(),
      { service: 'orders-svc', tier: 'admin', reason: 'x' },
      { reason: 'not-eligible', tier: 'admin' },
    ],
    [
      'for longer than the tier lasts',
      aPerson(),
      { service: 'orders-svc', tier: 'operate', duration: 2 * hour + 1, reason: 'x' },
      { reason: 'duration-too-long', longest: 2 * hour, tier: 'operate' },
    ],
    ...[0, -1, -hour, Number.NaN, Number.POSITIVE_INFINITY, 1e9].map(
      (duration): [string, Person, Ask, object] => [
        `for ${duration} milliseconds`,
        aPerson(),
        { service: 'orders-svc', duration },
        { reason: 'duration-too-long', longest: 8 * hour },
      ],
    ),
    [
      'without the reason that the tier needs',
      aPerson(),
      { service: 'orders-svc', tier: 'operate' },
      { reason: 'reason-needed', tier: 'operate' },
    ],
  ])('%s', (_, person, ask, refusal) => {
    expect(decideAsk(rules, person, ask, noon)).toEqual({
      give: false,
      refusal: expect.objectContaining(refusal),
    })
  })
})

/** What `on_request` says of the tier that a page gives: at once, after an approval, or nothing. */
const asked = {
  'at once': rulesText,
  approval: rulesText
    .replace('reason: required }', 'reason: required, approvals: { count: 2, from: [sre] } }')
    .replace('tiers: [observe, operate], how: at once', 'tiers: [observe, operate], how: approval'),
  nothing: rulesText.replace('tiers: [observe, operate], how: at once', 'tiers: [observe], how: at once'),
} as const
const withHow = (how: string, text = rulesText) => rulesOf(text.replace('how: auto', `how: ${how}`))

describe('A page', () => {
  const late = noon + 10 * minute + 1
  const page = (changes: Partial<Incident> = {}, person = aPerson(), set = rules, now = noon) => {
    const incident = anIncident(changes)
    const [paged = { user: 'PUANA01', name: 'Ana Lopes', at: noon }] = incident.paged
    return decidePage(set, incident, serviceIn(set), person, paged, now)
  }
  const given = (...of: Parameters<typeof page>) => {
    const decision = page(...of)
    if (!decision.give) throw new Error(decision.refusal.reason)
    const { service: _, ...proposal } = decision.proposal
    return proposal
  }

  test('gives what the first rule that fits says', () => {
    expect(given()).toEqual({ state: 'active', tier: 'operate', duration: 2 * hour, rule: 'on_page[0]' })
  })

  test('may give from a later rule, where the first does not fit', () => {
    const two = rulesOf(
      rulesText.replace(
        'on_page:  ',
        'on_page:\n  - { services: [payments-svc], who: [payments], give: observe, how: auto, for: 1h }  ',
      ),
    )
    expect(given({}, aPerson(), two)).toMatchObject({ rule: 'on_page[1]' })
  })

  test('gives nothing to somebody who left', () => {
    expect(page({}, aPerson({ active: false }))).toEqual({
      give: false,
      refusal: { reason: 'person-inactive' },
    })
  })

  describe.each<[string, Partial<Incident>, string]>([
    ['set off by the paged person', { trigger: { kind: 'person', user: 'PUANA01' } }, 'page-by-self'],
    ['shaped by the paged person', { shapedBy: ['PUBEN01', 'PUANA01'] }, 'page-by-self'],
    ['set off by another person', { trigger: { kind: 'person', user: 'PUBEN01' } }, 'page-untrusted'],
    [
      'set off by an integration nobody trusts',
      { trigger: { kind: 'integration', id: 'POTHER' } },
      'page-untrusted',
    ],
    [
      'set off by a person with the id of a trusted integration',
      { trigger: { kind: 'person', user: 'PIDATADOG' } },
      'page-untrusted',
    ],
    ['set off by nobody knows what', { trigger: { kind: 'unknown' } }, 'page-untrusted'],
    ['of an urgency that no rule names', { urgency: 'low' }, 'page-no-rule'],
  ])('%s', (_, changes, doubt) => {
    // Acknowledging makes no doubt go away.
    const incident = { ...changes, acknowledgedBy: ['PUANA01'] }
    // No rule fits the urgency, so none says which tier: it is the lowest.
    const lowest = doubt === 'page-no-rule'
    const tier = lowest ? 'observe' : 'operate'
    const duration = lowest ? hour : 2 * hour

    test.each(['auto', 'on acknowledge', 'offer'])(
      'is only offered where %s, if they could ask for it',
      (how) => {
        expect(given(incident, aPerson(), withHow(how))).toEqual({
          state: 'offered',
          tier,
          duration,
          rule: 'on_request[0]',
          doubt,
        })
      },
    )

    test('goes before those who approve requests for it', () => {
      const set = rulesOf(
        asked.approval
          .replace(
            'observe: { longest: 8h, ',
            'observe: { longest: 8h, approvals: { count: 2, from: [sre] }, ',
          )
          .replace('give: operate', 'give: free')
          .replace('  admin:   {', '  free: { longest: 2h, rate: 1/s, when_stale: 1m }\n  admin:   {'),
      )
      const proposal = given(incident, aPerson(), set)
      expect(proposal).toMatchObject(
        lowest
          ? { state: 'pending', tier, rule: 'on_request[0]', approvers: { from: ['sre'], count: 2 }, doubt }
          : {
              state: 'pending',
              tier: 'free',
              rule: ownersRule,
              approvers: { from: ['payments'], count: 1 },
              doubt,
            },
      )
    })

    test('goes before the owners, if they could not even ask', () => {
      const set = rulesOf(rulesText.replace('who: [sre, payments], tiers', 'who: [sre], tiers'))
      expect(given(incident, aPerson(), set)).toEqual({
        state: 'pending',
        tier,
        duration,
        rule: ownersRule,
        approvers: { from: ['payments'], count: 1 },
        doubt,
      })
    })
  })

  test('to people no rule names goes before the owners, with the tier of the rule that fits otherwise', () => {
    expect(given({}, aPerson({ groups: ['team-x'] }))).toEqual({
      state: 'pending',
      tier: 'operate',
      duration: 2 * hour,
      rule: ownersRule,
      approvers: { from: ['payments'], count: 1 },
      doubt: 'page-no-rule',
    })
  })

  test('where the rule set has no page rule is offered at the lowest tier', () => {
    const none = rulesOf(rulesText.replace(/on_page:[\s\S]*?on_request:/, 'on_request:'))
    expect(given({}, aPerson(), none)).toEqual({
      state: 'offered',
      tier: 'observe',
      duration: hour,
      rule: 'on_request[0]',
      doubt: 'page-no-rule',
    })
  })

  const answers: readonly [string, boolean, boolean, 'active' | 'offered', boolean][] = [
    // how, acknowledged, late, the state, whether in doubt
    ['auto', false, false, 'active', false],
    ['auto', true, false, 'active', false],
    ['auto', false, true, 'offered', true],
    ['auto', true, true, 'offered', true],
    ['on acknowledge', false, false, 'offered', false],
    ['on acknowledge', true, false, 'active', false],
    ['on acknowledge', false, true, 'offered', false],
    ['on acknowledge', true, true, 'offered', true],
    ['offer', false, false, 'offered', false],
    ['offer', true, false, 'offered', false],
    ['offer', true, true, 'offered', false],
  ]
  test.each(answers)(
    '%s, acknowledged %s, late %s: it is %s',
    (how, acknowledged, isLate, state, doubted) => {
      const changes = acknowledged
        ? { acknowledgedBy: ['PUBEN01', 'PUANA01'] }
        : { acknowledgedBy: ['PUBEN01'] }
      expect(given(changes, aPerson(), withHow(how), isLate ? late : late - 1)).toEqual({
        state,
        tier: 'operate',
        duration: 2 * hour,
        rule: 'on_page[0]',
        ...(doubted ? { doubt: 'page-late' } : {}),
      })
    },
  )

  test.each([
    ['high', 'high', true],
    ['high', 'low', false],
    ['low', 'low', true],
    ['low', 'high', false],
    ['any', 'low', true],
    ['any', 'high', true],
  ] as const)('under a rule for urgency %s at urgency %s fits: %s', (named, urgency, fits) => {
    const set = rulesOf(rulesText.replace('urgency: high', `urgency: ${named}`))
    expect(given({ urgency }, aPerson(), set).state).toBe(fits ? 'active' : 'offered')
  })

  test('counts nobody without a PagerDuty account as who set it off', () => {
    const { pagerduty: _, ...unlinked } = aPerson()
    expect(given({ trigger: { kind: 'person', user: 'PUANA01' } }, unlinked).doubt).toBe('page-untrusted')
  })

  test('concerns the services that name its PagerDuty service', () => {
    const both = rulesOf(
      rulesText.replace('[PORDERS]', '[PORDERS, PBOTH01]').replace('[PPAYMTS]', '[PPAYMTS, PBOTH01]'),
    )
    const named = (service: string) => servicesOf(both, anIncident({ service })).map(({ name }) => name)
    expect(named('PORDERS')).toEqual(['orders-svc'])
    expect(named('PBOTH01')).toEqual(['orders-svc', 'payments-svc'])
    expect(named('PNOBODY')).toEqual([])
  })
})

describe('Whatever is asked or paged', () => {
  const sets = [
    rules,
    rulesOf(asked.nothing),
    withHow('on acknowledge'),
    withHow('offer', asked.nothing),
    rulesOf(rulesText.replace('count: 1, from', 'count: 2, from')),
  ]
  const set = fc.constantFrom(...sets)
  const person = fc
    .record({
      groups: fc.subarray(['team-payments', 'sre', 'team-x']),
      active: fc.constantFrom(true, true, true, false),
    })
    .map(aPerson)
  const name = fc.constantFrom('observe', 'operate', 'admin', 'root')

  test('given ⊆ asked ⊆ allowed', () => {
    const ask = fc.record(
      {
        service: fc.constantFrom('orders-svc', 'payments-svc', 'other'),
        tier: name,
        duration: fc.integer({ min: 1, max: 12 * hour }),
        reason: fc.constant('because'),
      },
      { requiredKeys: ['service'] },
    ) as fc.Arbitrary<Ask>
    let gives = 0
    fc.assert(
      fc.property(set, person, ask, fc.option(name, { nil: undefined }), (rulesNow, who, wish, usual) => {
        const decision = decideAsk(rulesNow, who, wish, noon, usual)
        if (!decision.give) return
        gives += 1
        const { proposal } = decision
        const { service, tier, duration, state, approvers, rule } = proposal
        expect(who.active).toBe(true)
        expect(service.name).toBe(wish.service)
        expect(tier).toBe(wish.tier ?? usual ?? 'observe')
        const has = tierOf(service, tier)
        expect(duration).toBeLessThanOrEqual(wish.duration ?? hour)
        expect(duration).toBeLessThanOrEqual(has?.longest ?? 0)
        if (has?.reason === 'required') expect(wish.reason).toBeDefined()
        const allowed = requestRuleFor(rulesNow, service, tier, who, noon)
        expect(allowed?.id).toBe(rule)
        expect(state).toBe(allowed?.how === 'at once' ? 'active' : 'pending')
        expect(approvers).toEqual(has?.approvals && { from: has.approvals.from, count: has.approvals.count })
        expect(proposal.doubt).toBeUndefined()
      }),
      { numRuns: 3_000 },
    )
    expect(gives).toBeGreaterThan(100)
  })

  test('a page never makes a pass by itself beyond its rule, in doubt, or of a tier that takes approvals', () => {
    const user = fc.constantFrom('PUANA01', 'PUBEN01')
    const incident = fc.record({
      urgency: fc.constantFrom('high' as const, 'low' as const),
      acknowledgedBy: fc.subarray(['PUANA01', 'PUBEN01']),
      shapedBy: fc.subarray(['PUANA01', 'PUBEN01', 'PUCHO01'], { maxLength: 1 }),
      trigger: fc.oneof(
        { weight: 3, arbitrary: fc.constant({ kind: 'integration' as const, id: 'PIDATADOG' }) },
        fc.constant({ kind: 'integration' as const, id: 'POTHER' }),
        fc.record({ kind: fc.constant('person' as const), user }),
        fc.constant({ kind: 'unknown' as const }),
      ),
    })
    const seen = new Set<string>()
    fc.assert(
      fc.property(set, person, incident, fc.nat(20), (rulesNow, who, changes, minutes) => {
        const paged = { user: 'PUANA01', name: 'Ana Lopes', at: noon }
        const now = noon + minutes * minute
        const decision = decidePage(rulesNow, anIncident(changes), serviceIn(rulesNow), who, paged, now)
        expect(decision.give).toBe(who.active)
        if (!decision.give) return
        const { proposal } = decision
        seen.add(proposal.state)
        const tier = tierOf(proposal.service, proposal.tier)
        expect(proposal.duration).toBeLessThanOrEqual(tier?.longest ?? 0)
        const rule = rulesNow.onPage.find(({ id }) => id === proposal.rule)
        if (rule !== undefined) expect(proposal.duration).toBeLessThanOrEqual(rule.for)
        expect(proposal.approvers === undefined).toBe(proposal.state !== 'pending')
        const could = requestRuleFor(rulesNow, proposal.service, proposal.tier, who, noon)
        if (proposal.state === 'offered' && rule === undefined) expect(could?.how).toBe('at once')
        if (proposal.state !== 'active') return
        expect(who.groups.some((group) => group === 'team-payments' || group === 'sre')).toBe(true)
        expect(tier?.approvals).toBeUndefined()
        expect(proposal.doubt).toBeUndefined()
        expect(changes).toMatchObject({ urgency: 'high', trigger: { id: 'PIDATADOG' } })
        expect(changes.shapedBy).not.toContain('PUANA01')
        expect(minutes).toBeLessThanOrEqual(10)
        if (rule?.how === 'on acknowledge') expect(changes.acknowledgedBy).toContain('PUANA01')
        expect(rule?.how).not.toBe('offer')
      }),
      { numRuns: 3_000 },
    )
    expect([...seen].sort()).toEqual(['active', 'offered', 'pending'])
  })
})
