import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'
import { hour, minute, parsedOf, rulesOf, rulesText, serviceIn, tierIn } from '../../builders.ts'

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

  test('names each rule, and says where it is written', () => {
    const { onPage, onRequest } = rulesOf(
      withLines({ 25: '  - { name: daily, who: [sre], tiers: [observe], how: at once }' }),
    )
    expect([...onPage, ...onRequest].map(({ id, where }) => [id, where])).toEqual([
      ['on_page[0]', 'access.yaml:23'],
      ['daily', 'access.yaml:25'],
      ['on_request[1]', 'access.yaml:26'],
    ])
  })

  test('gives each service the rules about it, in their order', () => {
    const rules = rulesOf(
      withLines({
        22: '  ledger: { profile: web, releases: { a: http://10.0.0.1 }, serve: a, channel: "#x", owners: [sre] }\non_page:',
      }),
    )
    expect(serviceIn(rules).onPage.map(({ id }) => id)).toEqual(['on_page[0]'])
    expect(serviceIn(rules, 'ledger').onPage).toEqual([])
    expect(serviceIn(rules, 'ledger').onRequest.map(({ id }) => id)).toEqual([
      'on_request[0]',
      'on_request[1]',
    ])
  })

  test('writes out who the owners of a service are', () => {
    const rules = rulesOf(
      withLines({
        6: '  sre: { groups: [sre] }\n  payments: { groups: [payments] }',
        9: '  admin: { longest: 1h, rate: 30/m, when_stale: 30s, approvals: { from: [owners, sre] } }',
        19: '    owners: [payments]',
        23: '  - { services: ["*"], who: [owners, sre], give: observe, how: auto, for: 2h }',
        25: '  - { who: [owners], tiers: [observe], how: at once }',
      }),
    )
    const orders = serviceIn(rules)
    expect(orders.onPage[0]?.who).toEqual(['payments', 'sre'])
    expect(orders.onRequest[0]?.who).toEqual(['payments'])
    expect(tierIn(orders, 'admin').approvals).toMatchObject({ count: 1, from: ['payments', 'sre'] })
  })

  test('reads people, windows, levels and times', () => {
    const rules = rulesOf(
      withLines({
        6: '  sre: { roles: [ops], subjects: [idp-ana], until: 2026-12-31 }',
        23: '  - { services: [orders-svc], who: [sre], levels: 1-2, when: { days: "mon-tue, sat", hours: "22:00-06:00", zone: Asia/Kolkata }, give: observe, how: auto, for: 2h }',
        26: [
          '  - { who: [sre], tiers: [admin], how: approval, ahead: 14d }',
          'freeze: [{ tiers: [admin], from: 2026-12-20, until: 2026-12-20T18:00+01:00, because: year end }]',
        ].join('\n'),
      }),
    )
    expect(rules.people.get('sre')).toEqual({
      groups: [],
      roles: ['ops'],
      subjects: ['idp-ana'],
      until: Date.UTC(2027, 0, 1),
    })
    expect(rules.onPage[0]).toMatchObject({
      levels: { from: 1, to: 2 },
      when: [{ days: [1, 2, 6], from: 1_320, until: 360, zone: 'Asia/Kolkata' }],
      cap: 2 * hour,
      grace: 0,
    })
    expect(rules.onRequest[1]?.ahead).toBe(14 * 24 * hour)
    expect(rules.freezes).toMatchObject([
      { id: 'freeze[0]', from: Date.UTC(2026, 11, 20), until: Date.UTC(2026, 11, 20, 17) },
    ])
  })
})

