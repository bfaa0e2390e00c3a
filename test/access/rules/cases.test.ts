import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Covered, coverageOf, joinCoverage, shareOf } from '#access/rules/cases/coverage.ts'
import { readCases } from '#access/rules/cases/read-cases.ts'
import { kinds, type RuleCase } from '#access/rules/cases/rule-case.ts'
import { type Result, runCase } from '#access/rules/cases/run-case.ts'
import { parsedOf } from '../../builders.ts'

const rulesText = `version: 1
environment: test
domain: access.example.com
identity: { issuer: https://idp.example.com, audience: pagepass }
people:
  sre: { groups: [sre] }
  payments: { groups: [team-payments] }
  auditors: { subjects: [olga] }
  contractors: { roles: [contractor], until: 2026-11-30 }
workloads: { checkout: { subjects: [checkout-client] } }
tiers:
  observe: { longest: 8h, rate: 50/s, when_stale: 15m }
  operate: { longest: 2h, rate: 10/s, when_stale: 2m, reason: required, sign_in: { acr: mfa, max_age: 2h } }
  admin: { longest: 1h, rate: 5/s, when_stale: 30s, reason: ticket, approvals: { count: 2, from: [sre, payments], distinct: teams }, sign_in: { acr: mfa, max_age: 2h } }
profiles:
  web: { tiers: { observe: [GET /**], operate: [POST /v1/*/*/retry], admin: ["* /**"] } }
services:
  orders-svc:
    profile: web
    releases: { blue: http://127.0.0.1:7076 }
    serve: blue
    pagerduty: [PORDERS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [payments]
    tiers: { operate: { allow: [PUT /v1/flags/*] } }
  ledger:
    profile: web
    releases: { blue: http://127.0.0.1:7077 }
    serve: blue
    channel: "#inc-ledger"
    owners: [sre]
on_page:
  - { name: loud, services: [orders-svc], who: [payments], priority: [P1], levels: 1-2, give: operate, how: auto, for: 2h }
  - { services: [orders-svc], who: [payments, sre], give: observe, how: offer, for: 1h }
on_request:
  - { name: by-day, who: [sre, payments], tiers: [observe, operate], how: at once, when: { days: mon-fri, hours: "08:00-20:00", zone: UTC } }
  - { name: ahead, who: [sre], tiers: [admin], how: approval, ahead: 7d }
  - { name: outside, who: [contractors], services: [ledger], tiers: [observe], how: at once }
standing:
  - { name: shop, from: workload:checkout, to: orders-svc, allow: [POST /v1/orders, GET /v1/prices/*] }
  - { name: audit, from: auditors, to: ledger, tier: observe }
  - { name: watch, from: on call of orders-svc, to: orders-svc, tier: observe }
freeze:
  - { name: year-end, services: [ledger], tiers: [operate, admin], from: 2026-12-20, until: 2026-12-31, because: year end }
`

const parsed = parsedOf(rulesText)

const people = {
  ana: '{ groups: [team-payments], acr: mfa, signed_in: 10m }',
  ben: '{ subject: idp-ben, groups: [sre], acr: mfa, signed_in: 10m }',
  cleo: '{ groups: [sre, team-payments] }',
  dan: '{ groups: [team-payments], acr: mfa, signed_in: 3h }',
  con: '{ roles: [contractor] }',
  olga: '{}',
  eve: '{}',
  gone: '{ groups: [sre], active: false }',
} as const

/** A file with one case on its last lines: noon of a Friday, and those people whom the case names. */
const fileOf = (...lines: readonly string[]): string => {
  const named = Object.entries(people).filter(([name]) =>
    lines.some((line) => new RegExp(`\\b${name}\\b`).test(line)),
  )
  return [
    'at: 2026-11-20T12:00Z',
    `people: { ${named.map(([name, said]) => `${name}: ${said}`).join(', ')} }`,
    'cases:',
    ...lines,
    '',
  ].join('\n')
}

