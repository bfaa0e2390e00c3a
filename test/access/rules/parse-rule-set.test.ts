import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { hour, minute, rulesOf, rulesText, serviceIn, tierIn } from '../../builders.ts'

/** A small rule set without a fault; its lines are numbered for the tables below. */
const sound = [
  /*  1 */ 'version: 1',
  /*  2 */ 'environment: test',
  /*  3 */ 'domain: access.example.com',
  /*  4 */ 'identity: { issuer: https://idp.example.com, audience: pagepass }',
  /*  5 */ 'people:',
  /*  6 */ '  sre: { groups: [sre] }',
  /*  7 */ 'tiers:',
  /*  8 */ '  observe: { longest: 8h, rate: 50/s, when_stale: 15m }',
  /*  9 */ '  admin: { longest: 1h, rate: 30/m, when_stale: 30s, reason: required, approvals: { count: 1, from: [sre] } }',
  /* 10 */ 'profiles:',
  /* 11 */ '  web: { tiers: { observe: [GET /**], admin: ["* /**", WS /live] } }',
  /* 12 */ 'services:',
  /* 13 */ '  orders-svc:',
  /* 14 */ '    profile: web',
  /* 15 */ '    releases: { blue: http://127.0.0.1:7076 }',
  /* 16 */ '    serve: blue',
  /* 17 */ '    pagerduty: [PORDERS]',
  /* 18 */ '    channel: "#inc-orders"',
  /* 19 */ '    owners: [sre]',
  /* 20 */ '    labels: [tier-1]',
  /* 21 */ '    tiers: { observe: [POST /v1/search] }',
  /* 22 */ 'on_page:',
  /* 23 */ '  - { services: [label:tier-1], who: [sre], give: observe, how: auto, for: 2h }',
  /* 24 */ 'on_request:',
  /* 25 */ '  - { who: [sre], tiers: [observe], how: at once }',
  /* 26 */ '  - { who: [sre], tiers: [admin], how: approval }',
]

/** The sound rule set with lines replaced by their numbers. */
const withLines = (changes: Readonly<Record<number, string>>): string =>
  sound.map((line, index) => changes[index + 1] ?? line).join('\n')

const faultsOf = (text: string): string[] => {
  const parsed = parseRuleSet(text)
  return parsed.ok ? [] : parsed.faults.map(({ line, column, what }) => `${line}:${column} ${what}`)
}

describe('A sound rule set', () => {
  test('has no fault, the repository’s access.yaml included', () => {
    expect(faultsOf(withLines({}))).toEqual([])
    expect(faultsOf(rulesText)).toEqual([])
    expect(faultsOf(readFileSync(new URL('../../../access.yaml', import.meta.url), 'utf8'))).toEqual([])
  })

  test('says what it holds in the terms of the design', () => {
    const rules = rulesOf()
    const orders = serviceIn(rules)
    expect([...rules.services.keys()]).toEqual(['orders-svc', 'payments-svc'])
    expect(orders.tiers.map(({ name, rank }) => [name, rank])).toEqual([
      ['observe', 0],
      ['operate', 1],
      ['admin', 2],
    ])
    expect(tierIn(orders, 'operate')).toMatchObject({ longest: 2 * hour, rate: 10, whenStale: 2 * minute })
    expect(rules.onPage).toMatchObject([{ id: 'on_page[0]', give: 'operate', for: 2 * hour }])
    expect(rules.onRequest.map(({ id, how }) => [id, how])).toEqual([
      ['on_request[0]', 'at once'],
      ['on_request[1]', 'approval'],
    ])
  })

  test('adds a service’s own patterns to those of its profile', () => {
    const operate = tierIn(serviceIn(rulesOf()), 'operate')
    expect(operate.patterns.map(({ text }) => text)).toEqual([
      'POST /admin/retry/*',
      'POST /v1/orders/*/retry',
      'PUT /v1/flags/*',
    ])
  })

  test('reads a rate per minute as requests a second', () => {
    expect(tierIn(serviceIn(rulesOf(withLines({}))), 'admin').rate).toBe(0.5)
  })

  test('may repeat a part by an alias', () => {
    expect(faultsOf(withLines({ 6: '  sre: &all { groups: [sre] }\n  ops: *all' }))).toEqual([])
  })
})

