import { describe, expect, test } from 'vitest'
import { allHold } from '#access/rules/explain/condition.ts'
import { explainService } from '#access/rules/explain/explain-service.ts'
import { wayIn, whoMayAsk } from '#access/rules/explain/who-may-ask.ts'
import { explainRequest, type Question } from '#access/rules/explain.ts'
import { aPerson, hour, noon, parsedOf, rulesText, serviceIn, tierIn } from '../../builders.ts'

const example = parsedOf()
/** The line of the example on which a text first stands. */
const lineOf = (text: string, written = rulesText): string =>
  `access.yaml:${written.slice(0, written.indexOf(text)).split('\n').length}`

const retry: Question = {
  who: { subject: 'ana', groups: ['team-payments'] },
  service: 'orders-svc',
  method: 'POST',
  path: '/v1/orders/7/retry',
  now: noon,
}
const asked = (changes: Partial<Question> = {}, parsed = example) =>
  explainRequest(parsed, { ...retry, ...changes })
const says = (changes: Partial<Question> = {}, parsed = example) =>
  asked(changes, parsed).mends.map(({ kind, say, next, where }) => [
    kind,
    say,
    ...(next ? [next] : []),
    where,
  ])

const atNight = rulesText.replace(
  'tiers: [observe, operate], how: at once',
  'tiers: [observe, operate], how: at once, when: { days: mon-fri, hours: "22:00-23:00", zone: UTC }',
)
const frozenText = `${rulesText}
freeze:
  - { tiers: [operate, admin], from: 2026-01-15, until: 2026-01-16, because: the books are closed }
  - { tiers: [operate, admin], from: 2026-01-17, until: 2026-01-18, because: so it stays }
`
const strongText = rulesText.replace(
  /(operate|admin): *\{ longest/g,
  '$1: { sign_in: { acr: mfa, max_age: 2h }, longest',
)
const standingText = `${rulesText.replace('people: ', 'people:\n  auditors: { roles: [auditor] }\n#')}
standing:
  - { name: audits, from: auditors, to: orders-svc, tier: operate }
`

describe('Every part of an explanation names its line:', () => {
  test('the tier’s pattern, in the service or in its profile', () => {
    expect(asked().route).toEqual({
      tier: 'operate',
      pattern: 'POST /v1/orders/*/retry',
      where: lineOf('operate: [POST /v1/orders'),
    })
    expect(asked({ method: 'GET' }).route?.where).toBe(lineOf('observe: [GET /**]'))
    expect(asked({ method: 'DELETE' }).route?.where).toBe(lineOf('admin:   ["* /**"]'))
  })

  test('the rule behind the pass that admits', () => {
    const it = asked({ holds: [{ tier: 'operate', kind: 'request' }] })
    expect(it.decision.allow).toBe(true)
    expect(it.by).toMatchObject({ id: 'on_request[0]', where: lineOf('  - { who: [sre, payments]') })
    expect(asked({ holds: [{ tier: 'operate', kind: 'page' }] }).by).toMatchObject({
      id: 'on_page[0]',
      where: lineOf('  - services: [label:tier-1]'),
    })
    expect(it.mends).toEqual([])
  })

  test('the rule that needs no pass', () => {
    const parsed = parsedOf(standingText)
    const it = asked({ who: { subject: 'ian', groups: [], roles: ['auditor'] } }, parsed)
    expect(it.decision.allow).toBe(true)
    expect(it.by).toMatchObject({ id: 'audits', where: lineOf('  - { name: audits', standingText) })
  })

  test('and rules come in the order in which they are looked at, the first that fits deciding', () => {
    const { asking } = asked({ who: { subject: 'bo', groups: ['sre'] }, method: 'DELETE' })
    expect(asking?.rules.map(({ id, fits, decides }) => [id, fits, decides])).toEqual([
      ['on_request[0]', false, false],
      ['on_request[1]', true, true],
    ])
    expect(asking?.decision).toMatchObject({
      give: true,
      proposal: { state: 'pending', rule: 'on_request[1]' },
    })
  })
})

describe('What would have to change:', () => {
  const askRule = lineOf('  - { who: [sre, payments]')
  const pageRule = lineOf('  - services: [label:tier-1]')
  const ask = ['ask', 'ask: /access grant orders-svc 1h operate because …', askRule]
  const bePaged = [
    'page',
    'be paged (high urgency, level 1, set off by PIDATADOG): that gives operate for 2h',
    pageRule,
  ]

  test.each<[string, Partial<Question>, unknown[]]>([
    ['without a pass', {}, [ask, bePaged]],
    ['with a pass that is too low', { holds: [{ tier: 'observe', kind: 'request' }] }, [ask, bePaged]],
    [
      'with a pass that begins later',
      { holds: [{ tier: 'operate', kind: 'request', from: noon + hour }] },
      [['wait', 'wait until 2026-01-15 13:00 UTC, when the pass begins', undefined], ask, bePaged],
    ],
    [
      'for a stranger',
      { who: { subject: 'zoe', groups: ['hr'] } },
      [
        [
          'belong',
          'be in sre (group sre) or payments (group team-payments)',
          'ask: /access grant orders-svc 1h operate because …',
          askRule,
        ],
      ],
    ],
    [
      'for a stranger with a pass',
      { who: { subject: 'zoe', groups: [] }, holds: [{ tier: 'operate', kind: 'page' }] },
      [['belong', 'be in sre (group sre) or payments (group team-payments)', askRule]],
    ],
    [
      'for what others have to approve',
      { who: { subject: 'bo', groups: ['sre'] }, method: 'DELETE' },
      [
        [
          'ask',
          'ask: /access grant orders-svc 1h admin because …',
          '1 of sre has to approve',
          lineOf('  - { who: [sre], tiers: [admin]'),
        ],
      ],
    ],
    [
      'where a page only offers',
      {
        holds: [],
        page: { urgency: 'high', trigger: 'PIOTHER' },
      },
      [ask, ['page', 'take what this page offers: operate for 2h', pageRule]],
    ],
    [
      'for what no tier has a pattern for',
      { method: 'WS' },
      [
        [
          'rules',
          'no tier has a pattern for WS /v1/orders/7/retry; add one to a tier of orders-svc; only a WS pattern admits an upgrade',
          lineOf('    tiers:                              # adds'),
        ],
      ],
    ],
    ['for a time that no clock shows: nothing helps', { now: -1 }, []],
    [
      'for a path that can be read in two ways',
      { path: '/v1//7' },
      [['request', expect.stringContaining('every server reads alike'), undefined]],
    ],
    [
      'for a service that is misspelt',
      { service: 'order-svc' },
      [['request', 'name a service; did you mean orders-svc?', lineOf('services:\n')]],
    ],
    [
      'where the proxy hears nothing',
      { holds: [{ tier: 'operate', kind: 'request' }], viewAge: 3 * hour },
      [
        [
          'hear',
          'the proxy would have to hear of changes again: operate closes 2m after it last did',
          undefined,
        ],
      ],
    ],
  ])('%s', (_, changes, mends) => {
    expect(says(changes)).toEqual(mends)
  })

  test('another hour', () => {
    const [first] = says({}, parsedOf(atNight))
    expect(first).toEqual([
      'wait',
      'wait until 2026-01-15 22:00 UTC: the rule is for mon-fri 22:00-23:00 UTC',
      askRule,
    ])
  })

  test('the end of a freeze, but for what a page gave', () => {
    const parsed = parsedOf(frozenText)
    const held = { tier: 'operate', kind: 'request' } as const
    expect(says({ holds: [held] }, parsed)[0]).toEqual([
      'wait',
      'wait until 2026-01-19 00:00 UTC: the books are closed',
      lineOf('  - { tiers: [operate, admin]', frozenText),
    ])
    expect(asked({ holds: [held] }, parsed).by?.id).toBe('freeze[0]')
    expect(asked({ holds: [{ ...held, kind: 'page' }] }, parsed).decision.allow).toBe(true)
    const freezes = asked({}, parsed).rules.filter(({ section }) => section === 'freeze')
    expect(freezes.map(({ id, fits }) => [id, fits])).toEqual([
      ['freeze[0]', true],
      ['freeze[1]', false],
    ])
  })

  test('another sign-in', () => {
    const parsed = parsedOf(strongText)
    const holds = [{ tier: 'operate', kind: 'request' }] as const
    const who = { ...retry.who, acr: 'mfa', signedInAt: noon - 3 * hour }
    expect(says({ holds, who }, parsed)).toEqual([
      [
        'sign in',
        'sign in again with class mfa; a sign-in counts for 2h',
        lineOf('operate: { sign_in', strongText),
      ],
    ])
    expect(
      asked({ holds, who }, parsed)
        .conditions.filter(({ held }) => !held)
        .map(({ what }) => what),
    ).toEqual(['the sign-in is no older than 2h'])
    expect(asked({ holds, who: { ...who, signedInAt: noon } }, parsed).decision.allow).toBe(true)
  })
})

describe('A page', () => {
  test('that has reached somebody gives what it gives', () => {
    const it = asked({ page: { urgency: 'high', trigger: 'PIDATADOG' } })
    expect(it.decision.allow).toBe(true)
    expect(it.by?.id).toBe('on_page[0]')
    expect(allHold(it.paging?.conditions ?? [])).toBe(true)
  })

  test.each([
    ['they set off themselves', { urgency: 'high', trigger: 'self' }, 'ana did not set the incident off'],
    [
      'an unknown integration set off',
      { urgency: 'high', trigger: 'PIX' },
      'PIX is among the trusted triggers of orders-svc',
    ],
    ['of low urgency', { urgency: 'low' }, 'a rule for pages like this names ana'],
  ] as const)('%s gives nothing by itself', (_, page, what) => {
    const { decision, paging } = asked({ page })
    expect(decision.allow).toBe(false)
    expect(paging?.conditions.find(({ held }) => !held)?.what).toBe(what)
  })
})

test('Of a service it says what may be asked for, tier by tier', () => {
  const { asking, paging } = explainService(example, retry.who, serviceIn(example.rules), noon)
  expect(asking.map(({ tier, decision }) => [tier, decision.give])).toEqual([
    ['observe', true],
    ['operate', true],
    ['admin', false],
  ])
  expect(paging.decision).toMatchObject({ give: true, proposal: { tier: 'operate', state: 'active' } })
})

describe('Who was refused is told', () => {
  const { rules } = example
  const orders = serviceIn(rules)
  const way = (tier: string, groups: string[], parsed = example) =>
    wayIn(
      parsed.rules,
      serviceIn(parsed.rules),
      { allow: false, reason: 'grant-missing', needs: tierIn(serviceIn(parsed.rules), tier) },
      aPerson({ groups }),
      noon,
    )

  test('the rule by which they may ask', () => {
    expect(way('operate', ['sre'])).toEqual({ rule: 'on_request[0]' })
  })

  test('who may ask, where they may not, and no person’s name', () => {
    expect(way('admin', [])).toEqual({ mend: 'Who may ask for admin on orders-svc: sre (on_request[1]).' })
    const named = parsedOf(rulesText.replace('sre:      { groups: [sre] }', 'sre: { subjects: [idp-bo] }'))
    expect(whoMayAsk(serviceIn(named.rules), tierIn(serviceIn(named.rules), 'admin'))).not.toContain('idp-bo')
    expect(whoMayAsk(orders, tierIn(orders, 'observe'))).toBe(
      'Who may ask for observe on orders-svc: sre or payments (on_request[0]).',
    )
  })

  test('the hours of the rules, and that nobody may', () => {
    expect(way('operate', ['sre'], parsedOf(atNight)).mend).toBe(
      'Who may ask for operate on orders-svc: sre or payments, mon-fri 22:00-23:00 UTC (on_request[0]).',
    )
    const none = parsedOf(rulesText.replace(/^ {2}- \{ who: \[sre\], tiers.*$/m, ''))
    expect(way('admin', ['sre'], none).mend).toBe('Nobody may ask for admin on orders-svc.')
  })

  test('until when nothing is given', () => {
    expect(way('operate', ['sre'], parsedOf(frozenText))).toEqual({
      rule: 'freeze[0]',
      mend: 'Wait until 2026-01-19 00:00 UTC: the books are closed.',
    })
  })
})