const faultsIn = (text: string): string[] => {
  const read = readCases(parsed, [{ name: 'access.test.yaml', bytes: text }])
  return read.ok ? [] : read.faults.map(({ file, line, column, what }) => `${file}:${line}:${column} ${what}`)
}

const casesOf = (text: string): readonly RuleCase[] => {
  const read = readCases(parsed, [{ name: 'access.test.yaml', bytes: text }])
  if (read.ok) return read.cases
  throw new Error(faultsIn(text).join('\n'))
}

const resultsOf = (text: string): Result[] => casesOf(text).map((one) => runCase(parsed, one))

const resultOf = (text: string): Result => {
  const [result, ...more] = resultsOf(text)
  if (result === undefined || more.length > 0) throw new Error('not one case')
  return result
}

const retry = 'service: orders-svc, request: POST /v1/orders/7/retry'
const ledgerRetry = 'service: ledger, request: POST /v1/entries/7/retry'
const remove = 'service: orders-svc, request: DELETE /v1/orders/7'
const stuck = 'ask: { tier: operate, because: stuck }'
const admin = 'ask: { tier: admin, because: CHG-17 }'

/** What a case says, what comes of it, and something else that a person might have expected. */
const cases: readonly (readonly [name: string, says: string, comes: string, not: string])[] = [
  // Requests
  [
    'a pass of the tier',
    `who: ana, holds: operate, ${retry}`,
    '{ is: allowed, tier: operate, pattern: POST /v1/*/*/retry }',
    'refused',
  ],
  [
    'a pattern of the service',
    'who: ana, holds: operate, service: orders-svc, request: PUT /v1/flags/a?b=c',
    '{ is: allowed, pattern: PUT  /v1/flags/* }',
    '{ is: allowed, pattern: "* /**" }',
  ],
  [
    'a lower pass',
    `who: ana, holds: observe, ${retry}`,
    '{ is: refused, reason: tier-too-low, tier: operate }',
    'allowed',
  ],
  ['several passes', `who: ana, holds: [observe, { tier: operate }], ${retry}`, 'allowed', 'refused'],
  [
    'no pass',
    `who: ana, ${retry}`,
    '{ is: refused, reason: grant-missing, tier: operate }',
    '{ is: refused, reason: tier-too-low }',
  ],
  [
    'what no tier allows',
    'who: ben, holds: admin, service: orders-svc, request: WS /ws',
    '{ is: refused, reason: tier-none }',
    'allowed',
  ],
  [
    'a path that can be read in two ways',
    'who: ana, holds: operate, service: orders-svc, request: GET /a/../b',
    '{ is: refused, reason: target-not-canonical }',
    'allowed',
  ],
  [
    'a pass that is over',
    `who: ana, holds: { tier: operate, from: 2026-11-20T09:00Z, for: 2h }, ${retry}`,
    'refused',
    'allowed',
  ],
  [
    'a pass that is not',
    `who: ana, holds: { tier: operate, from: 2026-11-20T11:00Z, for: 2h }, ${retry}`,
    'allowed',
    'refused',
  ],
  [
    'a pass that is too long',
    `who: ana, holds: { tier: operate, for: 3h }, ${retry}`,
    '{ is: refused, reason: grant-beyond-rules }',
    'allowed',
  ],
  [
    'a pass of a stranger',
    `who: eve, holds: operate, ${retry}`,
    '{ is: refused, reason: grant-beyond-rules }',
    'allowed',
  ],
  [
    'a pass of a page that the owners endorsed',
    `who: eve, holds: { tier: operate, by: page, approved_by: [ana] }, ${retry}`,
    '{ is: refused, reason: sign-in-needed }',
    '{ is: refused, reason: grant-beyond-rules }',
  ],
  [
    'a pass of a page that others endorsed',
    `who: eve, holds: { tier: operate, by: page, approved_by: [ben] }, ${retry}`,
    '{ is: refused, reason: grant-beyond-rules }',
    '{ is: refused, reason: sign-in-needed }',
  ],
  [
    'approvals as the tier demands',
    `who: ben, holds: admin, ${remove}`,
    '{ is: allowed, tier: admin }',
    '{ is: allowed, tier: operate }',
  ],
  [
    'approvals of two teams',
    `who: ben, holds: { tier: admin, approved_by: [sre, payments] }, ${remove}`,
    'allowed',
    'refused',
  ],
  [
    'approvals of one team',
    `who: ben, holds: { tier: admin, approved_by: [ana, dan] }, ${remove}`,
    '{ is: refused, reason: grant-beyond-rules }',
    'allowed',
  ],
  [
    'approvals of somebody of both',
    `who: ben, holds: { tier: admin, approved_by: [cleo] }, ${remove}`,
    'refused',
    'allowed',
  ],
  [
    'an approval of their own',
    `who: ben, holds: { tier: admin, approved_by: [ben, ana] }, ${remove}`,
    'refused',
    'allowed',
  ],
  [
    'no approval',
    `who: ben, holds: { tier: admin, approved_by: [] }, ${remove}`,
    '{ is: refused, reason: grant-beyond-rules }',
    'allowed',
  ],
  [
    'a proxy that is behind',
    `who: ana, holds: operate, stale: 3m, ${retry}`,
    '{ is: refused, reason: view-stale }',
    'allowed',
  ],
  ['a proxy that is not far behind', `who: ana, holds: operate, stale: 2m, ${retry}`, 'allowed', 'refused'],
  [
    'an old sign-in',
    `who: dan, holds: operate, ${retry}`,
    '{ is: refused, reason: sign-in-needed, tier: operate }',
    'allowed',
  ],
  [
    'a workload',
    'who: "workload:checkout", service: orders-svc, request: POST /v1/orders',
    '{ is: allowed, rule: shop, pattern: POST /v1/orders }',
    'refused',
  ],
  [
    'a workload beyond its patterns',
    'who: "workload:checkout", service: orders-svc, request: GET /v1/orders',
    'refused',
    'allowed',
  ],
  [
    'a standing rule',
    'who: olga, service: ledger, request: GET /v1/entries',
    '{ is: allowed, rule: audit, tier: observe }',
    '{ is: allowed, rule: by-day }',
  ],
  [
    'a frozen pass',
    `who: ana, at: 2026-12-21T12:00Z, holds: operate, ${ledgerRetry}`,
    '{ is: refused, reason: frozen, rule: year-end }',
    'allowed',
  ],
  [
    'a pass before the freeze',
    `who: ana, at: 2026-12-18T12:00Z, holds: operate, ${ledgerRetry}`,
    'allowed',
    'refused',
  ],
  ['a page first', `who: ana, page: { priority: P1 }, ${retry}`, '{ is: allowed, rule: loud }', 'refused'],
  [
    'a page that only offers',
    `who: ana, page: {}, ${retry}`,
    '{ is: refused, reason: grant-missing }',
    'allowed',
  ],
  // Asking
  [
    'asking',
    `who: ana, service: orders-svc, ${stuck}`,
    '{ is: at once, tier: operate, for: 1h, rule: by-day }',
    '{ is: at once, for: 2h }',
  ],
  [
    'asking for longer',
    'who: ana, service: orders-svc, ask: { tier: operate, for: 2h, because: stuck }',
    '{ is: at once, for: 2h }',
    '{ is: at once, for: 1h }',
  ],
  [
    'asking without a tier',
    'who: ana, service: orders-svc, ask: {}',
    '{ is: at once, tier: observe }',
    '{ is: at once, tier: operate }',
  ],
  [
    'asking at night',
    `who: ana, at: 2026-11-20T22:00Z, service: orders-svc, ${stuck}`,
    '{ is: refused, reason: not-eligible }',
    'at once',
  ],
  [
    'asking without a reason',
    'who: ana, service: orders-svc, ask: operate',
    '{ is: refused, reason: reason-needed }',
    'at once',
  ],
  [
    'asking for approval',
    `who: ben, service: orders-svc, ${admin}`,
    '{ is: approval, rule: ahead, by: [payments, sre], count: 2 }',
    '{ is: approval, by: [sre] }',
  ],
  [
    'how many approve',
    `who: ben, service: orders-svc, ${admin}`,
    '{ is: approval, count: 2 }',
    '{ is: approval, count: 1 }',
  ],
  [
    'asking ahead',
    'who: ben, service: orders-svc, ask: { tier: admin, because: CHG-17, from: 2026-11-28 }',
    '{ is: refused, reason: too-far-ahead }',
    'approval',
  ],
  [
    'asking into the freeze',
    'who: ana, at: 2026-12-21T12:00Z, service: ledger, ask: { tier: operate, because: stuck }',
    '{ is: refused, reason: frozen, rule: year-end, tier: operate }',
    'at once',
  ],
  [
    'asking until the set ends',
    'who: con, service: ledger, ask: observe',
    '{ is: at once, rule: outside }',
    'refused',
  ],
  [
    'asking after it',
    'who: con, at: 2026-12-01, service: ledger, ask: observe',
    '{ is: refused, reason: not-eligible }',
    'at once',
  ],
  [
    'asking when inactive',
    'who: gone, service: ledger, ask: observe',
    '{ is: refused, reason: person-inactive }',
    'at once',
  ],
  // Pages
  [
    'a page',
    'who: ana, service: orders-svc, page: { priority: P1, level: 2 }',
    '{ is: given, tier: operate, for: 2h, rule: loud }',
    'offered',
  ],
  [
    'another rule',
    'who: ana, service: orders-svc, page: { priority: P1, level: 3 }',
    '{ is: offered, tier: observe, for: 1h, rule: "on_page[1]" }',
    '{ is: offered, tier: operate }',
  ],
  [
    'a trigger that nobody trusts',
    'who: ana, service: orders-svc, page: { priority: P1, trigger: unknown }',
    '{ is: offered, tier: operate, reason: page-untrusted }',
    'given',
  ],
  [
    'a page of their own making',
    'who: ana, service: orders-svc, page: { priority: P1, trigger: self }',
    '{ is: offered, reason: page-by-self, rule: by-day }',
    '{ is: offered, reason: page-untrusted }',
  ],
  [
    'a page for a stranger',
    'who: eve, service: orders-svc, page: {}',
    '{ is: approval, by: [payments], count: 1, rule: owners, reason: page-no-rule }',
    'offered',
  ],
  [
    'a page for somebody inactive',
    'who: gone, service: orders-svc, page: {}',
    '{ is: refused, reason: person-inactive }',
    'offered',
  ],
]

