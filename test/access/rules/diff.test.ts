import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { diffRuleSets } from '#access/rules/diff.ts'
import type { RuleFile } from '#access/rules/rule-file.ts'
import { parsedOf } from '../../builders.ts'

const base = readFileSync(new URL('diff.yaml', import.meta.url), 'utf8')

type Edit = readonly [from: string, to: string]

/** The text with each edit made once; one that finds nothing is a fault of the test. */
const edited = (edits: readonly Edit[], text = base): string =>
  edits.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`nothing to edit: ${from}`)
    return before.replace(from, () => to)
  }, text)

const saysOf = (old: string, now: string): string[] =>
  diffRuleSets(parsedOf(old), parsedOf(now)).changes.map(({ kind, text }) => `${kind}: ${text}`)

const blockOf = (first: string, after: string): string => base.slice(base.indexOf(first), base.indexOf(after))

const cases: readonly {
  readonly name: string
  readonly edits: readonly Edit[]
  readonly says: readonly string[]
}[] = [
  {
    name: 'others may ask by approval',
    edits: [['who: [sre], tiers: [admin]', 'who: [sre, payments], tiers: [admin]']],
    says: [
      'gains: payments gains admin on orders-svc, payments-svc and ledger-svc by approval, up to 7d ahead',
    ],
  },
  {
    name: 'a tier no longer needs approval',
    edits: [
      ['\n    approvals: { count: 1, from: [sre, leads], escalate: { after: 15m, to: [security] } }', ''],
      ['tiers: [admin], how: approval, ahead: 7d', 'tiers: [admin], how: at once, ahead: 7d'],
    ],
    says: [
      'gains: sre no longer needs approval for admin on orders-svc, payments-svc and ledger-svc, up to 7d ahead',
      'loosens: admin on orders-svc, payments-svc and ledger-svc needs no approval any more (it took an approval by sre and leads)',
    ],
  },
  {
    name: 'approvers have to sign in anew',
    edits: [
      [
        'escalate: { after: 15m, to: [security] } }',
        'escalate: { after: 15m, to: [security] }, sign_in: { acr: phr } }',
      ],
    ],
    says: [
      'tightens: approvers of admin on orders-svc, payments-svc and ledger-svc need a sign-in no older than 5m, of class phr instead of no sign-in of their own',
    ],
  },
  {
    name: 'approvers sign in to another client',
    edits: [['audience: pagepass', 'audience: pagepass, client: pages']],
    says: ['gains: sign-ins of approvers are taken that were made for pages instead of pagepass'],
  },
  {
    name: 'a tier takes approval on one service',
    edits: [
      [
        'tiers: { operate: [PUT /v1/flags/*] }',
        'tiers: { operate: { allow: [PUT /v1/flags/*], approvals: { from: [sre, leads] } } }',
      ],
    ],
    says: [
      'loses: sre and payments now need approval for operate on orders-svc',
      'loses: a page on orders-svc no longer gives payments and sre anything by itself: operate needs approval there',
      'tightens: operate on orders-svc now needs an approval by sre and leads',
    ],
  },
  {
    name: 'a rule names one set less',
    edits: [['who: [sre, payments], tiers: [observe, operate]', 'who: [sre], tiers: [observe, operate]']],
    says: ['loses: payments loses observe and operate on orders-svc, payments-svc and ledger-svc'],
  },
  {
    name: 'a rule names one set more',
    edits: [
      [
        'who: [sre, payments], tiers: [observe, operate]',
        'who: [sre, payments, leads], tiers: [observe, operate]',
      ],
    ],
    says: [
      'gains: leads gains observe and operate on orders-svc, payments-svc and ledger-svc without approval',
    ],
  },
  {
    name: 'a rule is for one service only',
    edits: [['  - { name: everyday, ', '  - { name: everyday, services: [orders-svc], ']],
    says: ['loses: sre and payments lose observe and operate on payments-svc and ledger-svc'],
  },
  {
    name: 'the hours are shorter',
    edits: [['hours: "08:00-18:00"', 'hours: "09:00-17:00"']],
    says: [
      'loses: contractors loses observe on orders-svc, payments-svc and ledger-svc mon-fri 08:00-09:00 Europe/Berlin or mon-fri 17:00-18:00 Europe/Berlin',
    ],
  },
  {
    name: 'the hours are longer',
    edits: [['hours: "08:00-18:00"', 'hours: "22:00-18:00"']],
    says: [
      'gains: contractors gains observe on orders-svc, payments-svc and ledger-svc without approval mon-thu 22:00-08:00 Europe/Berlin or fri 22:00-18:00 Europe/Berlin',
      'loses: contractors loses observe on orders-svc, payments-svc and ledger-svc mon 08:00-18:00 Europe/Berlin',
    ],
  },
  {
    name: 'the hours are those of another place',
    edits: [['zone: Europe/Berlin', 'zone: America/New_York']],
    says: [
      'gains: contractors gains observe on orders-svc, payments-svc and ledger-svc without approval outside mon-fri 08:00-18:00 Europe/Berlin, and mon-fri 08:00-18:00 America/New_York',
      'loses: contractors loses observe on orders-svc, payments-svc and ledger-svc mon-fri 08:00-18:00 Europe/Berlin, and outside mon-fri 08:00-18:00 America/New_York',
    ],
  },
  {
    name: 'there are no hours any more',
    edits: [[', when: { days: mon-fri, hours: "08:00-18:00", zone: Europe/Berlin }', '']],
    says: [
      'gains: contractors gains observe on orders-svc, payments-svc and ledger-svc without approval outside mon-fri 08:00-18:00 Europe/Berlin',
    ],
  },
  {
    name: 'one may ask further ahead',
    edits: [['ahead: 7d', 'ahead: 14d']],
    says: [
      'loosens: sre may ask for admin on orders-svc, payments-svc and ledger-svc up to 14d ahead instead of 7d',
    ],
  },
  {
    name: 'one may no longer ask ahead',
    edits: [[', ahead: 7d', '']],
    says: [
      'tightens: sre may no longer ask ahead of time for admin on orders-svc, payments-svc and ledger-svc',
    ],
  },
  {
    name: 'a page gives less readily',
    edits: [['how: auto', 'how: offer']],
    says: [
      'loses: a page of high urgency on orders-svc gives payments operate as an offer instead of by itself',
    ],
  },
  {
    name: 'a page gives a lower tier',
    edits: [['urgency: high, give: operate', 'urgency: high, give: observe']],
    says: ['loses: a page of high urgency on orders-svc gives payments observe instead of operate'],
  },
  {
    name: 'a page gives for longer',
    edits: [['for: 2h, cap: 12h', 'for: 3h, cap: 24h']],
    says: [
      'loosens: a page of high urgency on orders-svc gives payments operate for 3h instead of 2h, renewed up to 1d instead of 12h',
    ],
  },
  {
    name: 'a page gives at every urgency',
    edits: [['urgency: high, ', '']],
    says: [
      'gains: a page of low urgency on orders-svc gives payments operate by itself instead of once acknowledged, for 2h instead of 1h, renewed up to 12h instead of 1h',
    ],
  },
  {
    name: 'a page gives at some levels only',
    edits: [['give: operate, how: on acknowledge', 'levels: 1-2, give: operate, how: on acknowledge']],
    says: [
      'loses: a page of low urgency at level 3 and above or no level that is known on orders-svc no longer gives payments operate',
      'loses: a page at level 3 and above or no level that is known on orders-svc and payments-svc no longer gives sre operate',
      'loses: a page at level 3 and above or no level that is known on payments-svc no longer gives payments operate',
    ],
  },
  {
    name: 'a page gives at some priorities only',
    edits: [['give: operate, how: on acknowledge', 'priority: [P1, P2], give: operate, how: on acknowledge']],
    says: [
      'loses: a page of low urgency of any priority but P1 or P2 on orders-svc no longer gives payments operate',
      'loses: a page of any priority but P1 or P2 on orders-svc and payments-svc no longer gives sre operate',
      'loses: a page of any priority but P1 or P2 on payments-svc no longer gives payments operate',
    ],
  },
  {
    name: 'a page gives by day only',
    edits: [
      [
        'give: operate, how: on acknowledge',
        'when: { days: mon-fri, hours: "08:00-20:00", zone: UTC }, give: operate, how: on acknowledge',
      ],
    ],
    says: [
      'loses: a page of low urgency outside mon-fri 08:00-20:00 UTC on orders-svc no longer gives payments operate',
      'loses: a page outside mon-fri 08:00-20:00 UTC on orders-svc and payments-svc no longer gives sre operate',
      'loses: a page outside mon-fri 08:00-20:00 UTC on payments-svc no longer gives payments operate',
    ],
  },
  {
    name: 'a page gives something beside',
    edits: [['for: 1h }', 'for: 1h, grace: 10m, also: [{ services: [label:ledger], tier: observe }] }']],
    says: [
      'loosens: a page of low urgency on orders-svc gives payments operate until 10m after the incident, with observe on ledger-svc',
      'loosens: a page on orders-svc and payments-svc gives sre operate until 10m after the incident, with observe on ledger-svc',
      'loosens: a page on payments-svc gives payments operate until 10m after the incident, with observe on ledger-svc',
    ],
  },
  {
    name: 'a rule about pages is gone',
    edits: [
      [
        '  - { name: tier-1, services: [label:tier-1], who: [payments, sre], give: operate, how: on acknowledge, for: 1h }\n',
        '',
      ],
    ],
    says: [
      'loses: a page of low urgency on orders-svc no longer gives payments operate',
      'loses: a page on orders-svc and payments-svc no longer gives sre operate',
      'loses: a page on payments-svc no longer gives payments operate',
    ],
  },
  {
    name: 'a label goes',
    edits: [['labels: [orders, tier-1]', 'labels: [orders]']],
    says: [
      'loses: a page of low urgency on orders-svc no longer gives payments operate',
      'loses: a page on orders-svc no longer gives sre operate',
    ],
  },
  {
    name: 'a pattern comes to the lowest tier',
    edits: [['observe: [GET /**]', 'observe: [GET /**, POST /v1/*/*/retry]']],
    says: [
      'gains: POST /v1/*/*/retry on orders-svc, payments-svc and ledger-svc now needs only observe (it was operate)',
    ],
  },
  {
    name: 'a pattern goes',
    edits: [['observe: [GET /**]', 'observe: [GET /v1/**]']],
    says: ['loses: GET /** on orders-svc, payments-svc and ledger-svc now needs admin (it was observe)'],
  },
  {
    name: 'nothing admits it any more',
    edits: [['admin: ["* /**"]', 'admin: [DELETE /**]']],
    says: [
      'loses: * /** on orders-svc, payments-svc and ledger-svc is no longer allowed by any tier (it was by admin)',
    ],
  },
  {
    name: 'an upgrade is new',
    edits: [['observe: [GET /**]', 'observe: [GET /**, WS /live]']],
    says: ['gains: WS /live on orders-svc, payments-svc and ledger-svc is now allowed by observe'],
  },
  {
    name: 'passes last longer',
    edits: [['longest: 1h', 'longest: 8h']],
    says: ['loosens: a pass for admin on orders-svc, payments-svc and ledger-svc may last 8h instead of 1h'],
  },
  {
    name: 'passes last a little longer',
    edits: [['longest: 1h', 'longest: 1d1h1m']],
    says: [
      'loosens: a pass for admin on orders-svc, payments-svc and ledger-svc may last 1d1h1m instead of 1h',
    ],
  },
  {
    name: 'passes last less by default',
    edits: [['observe: { longest: 8h', 'observe: { default: 15m, longest: 8h']],
    says: [
      'tightens: a pass for observe on orders-svc, payments-svc and ledger-svc lasts 15m instead of 1h when no duration is given',
    ],
  },
  {
    name: 'requests may come faster',
    edits: [['rate: 5/s', 'rate: 600/m']],
    says: [
      'loosens: one person may make 10/s instead of 5/s requests under admin on orders-svc, payments-svc and ledger-svc',
    ],
  },
  {
    name: 'many requests at once',
    edits: [['rate: 5/s', 'rate: 5/s\n    burst: 100']],
    says: [
      'loosens: one person may make 100 instead of 5 requests at once under admin on orders-svc, payments-svc and ledger-svc',
    ],
  },
  {
    name: 'a tier stays open with older knowledge',
    edits: [['when_stale: 30s', 'when_stale: 1m']],
    says: [
      'loosens: admin on orders-svc, payments-svc and ledger-svc closes when the knowledge of passes is 1m old instead of 30s',
    ],
  },
  {
    name: 'a ticket is no longer needed',
    edits: [['reason: ticket', 'reason: required']],
    says: [
      'loosens: admin on orders-svc, payments-svc and ledger-svc needs a reason instead of a reason with a ticket',
    ],
  },
  {
    name: 'more approvals',
    edits: [['count: 1, from: [sre, leads]', 'count: 2, from: [sre, leads], distinct: teams']],
    says: [
      'tightens: admin on orders-svc, payments-svc and ledger-svc needs 2 approvals instead of 1',
      'tightens: each approval of admin on orders-svc, payments-svc and ledger-svc must now come from another team',
    ],
  },
  {
    name: 'others approve',
    edits: [['from: [sre, leads]', 'from: [sre, payments]']],
    says: [
      'loosens: payments may now approve admin on orders-svc, payments-svc and ledger-svc',
      'tightens: leads may no longer approve admin on orders-svc, payments-svc and ledger-svc',
    ],
  },
  {
    name: 'nobody else is asked',
    edits: [[', escalate: { after: 15m, to: [security] }', '']],
    says: [
      'changes: requests for admin on orders-svc, payments-svc and ledger-svc that nobody answers are put before nobody else any more',
    ],
  },
  {
    name: 'extended more often',
    edits: [['extend: { count: 3, share: 50% }', 'extend: { count: 1 }']],
    says: [
      'loosens: a pass for operate on orders-svc, payments-svc and ledger-svc may be extended by as much as its length allows each time instead of 50% of what it gave',
      'tightens: a pass for operate on orders-svc, payments-svc and ledger-svc may be extended once instead of 3 times',
    ],
  },
  {
    name: 'through the proxy only',
    edits: [['reason: ticket', 'reason: ticket\n    proxy_only: true']],
    says: [
      'tightens: admin on orders-svc, payments-svc and ledger-svc is now only for requests that come through the proxy',
    ],
  },
  {
    name: 'a weaker sign-in will do',
    edits: [['sign_in: { acr: mfa, max_age: 2h }', 'sign_in: { max_age: 12h }']],
    says: [
      'loosens: admin on orders-svc, payments-svc and ledger-svc needs a sign-in of any class instead of one of class mfa',
      'loosens: admin on orders-svc, payments-svc and ledger-svc needs a sign-in no older than 12h instead of one no older than 2h',
    ],
  },
  {
    name: 'a set of people means more',
    edits: [['leads: { groups: [leads] }', 'leads: { groups: [leads], roles: [lead] }']],
    says: ['gains: leads now also means role lead'],
  },
  {
    name: 'a set of people means others',
    edits: [['sre: { groups: [sre] }', 'sre: { groups: [platform] }']],
    says: ['gains: sre now also means group platform', 'loses: sre no longer means group sre'],
  },
  {
    name: 'contractors stay longer',
    edits: [['until: 2027-03-31', 'until: 2027-06-30']],
    says: ['gains: contractors ends 2027-06-30 instead of 2027-03-31'],
  },
  {
    name: 'contractors have no end',
    edits: [[', until: 2027-03-31', '']],
    says: ['gains: contractors no longer ends'],
  },
  {
    name: 'a set of people is new',
    edits: [
      ['  leads: {', '  interns: { groups: [interns] }\n  leads: {'],
      ['  - { name: strict', '  - { who: [interns], tiers: [observe], how: at once }\n  - { name: strict'],
    ],
    says: [
      'gains: interns gains observe on orders-svc, payments-svc and ledger-svc without approval',
      'changes: interns is a new set of people: group interns',
    ],
  },
  {
    name: 'a workload is somebody else',
    edits: [['checkout: { subjects: [idp-checkout] }', 'checkout: { subjects: [idp-checkout, idp-cart] }']],
    says: ['gains: the workload checkout now also means subject idp-cart'],
  },
  {
    name: 'a service is new',
    edits: [
      [
        '  ledger-svc:\n',
        '  cart-svc:\n    profile: web\n    releases: { blue: http://cart:8080 }\n    serve: blue\n    channel: "#inc-cart"\n    owners: [sre]\n  ledger-svc:\n',
      ],
    ],
    says: [
      'gains: contractors gains observe on cart-svc without approval mon-fri 08:00-18:00 Europe/Berlin',
      'gains: sre and payments gain observe and operate on cart-svc without approval',
      'gains: sre gains admin on cart-svc by approval, up to 7d ahead',
      'changes: cart-svc is new',
    ],
  },
  {
    name: 'a service is gone',
    edits: [[blockOf('  payments-svc:', '  ledger-svc:'), '']],
    says: ['loses: payments-svc is gone, with all access to it'],
  },
  {
    name: 'a tier is new',
    edits: [
      ['  operate: { longest', '  repair: { longest: 1h, rate: 5/s, when_stale: 5m }\n  operate: { longest'],
    ],
    says: ['changes: repair is a new tier'],
  },
  {
    name: 'another owner',
    edits: [['owners: [leads]', 'owners: [sre]']],
    says: [
      'gains: sre now owns ledger-svc: may revoke passes there, and decide on what nobody else approves',
      'loses: leads no longer owns ledger-svc',
    ],
  },
  {
    name: 'another channel',
    edits: [['channel: "#inc-ledger"', 'channel: "#inc-money"']],
    says: ['changes: messages about ledger-svc go to #inc-money instead of #inc-ledger'],
  },
  {
    name: 'incidents of another service concern it',
    edits: [['pagerduty: [PPAYMTS]', 'pagerduty: [PPAYMTS, PBANK01]']],
    says: ['loosens: incidents of the PagerDuty service PBANK01 now concern payments-svc'],
  },
  {
    name: 'another integration is trusted',
    edits: [['trusted_triggers: [PIDATADOG]', 'trusted_triggers: [PIDATADOG, PI123]']],
    says: ['gains: incidents of PI123 may now give passes on orders-svc by themselves'],
  },
  {
    name: 'the other release is served',
    edits: [['serve: blue', 'serve: green']],
    says: ['changes: orders-svc is served from http://orders-green:8080 instead of http://orders-blue:8080'],
  },
  {
    name: 'a release has another address',
    edits: [['http://orders-green:8080', 'http://orders-green:9090']],
    says: [
      'changes: the release green of orders-svc is at http://orders-green:9090 instead of http://orders-green:8080',
    ],
  },
  {
    name: 'a workload may call more',
    edits: [['allow: [POST /v1/orders], rate', 'allow: [POST /v1/orders, GET /v1/orders/*], rate']],
    says: ['gains: workload checkout gains GET /v1/orders/* on orders-svc without a pass, at 200/s'],
  },
  {
    name: 'a workload may call faster',
    edits: [['rate: 200/s', 'rate: 500/s']],
    says: [
      'loosens: workload checkout has POST /v1/orders on orders-svc without a pass, at 500/s (it was at 200/s)',
    ],
  },
  {
    name: 'standing access goes',
    edits: [['  - { name: auditors, from: security, to: [label:ledger], tier: observe }\n', '']],
    says: ['loses: security loses observe on ledger-svc without a pass'],
  },
  {
    name: 'standing access of a tier comes',
    edits: [['to: [label:ledger], tier: observe', 'to: ["*"], tier: observe']],
    says: ['gains: security gains observe on orders-svc and payments-svc without a pass'],
  },
  {
    name: 'on call, without a pass',
    edits: [
      [
        '  - { name: auditors',
        '  - { from: on call of orders-svc, to: orders-svc, tier: operate }\n  - { name: auditors',
      ],
    ],
    says: ['gains: whoever is on call of orders-svc gains observe and operate on orders-svc without a pass'],
  },
  {
    name: 'a workload may call elsewhere',
    edits: [
      [
        'to: https://api.stripe.com, allow: [POST /v1/**]',
        'to: [https://api.stripe.com, https://api.adyen.com], allow: [POST /v1/**]',
      ],
    ],
    says: ['gains: workload orders may now call POST /v1/** at https://api.adyen.com'],
  },
  {
    name: 'a freeze is shorter',
    edits: [['until: 2027-01-02', 'until: 2026-12-31']],
    says: [
      'loosens: operate and admin on orders-svc, payments-svc and ledger-svc are no longer frozen from 2027-01-01 00:00 UTC until 2027-01-03 00:00 UTC',
    ],
  },
  {
    name: 'a freeze is for fewer tiers',
    edits: [['tiers: [operate, admin], from', 'tiers: [admin], from']],
    says: [
      'loosens: operate on orders-svc, payments-svc and ledger-svc is no longer frozen from 2026-12-20 00:00 UTC until 2027-01-03 00:00 UTC',
    ],
  },
  {
    name: 'a freeze is for something else',
    edits: [['because: end of the year', 'because: no deploys']],
    says: [
      'changes: operate and admin on orders-svc, payments-svc and ledger-svc are frozen from 2026-12-20 00:00 UTC until 2027-01-03 00:00 UTC for another reason (no deploys)',
    ],
  },
  {
    name: 'one key breaks the glass',
    edits: [['need: 2', 'need: 1']],
    says: ['loosens: breaking the glass takes 1 instead of 2 of its keys'],
  },
  {
    name: 'others break the glass',
    edits: [['break_glass:\n  who: [sre]', 'break_glass:\n  who: [sre, leads]']],
    says: ['gains: leads can now break the glass'],
  },
  {
    name: 'breaking the glass takes another sign-in',
    edits: [['break_glass:\n', 'break_glass:\n  acr: phr\n']],
    says: [
      'changes: breaking the glass with the bot takes a sign-in of class phr instead of one as the tier says',
    ],
  },
  {
    name: 'the glass can’t be broken',
    edits: [[blockOf('break_glass:', 'incident_command:'), '']],
    says: ['loses: nobody can break the glass any more'],
  },
  {
    name: 'incident command goes further',
    edits: [['cap: operate', 'cap: admin']],
    says: ['gains: people who are added to an incident get admin at most instead of operate'],
  },
  {
    name: 'nobody can lock',
    edits: [['lock: { who: [security], lift: 2 }\n', '']],
    says: ['loosens: nobody can lock anybody out any more'],
  },
  {
    name: 'it takes fewer to unlock',
    edits: [['lift: 2', 'lift: 1']],
    says: ['loosens: it takes 1 instead of 2 people to let somebody in again who was locked out'],
  },
  {
    name: 'streams last longer on one sign-in',
    edits: [['audience: pagepass }', 'audience: pagepass, session_max: 24h }']],
    says: ['loosens: a stream lasts 1d instead of 12h at most on one sign-in'],
  },
  {
    name: 'another identity provider',
    edits: [['https://idp.example.com', 'https://login.example.com']],
    says: ['gains: who people are is told by https://login.example.com instead of https://idp.example.com'],
  },
  {
    name: 'another domain',
    edits: [['domain: access.example.com', 'domain: pass.example.com']],
    says: ['changes: services answer under pass.example.com instead of access.example.com'],
  },
  {
    name: 'pages give more passes in a day',
    edits: [['lock: {', 'paging: { per_day: 30 }\nlock: {']],
    says: ['loosens: pages give one person 30 passes by themselves in 24 hours instead of 24'],
  },
  {
    name: 'an old proxy drains for longer',
    edits: [['lock: {', 'drain: 4h\nlock: {']],
    says: ['loosens: a replaced proxy keeps its open streams for 4h instead of 2h'],
  },
]

