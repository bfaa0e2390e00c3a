import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseDuration } from '#access/domain/duration.ts'
import { parsePattern } from '#access/domain/path-pattern.ts'
import type { JsonSchema } from '#access/rules/faults/schema-at.ts'
import { jsonSchemaOf, printSchema } from '#access/rules/json-schema.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { parseInstant, parseWindowDays, parseWindowHours } from '#access/rules/read-time.ts'
import { rulesText } from '../../builders.ts'

const root = new URL('../../../', import.meta.url)
const whole = jsonSchemaOf()
/** Zod reads the schema as any validator would: it knows nothing of what it was made from. */
const takes = (schema: JsonSchema, value: unknown): boolean =>
  z.fromJSONSchema(schema).safeParse(value).success

test('The published schema is the one of the source: pagepass rules schema > access.schema.json', () => {
  expect(readFileSync(new URL('access.schema.json', root), 'utf8')).toBe(printSchema(whole))
})

test('It is of the newest draft that the YAML language server knows, and names itself', () => {
  expect(whole.$schema).toBe('http://json-schema.org/draft-07/schema#')
  expect(JSON.parse(printSchema(whole))).toEqual(whole)
  expect(whole.title).toBe('Pagepass: the rule set')
})

/** Every schema within a schema. */
const within = (schema: unknown): Record<string, unknown>[] =>
  typeof schema !== 'object' || schema === null
    ? []
    : [schema as Record<string, unknown>, ...Object.values(schema).flatMap(within)]

test('Its patterns are such as editors take, its objects are closed, and nothing is filled in that says nothing', () => {
  for (const part of within(whole)) {
    if (typeof part['pattern'] === 'string')
      expect(() => new RegExp(String(part['pattern']), 'u')).not.toThrow()
    if (part['type'] === 'object' && 'properties' in part) expect(part['additionalProperties']).toBe(false)
    expect([[], {}]).not.toContainEqual(part['default'])
  }
})

const large = `version: 1
environment: production
domain: access.example.com
identity: { issuer: https://idp.example.com/realms/one, audience: pagepass, session_max: 12h }
people:
  sre: { groups: [sre] }
  leads: { roles: [lead], subjects: [idp-lea], until: 2026-12-20 }
workloads: { checkout: { subjects: [wl-checkout] } }
tiers:
  observe: { longest: 8h, default: 1h30m, rate: 50/s, burst: 20, when_stale: 15m }
  admin:
    longest: 1h
    rate: 30/m
    when_stale: 30s
    reason: ticket
    approvals: { count: 2, from: [sre, owners], distinct: teams, escalate: { after: 15m, to: [leads] } }
    extend: { count: 1, share: 50% }
    proxy_only: true
    sign_in: { acr: mfa, max_age: 2h }
profiles:
  web: { tiers: { observe: [GET /**, WS /ws/*], admin: { allow: ["* /**"], longest: 30m } } }
services:
  orders-svc:
    profile: web
    releases: { blue: "http://orders-blue:8080", green: "https://[::1]:8443/" }
    serve: blue
    pagerduty: [PNE3JZM]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [leads]
    labels: [tier-1]
    tiers: { observe: [POST /v1/search/, GET /a%2Fb/..c] }
on_page:
  - name: high
    services: [label:tier-1, orders-svc, "*"]
    who: [sre, owners]
    urgency: high
    priority: [P1, P2]
    levels: 1-2
    when: [{ days: "mon-fri, sun", hours: "08:00-24:00", zone: Europe/Berlin }, { hours: "22:00-06:00", zone: UTC }]
    give: observe
    how: on acknowledge
    for: 2h
    cap: 12h
    also: [{ services: ["*"], tier: observe }]
    grace: 10m
  - { services: ["*"], who: [sre], levels: 3, when: { hours: "08:00-20:00", zone: UTC }, give: observe, how: offer, for: 1h }
on_request:
  - { who: [sre], services: [orders-svc], tiers: [observe], how: at once, ahead: 14d }
standing:
  - { from: workload:checkout, to: orders-svc, allow: [POST /v1/orders], rate: 200/s, burst: 10 }
  - { from: on call of orders-svc, to: ["*"], tier: observe }
egress:
  - { from: checkout, to: https://api.stripe.com, allow: [POST /v1/**] }
freeze:
  - { tiers: [admin], from: 2026-12-20T18:00+01:00, until: 2027-01-02, because: the year ends }
break_glass: { who: [sre], tier: admin, for: 30m, need: 1, keys: { ana: ${'B'.repeat(43)} } }
incident_command: { who: [leads], cap: observe }
lock: { who: [sre], lift: 2 }
drain: 2h
`