describe('What comes of a case', () => {
  test.each(cases)('%s', (_name, says, comes, not) => {
    const good = resultOf(fileOf(`  - { ${says}, expect: ${comes} }`))
    expect({ wrong: good.wrong, came: good.came }).toEqual({ wrong: [], came: good.came })
    const bad = resultOf(fileOf(`  - { ${says}, expect: ${not} }`))
    expect(bad.wrong.length).toBeGreaterThan(0)
    expect(bad.came).toEqual(good.came)
    expect(bad.why).not.toBe('')
  })

  test('is told with why, and where the rule set says so', () => {
    const why = (says: string): string => resultOf(fileOf(`  - { ${says} }`)).why
    expect(why(`who: ana, holds: operate, ${retry}, expect: refused`)).toBe(
      'POST /v1/*/*/retry admits it (access.yaml:16), by by-day (access.yaml:37)',
    )
    expect(why(`who: ana, holds: operate, stale: 3m, ${retry}, expect: allowed`)).toBe(
      'Pagepass has not heard of changes for too long to let this through. Not so: what is known of passes is no older than 2m (access.yaml:13).',
    )
    expect(why(`who: ana, at: 2026-12-21T12:00Z, holds: operate, ${ledgerRetry}, expect: allowed`)).toMatch(
      /year end.*\(access\.yaml:45\)/,
    )
    expect(why(`who: ana, service: orders-svc, ask: { tier: operate }, expect: at once`)).toContain(
      'Not so: a reason is given (access.yaml:13).',
    )
    expect(why('who: ana, service: orders-svc, page: { priority: P1, trigger: X }, expect: given')).toBe(
      'loud decides (access.yaml:34): gives operate for 2h, at once. What set off this incident is not among the trusted triggers. Not so: X is among the trusted triggers of orders-svc (access.yaml:23).',
    )
  })

  test.each([
    ['is', ['refused'], 8, 13],
    ['is', ['', '      is: refused', '      tier: operate'], 9, 11],
    ['tier', ['', '      is: allowed', '      tier: admin'], 10, 13],
    ['pattern', ['', '      is: allowed', '      tier: operate', '      pattern: "* /**"'], 11, 16],
    ['rule', ['', '      rule: ahead', '      is: allowed'], 9, 13],
    ['reason', ['', '      is: allowed', '      reason: grant-missing'], 10, 15],
  ] as const)(
    'points to the part of the expectation that is wrong: %s of %j',
    (wrong, [word, ...below], line, column) => {
      const result = resultOf(
        fileOf(
          '  - who: ana',
          '    holds: operate',
          '    service: orders-svc',
          '    request: POST /v1/orders/7/retry',
          `    expect: ${word}`.trimEnd(),
          ...below,
        ),
      )
      expect(result.wrong).toEqual([wrong])
      expect(result.one.placeOf(wrong)).toEqual({ file: 'access.test.yaml', line, column })
    },
  )

  test.each([
    ['for', 'given', 'for: 1h', 'page: { priority: P1 }'],
    ['by', 'approval', 'by: [sre]', 'page: { trigger: unknown }'],
    ['count', 'approval', 'count: 2', 'page: { trigger: unknown }'],
  ] as const)('points to %s', (wrong, is, said, page) => {
    const who = is === 'given' ? 'ana' : 'eve'
    const result = resultOf(
      fileOf(
        `  - { who: ${who}, service: orders-svc, ${page},`,
        `      expect: { is: ${is},`,
        `                ${said} } }`,
      ),
    )
    expect(result.wrong).toEqual([wrong])
    expect(result.one.placeOf(wrong)).toEqual({
      file: 'access.test.yaml',
      line: 6,
      column: 17 + wrong.length + 2,
    })
  })
})

