import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Ask,
  decideAsk,
  decidePage,
  isLate,
  ownersRule,
  servicesOf,
} from '#access/domain/decide-access.ts'
import type { Incident } from '#access/domain/incident.ts'
import type { Person } from '#access/domain/principal.ts'
import { type RuleSet, requestRuleFor, tierOf } from '#access/domain/rule-set.ts'
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
    [
      'for as long as the tier lasts',
      { service: 'orders-svc', tier: 'operate', duration: 2 * hour, reason: 'stuck' },
      { tier: 'operate', duration: 2 * hour },
    ],
    ['for a millisecond', { service: 'orders-svc', duration: 1 }, { tier: 'observe', duration: 1 }],
  ])('%s', (_, ask, proposal, usualTier) => {
    expect(decideAsk(rules, aPerson(), ask, noon, usualTier)).toStrictEqual({
      give: true,
      proposal: { ...proposal, state: 'active', rule: 'on_request[0]', service: serviceIn(rules) },
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
    [
      'for a service nothing is like, without a guess',
      aPerson(),
      { service: 'zzz' },
      { reason: 'service-unknown' },
    ],
    [
      'for a tier nothing is like, without a guess',
      aPerson(),
      { service: 'orders-svc', tier: 'zzzzzzzz' },
      { reason: 'tier-unknown' },
    ],
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
    [
      'to people of no group',
      aPerson({ groups: [] }),
      { service: 'orders-svc' },
      { reason: 'not-eligible', tier: 'observe' },
    ],
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
        { reason: 'duration-too-long', longest: 8 * hour, tier: 'observe' },
      ],
    ),
    [
      'without the reason that the tier needs',
      aPerson(),
      { service: 'orders-svc', tier: 'operate' },
      { reason: 'reason-needed', tier: 'operate' },
    ],
  ])('%s', (_, person, ask, refusal) => {
    expect(decideAsk(rules, person, ask, noon)).toStrictEqual({ give: false, refusal })
  })
})

describe('How long a pass lasts that is asked for without a time', () => {
  test.each<[string, string, number]>([
    ['is what its tier says', 'longest: 8h, default: 30m', 30 * minute],
    ['is more than an hour, where its tier says so', 'longest: 8h, default: 3h', 3 * hour],
    ['is as long as it may be, where its tier says so', 'longest: 8h, default: 8h', 8 * hour],
  ])('%s', (_, terms, duration) => {
    const set = rulesOf(rulesText.replace('observe: { longest: 8h', `observe: { ${terms}`))
    expect(decideAsk(set, aPerson(), { service: 'orders-svc' }, noon)).toMatchObject({
      proposal: { duration },
    })
    // Whoever says how long is not held to it.
    const ask = { service: 'orders-svc', duration: 8 * hour }
    expect(decideAsk(set, aPerson(), ask, noon)).toMatchObject({ proposal: { duration: 8 * hour } })
  })
})

describe('A reason', () => {
  const needing = (reason: string) => {
    const set = rulesOf(rulesText.replaceAll('reason: required', `reason: ${reason}`))
    return (said?: string): string => {
      const ask = { service: 'orders-svc', tier: 'operate', ...(said === undefined ? {} : { reason: said }) }
      const decision = decideAsk(set, aPerson(), ask, noon)
      return decision.give ? 'given' : `${decision.refusal.reason} ${decision.refusal.tier}`
    }
  }

  test('is not needed where it is optional', () => {
    expect([needing('optional')(), needing('optional')('x')]).toEqual(['given', 'given'])
  })

  test('is any where one is required', () => {
    expect([needing('required')(), needing('required')('x')]).toEqual(['reason-needed operate', 'given'])
  })

  test.each([
    'CHG-123',
    'CHG0030192',
    'INC-12',
    'A1-23',
    'ABCDEFGHIJ-12',
    'CHG-123456789012',
    'RITM0010042',
    'see CHG-123',
    'CHG-123: orders are stuck',
    '(CHG-123)',
    'https://jira.example/browse/CHG-123',
    'chg-12 or rather CHG-23',
  ])('"%s" names a ticket', (said) => {
    expect(needing('ticket')(said)).toBe('given')
  })

  test.each([
    undefined,
    '',
    'orders are stuck',
    'CHG',
    'CHG-',
    'CHG--1',
    'chg-123',
    'Chg-123',
    'A-12',
    'INC-1',
    'AB1',
    'UTF-8 bug',
    'GOT HTTP500',
    'CHG1234',
    '1A-12',
    'ABCDEFGHIJK-12',
    'CHG-1234567890123',
    'CHG-123x',
    'CHG-123A',
    'xCHG-123',
    '123',
    '-123',
    'CHG 123',
  ])('"%s" names none', (said) => {
    expect(needing('ticket')(said)).toBe('ticket-needed operate')
  })
})