describe('A fault is named by line, column and mend', () => {
  test.each<[string, Readonly<Record<number, string>>, string]>([
    [
      'an unknown key at the top',
      { 24: 'on_requests:' },
      '24:1 unknown key "on_requests"; did you mean "on_request"?',
    ],
    ['an unknown key within', { 20: '    label: [tier-1]' }, '20:5 unknown key "label"'],
    ['a missing key', { 18: '' }, '13:3 "channel" is missing'],
    ['a missing part', { 5: '', 6: '' }, '1:1 "people" is missing'],
    ['a key twice', { 2: 'version: 1' }, '2:1 Map keys must be unique'],
    ['YAML that is none', { 2: 'environment: [' }, '3:1 '],
    ['a tab', { 2: '\tenvironment: test' }, '2:1 Tabs are not allowed as indentation'],
    [
      'an alias of nothing',
      { 2: 'environment: *nope' },
      '2:14 "*nope" repeats nothing; name it with "&" first',
    ],
    ['another version', { 1: 'version: 2' }, '1:10 version: Invalid input: expected 1'],
    [
      'an environment in capitals',
      { 2: 'environment: Test' },
      '2:14 environment: begin with a lower-case letter',
    ],
    ['a domain with a port', { 3: 'domain: example.com:80' }, '3:9 domain: write a plain domain'],
    [
      'an issuer with a query',
      { 4: 'identity: { issuer: "https://x.example/?a", audience: a }' },
      '4:21 issuer: an issuer has no query or fragment',
    ],
    ['people of no group', { 6: '  sre: { groups: [] }' }, '6:18 groups: Too small'],
    [
      'a duration in words',
      { 8: '  observe: { longest: 8 hours, rate: 50/s, when_stale: 15m }' },
      '8:23 longest: "8 hours" is not a duration; write 30s, 15m, 2h or 1h30m',
    ],
    [
      'a rate without a unit',
      { 8: '  observe: { longest: 8h, rate: "50", when_stale: 15m }' },
      '8:33 rate: "50" is not a rate; write 10/s or 30/m',
    ],
    [
      'a rate of nothing',
      { 8: '  observe: { longest: 8h, rate: 0/s, when_stale: 15m }' },
      '8:33 rate: "0/s" is not a rate',
    ],
    [
      'approvers nobody knows',
      { 9: '  admin: { longest: 1h, rate: 5/s, when_stale: 30s, approvals: { count: 1, from: [sres] } }' },
      '9:83 unknown people "sres"; did you mean "sre"?',
    ],
    [
      'a pattern with a method nobody knows',
      { 11: '  web: { tiers: { observe: [FETCH /**], admin: ["* /**"] } }' },
      '11:29 unknown method "FETCH"; use *, WS, GET',
    ],
    [
      'a pattern that can never match',
      { 21: '    tiers: { observe: [GET /a, GET /a//b] }' },
      '21:32 the segment "" of "GET /a//b" can never match a canonical path',
    ],
    [
      'patterns of a tier nobody knows',
      { 21: '    tiers: { observ: [GET /a] }' },
      '21:14 unknown tier "observ"; did you mean "observe"?',
    ],
    [
      'a service that is no host label',
      { 13: '  Orders_svc:' },
      '13:3 the name "Orders_svc": use lower-case letters',
    ],
    [
      'a profile nobody knows',
      { 14: '    profile: wbe' },
      '14:14 unknown profile "wbe"; did you mean "web"?',
    ],
    [
      'a secret in an address',
      { 15: '    releases: { blue: "http://me:pw@10.0.0.1" }' },
      '15:23 blue: "http://me:pw@10.0.0.1" holds a user name or password; never write secrets here',
    ],
    [
      'an address with a path',
      { 15: '    releases: { blue: http://10.0.0.1/x }' },
      '15:23 blue: "http://10.0.0.1/x" has a path; give only scheme, host and port',
    ],
    [
      'an address of another kind',
      { 15: '    releases: { blue: "file:///etc/passwd" }' },
      '15:23 blue: "file:///etc/passwd" is not an http or https URL',
    ],
    ['a release nobody knows', { 16: '    serve: green' }, '16:12 unknown release "green"; known are: blue'],
    ['what is no PagerDuty id', { 17: '    pagerduty: [orders]' }, '17:17 0: is not a PagerDuty id'],
    [
      'a channel without #',
      { 18: '    channel: inc-orders' },
      '18:14 channel: write "#channel" or a channel id',
    ],
    [
      'owners nobody knows',
      { 19: '    owners: [sre, srre]' },
      '19:19 unknown people "srre"; did you mean "sre"?',
    ],
    [
      'a service that allows nothing',
      { 14: '', 21: '' },
      '13:3 the service "orders-svc" allows nothing; give it a profile or patterns under "tiers"',
    ],
    [
      'a page rule for a label nobody has',
      { 23: '  - { services: [label:tier1], who: [sre], give: observe, how: auto, for: 2h }' },
      '23:18 unknown label "tier1"; did you mean "tier-1"?',
    ],
    [
      'a page rule for a service nobody knows',
      { 23: '  - { services: [order-svc], who: [sre], give: observe, how: auto, for: 2h }' },
      '23:18 unknown service "order-svc"; did you mean "orders-svc"?',
    ],
    [
      'a page that gives what needs approval',
      { 23: '  - { services: [orders-svc], who: [sre], give: admin, how: auto, for: 1h }' },
      '23:49 a page never gives "admin" by itself, because it needs approval; give a lower tier',
    ],
    [
      'a page that gives for longer than the tier lasts',
      { 23: '  - { services: [orders-svc], who: [sre], give: observe, how: auto, for: 9h }' },
      '23:74 longer than the tier "observe" lasts at most; shorten it or raise "longest"',
    ],
    [
      'a request that gives at once what needs approval',
      { 26: '  - { who: [sre], tiers: [admin], how: at once }' },
      '26:27 "admin" needs approval, so it can\'t be given at once; say "how: approval"',
    ],
    [
      'an approval that nobody can give',
      { 25: '  - { who: [sre], tiers: [observe], how: approval }' },
      '25:27 nobody is named to approve "observe"; give the tier "approvals: { count, from }"',
    ],
    [
      'a way to ask that there is not',
      { 25: '  - { who: [sre], tiers: [observe], how: auto }' },
      '25:42 how: Invalid option: expected one of "at once"|"approval"',
    ],
  ])('%s', (_, changes, expected) => {
    const faults = faultsOf(withLines(changes))
    expect(faults.map((fault) => fault.slice(0, expected.length))).toContain(expected)
  })

  test.each([
    ['nothing', ''],
    ['a comment', '# rules\n'],
    ['a list', '- version: 1\n'],
    ['a word', 'rules'],
  ])('a file that holds %s is no rule set', (_, text) => {
    expect(faultsOf(text)).toEqual(['1:1 the file is not a rule set; begin with "version: 1"'])
  })

  test('aliases of aliases that would fill the memory are refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let depth = 1; depth < 9; depth += 1)
      lines.push(`a${depth}: &a${depth} [${Array.from({ length: 10 }, () => `*a${depth - 1}`).join(', ')}]`)
    expect(faultsOf(lines.join('\n'))).toEqual(['1:1 its aliases stand for too much; write some of them out'])
  })

  test('several faults are named at once, in the order of the file', () => {
    const faults = faultsOf(
      withLines({
        16: '    serve: green',
        19: '    owners: [nobody]',
        23: '  - { services: [orders-svc], who: [sre], give: obs, how: auto, for: 2h }',
      }),
    )
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['16:12', '19:14', '23:49'])
  })

  test('several faults of shape are named at once, too', () => {
    const faults = faultsOf(
      withLines({ 2: 'environment: 7', 8: '  observe: { longest: x, rate: y, when_stale: z }' }),
    )
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['2:14', '8:23', '8:32', '8:47'])
  })
})

