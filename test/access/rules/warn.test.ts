import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type RuleSetWarning, warningsOf } from '#access/rules/warn.ts'
import { type WarningKind, warningLevels } from '#access/rules/warnings/finding.ts'
import { noon, parsedOf, rulesText } from '../../builders.ts'

/** A rule set that nobody is warned of. */
const plain = `version: 1
environment: test
domain: access.example.com
identity: { issuer: https://idp.example.com, audience: pagepass }
people:
  sre: { groups: [sre] }
  payments: { groups: [team-payments] }
tiers:
  observe: { longest: 8h, rate: 50/s, when_stale: 15m }
  operate: { longest: 2h, rate: 10/s, when_stale: 2m }
  admin: { longest: 1h, rate: 5/s, when_stale: 30s, approvals: { count: 1, from: [sre] } }
profiles:
  web:
    tiers:
      observe: [GET /v1/**]
      operate: [POST /v1/retry]
      admin: ["* /**"]
services:
  orders-svc:
    profile: web
    releases: { blue: http://127.0.0.1:7076 }
    serve: blue
    pagerduty: [PORDERS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [payments]
    labels: [tier-1]
on_page:
  - { services: [label:tier-1], who: [sre], levels: 1-2, give: operate, how: auto, for: 2h }
on_request:
  - { who: [sre, payments], tiers: [observe, operate], how: at once }
  - { who: [sre], tiers: [admin], how: approval }
`

type Change = readonly [from: string, to: string]
const changed = (changes: readonly Change[], text = plain): string =>
  changes.reduce((rest, [from, to]) => {
    if (!rest.includes(from)) throw new Error(`nothing to change: ${from}`)
    return rest.replace(from, () => to)
  }, text)

const warned = (text: string, now = noon): readonly RuleSetWarning[] => {
  return warningsOf(parsedOf(text), now)
}
const kindsOf = (text: string): WarningKind[] => warned(text).map(({ kind }) => kind)

/** Another service beside the one there is; its lines end with those of a rule set. */
const second = (changes: readonly Change[] = []): Change => [
  'on_page:',
  changed(
    changes,
    `  payments-svc:
    profile: web
    releases: { blue: http://127.0.0.1:7077 }
    serve: blue
    pagerduty: [PPAYMTS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-payments"
    owners: [payments]
    labels: [tier-1]
on_page:`,
  ),
]
const observing = (patterns: string): Change => ['observe: [GET /v1/**]', `observe: [${patterns}]`]
const operating = (patterns: string): Change => ['operate: [POST /v1/retry]', `operate: [${patterns}]`]
const administering = (patterns: string): Change => ['admin: ["* /**"]', `admin: [${patterns}]`]
const ownTiers = (tiers: string): Change => ['labels: [tier-1]', `labels: [tier-1]\n    tiers: { ${tiers} }`]
const atTheEnd = (text: string): Change => ['how: approval }\n', `how: approval }\n${text}\n`]
const people = (set: string): Change => ['  sre: { groups: [sre] }', `  sre: { groups: [sre] }\n  ${set}`]
const paging = (rule: string): Change => ['on_request:', `  - { ${rule} }\non_request:`]
const requesting = (rule: string): Change => atTheEnd(`  - { ${rule} }`)
const workload: Change = ['people:', 'workloads: { shop: { subjects: [shop] } }\npeople:']
const inProduction = (need: number): Change[] => [
  ['environment: test', 'environment: production'],
  approving('from: [sre], sign_in: { max_age: 5m }'),
  atTheEnd(
    `break_glass: { who: [sre], tier: admin, for: 20m, need: ${need}, keys: { a: ${'B'.repeat(43)}, b: ${'C'.repeat(43)} } }`,
  ),
]
const approving = (approvals: string): Change => [
  'approvals: { count: 1, from: [sre] }',
  `approvals: { ${approvals} }`,
]

type Case = {
  readonly name: string
  readonly kind: WarningKind
  readonly odd: readonly Change[]
  readonly mended: readonly Change[]
  /** The place, and how it begins. */
  readonly says: string
  /** Where it brings others with it. */
  readonly besides?: readonly WarningKind[]
}

