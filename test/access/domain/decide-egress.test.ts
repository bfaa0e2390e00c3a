import { describe, expect, test } from 'vitest'
import { decideEgress, type EgressRequest, originsOf } from '#access/domain/decide-egress.ts'
import { createView } from '#access/domain/view.ts'
import { aPerson, provenOf, rulesOf, rulesText } from '../../builders.ts'

const rules = rulesOf(`${rulesText}
workloads:
  checkout: { subjects: [client-checkout, client-checkout-2] }
  ledger: { subjects: [client-ledger] }
egress:
  - { from: checkout, to: https://api.stripe.com, allow: [POST /v1/charges/**, GET /v1/charges/*] }
  - { from: [checkout, ledger], to: [https://api.example.com, "http://plain.example.com:8080"], allow: [GET /rates] }
  - { name: both, from: ledger, to: http://two.example.com, allow: [GET /plain, GET /either] }
  - { from: ledger, to: https://two.example.com, allow: [GET /secure, GET /either] }
`)
const { issuer } = rules.identity
const workload = (subject: string, groups: readonly string[] = []) =>
  provenOf({ issuer, subject, groups: [...groups] })
const checkout = workload('client-checkout')
const ledger = workload('client-ledger')
const view = createView()

const decide = (who = checkout, method = 'GET', url = 'http://api.stripe.com/v1/charges/7') => {
  const [, scheme = '', authority = '', path = ''] = /^(\w+):\/\/([^/]*)(.*)$/.exec(url) ?? []
  const origins = originsOf(scheme as 'http' | 'https', authority) ?? []
  return decideEgress(rules, view, { who, origins, method, path })
}

describe('A workload may call outside', () => {
  test.each([
    [
      'a path of a rule of its own',
      checkout,
      'POST',
      'http://api.stripe.com/v1/charges/7/refund',
      'egress[0]',
    ],
    ['by TLS that it asked for', checkout, 'GET', 'https://api.stripe.com/v1/charges/7', 'egress[0]'],
    ['by HEAD where it may GET', checkout, 'HEAD', 'http://api.stripe.com/v1/charges/7', 'egress[0]'],
    [
      'under any of its subjects',
      workload('client-checkout-2'),
      'GET',
      'http://api.example.com/rates',
      'egress[1]',
    ],
    ['one of the origins of a rule', ledger, 'GET', 'http://plain.example.com:8080/rates', 'egress[1]'],
    ['a host in any case', ledger, 'GET', 'http://API.Example.com/rates', 'egress[1]'],
    ['a port that need not be said', ledger, 'GET', 'https://api.example.com:443/rates', 'egress[1]'],
  ])('%s', (_name, who, method, url, rule) => {
    expect(decide(who, method, url)).toMatchObject({ allow: true, rule: { id: rule } })
  })

  test('over TLS where the rule says so, whatever was asked for, and first', () => {
    const originOf = (path: string) => decide(ledger, 'GET', `http://two.example.com${path}`)
    expect(originOf('/secure')).toMatchObject({ allow: true, origin: 'https://two.example.com' })
    expect(originOf('/either')).toMatchObject({ allow: true, origin: 'https://two.example.com' })
    expect(originOf('/plain')).toMatchObject({
      allow: true,
      origin: 'http://two.example.com',
      rule: { id: 'both' },
      pattern: { text: 'GET /plain' },
    })
  })
})