describe('What a service says of a tier', () => {
  const adminOf = (profile: string, own: string) =>
    tierIn(serviceIn(rulesOf(withLines({ 11: profile, 21: own }))), 'admin')
  const web = sound[10] ?? ''

  test('wins over its profile, and that over what holds everywhere', () => {
    const profile =
      '  web: { tiers: { observe: [GET /**], admin: { longest: 40m, rate: 2/s, allow: ["* /**"] } } }'
    expect(adminOf(web, '')).toMatchObject({ longest: hour, rate: 0.5 })
    expect(adminOf(profile, '')).toMatchObject({ longest: 40 * minute, rate: 2 })
    expect(adminOf(profile, '    tiers: { admin: { longest: 20m } }')).toMatchObject({
      longest: 20 * minute,
      usual: 20 * minute,
      rate: 2,
      whenStale: 30_000,
    })
  })

  test('adds patterns to those of its profile, each once', () => {
    const { patterns } = adminOf(web, '    tiers: { admin: { reason: ticket, allow: [WS /live, WS /tail] } }')
    expect(patterns.map(({ text }) => text)).toEqual(['* /**', 'WS /live', 'WS /tail'])
  })

  test('lets a page give no longer than the tier lasts there', () => {
    const orders = serviceIn(rulesOf(withLines({ 21: '    tiers: { observe: { longest: 30m } }' })))
    expect(orders.onPage[0]?.for).toBe(30 * minute)
  })

  test('asks for approval where it wants one, whatever the rule says', () => {
    const orders = serviceIn(
      rulesOf(
        withLines({ 21: '    tiers: { observe: { approvals: { from: [sre] }, allow: [POST /v1/search] } }' }),
      ),
    )
    expect(orders.onRequest.map(({ id, tiers, how }) => [id, tiers, how])).toEqual([
      ['on_request[0]', ['observe'], 'approval'],
      ['on_request[1]', ['admin'], 'approval'],
    ])
  })
})