describe('A file of cases that is wrong', () => {
  test.each([
    ['§version: 1', 'the file holds no cases; begin with "at: 2026-11-20T12:00Z", "people:" and "cases:"'],
    ['at: 2026-11-20T12:00Z\ncases: §[]', '"cases" is empty; name at least one'],
    ['cases: §[{ who: ana }', 'this "[" is never closed; add "]", or indent its lines below its key'],
    [
      fileOf('  - { who: ana, service: ledger, request: §/v1, expect: allowed }'),
      '"/v1" is not a request; write GET /v1',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: §get /v1, expect: allowed }'),
      '"get /v1" is not a request; write GET /v1',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /v1, expect: §alowed }'),
      `"expect" can't be "alowed"; did you mean "allowed"?`,
    ],
    [
      fileOf('  - §{ who: ana, service: ledger, request: GET /v1 }'),
      '"expect" is missing; add it here, for example expect: allowed',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /v1, expect: { is: allowed, §teir: operate } }'),
      'unknown key "teir"; did you mean "tier"?',
    ],
    [
      fileOf(
        '  - { who: ana, service: ledger, request: GET /v1, holds: { tier: operate, for: §2 }, expect: allowed }',
      ),
      '2 has no unit; write 2s, 2m, 2h or 2d',
    ],
    [
      fileOf(
        '  - { who: ana, service: ledger, request: GET /v1, holds: { tier: operate, by: §pager }, expect: allowed }',
      ),
      `"by" can't be "pager"; did you mean "page"?`,
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /v1, expect: allowed }').replace(
        'groups: [team-payments]',
        'groups: §team-payments',
      ),
      '"groups" must be a list; write [team-payments]',
    ],
    [
      fileOf('  - { who: ana, service: §ledgr, request: GET /v1, expect: allowed }'),
      'unknown service "ledgr"; did you mean "ledger"?',
    ],
    [
      fileOf('  - { who: ana, service: ledger, ask: §operat, expect: at once }'),
      'unknown tier "operat"; did you mean "operate"?',
    ],
    [
      fileOf(
        '  - { who: ana, service: ledger, holds: [observe, §operat], request: GET /v1, expect: allowed }',
      ),
      'unknown tier "operat"; did you mean "operate"?',
    ],
    [
      fileOf(
        '  - { who: ana, service: ledger, holds: { tier: admin, approved_by: [§bem, sre] }, request: GET /v1, expect: allowed }',
      ),
      'unknown person or set of people "bem"; known are: ana, sre, payments, auditors, contractors',
    ],
    [
      fileOf('  - { who: §"workload:check", service: ledger, request: GET /v1, expect: allowed }'),
      'unknown workload "check"; known are: checkout',
    ],
    [
      fileOf('  - { who: "workload:checkout", service: ledger, §ask: observe, expect: refused }'),
      'a workload is not paged and asks for nothing; it only makes requests',
    ],
    [
      fileOf('  - { who: "workload:checkout", service: ledger, request: GET /, §page: {}, expect: refused }'),
      'a workload is not paged; leave it out',
    ],
    [
      fileOf('  - §{ who: ana, service: ledger, expect: allowed }'),
      'nothing happens here; add "request: GET /v1/orders/7", "ask: operate" or "page: {}"',
    ],
    [
      fileOf('  - { who: ana, service: ledger, §ask: observe, request: GET /, expect: at once }'),
      '"ask" and "request" are two cases; write one for each',
    ],
    [
      fileOf('  - { who: ana, service: ledger, ask: observe, §holds: operate, expect: at once }'),
      '"holds" changes nothing about asking; leave it out',
    ],
    [
      fileOf('  - { who: ana, service: ledger, page: {}, §stale: 3m, expect: offered }'),
      '"stale" changes nothing about a page; leave it out',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /, expect: §given }'),
      'a request never comes to "given"; write allowed or refused',
    ],
    [
      fileOf('  - { who: ana, service: ledger, page: {}, expect: §at once }'),
      'a page never comes to "at once"; write given, offered, approval or refused',
    ],
    [
      'at: 2026-11-20T12:00Z\npeople: { toString: §5 }\ncases:\n  - { who: toString, service: ledger, request: GET /, expect: allowed }\n',
      '"toString" must be keys with values, not 5 (subject, groups, roles, acr, signed_in, active)',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /, expect: { is: allowed, §for: 2h } }'),
      'nothing like "for" comes of a request; known here are: is, tier, pattern, rule, reason',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /, expect: { is: allowed, rule: §loud } }'),
      'unknown rule about ledger "loud"; known are: audit, by-day, ahead, outside, year-end, owners',
    ],
    [
      fileOf(
        '  - { who: ana, service: ledger, request: GET /, expect: { is: allowed, pattern: §PUT /v1/flags/* } }',
      ),
      'unknown pattern of ledger "PUT /v1/flags/*"; known are: GET /**, POST /v1/*/*/retry, * /**',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /, expect: { is: allowed, pattern: §/v1 } }'),
      '"/v1" is not "METHOD /path"; write "GET /v1", or another method ("*" for all)',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /, expect: { is: refused, reason: §frosen } }'),
      'unknown reason "frosen"; did you mean "frozen"?',
    ],
    [
      fileOf('  - { who: ana, service: ledger, page: {}, expect: { is: approval, by: [§team-payments] } }'),
      'unknown people "team-payments"; did you mean "payments"?',
    ],
    [
      fileOf('  - { who: ana, service: ledger, request: GET /, expect: refused }').replace(
        'people: {',
        'people: { §bea: {},',
      ),
      'no case is about "bea"; write one, or leave them out',
    ],
  ])('is told where (at §) and how to mend it: %#', (marked, what) => {
    const [before = ''] = marked.split('§')
    const lines = before.split('\n')
    const place = `access.test.yaml:${lines.length}:${(lines.at(-1) ?? '').length + 1}`
    expect(marked).toContain('§')
    expect(faultsIn(marked.replace('§', ''))).toEqual([`${place} ${what}`])
  })

  test('is told every fault of every file at once', () => {
    const bytes = fileOf(
      '  - { who: anna, service: ledger, request: GET /, expect: allowed }',
      '  - { who: ana, service: ledger, ask: operat, expect: at once }',
    )
    const read = readCases(parsed, [
      { name: 'services/b.test.yaml', bytes },
      { name: 'access.test.yaml', bytes: 'people: {}' },
    ])
    const places = read.ok ? [] : read.faults.map(({ file, line, column }) => `${file}:${line}:${column}`)
    expect(places).toEqual([
      'services/b.test.yaml:4:12',
      'services/b.test.yaml:5:39',
      'access.test.yaml:1:1',
      'access.test.yaml:1:1',
    ])
  })
})