describe('What access changes is said when', () => {
  test.each(cases)('$name', ({ edits, says }) => {
    expect(saysOf(base, edited(edits))).toEqual(says)
  })

  test.each(cases)('back again: $name', ({ edits }) => {
    const now = edited(edits)
    const back = diffRuleSets(parsedOf(now), parsedOf(base)).changes
    expect(back.length).toBeGreaterThan(0)
  })
})

const careful = '  - { name: careful, who: [leads], tiers: [admin], how: approval }\n'
const strict = '  - { name: strict, who: [sre], tiers: [admin], how: approval, ahead: 7d }\n'

describe('Somebody in two sets of people', () => {
  test('is told of where the first of two rules is another, which neither set sees alone', () => {
    const before = edited([[strict, strict + careful]])
    const after = edited([[strict, careful + strict]])
    expect(saysOf(before, after)).toEqual([
      'tightens: somebody in both leads and sre may no longer ask ahead of time for admin on orders-svc, payments-svc and ledger-svc',
    ])
  })

  test('is told of where a page goes by another rule', () => {
    const offer =
      '  - { name: offered, services: [ledger-svc], who: [leads], give: observe, how: offer, for: 1h }\n'
    const auto =
      '  - { name: given, services: [ledger-svc], who: [sre], give: observe, how: auto, for: 1h }\n'
    const at = 'on_request:\n'
    expect(saysOf(edited([[at, offer + auto + at]]), edited([[at, auto + offer + at]]))).toEqual([
      'gains: a page on ledger-svc gives somebody in both sre and leads observe by itself instead of as an offer',
    ])
  })

  test('is not told of where it follows from what one of them gains', () => {
    const says = saysOf(
      base,
      edited([['who: [sre], tiers: [admin]', 'who: [sre, payments], tiers: [admin]']]),
    )
    expect(says.join()).not.toContain('somebody in both')
  })
})