test.each([
  ['the repository’s', readFileSync(new URL('access.yaml', root), 'utf8')],
  ['that of tests', rulesText],
  ['one that says everything', large],
])('A sound rule set is taken: %s', (_, text) => {
  const parsed = parseRuleSet(text)
  expect(parsed.ok ? [] : parsed.faults).toEqual([])
  expect(takes(whole, parse(text))).toBe(true)
})

test('Whatever it refuses, checking refuses, too', () => {
  const folder = new URL('faulty/', import.meta.url)
  const refused: string[] = []
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
    const text = readFileSync(new URL(name, folder), 'utf8')
    const value = ((): unknown => {
      try {
        return parse(text)
      } catch {
        return undefined
      }
    })()
    if (value === undefined || takes(whole, value)) continue
    expect(parseRuleSet(text).ok, name).toBe(false)
    refused.push(name)
  }
  expect(refused.length).toBeGreaterThan(60)
})

const faults: readonly (readonly [name: string, from: string, to: string])[] = [
  ['another version', 'version: 1', 'version: 2'],
  ['a version in quotes', 'version: 1', 'version: "1"'],
  ['no environment', 'environment: production\n', ''],
  ['no services', 'services:\n', 'service:\n'],
  ['a domain with a port', 'domain: access.example.com', 'domain: access.example.com:443'],
  ['an issuer with a password', 'issuer: https://idp', 'issuer: https://me:secret@idp'],
  ['an issuer that is no address', 'issuer: https://', 'issuer: '],
  ['an unknown key', 'owners: [leads]\n', 'owner: [leads]\n'],
  ['an unknown key beside what there is', 'serve: blue', 'serve: blue\n    port: 80'],
  ['an unknown section', 'drain: 2h', 'drains: 2h'],
  ['people by e-mail', 'roles: [lead]', 'emails: [lead]'],
  ['an empty list', 'groups: [sre]', 'groups: []'],
  ['one name twice', 'who: [sre, owners]', 'who: [sre, sre]'],
  ['a text for a list', 'owners: [leads]', 'owners: leads'],
  ['a name in capitals', '  sre: {', '  SRE: {'],
  ['a service in capitals', '  orders-svc:\n', '  Orders:\n'],
  ['a list of services', 'services:\n  orders-svc:\n', 'services:\n  -\n'],
  ['a duration in words', 'longest: 8h', 'longest: 8 hours'],
  ['a duration that is a number', 'longest: 8h', 'longest: 480'],
  ['no time at all', 'grace: 10m', 'grace: 0m'],
  ['a rate per hour', 'rate: 50/s', 'rate: 50/h'],
  ['a share as a fraction', 'share: 50%', 'share: 0.5'],
  ['more approvals than may be', 'count: 2', 'count: 6'],
  ['approvals by nobody', 'count: 2, from: [sre, owners], distinct', 'count: 2, distinct'],
  ['a reason that there is not', 'reason: ticket', 'reason: maybe'],
  ['yes for true', 'proxy_only: true', 'proxy_only: "yes"'],
  ['a pattern without a method', 'POST /v1/orders]', '/v1/orders]'],
  ['a pattern in small letters', 'POST /v1/orders]', 'post /v1/orders]'],
  ['stars in the middle', 'POST /v1/orders]', 'POST /v1/**/orders]'],
  ['a star within a segment', 'POST /v1/orders]', 'POST /v1/or*ers]'],
  ['a query', 'POST /v1/orders]', '"POST /v1/orders?all"]'],
  ['a way up', 'POST /v1/orders]', 'POST /v1/../orders]'],
  ['an address with a path', 'http://orders-blue:8080', 'http://orders-blue:8080/v1'],
  ['an address with a password', 'http://orders-blue:8080', 'http://me:secret@orders-blue:8080'],
  ['no PagerDuty id', 'PNE3JZM', 'orders'],
  ['a channel without its mark', '"#inc-orders"', 'inc-orders'],
  ['an urgency of another tool', 'urgency: high', 'urgency: critical'],
  ['a way to give that there is not', 'how: on acknowledge', 'how: on ack'],
  ['a way to ask that there is not', 'how: at once', 'how: now'],
  ['a label without its colon', 'label:tier-1', 'label tier-1'],
  ['levels as a list', 'levels: 1-2', 'levels: [1, 2]'],
  ['hours without minutes', '"08:00-20:00"', '8-20'],
  ['days in German', 'mon-fri, sun', 'Mo-Fr'],
  ['a window without a zone', '"22:00-06:00", zone: UTC', '"22:00-06:00"'],
  ['a time without an offset', '18:00+01:00', '18:00'],
  ['a standing rule from a list', 'from: workload:checkout', 'from: [workload:checkout]'],
  ['egress with a path', 'https://api.stripe.com', 'https://api.stripe.com/v1'],
  ['a freeze without a reason', ', because: the year ends', ''],
  ['a key that is none', 'B'.repeat(43), 'secret'],
  ['a lock lifted by nobody', 'lift: 2', 'lift: 0'],
]

