import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'
import { readYaml } from '#access/rules/yaml/read-yaml.ts'

/** A rule set that uses everything the language has. */
const whole = `version: 1
environment: production
domain: access.example.com
identity: { issuer: https://idp.example.com, audience: pagepass, session_max: 12h }
people:
  sre: { groups: [sre], until: 2027-01-31 }
  payments: { roles: [payments], subjects: [idp-ana] }
workloads:
  checkout: { subjects: [wl-checkout] }
tiers:
  observe: { longest: 8h, rate: 50/s, burst: 100, when_stale: 15m }
  operate: { longest: 2h, default: 1h, rate: 10/s, when_stale: 2m, reason: ticket, extend: { count: 2, share: 50% } }
  admin:
    longest: 1h
    rate: 5/s
    when_stale: 30s
    reason: ticket
    approvals: { count: 2, from: [sre, owners], distinct: teams, escalate: { after: 15m, to: [sre] } }
    proxy_only: true
    sign_in: { acr: mfa, max_age: 2h }
profiles:
  web: { tiers: { observe: [GET /**, WS /live], admin: ["* /**"] } }
services:
  orders-svc:
    profile: web
    releases: { blue: http://orders-blue:8080, green: http://orders-green:8080 }
    serve: blue
    pagerduty: [PNE3JZM]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [payments]
    labels: [orders]
    tiers:
      operate: { longest: 90m, allow: [POST /v1/orders/*/retry] }
on_page:
  - name: orders-high
    services: [label:orders]
    who: [owners, sre]
    urgency: high
    priority: [P1, P2]
    levels: 1-2
    when: [{ days: mon-fri, hours: "08:00-20:00", zone: Europe/Berlin }]
    give: operate
    how: on acknowledge
    for: 1h
    cap: 12h
    also: [{ services: ["*"], tier: observe }]
    grace: 10m
on_request:
  - { who: [sre, payments], services: [orders-svc], tiers: [observe, operate], how: at once, ahead: 14d }
  - { who: [sre], tiers: [admin], how: approval }
standing:
  - { from: workload:checkout, to: orders-svc, allow: [POST /v1/orders], rate: 200/s }
  - { from: on call of orders-svc, to: [orders-svc], tier: observe }
egress:
  - { from: checkout, to: https://api.stripe.com, allow: [POST /v1/**] }
freeze:
  - { tiers: [operate, admin], from: 2026-12-20, until: 2026-12-31T18:00+01:00, because: year end }
break_glass:
  who: [sre]
  tier: admin
  for: 30m
  need: 1
  keys: { alice: BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB }
incident_command: { who: [sre], cap: operate }
lock: { who: [sre], lift: 2 }
drain: 2h
`
const folderOf = (mistake: string): RuleFile[] => {
  const at = new URL(`faulty/${mistake}/`, import.meta.url)
  const file = (name: string, part: RuleFile['part']): RuleFile => ({
    name,
    part,
    bytes: readFileSync(new URL(name, at), 'utf8'),
  })
  return [
    file('access.yaml', 'common'),
    file('services/payments.yaml', 'team'),
    file('env/production.yaml', 'environment'),
  ]
}

const foreign =
  /Invalid (?:input|key|option)|Expected|expected .*received|Zod|YAML|undefined|NaN|\[object|�|\bnull\b/

/** Whoever reads these faults finds each in the file, in our words. */
const expectHelp = (files: readonly RuleFile[]): void => {
  const parsed = parseRuleSet(files)
  if (parsed.ok) return
  expect(parsed.faults.length).toBeGreaterThan(0)
  for (const { file, line, column, what } of parsed.faults) {
    const text = String(files.find(({ name }) => name === file)?.bytes)
    const lines = text.split('\n')
    expect(lines.length, `${line}:${column} ${what}`).toBeGreaterThanOrEqual(line)
    expect((lines[line - 1] ?? '').length + 1, `${line}:${column} ${what}`).toBeGreaterThanOrEqual(column)
    expect(Math.min(line, column)).toBeGreaterThanOrEqual(1)
    expect(what).not.toMatch(foreign)
    expect(what).toMatch(/^\S.{8,600}\S$/)
    expect(what).toMatch(/[;,(:]/)
  }
}
const alone = (text: string): RuleFile[] => [{ name: 'access.yaml', part: 'whole', bytes: text }]

const odd = fc.constantFrom<unknown>(
  ...[
    0,
    1,
    -1,
    90,
    1.5,
    true,
    false,
    '',
    ' ',
    'yes',
    '2 hours',
    '1w',
    'x y',
    'Ünïcode',
    '*',
    '**',
    '@sre',
    '#a',
  ],
  ...[
    'owners',
    'sre',
    'observe',
    'orders-svc',
    'label:',
    'label:x',
    'workload:',
    'on call of ',
    'GET',
    'GET x',
  ],
  ...['get /x', 'GET /a/**/b', 'GET /[0-9]+', 'http://a:b@c', 'http://a/b', 'http://', 'constructor', '9-17'],
  ...['2026-02-30', '2026-12-20T18:00', 'mon-xyz', 'CEST', '3-1', '100', 'x'.repeat(300), 'toString'],
  ...[[], [[]], [1], ['sre', 'sre'], {}, { a: 1 }, { name: 'x' }, [{ tiers: {} }], { tiers: [] }],
)

type Node = { readonly holder: Record<string, unknown> | unknown[]; readonly key: string }
const nodesOf = (value: unknown): Node[] => {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Node['holder']
  return Object.entries(value).flatMap(([key, inner]) => [{ holder, key }, ...nodesOf(inner)])
}

const change = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('replace', 'delete', 'rename', 'copy', 'wrap'),
  to: odd,
  from: fc.nat(),
})