const coverage = (...lines: readonly string[]): readonly Covered[] =>
  coverageOf(parsed, resultsOf(fileOf(...lines)))
const covered = (...lines: readonly string[]): string[] =>
  coverage(...lines).flatMap((one) => (one.covered ? [one.what] : []))

describe('Coverage', () => {
  test('knows every rule and pattern, with its place, but what gives nothing yet', () => {
    expect(
      coverage('  - { who: ana, service: ledger, request: GET /, expect: refused }').map(
        ({ kind, what, place }) => `${place.file}:${place.line}:${place.column} ${kind} ${what}`,
      ),
    ).toEqual([
      'access.yaml:34:5 rule loud of on_page',
      'access.yaml:35:5 rule on_page[1]',
      'access.yaml:37:5 rule by-day of on_request',
      'access.yaml:38:5 rule ahead of on_request',
      'access.yaml:39:5 rule outside of on_request',
      'access.yaml:41:5 rule shop of standing',
      'access.yaml:42:5 rule audit of standing',
      'access.yaml:45:5 rule year-end of freeze',
      'access.yaml:16:29 pattern GET /** of observe, profile web',
      'access.yaml:16:49 pattern POST /v1/*/*/retry of operate, profile web',
      'access.yaml:16:78 pattern * /** of admin, profile web',
      'access.yaml:26:33 pattern PUT /v1/flags/* of operate, orders-svc',
      'access.yaml:41:68 pattern POST /v1/orders of shop',
      'access.yaml:41:85 pattern GET /v1/prices/* of shop',
    ])
  })

  test.each([
    [
      'a pass covers its pattern, and no rule',
      `who: ana, holds: operate, ${retry}, expect: allowed`,
      ['POST /v1/*/*/retry of operate, profile web'],
    ],
    [
      'and the pattern of a profile on any service',
      `who: ana, holds: operate, ${ledgerRetry}, expect: allowed`,
      ['POST /v1/*/*/retry of operate, profile web'],
    ],
    [
      'a case that does not hold covers nothing',
      `who: ana, holds: operate, ${retry}, expect: { is: allowed, tier: admin }`,
      [],
    ],
    ['nor does one that is refused', `who: ana, holds: observe, ${retry}, expect: refused`, []],
    [
      'what a page gave first covers its rule',
      `who: ana, page: { priority: P1 }, ${retry}, expect: allowed`,
      ['loud of on_page', 'POST /v1/*/*/retry of operate, profile web'],
    ],
    [
      'a standing rule and its pattern',
      'who: "workload:checkout", service: orders-svc, request: POST /v1/orders, expect: allowed',
      ['shop of standing', 'POST /v1/orders of shop'],
    ],
    [
      'a standing rule for a tier',
      'who: olga, service: ledger, request: GET /v1, expect: allowed',
      ['audit of standing', 'GET /** of observe, profile web'],
    ],
    ['asking', `who: ana, service: ledger, ${stuck}, expect: at once`, ['by-day of on_request']],
    ['asking in vain', `who: ana, service: ledger, ask: operate, expect: refused`, []],
    [
      'a freeze on asking',
      `who: ana, at: 2026-12-21T12:00Z, service: ledger, ${stuck}, expect: refused`,
      ['year-end of freeze'],
    ],
    [
      'a freeze on a pass',
      `who: ana, at: 2026-12-21T12:00Z, holds: operate, ${ledgerRetry}, expect: refused`,
      ['year-end of freeze'],
    ],
    ['a page', 'who: ana, service: orders-svc, page: {}, expect: offered', ['on_page[1]']],
    [
      'a page in doubt covers the rule that fits, and the one that decides instead',
      'who: ana, service: orders-svc, page: { priority: P1, trigger: self }, expect: offered',
      ['loud of on_page', 'by-day of on_request'],
    ],
    ['a page that fits no rule covers none', 'who: eve, service: orders-svc, page: {}, expect: approval', []],
  ] as const)('%s', (_name, says, what) => {
    expect(covered(`  - { ${says} }`)).toEqual(what)
  })

  test('is counted by kind, and is whole only where all is covered', () => {
    const some = (length: number, covers: number): Covered[] =>
      Array.from({ length }, (_, index) => ({
        kind: 'rule',
        what: `rule ${index}`,
        place: { file: 'access.yaml', line: index + 1, column: 1 },
        covered: index < covers,
      }))
    expect(shareOf(some(3, 2), 'rule')).toEqual({ covered: 2, of: 3, percent: 66 })
    expect(shareOf(some(300, 299), 'rule').percent).toBe(99)
    expect(shareOf(some(3, 3), 'pattern')).toEqual({ covered: 0, of: 0, percent: 100 })
  })

  test('of several environments is covered in any of them', () => {
    const one = coverage(`  - { who: ana, service: ledger, ${stuck}, expect: at once }`)
    const other = coverage('  - { who: ana, service: orders-svc, page: {}, expect: offered }')
    const joined = joinCoverage([one, other])
    expect(joined).toHaveLength(one.length)
    expect(joined.flatMap((each) => (each.covered ? [each.what] : []))).toEqual([
      'on_page[1]',
      'by-day of on_request',
    ])
  })
})