test.each(faults)('A faulty shape is refused: %s', (_, from, to) => {
  expect(large).toContain(from)
  const text = large.replace(from, to)
  expect(takes(whole, parse(text))).toBe(false)
  expect(parseRuleSet(text).ok).toBe(false)
})

describe('What a text looks like is what it is read as:', () => {
  const { properties = {} } = whole
  const patternAt = (...path: string[]): RegExp => {
    let at: unknown = properties
    for (const key of path) at = (at as Record<string, unknown>)[key]
    return new RegExp((at as { pattern: string }).pattern, 'u')
  }
  const textOf = (parts: readonly string[]): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((some) => some.join(''))
  const agrees = (texts: fc.Arbitrary<string>, looks: RegExp, reads: (text: string) => boolean): void => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(looks.test(text), text).toBe(reads(text))
      }),
      { numRuns: 600 },
    )
  }

  test('a duration', () => {
    const looks = patternAt('drain')
    agrees(
      textOf(['0', '1', '15', 'd', 'h', 'm', 's', ' ']),
      looks,
      (text) => parseDuration(text) !== undefined,
    )
  })

  test('a pattern', () => {
    const looks = patternAt('egress', 'items', 'properties', 'allow', 'items')
    const parts = ['GET', '*', ' ', '/', '/a', '/**', '/*', '.', '..', '%2F', '%2f', '?', 'é']
    agrees(textOf(parts), looks, (text) => !('fault' in parsePattern(text)))
    agrees(
      textOf(parts).map((path) => `GET /${path}`),
      looks,
      (text) => !('fault' in parsePattern(text)),
    )
  })

  test('a time, hours and days, but for those that no calendar or clock has', () => {
    const window = ['on_page', 'items', 'properties', 'when', 'anyOf', '0', 'properties']
    const cases: [RegExp, readonly string[], (text: string) => boolean][] = [
      [
        patternAt('freeze', 'items', 'properties', 'until'),
        ['2026-12-20', 'T', '18:00', ':30', 'Z', '+01:00', '-'],
        (text) => parseInstant(text, 'end') !== undefined,
      ],
      [
        patternAt(...window, 'hours'),
        ['09:00', '17:30', '24:00', '-', ' '],
        (text) => parseWindowHours(text) !== undefined,
      ],
      [
        patternAt(...window, 'days'),
        ['mon', 'fri', '-', ',', ' ', 'Mo'],
        (text) => parseWindowDays(text) !== undefined,
      ],
    ]
    for (const [looks, parts, reads] of cases)
      fc.assert(
        fc.property(textOf(parts), (text) => {
          if (reads(text)) expect(looks.test(text), text).toBe(true)
        }),
        { numRuns: 600 },
      )
  })

  test('every time zone there is', () => {
    const looks = patternAt('on_page', 'items', 'properties', 'when', 'anyOf', '0', 'properties', 'zone')
    for (const zone of [...Intl.supportedValuesOf('timeZone'), 'UTC']) expect(zone).toMatch(looks)
  })
})

describe('Of a folder,', () => {
  const { services, environment, domain, identity, workloads, ...common } = parse(large)
  const { releases, serve, pagerduty, trusted_triggers, channel, ...ofTeam } = services['orders-svc']
  const ofEnvironment = { releases, serve, pagerduty, trusted_triggers, channel }
  const parts = {
    common,
    team: { services: { 'orders-svc': ofTeam } },
    environment: {
      environment,
      domain,
      identity,
      workloads,
      services: { 'orders-svc': ofEnvironment },
    },
  }

  test.each(Object.entries(parts) as ['common' | 'team' | 'environment', object][])(
    'what is %s is taken for what it is, and for nothing else',
    (part, value) => {
      expect(takes(jsonSchemaOf(part), value)).toBe(true)
      expect(takes(whole, value)).toBe(false)
      expect(takes(jsonSchemaOf(part), { ...value, servces: {} })).toBe(false)
    },
  )

  test('a team says nothing of what is everywhere, an environment nothing of who owns', () => {
    expect(takes(jsonSchemaOf('team'), { ...parts.team, people: common.people })).toBe(false)
    expect(takes(jsonSchemaOf('environment'), parts.team)).toBe(false)
    expect(takes(jsonSchemaOf('environment'), { tiers: common.tiers })).toBe(false)
  })

  test('what is common may say half of the identity', () => {
    expect(takes(jsonSchemaOf('common'), { ...common, identity: { session_max: '12h' } })).toBe(true)
    expect(takes(jsonSchemaOf('environment'), { identity: { issuer: 'https://idp.example.com' } })).toBe(true)
  })
})
