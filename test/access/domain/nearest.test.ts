import { describe, expect, test } from 'vitest'
import { nearest } from '#access/domain/nearest.ts'

const known = ['orders-svc', 'payments-svc', 'api']

describe('The word that somebody probably meant', () => {
  test.each([
    ['a letter left out', 'order-svc', 'orders-svc'],
    ['a letter too many', 'orderss-svc', 'orders-svc'],
    ['two letters swapped', 'odrers-svc', 'orders-svc'],
    ['two letters swapped in a short word', 'aip', 'api'],
    ['another case', 'ORDERS-SVC', 'orders-svc'],
    ['a short part left out', 'payments', 'payments-svc'],
    ['a long part left out', 'svc', undefined],
    ['one letter off in a short word', 'apo', 'api'],
    ['two letters off in a short word', 'axo', undefined],
    ['nothing like it', 'checkout', undefined],
    ['nothing', '', undefined],
    ['the word itself', 'api', 'api'],
  ])('after %s', (_, word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })

  test('is the nearest of several, and the first of equals', () => {
    expect(nearest('orders-v', ['orders-v10', 'orders-v2', 'orders-v3'])).toBe('orders-v2')
  })

  test('is looked for in so many letters only, so that a long word costs little', () => {
    expect(nearest('x'.repeat(1_000_000), known)).toBeUndefined()
  })
})