describe('When a pass is to begin', () => {
  const day = 24 * hour
  const ahead = rulesOf(rulesText.replace('how: at once }', 'how: at once, ahead: 14d }'))
  const outcome = (set: RuleSet, from: number, now = noon): unknown => {
    const decision = decideAsk(set, aPerson(), { service: 'orders-svc', from }, now)
    return decision.give || decision.refusal
  }
  const tooFar = (longest: number) => ({ reason: 'too-far-ahead', longest, tier: 'observe' })

  test.each<[string, RuleSet, number, unknown]>([
    ['is now, where the rule says no more', rules, 0, true],
    ['is not even a millisecond on, where the rule says no more', rules, 1, tooFar(0)],
    ['is never before now', rules, -1, tooFar(0)],
    ['is never before now, however far ahead it may be', ahead, -1, tooFar(14 * day)],
    ['is a millisecond on', ahead, 1, true],
    ['is as far ahead as the rule says', ahead, 14 * day, true],
    ['is no further ahead than the rule says', ahead, 14 * day + 1, tooFar(14 * day)],
    ['is no eternity away', ahead, Number.POSITIVE_INFINITY, tooFar(14 * day)],
    ['is a time', ahead, Number.NaN, tooFar(14 * day)],
  ])('%s', (_, set, later, expected) => {
    expect(outcome(set, noon + later)).toEqual(expected)
  })

  test.each([-1, Number.NaN, 8_640_000_000_000_001])('is not known where the clock says %d', (now) => {
    expect(outcome(ahead, now, now)).toEqual(tooFar(14 * day))
  })
})

describe('In its hours a rule on asking', () => {
  const set = rulesOf(
    rulesText.replace(
      'on_request:  ',
      `on_request:
  - { name: day, who: [payments], tiers: [operate], how: at once, when: { days: mon-fri, hours: "09:00-17:00", zone: UTC } }  `,
    ),
  )
  const only = rulesOf(
    rulesText.replace(
      'tiers: [observe, operate], how: at once }',
      'tiers: [observe, operate], how: at once, when: { hours: "09:00-17:00", zone: UTC } }',
    ),
  )
  const ask = { service: 'orders-svc', tier: 'operate', reason: 'x' }
  const edges = [9 * hour - 1, 9 * hour, 17 * hour - 1, 17 * hour].map((time) => noon - 12 * hour + time)

  test('decides, and the next one outside of them', () => {
    const decided = edges.map((now) => {
      const decision = decideAsk(set, aPerson(), ask, now)
      return decision.give && decision.proposal.rule
    })
    expect(decided).toEqual(['on_request[1]', 'day', 'day', 'on_request[1]'])
  })

  test('gives, and nothing does outside of them', () => {
    const decided = edges.map((now) => decideAsk(only, aPerson(), ask, now))
    expect(decided.map(({ give }) => give)).toEqual([false, true, true, false])
    expect(decided[3]).toEqual({ give: false, refusal: { reason: 'not-eligible', tier: 'operate' } })
  })
})