describe('The rules hash', () => {
  const hash = (text: string): string => rulesOf(text).hash
  const plain = hash(withLines({}))

  test('is a SHA-256', () => {
    expect(plain).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each<[string, string]>([
    ['comments', withLines({ 5: 'people:      # who is who', 12: '# what is protected\nservices:' })],
    ['white space', withLines({ 6: '  sre: {   groups:   [ sre ] }\n\n' })],
    ['styles of YAML', withLines({ 6: '  sre:\n    groups:\n      - sre' })],
    ['quotes', withLines({ 2: 'environment: "test"' })],
    [
      'spellings of a duration',
      withLines({ 8: '  observe: { longest: 480m, rate: 50/s, when_stale: 900s }' }),
    ],
    [
      'defaults written out',
      withLines({ 26: '  - { who: [sre], services: ["*"], tiers: [admin], how: approval }' }),
    ],
    [
      'orders of keys',
      withLines({
        1: '',
        2: 'environment: test\nversion: 1',
        8: '  observe: { when_stale: 15m, rate: 50/s, longest: 8h }',
      }),
    ],
    ['line breaks', withLines({}).replaceAll('\n', '\r\n')],
  ])('stays the same with other %s', (_, text) => {
    expect(hash(text)).toBe(plain)
  })

  test.each<[string, string]>([
    ['an environment', withLines({ 2: 'environment: other' })],
    ['a group', withLines({ 6: '  sre: { groups: [sre2] }' })],
    ['a duration', withLines({ 8: '  observe: { longest: 7h, rate: 50/s, when_stale: 15m }' })],
    ['a pattern', withLines({ 21: '    tiers: { observe: [POST /v1/find] }' })],
    ['an address', withLines({ 15: '    releases: { blue: http://127.0.0.1:7077 }' })],
    ['the order of request rules', withLines({ 25: sound[25] ?? '', 26: sound[24] ?? '' })],
    ['the order of tiers', withLines({ 8: sound[8] ?? '', 9: sound[7] ?? '' })],
  ])('changes with %s', (_, text) => {
    expect(hash(text)).not.toBe(plain)
  })
})