describe('The rule set that Pagepass comes with', () => {
  const shipped = parsedOf(readFileSync(new URL('../../../access.yaml', import.meta.url), 'utf8'))
  const bytes = readFileSync(new URL('../../../access.test.yaml', import.meta.url))
  const read = readCases(shipped, [{ name: 'access.test.yaml', bytes }])
  const all = read.ok ? read.cases : []

  test('is sound, and so are its cases', () => {
    expect(read).toMatchObject({ ok: true })
    expect(all.length).toBeGreaterThan(20)
  })

  test('means what its cases say, which cover all of its rules and patterns', () => {
    const results = all.map((one) => runCase(shipped, one))
    expect(
      results.flatMap(({ one, wrong, came }) =>
        wrong.length === 0 ? [] : [{ case: one.name, wrong, came }],
      ),
    ).toEqual([])
    expect(coverageOf(shipped, results).filter((each) => !each.covered)).toEqual([])
  })

  test.each(all.map((one) => [one.name, one] as const))('would not hold otherwise: %s', (_name, one) => {
    for (const is of kinds[one.happens.kind].outcomes) {
      const { wrong } = runCase(shipped, { ...one, expect: { ...one.expect, is } })
      expect(wrong).toEqual(is === one.expect.is ? [] : ['is'])
    }
  })
})