const cases: readonly Case[] = [
  {
    name: 'a parameter as frameworks write it',
    kind: 'parameter-literal',
    odd: [operating('POST /v1/orders/:id/retry')],
    mended: [operating('POST /v1/orders/*/retry')],
    says: '16:17 ":id" of "POST /v1/orders/:id/retry" is matched as it stands; write "*" for any segment',
  },
  {
    name: 'a parameter in the escapes of its braces',
    kind: 'parameter-literal',
    odd: [operating('POST /v1/orders/%7Bid%7D')],
    mended: [operating('POST /v1/orders/*')],
    says: '16:17 "%7Bid%7D" of "POST /v1/orders/%7Bid%7D" is matched as it stands',
  },
  {
    name: 'a parameter of a standing rule',
    kind: 'parameter-literal',
    odd: [atTheEnd('standing:\n  - { from: sre, to: orders-svc, allow: [GET /v1/(id)] }')],
    mended: [atTheEnd('standing:\n  - { from: sre, to: orders-svc, allow: [GET /v1/*] }')],
    says: '34:42 "(id)" of "GET /v1/(id)" is matched as it stands',
  },
  {
    name: 'a parameter of an egress rule',
    kind: 'parameter-literal',
    odd: [
      ['people:', 'workloads: { shop: { subjects: [shop] } }\npeople:'],
      atTheEnd('egress:\n  - { from: shop, to: https://api.example.com, allow: [POST /v1/:id] }'),
    ],
    mended: [
      ['people:', 'workloads: { shop: { subjects: [shop] } }\npeople:'],
      atTheEnd('egress:\n  - { from: shop, to: https://api.example.com, allow: [POST /v1/*] }'),
    ],
    says: '35:56 ":id" of "POST /v1/:id" is matched as it stands',
  },
  {
    name: 'a heap dump that is read by whoever asks',
    kind: 'reads-too-much',
    odd: [observing('GET /v1/**, GET /actuator/heapdump')],
    mended: [observing('GET /v1/**, GET /actuator/health')],
    says: '15:29 "GET /actuator/heapdump" reaches /actuator/heapdump: what a process holds in memory',
  },
  {
    name: 'all of an actuator',
    kind: 'reads-too-much',
    odd: [operating('GET /actuator/**')],
    mended: [administering('GET /actuator/**')],
    says: '16:17 "GET /actuator/**" reaches /actuator/heapdump',
  },
  {
    name: 'a part of an actuator that is not named',
    kind: 'reads-too-much',
    odd: [operating('GET /actuator/*')],
    mended: [operating('GET /actuator/info')],
    says: '16:17 "GET /actuator/*" reaches /actuator/heapdump',
  },
  {
    name: 'how a process is configured',
    kind: 'reads-too-much',
    odd: [operating('GET /actuator/env')],
    mended: [operating('POST /actuator/env')],
    says: '16:17 "GET /actuator/env" reaches /actuator/env: it shows how',
  },
  {
    name: 'profiles of Go',
    kind: 'reads-too-much',
    odd: [operating('GET /debug/pprof/**')],
    mended: [operating('GET /debug/version')],
    says: '16:17 "GET /debug/pprof/**" reaches /debug/pprof',
  },
  {
    name: 'secrets, in a service’s own terms, however they are written',
    kind: 'reads-too-much',
    odd: [ownTiers('operate: { rate: 1/s, allow: [GET /api/v1/namespaces/*/Secrets/*] }')],
    mended: [ownTiers('operate: { rate: 1/s, allow: [GET /api/v1/namespaces/*/pods/*] }')],
    says: '28:44 "GET /api/v1/namespaces/*/Secrets/*" reaches /secrets',
  },
  {
    name: 'files that should not be there',
    kind: 'reads-too-much',
    odd: [operating('GET /.env')],
    mended: [operating('GET /.well-known/jwks')],
    says: '16:17 "GET /.env" reaches /.env',
  },
  {
    name: 'a repository, by any method',
    kind: 'reads-too-much',
    odd: [operating('"* /.git/**"')],
    mended: [administering('"* /.git/**"')],
    says: '16:17 "* /.git/**" reaches /.git',
  },
  {
    name: 'keys and values of Consul',
    kind: 'reads-too-much',
    odd: [operating('GET /old/v1/kv/**')],
    mended: [operating('GET /old/v1/**')],
    says: '16:17 "GET /old/v1/kv/**" reaches /v1/kv',
  },
  {
    name: 'secrets that are open without a pass',
    kind: 'reads-too-much',
    odd: [
      workload,
      atTheEnd('standing:\n  - { from: workload:shop, to: orders-svc, allow: [GET /secrets] }'),
    ],
    mended: [
      workload,
      atTheEnd('standing:\n  - { from: workload:shop, to: orders-svc, allow: [GET /health] }'),
    ],
    says: '35:52 "GET /secrets" reaches /secrets without a pass',
    besides: ['standing-past-demands'],
  },
  {
    name: 'a workload that does what people need approval for',
    kind: 'standing-past-demands',
    odd: [
      workload,
      atTheEnd('standing:\n  - { from: workload:shop, to: orders-svc, allow: [GET /v1/x, POST /v1/orders] }'),
    ],
    mended: [
      workload,
      operating('POST /v1/retry, POST /v1/orders'),
      atTheEnd('standing:\n  - { from: workload:shop, to: orders-svc, allow: [GET /v1/x, POST /v1/orders] }'),
    ],
    says: '35:63 "POST /v1/orders" reaches what "admin" allows on orders-svc, which needs approval of people; if',
  },
  {
    name: 'a service that shows passes for longer than others',
    kind: 'terms-looser',
    odd: [ownTiers('operate: { longest: 4h, rate: 20/s, when_stale: 1m }')],
    mended: [ownTiers('operate: { longest: 1h, rate: 20/s, when_stale: 1m }')],
    says: '28:34 this is looser than what is said of every "operate": 4h, not 2h; if it is not meant, leave it out',
  },
  {
    name: 'a profile that lets others approve',
    kind: 'terms-looser',
    odd: [['admin: ["* /**"]', 'admin: { allow: ["* /**"], approvals: { from: [sre, owners] } }']],
    mended: [['admin: ["* /**"]', 'admin: { allow: ["* /**"], approvals: { from: [sre], count: 2 } }']],
    says: '17:53 this is looser than what is said of every "admin": sre, owners, not sre',
  },
  {
    name: 'a profile whose approvers may sign in longer before',
    kind: 'terms-looser',
    odd: [
      ['count: 1, from: [sre]', 'count: 1, from: [sre], sign_in: {}'],
      [
        'admin: ["* /**"]',
        'admin: { allow: ["* /**"], approvals: { from: [sre], sign_in: { max_age: 6m } } }',
      ],
    ],
    mended: [
      ['count: 1, from: [sre]', 'count: 1, from: [sre], sign_in: {}'],
      [
        'admin: ["* /**"]',
        'admin: { allow: ["* /**"], approvals: { from: [sre], sign_in: { max_age: 4m } } }',
      ],
    ],
    says: '17:80 this is looser than what is said of every "admin": 6m, not 5m',
  },
  {
    name: 'a shell over a WebSocket',
    kind: 'does-more-than-read',
    odd: [operating('WS /api/v1/namespaces/*/pods/*/exec')],
    mended: [administering('"* /**", WS /api/v1/namespaces/*/pods/*/exec')],
    says: '16:17 "WS /api/v1/namespaces/*/pods/*/exec" reaches /exec: it runs commands',
  },
  {
    name: 'a console',
    kind: 'does-more-than-read',
    odd: [operating('GET /console/**')],
    mended: [operating('GET /consoles/**')],
    says: '16:17 "GET /console/**" reaches /console: it runs commands',
  },
  {
    name: 'what is behind a pod',
    kind: 'does-more-than-read',
    odd: [operating('GET /api/pods/*/proxy/**')],
    mended: [operating('GET /api/pods/*/log')],
    says: '16:17 "GET /api/pods/*/proxy/**" reaches /pods/*/proxy: it leads to',
  },
  {
    name: 'GraphQL for those who may only look',
    kind: 'does-more-than-read',
    odd: [observing('GET /v1/**, POST /graphql')],
    mended: [operating('POST /graphql')],
    says: '15:29 "POST /graphql" reaches /graphql: one path serves every query',
  },
  {
    name: 'a restart for those who may only look',
    kind: 'does-more-than-read',
    odd: [observing('GET /admin/restart')],
    mended: [operating('GET /admin/restart')],
    says: '15:17 "GET /admin/restart" reaches /restart: many services act on it',
  },
  {
    name: 'everything for those who may only look',
    kind: 'everything-in-lowest',
    odd: [observing('"* /**"'), operating('WS /live'), administering('WS /tail')],
    mended: [observing('GET /v1/**'), operating('WS /live'), administering('"* /**"')],
    says: '15:17 "* /**" puts everything into the lowest tier, "observe"',
  },
  {
    name: 'all that can be read, once for the services of a profile',
    kind: 'reads-everything',
    odd: [observing('GET /**'), second()],
    mended: [observing('GET /v1/**'), second()],
    says: '15:17 "GET /**" reads all there is',
  },
  {
    name: 'a pattern that a lower tier opens already',
    kind: 'pattern-unreachable',
    odd: [operating('POST /v1/retry, HEAD /v1/orders/*')],
    mended: [operating('POST /v1/retry, HEAD /v2/orders/*')],
    says: '16:33 "HEAD /v1/orders/*" adds nothing to "operate": "GET /v1/**" opens it to "observe" already',
  },
  {
    name: 'a service that opens what its profile keeps for a higher tier',
    kind: 'pattern-unreachable',
    odd: [ownTiers('observe: [POST /v1/*]')],
    mended: [ownTiers('operate: [POST /v1/*/again]')],
    says: '28:24 "POST /v1/*" opens to "observe" what "POST /v1/retry" of the profile "web" keeps for "operate"',
  },
  {
    name: 'a pattern behind one that admits the same',
    kind: 'pattern-within',
    odd: [operating('POST /v1/*, POST /v1/retry')],
    mended: [operating('POST /v1/retry, POST /v1/*')],
    says: '16:29 "POST /v1/retry" is never counted: "POST /v1/*" stands before it',
  },
  {
    name: 'a pattern that the profile has',
    kind: 'pattern-twice',
    odd: [ownTiers('operate: [POST /v1/retry]')],
    mended: [ownTiers('operate: [WS /v1/retry]')],
    says: '28:24 "POST /v1/retry" stands in the profile "web" already',
  },
  {
    name: 'a page rule behind a wider one',
    kind: 'rule-shadowed',
    odd: [
      paging(
        'services: [orders-svc], who: [sre], urgency: high, levels: 1, give: observe, how: offer, for: 1h',
      ),
    ],
    mended: [
      paging(
        'services: [orders-svc], who: [sre], urgency: high, levels: 1-3, give: observe, how: offer, for: 1h',
      ),
    ],
    says: '30:5 on_page[1] never decides: on_page[0] decides first for the same pages and people',
  },
  {
    name: 'a page rule whose hours an earlier one has',
    kind: 'rule-shadowed',
    odd: [
      ['levels: 1-2,', 'levels: 1-2, when: { days: mon-fri, hours: "08:00-18:00", zone: UTC },'],
      paging(
        'services: ["*"], who: [sre], levels: 1, when: { days: tue, hours: "09:00-17:00", zone: UTC }, give: observe, how: offer, for: 1h',
      ),
    ],
    mended: [
      ['levels: 1-2,', 'levels: 1-2, when: { days: mon-fri, hours: "08:00-18:00", zone: UTC },'],
      paging(
        'services: ["*"], who: [sre], levels: 1, when: { days: tue-sat, hours: "09:00-17:00", zone: UTC }, give: observe, how: offer, for: 1h',
      ),
    ],
    says: '30:5 on_page[1] never decides: on_page[0] decides first',
  },
  {
    name: 'a page rule whose priorities an earlier one has',
    kind: 'rule-shadowed',
    odd: [
      ['levels: 1-2,', 'levels: 1-2, priority: [P1, P2],'],
      paging('services: ["*"], who: [sre], levels: 1, priority: [P2], give: observe, how: offer, for: 1h'),
    ],
    mended: [
      ['levels: 1-2,', 'levels: 1-2, priority: [P1, P2],'],
      paging('services: ["*"], who: [sre], levels: 1, give: observe, how: offer, for: 1h'),
    ],
    says: '30:5 on_page[1] never decides: on_page[0] decides first',
  },
  {
    name: 'a request rule behind two that decide together',
    kind: 'rule-shadowed',
    odd: [
      second(),
      ['- { who: [sre, payments]', '- { services: [orders-svc], who: [sre, payments]'],
      requesting('name: late, who: [sre], tiers: [operate], how: at once'),
      requesting('services: [payments-svc], who: [sre], tiers: [observe, operate], how: at once'),
    ],
    mended: [
      second(),
      ['- { who: [sre, payments]', '- { services: [orders-svc], who: [sre, payments]'],
      requesting('name: late, who: [owners], tiers: [operate], how: at once'),
      requesting('services: [payments-svc], who: [sre], tiers: [observe, operate], how: at once'),
    ],
    says: '43:5 late never decides: on_request[0] and on_request[2] decide first',
  },
  {
    name: 'a request rule for people that an earlier one holds by other names',
    kind: 'rule-shadowed',
    odd: [
      people('leads: { groups: [sre], subjects: [idp-lea] }'),
      ['who: [sre, payments], tiers', 'who: [leads, payments], tiers'],
      requesting('who: [sre], tiers: [observe], how: at once'),
    ],
    mended: [
      people('leads: { groups: [sre], subjects: [idp-lea], until: 2027-01-01 }'),
      ['who: [sre, payments], tiers', 'who: [leads, payments], tiers'],
      requesting('who: [sre], tiers: [observe], how: at once'),
    ],
    says: '34:5 on_request[2] never decides: on_request[0] decides first',
  },
  ...(
    [
      [
        'an offer',
        'how: auto',
        'how: offer',
        'levels: 2-3, give: operate, how: auto, for: 2h',
        '"operate" at once',
      ],
      [
        'an offer that acknowledging does not take',
        'how: auto',
        'how: offer',
        'urgency: high, give: operate, how: on acknowledge, for: 2h',
        '"operate" on acknowledge',
      ],
      [
        'a lower tier',
        'give: operate',
        'give: observe',
        'levels: 1, give: operate, how: auto, for: 2h',
        '"operate"',
      ],
      [
        'a shorter time',
        'for: 2h',
        'for: 1h',
        'levels: 1, give: operate, how: auto, for: 2h',
        '"operate" for 2h',
      ],
      [
        'a shorter time in all',
        'for: 2h',
        'for: 2h, cap: 4h',
        'levels: 1, give: operate, how: auto, for: 1h, cap: 6h',
        '"operate" for up to 6h',
      ],
      [
        'an end with the incident',
        'for: 2h',
        'for: 2h',
        'levels: 1, give: operate, how: auto, for: 2h, grace: 10m',
        '"operate" for 10m afterwards',
      ],
    ] as const
  ).map(
    ([name, from, to, rule, gives]): Case => ({
      name: `${name} by a page, before more`,
      kind: 'stricter-first',
      odd: [[from, to], paging(`services: ["*"], who: [payments], ${rule}`)],
      mended: [
        [from, to],
        paging(
          `services: ["*"], who: [payments], ${rule.replace(/levels: [\d-]+|urgency: high/, 'levels: 3')}`,
        ),
      ],
      says: `29:5 removing on_page[0] would give more: on_page[1] gives ${gives} to whoever is in both; if they are to have it, put on_page[1] first`,
      besides: rule.includes('levels') ? [] : ['levels-left-out'],
    }),
  ),
  {
    name: 'a tier by a page that needs approval here, before one that does not',
    kind: 'stricter-first',
    odd: [
      ownTiers('operate: { approvals: { from: [sre] } }'),
      paging('services: ["*"], who: [payments], levels: 1, give: observe, how: offer, for: 1h'),
    ],
    mended: [paging('services: ["*"], who: [payments], levels: 1, give: observe, how: offer, for: 1h')],
    says: '30:5 removing on_page[0] would give more: on_page[1] gives "observe" without approval',
  },
  {
    name: 'a request rule before one that reaches further ahead',
    kind: 'stricter-first',
    odd: [requesting('services: [orders-svc], who: [owners], tiers: [admin], how: approval, ahead: 2d')],
    mended: [
      ['how: approval }', 'how: approval, ahead: 2d }'],
      ['ahead: 2d }\n', 'ahead: 2d }\n  - { who: [owners], tiers: [admin], how: approval, ahead: 2d }\n'],
    ],
    says: '32:5 removing on_request[1] would give more: on_request[2] gives "admin" up to 2d ahead to whoever is in both',
  },
  {
    name: 'an approval before an at once',
    kind: 'stricter-first',
    odd: [
      second(),
      ownTiers('operate: { approvals: { from: [sre] } }'),
      ['on_request:', 'on_request:\n  - { who: [sre], tiers: [operate], how: approval }'],
    ],
    mended: [
      second(),
      ownTiers('operate: { approvals: { from: [sre] } }'),
      [
        'on_request:',
        'on_request:\n  - { services: [orders-svc], who: [sre], tiers: [operate], how: approval }',
      ],
    ],
    says: '41:5 removing on_request[0] would give more: on_request[1] gives "operate" at once to whoever is in both',
    besides: ['approvers-unnamed'],
  },
  {
    name: 'one set of people by two names',
    kind: 'people-twice',
    odd: [people('leads: { groups: [sre] }'), ['owners: [payments]', 'owners: [leads]']],
    mended: [people('leads: { groups: [leads] }'), ['owners: [payments]', 'owners: [leads]']],
    says: '7:3 "leads" are the same people as "sre"',
  },
  {
    name: 'a service that no rule names',
    kind: 'service-unreachable',
    odd: [
      second([
        ['labels: [tier-1]', 'labels: []'],
        ['[PPAYMTS]', '[]'],
      ]),
      ['- { who: [sre, payments]', '- { services: [orders-svc], who: [sre, payments]'],
      ['- { who: [sre], tiers: [admin]', '- { services: [orders-svc], who: [sre], tiers: [admin]'],
    ],
    mended: [
      second([
        ['labels: [tier-1]', 'labels: []'],
        ['[PPAYMTS]', '[]'],
      ]),
      ['- { who: [sre], tiers: [admin]', '- { services: [orders-svc], who: [sre], tiers: [admin]'],
      atTheEnd('standing:\n  - { from: sre, to: payments-svc, tier: operate }'),
    ],
    says: '28:3 no rule names "payments-svc", so nobody ever reaches it',
  },
  {
    name: 'a tier that nobody gets anywhere',
    kind: 'tier-unreachable',
    odd: [second(), ['  - { who: [sre], tiers: [admin], how: approval }\n', '']],
    mended: [second(), ['  - { who: [sre], tiers: [admin], how: approval }\n', ''], administering('')],
    says: '11:3 nobody gets "admin" of orders-svc and payments-svc: no rule gives it',
  },
  {
    name: 'a tier that nobody gets of one service',
    kind: 'tier-unreachable',
    odd: [
      second(),
      ['- { who: [sre], tiers: [admin]', '- { services: [orders-svc], who: [sre], tiers: [admin]'],
    ],
    mended: [
      second(),
      ['- { who: [sre], tiers: [admin]', '- { services: [orders-svc], who: [sre], tiers: [admin]'],
      atTheEnd('incident_command: { who: [sre], cap: admin }'),
    ],
    says: '28:3 nobody gets "admin" of payments-svc',
  },
  {
    name: 'approval where nobody is named to give it',
    kind: 'approvers-unnamed',
    odd: [
      second(),
      ownTiers('operate: { approvals: { from: [sre] } }'),
      requesting('who: [sre], tiers: [operate], how: approval, services: [label:tier-1], name: twice'),
      ['tiers: [observe, operate], how', 'tiers: [observe], how'],
    ],
    mended: [
      second(),
      ownTiers('operate: { approvals: { from: [sre] } }'),
      requesting('who: [sre], tiers: [operate], how: approval, services: [orders-svc], name: twice'),
      ['tiers: [observe, operate], how', 'tiers: [observe], how'],
    ],
    says: '43:27 nobody is named to approve "operate" of payments-svc',
  },
  {
    name: 'approvers whose time is over',
    kind: 'approvers-gone',
    odd: [people('leads: { groups: [leads], until: 2026-01-01 }'), approving('from: [leads]')],
    mended: [people('leads: { groups: [leads], until: 2027-01-01 }'), approving('from: [leads]')],
    besides: ['people-ended'],
    says: '12:64 nobody is left to approve "admin": the time of leads is over',
  },
  {
    name: 'distinct teams of which too few are left',
    kind: 'approvers-too-few',
    odd: [
      people('leads: { groups: [leads], until: 2026-01-01 }'),
      approving('count: 2, from: [sre, leads], distinct: teams'),
    ],
    mended: [
      people('leads: { groups: [leads] }'),
      approving('count: 2, from: [sre, leads], distinct: teams'),
    ],
    besides: ['people-ended'],
    says: '12:64 "admin" needs 2 approvals from distinct teams, and of those in "from" only one is left',
  },
  {
    name: 'more approvals than people',
    kind: 'approvers-too-few',
    odd: [people('leads: { subjects: [idp-lea, idp-lou] }'), approving('count: 3, from: [leads]')],
    mended: [
      people('leads: { subjects: [idp-lea, idp-lou], roles: [lead] }'),
      approving('count: 3, from: [leads]'),
    ],
    says: '12:64 "admin" needs 3 approvals, and "from" names 2 people in all',
  },
  {
    name: 'approvals in production that nobody signs in for',
    kind: 'approvals-without-sign-in',
    odd: [['environment: test', 'environment: production']],
    mended: [
      ['environment: test', 'environment: production'],
      approving('from: [sre], sign_in: { max_age: 5m }'),
    ],
    says: '11:64 the bot alone says who approved "admin"',
  },
  {
    name: 'a key that opens production by itself',
    kind: 'one-key-breaks-glass',
    odd: inProduction(1),
    mended: inProduction(2),
    says: '33:57 one key alone opens "admin" of every service; have two people sign: need: 2',
  },
  {
    name: 'somebody who could only approve for themselves',
    kind: 'approvers-only-self',
    odd: [
      people('leads: { subjects: [idp-lea] }'),
      approving('from: [leads]'),
      ['who: [sre], tiers: [admin]', 'who: [leads], tiers: [admin]'],
    ],
    mended: [people('leads: { subjects: [idp-lea] }'), approving('from: [leads]')],
    says: '12:64 "idp-lea" may ask for "admin", and nobody else may approve it',
  },
  {
    name: 'a page rule for every level',
    kind: 'levels-left-out',
    odd: [['levels: 1-2, ', '']],
    mended: [['levels: 1-2, give: operate, how: auto', 'give: operate, how: offer']],
    says: '29:5 on_page[0] counts at every escalation level',
  },
  {
    name: 'a page rule that does not say for which level',
    kind: 'levels-left-out',
    odd: [['levels: 1-2, ', '']],
    mended: [['levels: 1-2, ', 'levels: any, ']],
    says: '29:5 on_page[0] counts at every escalation level',
  },
  {
    name: 'incidents that nobody is trusted to set off',
    kind: 'triggers-untrusted',
    odd: [['trusted_triggers: [PIDATADOG]', 'trusted_triggers: []']],
    mended: [
      ['trusted_triggers: [PIDATADOG]', 'trusted_triggers: []'],
      ['how: auto', 'how: offer'],
    ],
    says: '23:5 on_page[0] never gives "orders-svc" by itself',
  },
  {
    name: 'a service in a page rule without a PagerDuty service',
    kind: 'pagerduty-unnamed',
    odd: [['pagerduty: [PORDERS]', 'pagerduty: []']],
    mended: [['pagerduty: [PORDERS]', 'pagerduty: [PORDERS, PORDER2]']],
    says: '23:5 no page is ever about "orders-svc", which on_page[0] names',
  },
  {
    name: 'a service without a PagerDuty service, where a rule names all',
    kind: 'pagerduty-unnamed-for-all',
    odd: [
      second([
        ['[PPAYMTS]', '[]'],
        ['labels: [tier-1]', 'labels: []'],
      ]),
      ['services: [label:tier-1]', 'services: ["*"]'],
      ['labels: [tier-1]', 'labels: []'],
    ],
    mended: [second(), ['services: [label:tier-1]', 'services: ["*", label:tier-1]']],
    says: '32:5 no page is ever about "payments-svc"',
  },
  ...(
    [
      [
        'on call of',
        atTheEnd('standing:\n  - { from: on call of orders-svc, to: orders-svc, tier: observe }'),
        '34:7',
      ],
    ] as const
  ).map(
    ([name, change, at]): Case => ({
      name: `${name}, which has no effect yet`,
      kind: 'not-enforced',
      odd: [change],
      mended: [],
      says: `${at} "${name}" `,
    }),
  ),
  {
    name: 'people whom nothing names',
    kind: 'people-unused',
    odd: [people('leads: { groups: [leads] }')],
    mended: [
      people('leads: { groups: [leads] }'),
      approving('from: [sre], escalate: { after: 15m, to: [leads] }'),
    ],
    says: '7:3 no rule names the people "leads"',
  },
  {
    name: 'a workload that nothing names',
    kind: 'workload-unused',
    odd: [['tiers:\n', 'workloads: { checkout: { subjects: [wl-checkout] } }\ntiers:\n']],
    mended: [
      ['tiers:\n', 'workloads: { checkout: { subjects: [wl-checkout] } }\ntiers:\n'],
      atTheEnd('standing:\n  - { from: workload:checkout, to: orders-svc, allow: [POST /v1/orders] }'),
    ],
    says: '8:14 no rule names the workload "checkout"',
  },
  {
    name: 'a profile that no service has',
    kind: 'profile-unused',
    odd: [['profiles:', 'profiles:\n  old: { tiers: { observe: [GET /secrets, GET /**] } }']],
    mended: [
      ['profiles:', 'profiles:\n  old: { tiers: { observe: [GET /v1/**] } }'],
      second([['profile: web', 'profile: old']]),
    ],
    says: '13:3 no service has the profile "old"',
  },
  {
    name: 'a label that nothing names, once',
    kind: 'label-unused',
    odd: [
      ['labels: [tier-1]', 'labels: [tier-1, old]'],
      second([['labels: [tier-1]', 'labels: [old, tier-1]']]),
    ],
    mended: [
      ['labels: [tier-1]', 'labels: [tier-1, old]'],
      atTheEnd(
        'freeze:\n  - { services: [label:old], tiers: [admin], from: 2026-12-20, until: 2027-01-02, because: quiet }',
      ),
    ],
    says: '27:22 no rule names label:old',
  },
  {
    name: 'people whose time is over',
    kind: 'people-ended',
    odd: [
      ['payments: { groups: [team-payments] }', 'payments: { groups: [team-payments], until: 2026-01-14 }'],
    ],
    mended: [
      ['payments: { groups: [team-payments] }', 'payments: { groups: [team-payments], until: 2026-03-01 }'],
    ],
    says: '7:47 nobody belongs to "payments" any more since 2026-01-15 00:00 UTC',
  },
  {
    name: 'people whose time is over soon',
    kind: 'people-ending',
    odd: [
      ['payments: { groups: [team-payments] }', 'payments: { groups: [team-payments], until: 2026-01-28 }'],
    ],
    mended: [
      ['payments: { groups: [team-payments] }', 'payments: { groups: [team-payments], until: 2026-01-29 }'],
    ],
    says: '7:47 nobody belongs to "payments" any more from 2026-01-29 00:00 UTC on',
  },
  {
    name: 'a freeze that is over',
    kind: 'freeze-over',
    odd: [atTheEnd('freeze:\n  - { tiers: [admin], from: 2025-12-20, until: 2026-01-02, because: quiet }')],
    mended: [
      atTheEnd('freeze:\n  - { tiers: [admin], from: 2025-12-20, until: 2026-02-02, because: quiet }'),
    ],
    says: '34:5 freeze[0] is over since 2026-01-03 00:00 UTC',
  },
]