describe('A freeze', () => {
  const until = noon + 2 * hour
  const frozen = rulesOf(
    `${rulesText.replace('how: at once }', 'how: at once, ahead: 1d }')}
freeze:
  - { services: [orders-svc], tiers: [operate, admin], from: 2026-01-15T12:00Z, until: 2026-01-15T14:00Z, because: sales }
`,
  )
  const refusal = (tier: string) => ({
    give: false,
    refusal: { reason: 'frozen', until, because: 'sales', tier },
  })
  const ask = (now: number, changes: Partial<Ask> = {}, person = aPerson()) =>
    decideAsk(frozen, person, { service: 'orders-svc', tier: 'operate', reason: 'x', ...changes }, now)

  test('refuses what would begin in it, from its first millisecond to its last', () => {
    expect([noon - 1, until].map((now) => ask(now).give)).toEqual([true, true])
    expect([noon, until - 1].map((now) => ask(now))).toEqual([refusal('operate'), refusal('operate')])
  })

  test('refuses what would begin in it, when it is asked for before', () => {
    const now = noon - hour
    expect(ask(now, { from: noon - 1 }).give).toBe(true)
    expect(ask(now, { from: noon })).toEqual(refusal('operate'))
    expect(ask(now, { from: until - 1 })).toEqual(refusal('operate'))
    expect(ask(now, { from: until }).give).toBe(true)
  })

  test('lets what begins after it be asked for in it', () => {
    expect(ask(noon, { from: until }).give).toBe(true)
  })

  test('refuses also what others would have to approve', () => {
    expect(ask(noon, { tier: 'admin' }, sre)).toEqual(refusal('admin'))
  })

  test('leaves other tiers and other services as they are', () => {
    expect(ask(noon, { tier: 'observe' }).give).toBe(true)
    expect(ask(noon, { service: 'payments-svc' }).give).toBe(true)
  })

  test('leaves a page as it is, and offers nothing that is in doubt', () => {
    const decide = (changes: Partial<Incident>, now = noon) => {
      const incident = anIncident(changes)
      const paged = { user: 'PUANA01', name: 'Ana Lopes', at: now }
      const decision = decidePage(frozen, incident, serviceIn(frozen), aPerson(), paged, now)
      return decision.give && decision.proposal
    }
    const doubted = { shapedBy: ['PUANA01'] }
    expect(decide({})).toMatchObject({ state: 'active', tier: 'operate' })
    expect(decide(doubted)).toMatchObject({
      state: 'pending',
      tier: 'operate',
      rule: 'on_request[0]',
      approvers: { from: ['payments'], count: 1 },
    })
    expect(decide(doubted, noon - 1)).toMatchObject({ state: 'offered', rule: 'on_request[0]' })
    expect(decide(doubted, until - 1)).toMatchObject({ state: 'pending' })
    expect(decide(doubted, until)).toMatchObject({ state: 'offered' })
    expect(decide({ urgency: 'low' })).toMatchObject({ state: 'offered', tier: 'observe' })
  })
})