describe('Nobody may call', () => {
  test.each([
    ['what another workload may', ledger, 'GET', 'http://api.stripe.com/v1/charges/7', 'egress-missing'],
    [
      'by the name of a workload',
      workload('checkout'),
      'GET',
      'http://api.example.com/rates',
      'egress-missing',
    ],
    [
      'by a group that is called so',
      workload('x', ['checkout', 'client-checkout']),
      'GET',
      'http://api.example.com/rates',
      'egress-missing',
    ],
    [
      'as a person',
      provenOf(aPerson({ groups: ['sre'] })),
      'GET',
      'http://api.example.com/rates',
      'egress-missing',
    ],
    [
      'as a subject of another provider',
      provenOf({ issuer: 'https://other.example.com', subject: 'client-checkout', groups: [] }),
      'GET',
      'http://api.example.com/rates',
      'egress-missing',
    ],
    ['without a subject', workload(''), 'GET', 'http://api.example.com/rates', 'egress-missing'],
    [
      'by a method that is not allowed',
      checkout,
      'DELETE',
      'http://api.stripe.com/v1/charges/7',
      'egress-beyond',
    ],
    ['a path that is not allowed', checkout, 'GET', 'http://api.stripe.com/v1/customers/7', 'egress-beyond'],
    [
      'what only begins like an allowed path',
      checkout,
      'POST',
      'http://api.stripe.com/v1/chargesx',
      'egress-beyond',
    ],
    ['by a WebSocket', checkout, 'WS', 'http://api.stripe.com/v1/charges/7', 'egress-beyond'],
    ['a host below', checkout, 'GET', 'http://x.api.stripe.com/v1/charges/7', 'egress-missing'],
    [
      'a host that goes on',
      checkout,
      'GET',
      'http://api.stripe.com.evil.example/v1/charges/7',
      'egress-missing',
    ],
    ['a host with a dot behind', checkout, 'GET', 'http://api.stripe.com./v1/charges/7', 'egress-missing'],
    ['another port', checkout, 'GET', 'http://api.stripe.com:8080/v1/charges/7', 'egress-missing'],
    [
      'another spelling of the port',
      checkout,
      'GET',
      'https://api.stripe.com:0443/v1/charges/7',
      'egress-missing',
    ],
    [
      'plain what is for TLS, at its own port',
      checkout,
      'GET',
      'https://api.stripe.com:80/v1/charges/7',
      'egress-missing',
    ],
    ['by TLS what is plain', ledger, 'GET', 'https://plain.example.com:8080/rates', 'egress-missing'],
    ['another name on Object', checkout, 'GET', 'http://__proto__/v1', 'egress-missing'],
  ])('%s', (_name, who, method, url, reason) => {
    expect(decide(who, method, url)).toEqual({ allow: false, reason })
  })

  test('anything while they are locked', () => {
    const shut = createView()
    shut.lock(checkout.principal)
    const asked: EgressRequest = {
      who: checkout,
      origins: ['https://api.stripe.com'],
      method: 'GET',
      path: '/v1/charges/7',
    }
    expect(decideEgress(rules, shut, asked)).toEqual({ allow: false, reason: 'principal-locked' })
    expect(decideEgress(rules, shut, { ...asked, who: ledger })).toMatchObject({ reason: 'egress-missing' })
    expect(decideEgress(rules, view, asked)).toMatchObject({ allow: true })
  })

  test('nowhere', () => {
    expect(decideEgress(rules, view, { who: checkout, origins: [], method: 'GET', path: '/rates' })).toEqual({
      allow: false,
      reason: 'egress-missing',
    })
  })
})

describe('A scheme and an authority mean', () => {
  test.each([
    ['http', 'api.stripe.com', ['https://api.stripe.com', 'http://api.stripe.com']],
    ['http', 'api.stripe.com:80', ['https://api.stripe.com:80', 'http://api.stripe.com']],
    ['http', 'api.stripe.com:443', ['https://api.stripe.com', 'http://api.stripe.com:443']],
    ['http', 'API.stripe.com:8443', ['https://api.stripe.com:8443', 'http://api.stripe.com:8443']],
    ['https', 'api.stripe.com', ['https://api.stripe.com']],
    ['https', 'api.stripe.com:443', ['https://api.stripe.com']],
    ['https', 'api.stripe.com:80', ['https://api.stripe.com:80']],
    ['http', '[2001:DB8::1]:8080', ['https://[2001:db8::1]:8080', 'http://[2001:db8::1]:8080']],
  ] as const)('%s://%s', (scheme, authority, origins) => {
    expect(originsOf(scheme, authority)).toEqual(origins)
  })

  test.each([
    '',
    ':80',
    'user@api.stripe.com',
    'user:secret@api.stripe.com',
    'api.stripe.com:',
    'api.stripe.com:80:80',
    'api.stripe.com:808080',
    'api.stripe.com:8x',
    'api.stripe.com\\evil.example',
    'api.stripe.com%2eevil.example',
    'api.stripe.com evil',
    'api.stripe.com\tevil',
    'äpi.stripe.com',
    '[::1',
    '::1',
    '[::1%eth0]',
    '[v1.x]',
  ])('nothing: %j', (authority) => {
    expect(originsOf('http', authority)).toBeUndefined()
  })
})