describe('A rule set is warned of', () => {
  test.each(cases)('$name', ({ kind, odd, mended, says, besides = [] }) => {
    const warnings = warned(changed(odd))
    expect(warnings.map((one) => one.kind).sort()).toEqual([kind, ...besides].sort())
    const lines = warnings.map(({ line, column, what }) => `${line}:${column} ${what}`)
    expect(lines.map((line) => line.slice(0, says.length))).toContain(says)
    expect(kindsOf(changed(mended))).not.toContain(kind)
  })

  test('nothing where nothing is odd', () => {
    expect(warned(plain)).toEqual([])
  })

  test('each kind in some case', () => {
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(Object.keys(warningLevels)))
  })

  test('with what to do about it, in the order of its lines', () => {
    const all = cases.flatMap(({ odd }) => warned(changed(odd)))
    for (const { what, kind } of all) if (kind !== 'not-enforced') expect(what).toMatch(/[;,] \S/)
    const many = warned(
      changed([observing('GET /**'), ['levels: 1-2, ', ''], people('leads: { groups: [sre] }')]),
    )
    expect(many.map(({ kind }) => kind)).toEqual([
      'people-twice',
      'people-unused',
      'reads-everything',
      'levels-left-out',
    ])
    expect(many.map(({ level }) => level)).toEqual(['note', 'note', 'note', 'warning'])
  })
})