/** A sound value with some of its parts replaced, dropped, renamed, or put where others were. */
const changed = (
  sound: unknown,
  changes: readonly (typeof change extends fc.Arbitrary<infer Of> ? Of : never)[],
) => {
  const value: unknown = structuredClone(sound)
  for (const { at, how, to, from } of changes) {
    const nodes = nodesOf(value)
    const node = nodes[at % nodes.length]
    const other = nodes[from % nodes.length]
    if (node === undefined || other === undefined) continue
    const { holder, key } = node
    const into = holder as Record<string, unknown>
    const was = into[key]
    if (how === 'replace') into[key] = structuredClone(to)
    else if (how === 'copy') into[key] = structuredClone((other.holder as Record<string, unknown>)[other.key])
    else if (how === 'wrap') into[key] = [was]
    else if (Array.isArray(holder)) holder.splice(Number(key), 1)
    else {
      delete holder[key]
      if (how === 'rename') holder[typeof to === 'string' ? to : other.key] = was
    }
  }
  return value
}

const soundOf = (text: string): unknown => {
  const read = readYaml(text)
  if (!read.ok) throw new Error('the sound rule set is faulty')
  return JSON.parse(JSON.stringify(read.source.value)) as unknown
}

describe('Whatever is wrong with a rule set', () => {
  test('nothing is wrong with the one that is changed here', () => {
    expect(parseRuleSet(alone(whole))).toMatchObject({ ok: true })
  })

  test('its parts may be anything: each fault has a place and words of our own', () => {
    const sound = soundOf(whole)
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        expectHelp(alone(JSON.stringify(changed(sound, changes), null, 1)))
      }),
      { numRuns: 100 },
    )
  })

  test('its lines and letters may be anything: each fault has a place and words of our own', () => {
    const lines = whole.split('\n')
    const edit = fc.record({
      line: fc.nat(lines.length - 1),
      how: fc.constantFrom('delete', 'repeat', 'indent', 'outdent', 'word', 'letter', 'cut'),
      at: fc.nat(),
      to: fc.oneof(
        odd.filter((one) => typeof one !== 'object').map(String),
        fc.constantFrom(
          '[',
          ']',
          '{',
          '}',
          ':',
          ': ',
          ',',
          '"',
          "'",
          '#',
          ' #',
          '-',
          '- ',
          '&a',
          '*a',
          '!',
          '|',
          '>',
        ),
      ),
    })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const text = [...lines]
        for (const { line, how, at, to } of edits) {
          const was = text[line] ?? ''
          const words = [...was.matchAll(/[^\s,[\]{}]+/g)]
          const word = words[at % Math.max(1, words.length)]
          const place = at % (was.length + 1)
          if (how === 'delete') text[line] = ''
          else if (how === 'repeat') text[line] = `${was}\n${was}`
          else if (how === 'indent') text[line] = `  ${was}`
          else if (how === 'outdent') text[line] = was.replace(/^ {2}/, '')
          else if (how === 'cut') text[line] = was.slice(0, place)
          else if (how === 'letter') text[line] = was.slice(0, place) + to + was.slice(place)
          else if (word !== undefined)
            text[line] = was.slice(0, word.index) + to + was.slice(word.index + word[0].length)
        }
        expectHelp(alone(text.join('\n')))
      }),
      { numRuns: 100 },
    )
  })

  test('in a folder: each fault has a place in one of the files', () => {
    const files = folderOf('177-said-the-domain-in-two-files')
    const sound = files.map(({ bytes }) => soundOf(String(bytes)))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), change), { minLength: 1, maxLength: 3 }), (changes) => {
        expectHelp(
          files.map((file, index) => {
            const own = changes.filter(([of]) => of === index).map(([, one]) => one)
            return { ...file, bytes: JSON.stringify(changed(sound[index], own), null, 1) }
          }),
        )
      }),
      { numRuns: 60 },
    )
  })
})
