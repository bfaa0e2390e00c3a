/**
 * The attack: get more out of a rule set than its words give: by an incident of one's own, by a name that means two
 * things, by a term that quietly takes another with it, by what was opened before the rules closed.
 */
import { describe, expect, test } from 'vitest'
import { decidePage } from '#access/domain/decide-access.ts'
import { decideExtension } from '#access/domain/decide-extension.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import { decideTake } from '#access/domain/decide-take.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Incident } from '#access/domain/incident.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { RuleSet, Service } from '#access/domain/rule-set.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'

const issuer = 'https://idp.test'
const monday = Date.parse('2026-11-23T10:00:00Z')
const hour = 3_600_000
const ana = {
  issuer,
  subject: 'ana',
  groups: ['sre'],
  name: 'Ana',
  active: true,
  pagerduty: { account: 'a', user: 'PANA' },
}
const token = { ...ana, principal: principalKey(ana) }

const parsed = (
  more: string,
  tiers = '{ operate: { longest: 8h, rate: 1/s, when_stale: 2m } }',
  groups = '[sre]',
) =>
  parseRuleSet(`
version: 1
environment: production
domain: access.test
identity: { issuer: ${issuer}, audience: pagepass }
people: { sre: { groups: ${groups} }, leads: { groups: [leads] }, anyone: { groups: [all] } }
tiers: ${tiers}
services:
  orders-svc:
    releases: { blue: http://127.0.0.1:1 }
    serve: blue
    pagerduty: [PORDERS]
    trusted_triggers: [TRUSTED]
    channel: "#inc"
    owners: [leads]
    tiers: { operate: [POST /v1/**] }
${more}`)
const ruled = (more: string): { readonly rules: RuleSet; readonly service: Service } => {
  const result = parsed(more)
  if (!result.ok) throw new Error(JSON.stringify(result.faults))
  return { rules: result.rules, service: result.rules.services.get('orders-svc') as Service }
}
const ownIncident: Incident = {
  id: 'Q1',
  number: 1,
  title: 'made by myself',
  status: 'triggered',
  urgency: 'high',
  service: 'PORDERS',
  paged: [],
  acknowledgedBy: [],
  trigger: { kind: 'person', user: 'PANA' },
  shapedBy: ['PANA'],
}
const grant = (changes: Partial<Grant>): Grant => ({
  id: 'aaaa-bbbb-cccc',
  version: 1,
  environment: 'production',
  state: 'active',
  step: 'taken',
  who: { issuer, subject: 'ana', name: 'Ana' },
  services: ['orders-svc'],
  tier: 'operate',
  from: monday - hour,
  until: monday + hour,
  duration: 2 * hour,
  why: { kind: 'request', rule: 'asking' },
  nonce: '',
  rules: '',
  at: monday - hour,
  ...changes,
})
const holding = (held: Grant) => ({
  ready: () => true,
  age: () => 0,
  heldBy: () => ({ grants: [{ grant: held, statement: 'x', verified: true }] }),
  isLocked: () => false,
  confirmedUntil: () => Number.POSITIVE_INFINITY,
})
const incident = { id: 'Q1', number: 1, title: '' }

describe('An incident of one’s own is no way around a freeze', () => {
  const { rules, service } = ruled(`
on_page: [{ name: paging, services: [orders-svc], who: [sre], give: operate, how: auto, for: 2h }]
on_request: [{ name: asking, who: [sre], tiers: [operate], how: at once }]
freeze: [{ tiers: [operate], from: 2026-11-23T10:00Z, until: 2026-11-23T18:00Z, because: release }]`)
  const decide = (held: Grant) =>
    decideRequest(rules, holding(held), { who: token, service, method: 'POST', path: '/v1/x' }, monday + 1)
  const doubtful = { kind: 'page', rule: 'asking', incident, doubt: 'page-by-self' } as const

  test('taken just before it, the pass stops like any that was asked for', () => {
    expect(
      decidePage(
        rules,
        ownIncident,
        service,
        ana,
        { user: 'PANA', name: 'Ana', at: monday - hour },
        monday - hour,
      ),
    ).toMatchObject({ proposal: { state: 'offered', rule: 'asking', doubt: 'page-by-self' } })
    expect(decide(grant({ why: doubtful }))).toMatchObject({ allow: false, reason: 'frozen' })
  })

  test('nor is it extended', () => {
    const person = { ...ana }
    expect(decideExtension(rules, grant({ why: doubtful }), person, hour, monday + 1)).toMatchObject({
      refusal: { reason: 'frozen' },
    })
  })

  test('nor does an approval of an owner during it make it count', () => {
    const approvals = [{ issuer, subject: 'lea', name: 'Lea', at: monday + 1, teams: ['leads'] }]
    const why = { kind: 'page', rule: 'owners', incident, doubt: 'page-by-self' } as const
    expect(decide(grant({ why, approvals }))).toMatchObject({ allow: false, reason: 'frozen' })
  })

  test('a page that nobody doubts goes on', () => {
    expect(decide(grant({ why: { kind: 'page', rule: 'paging', incident } }))).toMatchObject({ allow: true })
    expect(
      decide(grant({ why: { kind: 'page', rule: 'paging', incident, doubt: 'page-late' } })),
    ).toMatchObject({ allow: true })
  })
})

test('What is offered as if it had been asked for is not taken at an hour when it could not be', () => {
  const { rules } = ruled(`
on_request: [{ name: asking, who: [sre], tiers: [operate], how: at once, when: { days: mon-fri, hours: "09:00-17:00", zone: UTC } }]`)
  const why = { kind: 'page', rule: 'asking', incident, doubt: 'page-no-rule' } as const
  const offered = grant({ state: 'offered', step: 'offered', why })
  expect(decideTake(rules, offered, ana, monday)).toBeUndefined()
  expect(decideTake(rules, offered, ana, monday + 10 * hour)).toBe('not-eligible')
})