describe('No false alarm', () => {
  test.each([
    ['a version in a path', [operating('GET /old/v1/*, GET /old/v1/**')]],
    ['services under any path', [operating('GET /api/services/**, GET /api/pods/*/*')]],
    ['a word that only begins like one', [operating('GET /executions, GET /secretary, GET /proxy')]],
    ['a wide pattern behind narrow ones of its tier', [operating('POST /v1/retry, POST /v1/*, POST /v1/**')]],
    ['an upgrade of a path that may be read', [operating('POST /v1/retry, WS /v1/live')]],
    [
      'a change of a path that may be read',
      [operating('POST /v1/retry, PUT /v1/orders/*, DELETE /v1/orders/*')],
    ],
    [
      'a method of a resource, and a name in parentheses',
      [operating('POST /v1/orders/7:cancel, POST /v1/orders(7), POST /v1/$batch')],
    ],
    ['a folder and what is in it', [operating('POST /x/, POST /x, POST /x/*')]],
  ] as const)('at %s', (_, changes) => {
    expect(kindsOf(changed(changes)).filter((kind) => warningLevels[kind] === 'warning')).toEqual([])
  })

  test.each<[string, readonly Change[]]>([
    [
      'of other people',
      [
        people('ana: { subjects: [idp-ana] }\n  ben: { subjects: [idp-ben] }'),
        ['who: [sre], tiers: [admin]', 'who: [ana], tiers: [admin]'],
        requesting('who: [ben], tiers: [admin], how: approval, ahead: 2d'),
      ],
    ],
    [
      'at other hours',
      [
        [
          'tiers: [observe, operate], how: at once',
          'tiers: [observe, operate], how: at once, when: { days: mon-fri, hours: "22:00-06:00", zone: UTC }',
        ],
        requesting(
          'who: [sre], tiers: [operate], how: at once, ahead: 2d, when: { days: mon-fri, hours: "06:00-22:00", zone: UTC }',
        ),
      ],
    ],
    [
      'of other pages',
      [
        ['levels: 1-2,', 'levels: 1-2, urgency: high, priority: [P1],'],
        paging(
          'services: ["*"], who: [sre], levels: 1, priority: [P2], give: operate, how: auto, for: 2h, cap: 8h',
        ),
      ],
    ],
  ])('at a stricter rule %s', (_, changes) => {
    expect(kindsOf(changed(changes))).not.toContain('stricter-first')
  })

  test('at the rule sets of the repository: only notes, and these', () => {
    const access = readFileSync(new URL('../../../access.yaml', import.meta.url), 'utf8')
    for (const text of [access, rulesText])
      expect(warned(text).filter(({ level }) => level === 'warning')).toEqual([])
    expect(new Set(kindsOf(rulesText))).toEqual(new Set(['reads-everything', 'label-unused']))
  })
})

test('Of a folder, warnings name the file that says it', () => {
  const common = plain.slice(0, plain.indexOf('services:\n'))
  const rules = plain.slice(plain.indexOf('on_page:')).replace('levels: 1-2, ', '')
  const parsed = parsedOf([
    { name: 'rules/access.yaml', part: 'common', bytes: common.replace('environment: test\n', '') + rules },
    {
      name: 'rules/services/payments.yaml',
      part: 'team',
      bytes: 'services:\n  orders-svc: { profile: web, labels: [tier-1, old] }\n',
    },
    {
      name: 'rules/env/test.yaml',
      part: 'environment',
      bytes:
        'services:\n  orders-svc: { releases: { blue: http://127.0.0.1:1 }, serve: blue, pagerduty: [PORDERS], channel: "#inc" }\n',
    },
  ])
  const found = warningsOf(parsed, noon).map(
    ({ file, line, column, kind }) => `${file}:${line}:${column} ${kind}`,
  )
  expect(found).toEqual([
    'rules/access.yaml:18:5 levels-left-out',
    'rules/env/test.yaml:2:70 triggers-untrusted',
    'rules/services/payments.yaml:2:48 label-unused',
  ])
})
