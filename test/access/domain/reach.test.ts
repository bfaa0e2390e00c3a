import { describe, expect, test } from 'vitest'
import { besideOf, givesBeside, reachOf, tierFor } from '#access/domain/reach.ts'
import type { PageRule } from '#access/domain/rule-set.ts'
import { aGrant, rulesOf, rulesText, serviceIn } from '../../builders.ts'

const wide = aGrant({
  also: [
    { services: ['dash', 'logs'], tier: 'observe' },
    { services: ['cache'], tier: 'operate' },
  ],
})

describe('What a grant opens', () => {
  test('is its services and all beside', () => {
    expect(reachOf(aGrant())).toEqual(['orders-svc'])
    expect(reachOf(wide)).toEqual(['orders-svc', 'dash', 'logs', 'cache'])
  })

  test.each([
    ['orders-svc', 'operate'],
    ['logs', 'observe'],
    ['cache', 'operate'],
    ['other', undefined],
  ])('%s is opened under %s', (service, tier) => {
    expect(tierFor(wide, service)).toBe(tier)
  })

  test('is nothing else where nothing is beside', () => {
    expect(tierFor(aGrant(), 'other')).toBeUndefined()
  })
})

describe('What a page rule gives beside', () => {
  const service = (name: string, labels: string) => `
  ${name}:
    profile: web
    releases: { blue: http://127.0.0.1:7078 }
    serve: blue
    pagerduty: [P${name.toUpperCase().padEnd(6, 'X')}]
    channel: "#inc"
    owners: [payments]
    labels: [${labels}]`
  const rules = rulesOf(
    rulesText.replace(
      '\non_page:',
      `${service('zoo', 'side')}${service('cache', 'side')}${service('bus', 'deep')}\n\non_page:`,
    ),
  )
  const paged = serviceIn(rules)
  const [first] = rules.onPage
  if (first === undefined) throw new Error('no page rule')
  const rule = (...also: PageRule['also']): PageRule => ({ ...first, also })

  test('is by name, in order, and never the service that was paged for', () => {
    expect(besideOf(rules, rule({ services: ['*'], tier: 'observe' }), paged)).toEqual([
      { services: ['bus', 'cache', 'payments-svc', 'zoo'], tier: 'observe' },
    ])
  })

  test('is each service once, under the highest of its tiers', () => {
    const also = rule(
      { services: ['label:deep', 'cache'], tier: 'operate' },
      { services: ['label:side'], tier: 'observe' },
      { services: ['label:deep'], tier: 'observe' },
    )
    expect(besideOf(rules, also, paged)).toEqual([
      { services: ['zoo'], tier: 'observe' },
      { services: ['bus', 'cache'], tier: 'operate' },
    ])
  })

  test('is nothing that takes an approval, nor a tier that there is not', () => {
    const also = rule({ services: ['bus'], tier: 'admin' }, { services: ['bus'], tier: 'root' })
    expect(besideOf(rules, also, paged)).toEqual([])
    const bus = serviceIn(rules, 'bus')
    expect(['admin', 'root'].map((tier) => givesBeside(also, bus, tier))).toEqual([false, false])
  })

  test('is nothing where the rule says nothing, nor for another service or tier', () => {
    expect(besideOf(rules, rule(), paged)).toEqual([])
    const also = rule({ services: ['bus'], tier: 'observe' })
    expect(givesBeside(also, serviceIn(rules, 'bus'), 'observe')).toBe(true)
    expect(givesBeside(also, serviceIn(rules, 'zoo'), 'observe')).toBe(false)
    expect(givesBeside(also, serviceIn(rules, 'bus'), 'operate')).toBe(false)
  })
})
