import { expect, test } from 'vitest'
import { freezeOn } from '#access/domain/freeze-on.ts'
import { hour, noon, rulesOf, rulesText } from '../../builders.ts'

const rules = rulesOf(`${rulesText}
freeze:
  - { services: [payments-svc], tiers: [operate, admin], from: 2026-01-15T12:00Z, until: 2026-01-15T13:00Z, because: sales }
  - { services: [orders-svc], tiers: [operate, admin], from: 2026-01-15T12:30Z, until: 2026-01-15T14:00Z, because: stocks }
`)
const of = (services: readonly string[], now: number, tier = 'operate') =>
  freezeOn(rules, { services, tier }, now)?.because

test.each<[string, readonly string[], number, string | undefined]>([
  ['before any begins is held by none', ['orders-svc', 'payments-svc'], noon - 1, undefined],
  ['is held from the first millisecond of one', ['orders-svc', 'payments-svc'], noon, 'sales'],
  ['is held by that of its first service, of two', ['orders-svc', 'payments-svc'], noon + hour - 1, 'stocks'],
  ['is held by that, whichever is first', ['payments-svc', 'orders-svc'], noon + hour - 1, 'sales'],
  ['is held by that of any service', ['payments-svc', 'orders-svc'], noon + hour, 'stocks'],
  ['is held no more when all are over', ['payments-svc', 'orders-svc'], noon + 2 * hour, undefined],
  ['is not held by what holds another service', ['payments-svc'], noon + hour, undefined],
  ['is not held for a service that is no more', ['gone'], noon, undefined],
])('A pass %s', (_, services, now, because) => {
  expect(of(services, now)).toBe(because)
})

test('A pass is not held by what holds another tier', () => {
  expect(of(['payments-svc'], noon, 'observe')).toBeUndefined()
})