describe('Whoever no rule about pages names', () => {
  test('is told of where their request is for another tier', () => {
    const one =
      '  - { name: one, services: [ledger-svc], who: [leads], give: observe, how: offer, for: 1h }\n'
    const two = '  - { name: two, services: [ledger-svc], who: [sre], give: operate, how: offer, for: 1h }\n'
    const at = 'on_request:\n'
    const says = saysOf(edited([[at, one + two + at]]), edited([[at, two + one + at]]))
    expect(says).toContain(
      'changes: a page on ledger-svc asks operate for 1h for people whom no rule about pages names, instead of observe for 1h',
    )
  })
})

describe('Changes', () => {
  test('are told once of many services, with two of their names', () => {
    const many = Array.from({ length: 40 }, (_, index) => `svc-${index}`)
    const shape = (name: string): string =>
      `  ${name}: { profile: web, releases: { a: "http://a:1" }, serve: a, channel: "#a", owners: [sre], labels: [many] }\n`
    const withMany = edited([['  ledger-svc:\n', `${many.map(shape).join('')}  ledger-svc:\n`]])
    const rule = '  - { who: [leads], services: [label:many], tiers: [observe], how: at once }\n'
    expect(saysOf(withMany, edited([[strict, strict + rule]], withMany))).toEqual([
      'gains: leads gains observe on 40 services (svc-0, svc-1 and 38 more) without approval',
    ])
  })

  test('carry whom and what they are about', () => {
    const now = parsedOf(edited([['who: [sre], tiers: [admin]', 'who: [sre, payments], tiers: [admin]']]))
    expect(diffRuleSets(parsedOf(base), now)).toEqual({
      changes: [
        {
          kind: 'gains',
          who: [['payments']],
          tiers: ['admin'],
          services: ['orders-svc', 'payments-svc', 'ledger-svc'],
          text: 'payments gains admin on orders-svc, payments-svc and ledger-svc by approval, up to 7d ahead',
          weight: 440,
        },
      ],
      leftOut: [],
    })
  })

  test('come in the order of their danger', () => {
    const now = parsedOf(
      edited([
        ['rate: 5/s', 'rate: 6/s'],
        ['how: auto', 'how: offer'],
        ['who: [sre, payments], tiers', 'who: [sre, payments, leads], tiers'],
        ['owners: [leads]', 'owners: [leads, sre]'],
        ['channel: "#inc-ledger"', 'channel: "#inc-money"'],
      ]),
    )
    const { changes } = diffRuleSets(parsedOf(base), now)
    expect(changes.map(({ kind }) => kind)).toEqual(['gains', 'gains', 'loosens', 'loses', 'changes'])
    expect(changes[0]?.text).toContain('without approval')
  })
})