describe('Who approves', () => {
  const approving = (approvals: string) =>
    rulesOf(rulesText.replace('approvals: { count: 1, from: [sre] }', `approvals: { ${approvals} }`))

  test.each<[string, string, object]>([
    ['are those that the tier names', 'from: [sre]', { from: ['sre'], count: 1 }],
    ['are so many', 'from: [sre], count: 2', { from: ['sre'], count: 2 }],
    [
      'are the owners of the service, where it says so',
      'from: [sre, owners]',
      { from: ['sre', 'payments'], count: 1 },
    ],
    [
      'are of distinct teams, where it says so',
      'from: [sre, payments], count: 2, distinct: teams',
      { from: ['sre', 'payments'], count: 2, distinct: true },
    ],
  ])('%s', (_, approvals, approvers) => {
    const set = approving(approvals)
    const ask = decideAsk(set, sre, { service: 'orders-svc', tier: 'admin', reason: 'x' }, noon)
    expect(ask.give && ask.proposal.approvers).toStrictEqual(approvers)
  })

  /** Orders takes two approvals for what the other services give at once. */
  const strict = rulesOf(
    rulesText
      .replace(
        'operate: [POST /v1/orders/*/retry, PUT /v1/flags/*]',
        'operate: { allow: [PUT /v1/flags/*], approvals: { count: 2, from: [owners, sre], distinct: teams } }',
      )
      .replace('{ count: 1, from: [sre] }', '{ count: 2, from: [payments, sre], distinct: teams }'),
  )
  const demanded = { from: ['payments', 'sre'], count: 2, distinct: true }

  test('always does so where the service says so, though the rule gives at once', () => {
    const asked = (service: string) => {
      const decision = decideAsk(strict, aPerson(), { service, tier: 'operate', reason: 'x' }, noon)
      return decision.give && decision.proposal
    }
    expect(asked('orders-svc')).toMatchObject({
      state: 'pending',
      rule: 'on_request[0]',
      approvers: demanded,
    })
    expect(asked('payments-svc')).toMatchObject({ state: 'active', rule: 'on_request[0]' })
  })

  test.each(['auto', 'on acknowledge', 'offer'])(
    'decides on a page, too, though its rule gives %s',
    (how) => {
      const set = { ...strict, onPage: [] }
      const orders = serviceIn(set)
      const service = { ...orders, onPage: orders.onPage.map((rule) => ({ ...rule, how: how as 'auto' })) }
      const paged = { user: 'PUANA01', name: 'Ana Lopes', at: noon }
      const incident = anIncident({ acknowledgedBy: ['PUANA01'] })
      expect(decidePage(set, incident, service, aPerson(), paged, noon)).toStrictEqual({
        give: true,
        proposal: {
          state: 'pending',
          service,
          tier: 'operate',
          duration: 2 * hour,
          rule: 'on_request[0]',
          doubt: 'page-needs-approval',
          approvers: demanded,
        },
      })
    },
  )

  test('is nobody, where a rule says so and the service names none', () => {
    const orders = serviceIn(rules)
    const service = { ...orders, tiers: orders.tiers.map((tier) => ({ ...tier, approvals: undefined })) }
    const set = { ...rules, services: new Map([['orders-svc', service]]) }
    expect(decideAsk(set, sre, { service: 'orders-svc', tier: 'admin', reason: 'x' }, noon)).toStrictEqual({
      give: false,
      refusal: { reason: 'not-eligible', tier: 'admin' },
    })
  })
})

describe('Rules name people', () => {
  const set = rulesOf(
    rulesText
      .replace(
        '  payments: { groups: [team-payments] }',
        '  payments: { groups: [team-payments], roles: [payer], subjects: [idp-kim] }\n  guests: { groups: [guests], until: 2026-01-15T12:00Z }',
      )
      .replaceAll('[sre, payments]', '[sre, payments, guests]')
      .replace('who: [payments, sre]', 'who: [owners, guests]'),
  )
  const strangers = { subject: 'idp-zoe', groups: [] }
  test.each<[string, Partial<Person>, number, boolean]>([
    ['by a group', { groups: ['team-payments'] }, noon, true],
    ['by a role', { roles: ['payer'] }, noon, true],
    ['by name', { subject: 'idp-kim' }, noon, true],
    ['until the end of their set', { groups: ['guests'] }, noon - 1, true],
    ['and not from then on', { groups: ['guests'] }, noon, false],
    ['and nobody else', { groups: ['team-x'], roles: ['team-payments'] }, noon, false],
    [
      'and nobody of another issuer by a group',
      { groups: ['team-payments'], issuer: 'https://two.example' },
      noon,
      false,
    ],
    [
      'and nobody of another issuer by a role',
      { roles: ['payer'], issuer: 'https://two.example' },
      noon,
      false,
    ],
    [
      'and nobody of another issuer by name',
      { subject: 'idp-kim', issuer: 'https://two.example' },
      noon,
      false,
    ],
  ])('%s', (_, changes, now, named) => {
    const person = aPerson({ ...strangers, ...changes })
    expect(decideAsk(set, person, { service: 'orders-svc' }, now).give).toBe(named)
    const paged = { user: 'PUANA01', name: 'Ana Lopes', at: now }
    const page = decidePage(set, anIncident(), serviceIn(set), person, paged, now)
    expect(page.give && page.proposal.state).toBe(named ? 'active' : 'pending')
  })
})

