import { expect, test } from 'vitest'
import { isStanding, standingGrant, tierGiven } from '#access/domain/standing-grant.ts'
import { aGrant, aPerson, noon, provenOf, rulesOf, rulesText } from '../../builders.ts'

const text = rulesText
  .replace('tiers:   ', 'workloads: { checkout: { subjects: [svc-checkout, svc-till] } }\ntiers:   ')
  .concat(`
standing:
  - { name: checks-out, from: workload:checkout, to: [orders-svc, payments-svc], allow: [GET /a] }
  - { name: looks, from: payments, to: "*", tier: observe }
`)
const rules = rulesOf(text)
const [checksOut, looks] = rules.standing
if (checksOut === undefined || looks === undefined) throw new Error('the rule set has two standing rules')
const checkout = provenOf(aPerson({ subject: 'svc-checkout', groups: [] }))
const ana = provenOf(aPerson())
const ever = Number.MAX_SAFE_INTEGER

test('What a standing rule gives a workload has the shape of a grant, for as long as the rule stands', () => {
  expect(standingGrant(rules, checksOut, checkout)).toStrictEqual({
    grant: {
      id: 'checks-out svc-checkout',
      version: 1,
      environment: 'sandbox',
      state: 'active',
      step: 'given',
      who: { issuer: checkout.issuer, subject: 'svc-checkout', name: 'checkout' },
      services: ['orders-svc', 'payments-svc'],
      tier: 'checks-out',
      from: 0,
      until: ever,
      duration: ever,
      why: { kind: 'request', rule: 'checks-out' },
      nonce: '',
      rules: rules.hash,
      at: 0,
    },
    statement: '',
    verified: true,
  })
})

test('What it gives a person is under their subject and the tier it names', () => {
  expect(standingGrant(rules, looks, ana).grant).toMatchObject({
    id: 'looks idp-ana',
    who: { issuer: ana.issuer, subject: 'idp-ana', name: 'idp-ana' },
    services: ['*'],
    tier: 'observe',
  })
})

test('It is the same one for the same rule and principal, whatever their token, and for no others', () => {
  const held = standingGrant(rules, looks, ana)
  expect(standingGrant(rules, looks, { ...ana, groups: ['team-payments', 'more'], signedInAt: noon })).toBe(
    held,
  )
  const ben = provenOf(aPerson({ subject: 'idp-ben' }))
  const others = [
    standingGrant(rules, looks, ben),
    standingGrant(rules, checksOut, ana),
    standingGrant(rules, { ...looks }, ana),
    standingGrant(rules, looks, provenOf(aPerson({ issuer: 'https://two.example' }))),
  ]
  for (const other of others) expect(other).not.toBe(held)
  expect(standingGrant(rules, looks, ben)).toBe(others[0])
  expect(standingGrant(rules, looks, ana)).toBe(held)
})

test('It gives the tier that its rule names, and none where the rule has patterns of its own', () => {
  expect(tierGiven(rules, standingGrant(rules, looks, ana))).toBe('observe')
  expect(tierGiven(rules, standingGrant(rules, checksOut, checkout))).toBeUndefined()
  const held = { grant: aGrant({ why: { kind: 'request', rule: 'checks-out' } }), verified: true }
  expect(tierGiven(rules, { ...held, statement: 'signed' })).toBe('operate')
})

test('It is told apart from a grant, which is signed', () => {
  expect(isStanding(standingGrant(rules, looks, ana))).toBe(true)
  expect(isStanding({ grant: aGrant(), statement: 'signed', verified: true })).toBe(false)
})