const sameMeaning: readonly { readonly name: string; readonly edits: readonly Edit[] }[] = [
  { name: 'a comment', edits: [['version: 1', '# reviewed\nversion: 1']] },
  {
    name: 'the order of keys',
    edits: [
      ['domain: access.example.com\n', ''],
      ['people:', 'domain: access.example.com\npeople:'],
    ],
  },
  {
    name: 'the order of services',
    edits: [
      [blockOf('  payments-svc:', '  ledger-svc:'), ''],
      ['on_page:\n', `${blockOf('  payments-svc:', '  ledger-svc:')}on_page:\n`],
    ],
  },
  { name: 'the name of a rule', edits: [['name: orders-high', 'name: orders-urgent']] },
  { name: 'a rule without its name', edits: [['name: strict, ', '']] },
  { name: 'a duration in other units', edits: [['for: 2h, cap: 12h', 'for: 120m, cap: 720m']] },
  { name: 'a rate in other units', edits: [['rate: 10/s', 'rate: 600/m']] },
  {
    name: 'a default said',
    edits: [
      ['rate: 5/s', 'rate: 5/s\n    burst: 5\n    default: 1h\n    proxy_only: false'],
      ['lift: 2', 'lift: 2 '],
      ['give: operate, how: on acknowledge', 'urgency: any, grace: 1s, give: operate, how: on acknowledge'],
      ['grace: 1s, ', ''],
    ],
  },
  { name: 'a default left out', edits: [[', lift: 2', '']] },
  {
    name: 'people in another order',
    edits: [
      ['who: [sre, payments]', 'who: [payments, sre]'],
      ['from: [sre, leads]', 'from: [leads, sre]'],
    ],
  },
  { name: 'labels that nothing goes by', edits: [['labels: [tier-1]', 'labels: [tier-1, money]']] },
  {
    name: 'services named instead of labelled',
    edits: [['services: [label:tier-1]', 'services: [orders-svc, payments-svc]']],
  },
  {
    name: 'all services named',
    edits: [['  - { name: everyday, ', '  - { name: everyday, services: ["*"], ']],
  },
  {
    name: 'a rule in two parts',
    edits: [
      [
        '  - { name: everyday, who: [sre, payments], tiers: [observe, operate], how: at once }',
        '  - { who: [sre, payments], tiers: [observe], how: at once }\n  - { who: [payments, sre], tiers: [operate], how: at once }',
      ],
    ],
  },
  {
    name: 'a rule that never decides',
    edits: [[strict, `${strict}  - { who: [sre], tiers: [operate], how: at once, ahead: 3d }\n`]],
  },
  {
    name: 'hours in two parts',
    edits: [
      [
        'when: { days: mon-fri, hours: "08:00-18:00", zone: Europe/Berlin }',
        'when: [{ days: mon-fri, hours: "08:00-12:00", zone: Europe/Berlin }, { days: "mon, tue, wed, thu, fri", hours: "11:00-18:00", zone: Europe/Berlin }]',
      ],
    ],
  },
  {
    name: 'a pattern that another one holds',
    edits: [['observe: [GET /**]', 'observe: [GET /v1/orders, GET /**, HEAD /**]']],
  },
  {
    name: 'patterns in another order, moved from the profile to the service',
    edits: [
      ['operate: [POST /v1/*/*/retry]', 'operate: [PUT /v1/flags/*, POST /v1/*/*/retry]'],
      ['tiers: { operate: [PUT /v1/flags/*] }', 'tiers: {}'],
      ['PUT /v1/flags/*, ', ''],
      ['tiers: {}', 'tiers: { operate: [POST /v1/*/*/retry, PUT /v1/flags/*] }'],
    ],
  },
  {
    name: 'a profile of another name, and one that nobody uses',
    edits: [
      ['  web:\n', '  old: { tiers: { observe: [GET /old] } }\n  site:\n'],
      ['profile: web', 'profile: site'],
      ['profile: web', 'profile: site'],
      ['profile: web', 'profile: site'],
    ],
  },
  {
    name: 'a profile written out',
    edits: [
      [
        '    profile: web\n    releases: { blue: http://ledger-blue:8080 }',
        '    tiers: { observe: [GET /**], operate: [POST /v1/*/*/retry], admin: ["* /**"] }\n    releases: { blue: http://ledger-blue:8080 }',
      ],
    ],
  },
  {
    name: 'owners instead of their name',
    edits: [['services: [label:orders], who: [payments]', 'services: [label:orders], who: [owners]']],
  },
  {
    name: 'a freeze in two parts',
    edits: [
      [
        '  - { name: december, tiers: [operate, admin], from: 2026-12-20, until: 2027-01-02, because: end of the year }',
        '  - { tiers: [operate, admin], from: 2026-12-20, until: 2026-12-24, because: end of the year }\n  - { tiers: [admin, operate], from: "2026-12-25T01:00+01:00", until: 2027-01-02, because: end of the year }',
      ],
    ],
  },
  { name: 'a day as a moment', edits: [['until: 2027-03-31 ', 'until: "2027-04-01T00:00Z" ']] },
  {
    name: 'standing access in two parts',
    edits: [
      [
        '  - { name: auditors,',
        '  - { from: security, to: ledger-svc, tier: observe }\n  - { name: auditors,',
      ],
    ],
  },
  {
    name: 'egress in two parts',
    edits: [
      [
        'allow: [POST /v1/**] }',
        'allow: [POST /v1/**] }\n  - { from: orders, to: https://api.stripe.com, allow: [POST /v1/charges] }',
      ],
    ],
  },
  { name: 'the name of a key that breaks the glass', edits: [['alice: BBBB', 'alice-yubikey: BBBB']] },
]