/** What `on_request` says of the tier that a page gives: at once, after an approval, or nothing. */
const asked = {
  'at once': rulesText,
  approval: rulesText.replace(
    'operate: [POST /v1/orders/*/retry, PUT /v1/flags/*]',
    ['observe', 'operate', 'admin']
      .map((tier) => `${tier}: { approvals: { count: 2, from: [sre] } }`)
      .join('\n      '),
  ),
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
      expect(given(incident, aPerson(), rulesOf(asked.approval))).toEqual({
        state: 'pending',
        tier,
        duration,
        rule: 'on_request[0]',
        approvers: { from: ['sre'], count: 2 },
        doubt,
      })
    })

    test('is offered where asking takes a reason, and goes before the owners where it takes a ticket', () => {
      const taking = (reason: string) => {
        const text = rulesText
          .replace('when_stale: 15m', 'when_stale: 15m, reason: required')
          .replaceAll('reason: required', `reason: ${reason}`)
        return given(incident, aPerson(), rulesOf(text))
      }
      const offered = { state: 'offered', tier, duration, rule: 'on_request[0]', doubt }
      expect(taking('required')).toEqual(offered)
      expect(taking('ticket')).toEqual({
        ...offered,
        state: 'pending',
        approvers: { from: ['payments'], count: 1 },
      })
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
      rule: 'owners',
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

  const conditional = (words: string) =>
    rulesOf(rulesText.replace('levels: any', words).replace('urgency: high', 'urgency: any'))
  const saying = { 'a priority': 'priority: [P1, P2]', 'a level': 'levels: 1-2', 'one level': 'levels: 2' }
  test.each<[keyof typeof saying, string, object, object, boolean]>([
    ['a priority', 'its first', { priority: 'P1' }, {}, true],
    ['a priority', 'its last', { priority: 'P2' }, {}, true],
    ['a priority', 'another', { priority: 'P3' }, {}, false],
    ['a priority', 'one in small letters', { priority: 'p1' }, {}, false],
    ['a priority', 'none', {}, {}, false],
    ['a level', 'its first', {}, { level: 1 }, true],
    ['a level', 'its last', {}, { level: 2 }, true],
    ['a level', 'one below', {}, { level: 0 }, false],
    ['a level', 'one beyond', {}, { level: 3 }, false],
    ['a level', 'none', {}, {}, false],
    ['one level', 'just that', {}, { level: 2 }, true],
    ['one level', 'the one before', {}, { level: 1 }, false],
    ['one level', 'the one after', {}, { level: 3 }, false],
  ])('under a rule for %s, of %s', (what, _, changes, page, fits) => {
    const set = conditional(saying[what])
    const paged = [{ user: 'PUANA01', name: 'Ana Lopes', at: noon, ...page }]
    expect(given({ ...changes, paged }, aPerson(), set)).toMatchObject(
      fits ? { state: 'active', rule: 'on_page[0]' } : { state: 'offered', doubt: 'page-no-rule' },
    )
  })

  test('of any priority and level fits a rule that names none', () => {
    const paged = [{ user: 'PUANA01', name: 'Ana Lopes', at: noon, level: 9 }]
    expect(given({ priority: 'P5', paged }).state).toBe('active')
  })

  test('fits a rule’s hours by when they were paged, not by when it is seen', () => {
    const set = conditional('when: { days: thu, hours: "12:00-13:00", zone: UTC }')
    const at = (time: number, now: number) =>
      given({ paged: [{ user: 'PUANA01', name: 'Ana Lopes', at: time }] }, aPerson(), set, now).state
    const edges = [noon - 1, noon, noon + hour - 1, noon + hour]
    expect(edges.map((time) => at(time, time))).toEqual(['offered', 'active', 'active', 'offered'])
    expect(at(noon - 1, noon)).toBe('offered')
    expect(at(noon + hour - 1, noon + hour + minute)).toBe('active')
  })

  test('gives what the first rule says that fits and names the person, and in doubt what the first says that fits', () => {
    const set = rulesOf(
      rulesText.replace(
        'on_page:  ',
        `on_page:
  - { name: low, services: [orders-svc], who: [payments], urgency: low, give: observe, how: auto, for: 1h }
  - { name: theirs, services: [orders-svc], who: [sre], give: observe, how: auto, for: 30m }
  - { name: ours, services: [orders-svc], who: [payments], give: observe, how: auto, for: 1h }  `,
      ),
    )
    expect(given({}, aPerson(), set)).toMatchObject({ state: 'active', rule: 'ours', duration: hour })
    expect(given({}, sre, set)).toMatchObject({ state: 'active', rule: 'theirs', duration: 30 * minute })
    const doubted = { state: 'offered', rule: 'on_request[0]', doubt: 'page-by-self', tier: 'observe' }
    expect(given({ shapedBy: ['PUANA01'] }, aPerson(), set)).toMatchObject({ ...doubted, duration: hour })
    expect(given({}, aPerson({ groups: ['team-x'] }), set)).toMatchObject({
      state: 'pending',
      tier: 'observe',
      duration: 30 * minute,
      doubt: 'page-no-rule',
    })
  })

  test('gives nothing to somebody who left', () => {
    const paged = { user: 'PUANA01', name: 'Ana Lopes', at: noon }
    const left = aPerson({ active: false })
    expect(decidePage(rules, anIncident(), serviceIn(rules), left, paged, noon)).toStrictEqual({
      give: false,
      refusal: { reason: 'person-inactive' },
    })
  })

  test('gives nothing where the service has no tier', () => {
    const service = { ...serviceIn(rules), tiers: [], onPage: [] }
    const paged = { user: 'PUANA01', name: 'Ana Lopes', at: noon }
    const set = { ...rules, services: new Map([['orders-svc', service]]) }
    expect(decidePage(set, anIncident(), service, aPerson(), paged, noon)).toStrictEqual({
      give: false,
      refusal: { reason: 'tier-none' },
    })
    expect(decideAsk(set, aPerson(), { service: 'orders-svc' }, noon)).toStrictEqual({
      give: false,
      refusal: { reason: 'tier-unknown' },
    })
  })

  test.each<[string, number, number, boolean]>([
    ['at once', noon, noon, false],
    ['after ten minutes', noon, noon + 10 * minute, false],
    ['a millisecond later', noon, noon + 10 * minute + 1, true],
    ['before it was made, by another clock', noon, noon - hour, false],
    ['at no time', noon, Number.NaN, true],
    ['at a time that no clock shows', noon, -1, true],
    ['though it was made at no time', Number.NaN, noon, true],
    ['though it was made at a time that no clock shows', -1, 0, true],
    ['though it was made at a time beyond all clocks', 8_640_000_000_000_001, noon, true],
  ])('that is seen %s is late: %s', (_, at, now, late) => {
    expect(isLate({ user: 'PUANA01', name: 'Ana Lopes', at }, now)).toBe(late)
  })

  test('counts nobody without a PagerDuty account as who set it off', () => {
    const { pagerduty: _, ...unlinked } = aPerson()
    expect(given({ trigger: { kind: 'person', user: 'PUANA01' } }, unlinked).doubt).toBe('page-untrusted')
    expect(given({ shapedBy: ['PUANA01', 'PUBEN01'] }, unlinked).state).toBe('active')
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
