import { describe, expect, test } from 'vitest'
import { buttonValue, isButtonOf, scopeOfButton } from '#access/domain/button.ts'
import { isApproved } from '#access/domain/decide-approval.ts'
import type { Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { aGrant, aPerson, hour, noon, nthId, pageWhy } from '../../builders.ts'

const ben = aPerson({ subject: 'idp-ben', name: 'Ben Okafor', groups: ['sre'] })
const pending = aGrant({ state: 'pending', step: 'asked', approvers: { from: ['sre'], count: 1 } })

describe('The hash of what is approved', () => {
  test.each<[string, Partial<Grant>]>([
    ['another environment', { environment: 'production' }],
    ['another grant', { id: nthId(3) }],
    ['somebody else', { who: { ...pending.who, subject: 'idp-cho' } }],
    ['another service', { services: ['payments-svc'] }],
    ['one service more', { services: ['orders-svc', 'payments-svc'] }],
    ['something beside', { also: [{ services: ['payments-svc'], tier: 'observe' }] }],
    ['another tier', { tier: 'admin' }],
    ['another length', { duration: 2 * hour }],
    ['another beginning', { begins: { at: noon + hour, zone: 'UTC' } }],
    ['other approvers', { approvers: { from: ['payments'], count: 1 } }],
    ['fewer approvals', { approvers: { from: ['sre'], count: 2 } }],
    ['another reason', { why: { kind: 'request', rule: 'on_request[0]', reason: 'other' } }],
    ['a page', { why: pageWhy() }],
    ['another rule set', { rules: 'other' }],
  ])('is another one for %s', (_, changes) => {
    expect(scopeHash({ ...pending, ...changes })).not.toBe(scopeHash(pending))
  })

  test('is the same for what any step changes, and whatever somebody is called', () => {
    const paged = aGrant({ ...pending, why: pageWhy('Q1') })
    const merged = { ...pageWhy('Q2'), mergedFrom: 'Q1' } as Grant['why']
    const moved = nextVersion(paged, 'moved', { why: merged }, noon)
    const approved = nextVersion(moved, 'approved', { from: noon + 1, until: noon + hour }, noon)
    const extended = nextVersion(approved, 'extended', { until: noon + 9 * hour, extended: 1 }, noon)
    for (const one of [moved, approved, extended, { ...paged, who: { ...paged.who, name: 'A.' } }])
      expect(scopeHash(one)).toBe(scopeHash(paged))
  })
})

describe('A button that approves', () => {
  test('carries what its message showed, and is no button of anything else', () => {
    const value = buttonValue(pending, 'approve', ben)
    expect(scopeOfButton(value)).toBe(scopeHash(pending))
    // It stays known as ours where something else is shown by now: its person is told so.
    expect(isButtonOf({ ...pending, tier: 'admin' }, 'approve', ben, value)).toBe(true)
    const other = `${value.slice(0, -43)}${scopeHash({ ...pending, tier: 'admin' })}`
    expect(isButtonOf(pending, 'approve', ben, other)).toBe(false)
    expect(isButtonOf(pending, 'approve', ben, value.slice(0, -44))).toBe(false)
  })
})

test('An approval of anything else than what the grant gives does not count', () => {
  const approval = (scope?: string) => ({
    issuer: ben.issuer,
    subject: ben.subject,
    name: ben.name,
    at: noon,
    teams: ['sre'],
    ...(scope === undefined ? {} : { scope }),
  })
  const counts = (scope?: string): boolean =>
    isApproved({ ...pending, approvals: [approval(scope)] }, { count: 1, from: ['sre'] })
  expect([counts(scopeHash(pending)), counts(scopeHash({ ...pending, tier: 'admin' })), counts('')]).toEqual([
    true,
    false,
    false,
  ])
})