describe('No access changes where the text alone does:', () => {
  test.each(sameMeaning)('$name', ({ edits }) => {
    expect(saysOf(base, edited(edits))).toEqual([])
    expect(edited(edits)).not.toBe(base)
  })

  test('the name of a set of people, everywhere', () => {
    const now = base
      .replaceAll(/(?<![-\w])payments(?=[,\]])/g, 'money')
      .replace('  payments: {', '  money: {')
    expect(now).toContain('money, sre')
    expect(saysOf(base, now)).toEqual([])
  })

  test('the name of a workload, everywhere', () => {
    const now = base
      .replace('checkout: {', 'shop: {')
      .replace('workload:checkout', 'workload:shop')
      .replace('  orders: {', '  orderly: {')
      .replace('from: orders,', 'from: orderly,')
    expect(saysOf(base, now)).toEqual([])
  })

  test('a service in a file of its own', () => {
    const at = base.indexOf('  ledger-svc:')
    const end = base.indexOf('on_page:')
    const files: RuleFile[] = [
      { name: 'rules/access.yaml', part: 'common', bytes: base.slice(0, at) + base.slice(end) },
      { name: 'rules/services/leads.yaml', part: 'team', bytes: `services:\n${base.slice(at, end)}` },
    ]
    expect(diffRuleSets(parsedOf(base), parsedOf(files)).changes).toEqual([])
  })
})

