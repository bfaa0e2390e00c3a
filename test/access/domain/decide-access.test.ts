import { describe, expect, test } from 'vitest'
import { type Ask, decideAsk, decidePage, servicesOf } from '#access/domain/decide-access.ts'
import type { Incident } from '#access/domain/incident.ts'
import type { Person } from '#access/domain/principal.ts'
import { anIncident, aPerson, hour, minute, rulesOf, rulesText, serviceIn } from '../../builders.ts'

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
    expect(decideAsk(rules, aPerson(), ask, usualTier)).toMatchObject({
      give: true,
      proposal: { ...proposal, rule: 'on_request[0]', service: { name: 'orders-svc' } },
    })
  })

  test('for no longer than the tier lasts, if they name no time', () => {
    const short = rulesOf(rulesText.replace('observe: { longest: 8h', 'observe: { longest: 20m'))
    expect(decideAsk(short, aPerson(), { service: 'orders-svc' })).toMatchObject({
      proposal: { duration: 20 * minute },
    })
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
      'where somebody has to approve',
      sre,
      { service: 'orders-svc', tier: 'admin', reason: 'x' },
      { reason: 'approval-needed', tier: 'admin' },
    ],
    [
      'for longer than the tier lasts',
      aPerson(),
      { service: 'orders-svc', tier: 'operate', duration: 2 * hour + 1, reason: 'x' },
      { reason: 'duration-too-long', longest: 2 * hour, tier: 'operate' },
    ],
    [
      'without the reason that the tier needs',
      aPerson(),
      { service: 'orders-svc', tier: 'operate' },
      { reason: 'reason-needed', tier: 'operate' },
    ],
  ])('%s', (_, person, ask, refusal) => {
    expect(decideAsk(rules, person, ask)).toEqual({ give: false, refusal: expect.objectContaining(refusal) })
  })
})

describe('A page', () => {
  const page = (changes: Partial<Incident> = {}, person = aPerson(), set = rules) =>
    decidePage(set, anIncident(changes), serviceIn(set), person)

  test('gives what the first rule that fits says', () => {
    expect(page()).toMatchObject({
      give: true,
      proposal: { tier: 'operate', duration: 2 * hour, rule: 'on_page[0]' },
    })
  })

  test('may give from a later rule, where the first does not fit', () => {
    const two = rulesOf(
      rulesText.replace(
        'on_page:  ',
        'on_page:\n  - { services: [payments-svc], who: [payments], give: observe, how: auto, for: 1h }  ',
      ),
    )
    expect(page({}, aPerson(), two)).toMatchObject({ proposal: { rule: 'on_page[1]' } })
  })

  const cases: readonly [string, Partial<Incident>, Person, string][] = [
    ['to somebody who left', {}, aPerson({ active: false }), 'person-inactive'],
    ['to people no rule names: a page is no authority', {}, aPerson({ groups: ['team-x'] }), 'page-no-rule'],
    ['at an urgency no rule names', { urgency: 'low' }, aPerson(), 'page-no-rule'],
    [
      'to the person who set it off',
      { trigger: { kind: 'person', user: 'PUANA01' } },
      aPerson(),
      'page-by-self',
    ],
    [
      'when another person set it off',
      { trigger: { kind: 'person', user: 'PUBEN01' } },
      aPerson(),
      'page-untrusted',
    ],
    [
      'when an integration set it off that nobody trusts',
      { trigger: { kind: 'integration', id: 'POTHER' } },
      aPerson(),
      'page-untrusted',
    ],
    [
      'when a person has the id of a trusted integration',
      { trigger: { kind: 'person', user: 'PIDATADOG' } },
      aPerson(),
      'page-untrusted',
    ],
    ['when nobody can know what set it off', { trigger: { kind: 'unknown' } }, aPerson(), 'page-untrusted'],
  ]
  test.each(cases)('gives nothing %s', (_, changes, person, reason) => {
    expect(page(changes, person)).toEqual({ give: false, refusal: { reason } })
  })

  test('gives nothing where the rule set has no page rule', () => {
    const none = rulesOf(rulesText.replace(/on_page:[\s\S]*?on_request:/, 'on_request:'))
    expect(page({}, aPerson(), none)).toMatchObject({ refusal: { reason: 'page-no-rule' } })
  })

  test('counts nobody without a PagerDuty account as who set it off', () => {
    const { pagerduty: _, ...unlinked } = aPerson()
    expect(page({ trigger: { kind: 'person', user: 'PUANA01' } }, unlinked)).toMatchObject({
      refusal: { reason: 'page-untrusted' },
    })
  })

  test.each([
    ['the service that names it', 'PORDERS', ['orders-svc']],
    ['every service that names it', 'PBOTH01', ['orders-svc', 'payments-svc']],
    ['no service, where none names it', 'PNOBODY', []],
  ])('of a PagerDuty service concerns %s', (_, service, names) => {
    const both = rulesOf(
      rulesText.replace('[PORDERS]', '[PORDERS, PBOTH01]').replace('[PPAYMTS]', '[PPAYMTS, PBOTH01]'),
    )
    expect(servicesOf(both, anIncident({ service })).map(({ name }) => name)).toEqual(names)
  })
})