describe('A folder', () => {
  const ofEnvironment = [2, 3, 4]
  const ofTeam = [14, 20, 21]
  const common = sound.filter((_, index) => {
    const line = index + 1
    return !ofEnvironment.includes(line) && (line < 12 || line > 21)
  })
  const linesOf = (numbers: readonly number[]) => numbers.map((line) => sound[line - 1] ?? '').join('\n')
  const environment = linesOf([...ofEnvironment, 12, 13, 15, 16, 17, 18])
  const files = (changes: Readonly<Record<string, string>> = {}): RuleFile[] => [
    { name: 'access.yaml', part: 'common', bytes: changes.common ?? common.join('\n') },
    {
      name: 'services/sre.yaml',
      part: 'team',
      bytes: changes.team ?? `services:\n  orders-svc:\n${linesOf(ofTeam)}`,
    },
    {
      name: 'env/test.yaml',
      part: 'environment',
      bytes: changes.environment ?? environment,
    },
  ]
  test('says the same as one file, and has its hash', () => {
    expect(parsedOf(files()).rules.hash).toBe(rulesOf(withLines({})).hash)
    expect(parsedOf(files().toReversed()).rules.hash).toBe(rulesOf(withLines({})).hash)
  })

  test('takes the owners of a service, and the environment, from the names of files', () => {
    const { rules } = parsedOf(files({ environment: linesOf([3, 4, 12, 13, 15, 16, 17, 18]) }))
    expect(rules.environment).toBe('test')
    expect(serviceIn(rules).owners).toEqual(['sre'])
  })

  test('knows in which file each part stands', () => {
    const { placeOf, rules } = parsedOf(files())
    expect(placeOf(['services', 'orders-svc', 'labels'])).toEqual({
      file: 'services/sre.yaml',
      line: 4,
      column: 13,
    })
    expect(placeOf(['services', 'orders-svc', 'serve'], 'key')).toEqual({
      file: 'env/test.yaml',
      line: 7,
      column: 5,
    })
    expect(rules.onPage[0]?.where).toBe('access.yaml:10')
  })

  const team = (name: string, services: string): RuleFile => ({
    name: `services/${name}.yaml`,
    part: 'team',
    bytes: `services:\n${services}`,
  })
  const service = `  version:\n${linesOf(ofTeam)}`
  test.each<[string, RuleFile[], string[]]>([
    [
      'the version, though another one',
      files({ environment: `version: 2\n${linesOf(ofEnvironment)}` }),
      ['env/test.yaml:1:1'],
    ],
    [
      'an address, though its release be called version',
      files({
        team: `services:\n  orders-svc:\n${linesOf(ofTeam)}\n    releases: { version: http://127.0.0.1:1 }`,
        environment: environment.replace('blue:', 'version:'),
      }),
      ['env/test.yaml:6:17'],
    ],
    [
      'a service, though it be called version',
      [...files(), team('a', service), team('b', service)],
      ['services/b.yaml:2:3'],
    ],
  ])('is told of what two of its files say: %s', (_, given, places) => {
    const parsed = parseRuleSet(given)
    const twice = parsed.ok ? [] : parsed.faults.filter(({ what }) => what.endsWith('already; say it once'))
    expect(twice.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual(places)
  })

  test('may say the same version in each of its files', () => {
    const { rules } = parsedOf(files({ environment: `version: 1\n${environment}` }))
    expect(rules.hash).toBe(rulesOf(withLines({})).hash)
  })

  test('names faults of all its files at once, each in its own', () => {
    const parsed = parseRuleSet(
      files({
        common: common.join('\n').replace('who: [sre]', 'who: [sra]'),
        team: `services:\n  orders-svc:\n${linesOf(ofTeam)}`.replace('web', 'wab'),
      }),
    )
    expect(
      parsed.ok ? [] : parsed.faults.map(({ file, line, column }) => `${file}:${line}:${column}`),
    ).toEqual(['access.yaml:10:39', 'services/sre.yaml:3:14'])
  })
})

describe('Faults', () => {
  const placesOf = (text: string): (string | undefined)[] =>
    faultsOf(text).map((fault) => fault.split(' ')[0])

  test('are named at once, in the order of the file', () => {
    const text = withLines({
      16: '    serve: green',
      19: '    owners: [nobody]',
      23: '  - { services: [orders-svc], who: [sre], give: obs, how: auto, for: 2h }',
    })
    expect(placesOf(text)).toEqual(['16:12', '19:14', '23:49'])
  })

  test('of shape are named at once, too', () => {
    const text = withLines({
      2: 'environment: 7',
      8: '  observe: { longest: x, rate: y, when_stale: z }',
    })
    expect(placesOf(text)).toEqual(['2:14', '8:23', '8:32', '8:47'])
  })

  test('beyond a hundred are counted', () => {
    const names = Array.from({ length: 150 }, (_, index) => `nobody-${index}`)
    const faults = faultsOf(withLines({ 19: `    owners: [${names.join(', ')}]` }))
    expect(faults).toHaveLength(101)
    expect(faults.at(-1)).toMatch(/and 50 more; mend these first$/)
  })

  test('of lengths say all of them', () => {
    const text = withLines({
      8: '  observe: { default: 1d1h1m1s, longest: 1d1h1m, rate: 50/s, when_stale: 15m }',
    })
    expect(faultsOf(text)).toEqual([
      '8:23 "default" (1d1h1m1s) is longer than "longest" (1d1h1m); shorten it',
    ])
  })

  test.each([
    ['a comment', '# rules\n'],
    ['nothing', ''],
    ['a list', '- version: 1\n'],
    ['a word', 'rules'],
    ['other keys', 'kind: ConfigMap\n'],
  ])('a file that holds %s is no rule set, and that is its only fault', (_, text) => {
    expect(placesOf(text)).toEqual(['1:1'])
    expect(faultsOf(text)[0]).toContain('begin with "version: 1"')
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
    ['a label', withLines({ 20: '    labels: [tier-1, tier-2]' })],
    [
      'a term of one service',
      withLines({ 21: '    tiers: { observe: { longest: 7h, allow: [POST /v1/search] } }' }),
    ],
    ['a day', withLines({ 6: '  sre: { groups: [sre], until: 2026-12-31 }' })],
    ['who approves', withLines({ 9: (sound[8] ?? '').replace('from: [sre]', 'from: [owners]') })],
    [
      'the name of a rule',
      withLines({ 25: '  - { name: daily, who: [sre], tiers: [observe], how: at once }' }),
    ],
    [
      'a profile that is written out',
      withLines({
        14: '',
        21: '    tiers: { observe: [GET /**, POST /v1/search], admin: ["* /**", WS /live] }',
      }),
    ],
  ])('changes with %s', (_, text) => {
    expect(hash(text)).not.toBe(plain)
  })

  test('changes with the order of tiers', () => {
    const between = (...names: string[]): string =>
      names.map((name) => `  ${name}: { longest: 1h, rate: 1/s, when_stale: 1m }`).join('\n')
    const ordered = (...names: string[]) => hash(withLines({ 8: `${sound[7]}\n${between(...names)}` }))
    expect(ordered('read', 'write')).not.toBe(ordered('write', 'read'))
  })
})