describe('Between two environments', () => {
  const production = base
    .replace('environment: test', 'environment: production')
    .replace('access.example.com', 'pass.example.com')
    .replaceAll('-blue:8080', '-prod:8080')
    .replace('PPAYMTS', 'PPAYPRO')
    .replaceAll('PIDATADOG', 'PIDATAPRO')
    .replace('#inc-ledger', '#prod-ledger')

  test('addresses and ids are only counted', () => {
    expect(diffRuleSets(parsedOf(base), parsedOf(production))).toEqual({
      changes: [],
      leftOut: [
        { what: 'domain', services: [] },
        { what: 'addresses', services: ['orders-svc', 'payments-svc', 'ledger-svc'] },
        { what: 'PagerDuty services', services: ['payments-svc'] },
        { what: 'trusted triggers', services: ['orders-svc', 'payments-svc'] },
        { what: 'channels', services: ['ledger-svc'] },
      ],
    })
  })

  test('they are told when they are asked for', () => {
    const { changes, leftOut } = diffRuleSets(parsedOf(base), parsedOf(production), { addresses: true })
    expect(leftOut).toEqual([])
    expect(changes.map(({ text }) => text)).toContain(
      'payments-svc is served from http://payments-prod:8080 instead of http://payments-blue:8080',
    )
  })

  test('what else differs is told', () => {
    const now = production
      .replace('trusted_triggers: [PIDATAPRO]', 'trusted_triggers: []')
      .replace('idp.example.com', 'login.example.com')
    expect(diffRuleSets(parsedOf(base), parsedOf(now)).changes.map(({ text }) => text)).toEqual([
      'who people are is told by https://login.example.com instead of https://idp.example.com',
      'incidents of PIDATADOG no longer give passes on orders-svc by themselves',
    ])
  })
})
