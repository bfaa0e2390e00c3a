import { describe, expect, test } from 'vitest'
import { decideTake } from '#access/domain/decide-take.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Person } from '#access/domain/principal.ts'
import { aGrant, aPerson, hour, noon, pageWhy, rulesOf, rulesText } from '../../builders.ts'

const offer = (changes: Partial<Grant> = {}): Grant =>
  aGrant({ state: 'offered', step: 'offered', why: pageWhy(), ...changes })
/** Offered because of a doubt: by the rule under which they could ask. */
const doubted = offer({ why: { ...pageWhy(), rule: 'on_request[0]', doubt: 'page-by-self' } as Grant['why'] })
const without = (before: string, after: string) => rulesText.replace(before, after)
const frozen = `${rulesText}
freeze:
  - { tiers: [operate, admin], from: 2026-01-15, until: 2026-01-15, because: audit }
`

test.each<[string, Grant, Person, string, string | undefined]>([
  ['is theirs while the page’s rule gives it', offer(), aPerson(), rulesText, undefined],
  ['is theirs while they could ask for it', doubted, aPerson(), rulesText, undefined],
  ['is not for somebody who left', offer(), aPerson({ active: false }), rulesText, 'person-inactive'],
  ['is not theirs in a freeze, if it was offered as if they had asked', doubted, aPerson(), frozen, 'frozen'],
  ['is theirs in a freeze, if the page’s rule gives it', offer(), aPerson(), frozen, undefined],
  [
    'is not for people the page’s rule does not name',
    offer(),
    aPerson({ groups: ['team-x'] }),
    rulesText,
    'not-eligible',
  ],
  [
    'is not for people who could not ask for it',
    doubted,
    aPerson({ groups: ['team-x'] }),
    rulesText,
    'not-eligible',
  ],
  [
    'is not theirs where the page’s rule gives another tier by now',
    offer(),
    aPerson(),
    without('give: operate', 'give: observe'),
    'not-eligible',
  ],
  [
    'is not theirs where the page’s rule is for other services by now',
    offer(),
    aPerson(),
    without('services: [label:tier-1]', 'services: [payments-svc]'),
    'not-eligible',
  ],
  [
    'is not theirs where others would have to approve it by now',
    doubted,
    aPerson(),
    rulesText
      .replace('reason: required }', 'reason: required, approvals: { count: 1, from: [sre] } }')
      .replace('give: operate', 'give: observe')
      .replace(
        'tiers: [observe, operate], how: at once }',
        'tiers: [observe], how: at once }\n  - { who: [payments], tiers: [operate], how: approval }',
      ),
    'not-eligible',
  ],
  [
    'is not theirs by a rule that is no more, unless they could ask',
    offer({ why: { ...pageWhy(), rule: 'on_page[9]' } as Grant['why'] }),
    aPerson({ groups: ['team-x'] }),
    rulesText,
    'not-eligible',
  ],
  [
    'is not theirs where a service of it is no more',
    offer({ services: ['orders-svc', 'gone'] }),
    aPerson(),
    rulesText,
    'not-eligible',
  ],
  [
    'is nobody’s by the owners’ name',
    offer({ why: { ...pageWhy(), rule: 'owners' } as Grant['why'] }),
    aPerson({ groups: [] }),
    rulesText,
    'not-eligible',
  ],
])('An offer %s', (_, grant, person, text, reason) => {
  expect(decideTake(rulesOf(text), grant, person, noon)).toBe(reason)
})

describe('While a freeze holds', () => {
  const until = noon + hour
  const frozen = rulesOf(`${rulesText}
freeze:
  - { services: [payments-svc], tiers: [operate, admin], from: 2026-01-15T12:00Z, until: 2026-01-15T13:00Z, because: sales }
`)
  const both = { services: ['orders-svc', 'payments-svc'] }
  const edges = (grant: Grant, person = aPerson()) =>
    [noon - 1, noon, until - 1, until].map((now) => decideTake(frozen, grant, person, now))

  test('what is offered as if they had asked is not taken, from its first millisecond to its last', () => {
    expect(edges({ ...doubted, ...both })).toEqual([undefined, 'frozen', 'frozen', undefined])
  })

  test.each<[string, Grant]>([
    ['a page’s offer is taken', offer(both)],
    [
      'a late page’s offer is taken',
      offer({ ...both, why: { ...pageWhy(), doubt: 'page-late' } as Grant['why'] }),
    ],
    ['what is of another tier is taken', { ...doubted, ...both, tier: 'observe' }],
    ['what is for another service is taken', doubted],
  ])('%s', (_, grant) => {
    expect(edges(grant)).toEqual([undefined, undefined, undefined, undefined])
  })

  test('somebody who left is told that', () => {
    expect(decideTake(frozen, { ...doubted, ...both }, aPerson({ active: false }), noon)).toBe(
      'person-inactive',
    )
  })

  test('an offer for a service that is no more is nobody’s', () => {
    expect(decideTake(frozen, { ...doubted, services: ['gone'] }, aPerson(), noon)).toBe('not-eligible')
  })
})

test('What they could ask for in certain hours they may take in those', () => {
  const hours = rulesOf(
    without('how: at once }', 'how: at once, when: { hours: "09:00-10:00", zone: UTC } }'),
  )
  const taken = [noon - 3 * hour - 1, noon - 3 * hour, noon - 2 * hour - 1, noon - 2 * hour].map((now) =>
    decideTake(hours, doubted, aPerson(), now),
  )
  expect(taken).toEqual(['not-eligible', undefined, undefined, 'not-eligible'])
  expect(decideTake(hours, offer(), aPerson(), noon)).toBeUndefined()
})
