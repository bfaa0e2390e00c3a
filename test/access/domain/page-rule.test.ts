import { describe, expect, test } from 'vitest'
import { type Doubt, doubts, type Grant } from '#access/domain/grant.ts'
import { isByPageRule, isTakenByAcknowledging, pageRuleFits, pageRuleOf } from '#access/domain/page-rule.ts'
import { aGrant, aPerson, noon, pageWhy, rulesOf, rulesText, serviceIn } from '../../builders.ts'

const rules = rulesOf()
const paged = aGrant({ why: pageWhy() })
const byRule = (rule: string): Grant => aGrant({ why: { ...pageWhy(), rule } as Grant['why'] })

const onlyOffered: readonly Doubt[] = ['page-late', 'page-too-often']

describe('A page rule gave a grant', () => {
  test.each<[string, Grant['why'], boolean]>([
    ['where the page was in no doubt', pageWhy(), true],
    ['not where it was asked for', aGrant().why, false],
    ...doubts.map((doubt): [string, Grant['why'], boolean] => [
      `${onlyOffered.includes(doubt) ? 'also' : 'not'} in the doubt ${doubt}`,
      { ...pageWhy(), doubt } as Grant['why'],
      onlyOffered.includes(doubt),
    ]),
  ])('%s', (_, why, gave) => {
    expect(isByPageRule({ why })).toBe(gave)
    // Whatever the rule that it names: one of requests may have the name of one of pages.
    expect(pageRuleOf(rules, aGrant({ why }))).toBe(gave ? rules.onPage[0] : undefined)
  })
})

describe('The page rule of a grant', () => {
  test('is the one it was given by', () => {
    expect(pageRuleOf(rules, paged)).toBe(rules.onPage[0])
  })

  test.each<[string, Grant]>([
    ['of what was asked for', aGrant({ why: { kind: 'request', rule: 'on_page[0]' } })],
    ['where that rule is no more', byRule('on_page[9]')],
    ['where it was the rule of requests', byRule('on_request[0]')],
  ])('is not known %s', (_, grant) => {
    expect(pageRuleOf(rules, grant)).toBeUndefined()
  })
})

describe('A page rule still gives a grant', () => {
  test.each<[string, string, Partial<Grant>, readonly string[], boolean]>([
    ['while it says so', rulesText, {}, ['team-payments'], true],
    ['not of another tier', rulesText, { tier: 'observe' }, ['team-payments'], false],
    ['not to other people', rulesText, {}, ['team-x'], false],
    [
      'not of another service',
      rulesText.replace('services: [label:tier-1]', 'services: [payments-svc]'),
      {},
      ['team-payments'],
      false,
    ],
    [
      'not where the service takes approvals for the tier by now',
      rulesText.replace(
        'operate: [POST /v1/orders/*/retry, PUT /v1/flags/*]',
        'operate: { allow: [PUT /v1/flags/*], approvals: { from: [sre] } }',
      ),
      {},
      ['team-payments'],
      false,
    ],
    [
      'not because another rule would',
      rulesText
        .replace('who: [payments, sre]', 'who: [sre]')
        .replace(
          'on_request:  ',
          '  - { services: ["*"], who: [payments], give: operate, how: auto, for: 1h }\non_request:  ',
        ),
      {},
      ['team-payments'],
      false,
    ],
  ])('%s', (_, text, changes, groups, fits) => {
    const now = rulesOf(text)
    const [rule] = now.onPage
    if (rule === undefined) throw new Error('the example has no page rule')
    const grant = { ...paged, ...changes }
    expect(pageRuleFits(now, rule, grant, serviceIn(now), aPerson({ groups }), noon)).toBe(fits)
  })
})

describe('Acknowledging takes an offer', () => {
  const onAcknowledge = rulesOf(rulesText.replace('how: auto', 'how: on acknowledge'))

  test('that its rule makes on acknowledge', () => {
    expect(isTakenByAcknowledging(onAcknowledge, paged)).toBe(true)
  })

  test.each<Doubt>(['page-no-rule', 'page-by-self', 'page-untrusted', 'page-needs-approval', 'page-late'])(
    'but not because of the doubt %s',
    (doubt) => {
      const grant = { ...paged, why: { ...pageWhy(), doubt } as Grant['why'] }
      expect(isTakenByAcknowledging(onAcknowledge, grant)).toBe(false)
    },
  )

  test.each<[string, Grant]>([
    ['made by another rule', byRule('on_page[9]')],
    ['of what was asked for', aGrant({ why: { kind: 'request', rule: 'on_page[0]' } })],
  ])('but not one %s', (_, grant) => {
    expect(isTakenByAcknowledging(onAcknowledge, grant)).toBe(false)
  })

  test('but not where the rule says otherwise', () => {
    expect(isTakenByAcknowledging(rules, paged)).toBe(false)
  })
})
