import { describe, expect, test } from 'vitest'
import type { Ask } from '#access/domain/decide-access.ts'
import { decideAskAll } from '#access/domain/decide-ask-all.ts'
import { aPerson, hour, noon, rulesOf, rulesText } from '../../builders.ts'

const more = Array.from(
  { length: 10 },
  (_, index) => `  many-${index}:
    profile: web
    releases: { blue: http://127.0.0.1:7077 }
    serve: blue
    channel: "#inc"
    owners: [payments]
    labels: [many]
`,
)
const text = rulesText.replace('\non_page:', `\n${more.join('')}\non_page:`)
const rules = rulesOf(text)
const ben = aPerson({ subject: 'idp-ben', name: 'Ben', groups: ['sre'] })
const ask = (services: readonly string[], changes: Partial<Ask> = {}, by = ben, of = rules) =>
  decideAskAll(of, by, { service: services.join(','), services, reason: 'stuck', ...changes }, noon)
const given = (decision: ReturnType<typeof ask>) =>
  decision.give
    ? [
        decision.proposal.state,
        decision.proposal.tier,
        decision.proposal.duration,
        decision.proposal.services,
      ]
    : decision.refusal

describe('Several services in one go', () => {
  test.each<[string, readonly string[], readonly string[] | undefined]>([
    ['by name', ['orders-svc', 'payments-svc'], ['orders-svc', 'payments-svc']],
    ['by label', ['label:tier-1'], ['orders-svc', 'payments-svc']],
    ['by label and name, each once', ['payments-svc', 'label:tier-1'], ['payments-svc', 'orders-svc']],
    ['that are the same twice', ['orders-svc', 'orders-svc'], undefined],
    ['by a label that one has', ['label:orders'], undefined],
  ])('are given at once %s', (_, words, services) => {
    expect(given(ask(words, { tier: 'operate', duration: hour }))).toEqual([
      'active',
      'operate',
      hour,
      services,
    ])
  })

  test('are of the first one’s lowest tier, and as long as each lasts, where nothing is said', () => {
    const short = rulesOf(
      text.replace(
        '    labels: [tier-1]\n',
        '    labels: [tier-1]\n    tiers: { observe: { default: 20m } }\n',
      ),
    )
    expect(given(ask(['orders-svc', 'payments-svc'], {}, ben, short))).toEqual([
      'active',
      'observe',
      hour / 3,
      ['orders-svc', 'payments-svc'],
    ])
  })

  test('wait for those who approve any of them', () => {
    const decision = ask(['orders-svc', 'payments-svc'], { tier: 'admin', duration: hour })
    expect(decision).toMatchObject({
      proposal: {
        state: 'pending',
        services: ['orders-svc', 'payments-svc'],
        approvers: { from: ['sre'], count: 1 },
      },
    })
  })

  test('are refused where others approve one of them', () => {
    const apart = rulesOf(
      text.replace(
        '    labels: [tier-1]\n',
        '    labels: [tier-1]\n    tiers: { admin: { approvals: { count: 2, from: [sre, payments] } } }\n',
      ),
    )
    expect(given(ask(['orders-svc', 'payments-svc'], { tier: 'admin' }, ben, apart))).toEqual({
      reason: 'approvals-differ',
    })
    expect(ask(['orders-svc', 'many-1'], { tier: 'admin' }, ben, apart).give).toBe(true)
  })

  test.each<[string, readonly string[], Partial<Ask>, object]>([
    [
      'names nobody knows, each with the nearest',
      ['orders-svc', 'paymnts-svc', 'constructor'],
      {},
      {
        reason: 'service-unknown',
        each: [
          { service: 'paymnts-svc', refusal: { reason: 'service-unknown', hint: 'payments-svc' } },
          { service: 'constructor', refusal: { reason: 'service-unknown' } },
        ],
      },
    ],
    [
      'a label that nothing has',
      ['orders-svc', 'label:nothing'],
      {},
      {
        reason: 'service-unknown',
        each: [{ service: 'label:nothing', refusal: { reason: 'service-unknown' } }],
      },
    ],
    ['more than ten', ['orders-svc', 'label:many'], {}, { reason: 'too-many-services' }],
    ['none', [], {}, { reason: 'service-unknown', each: [] }],
    [
      'a tier that one of them lacks',
      ['orders-svc', 'payments-svc'],
      { tier: 'root' },
      { reason: 'tier-unknown', each: [{ service: 'orders-svc' }, { service: 'payments-svc' }] },
    ],
    [
      'too long a time',
      ['orders-svc', 'payments-svc'],
      { tier: 'operate', duration: 9 * hour },
      { reason: 'duration-too-long', each: [{ service: 'orders-svc' }, { service: 'payments-svc' }] },
    ],
  ])('are refused as a whole for %s', (_, words, changes, refusal) => {
    expect(given(ask(words, changes))).toMatchObject(refusal)
  })

  test('are refused as a whole where the person may not have one, which is named', () => {
    const only = rulesOf(
      text.replace('who: [sre, payments], tiers', 'who: [sre, payments], services: [orders-svc], tiers'),
    )
    expect(given(ask(['orders-svc', 'payments-svc'], { tier: 'observe' }, ben, only))).toMatchObject({
      reason: 'not-eligible',
      each: [{ service: 'payments-svc', refusal: { reason: 'not-eligible', tier: 'observe' } }],
    })
    expect(given(ask(['orders-svc', 'many-1'], {}, { ...ben, active: false }))).toMatchObject({
      reason: 'person-inactive',
    })
  })
})
