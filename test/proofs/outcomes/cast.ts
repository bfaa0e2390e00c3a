import type { Person } from '#access/domain/principal.ts'
import { SLACK_TEAM } from '#infra/sandbox/people.ts'

const roles = {
  /** Paged, and asks for passes. */
  ana: ['team-payments'],
  /** Of the same team. */
  cho: ['team-payments'],
  // Three that may approve.
  ben: ['sre'],
  ida: ['sre'],
  tom: ['sre'],
  /** In no group that any rule names. */
  eve: [],
} as const satisfies Record<string, readonly string[]>
export type RoleName = keyof typeof roles

export type Member = Person & {
  readonly slack: { readonly team: string; readonly user: string }
  readonly pagerduty: { readonly account: string; readonly user: string }
}
/** People of their own for each lane of races, so that what is found of them belongs to one race. */
export type Cast = Readonly<Record<RoleName, Member>>

const member = (lane: number, role: RoleName): Member => ({
  issuer: 'http://127.0.0.1:7074',
  subject: `lane-${lane}-${role}`,
  name: `${role} of lane ${lane}`,
  groups: roles[role],
  active: true,
  slack: { team: SLACK_TEAM, user: `U${role.toUpperCase()}${lane}` },
  pagerduty: { account: 'sandbox', user: `P${role.toUpperCase()}${lane}` },
})

export const castOf = (lane: number): Cast => ({
  ana: member(lane, 'ana'),
  cho: member(lane, 'cho'),
  ben: member(lane, 'ben'),
  ida: member(lane, 'ida'),
  tom: member(lane, 'tom'),
  eve: member(lane, 'eve'),
})

export const rulesText = `version: 1
environment: sandbox
domain: localhost
identity: { issuer: http://127.0.0.1:7074, audience: pagepass }
people:
  sre:      { groups: [sre] }
  payments: { groups: [team-payments] }
tiers:
  observe: { longest: 8h, rate: 50/s, when_stale: 15m }
  operate: { longest: 2h, rate: 10/s, when_stale: 2m }
  admin:   { longest: 1h, rate: 5/s,  when_stale: 30s, approvals: { count: 1, from: [sre] } }
  root:    { longest: 1h, rate: 5/s,  when_stale: 30s, approvals: { count: 2, from: [sre] } }
profiles:
  web:
    tiers:
      observe: [GET /**]
      operate: [POST /v1/**]
      admin: ["PUT /**"]
      root: ["* /**"]
services:
  auto-svc:
    profile: web
    releases: { blue: http://127.0.0.1:7076 }
    serve: blue
    pagerduty: [PORDERS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [sre]
  offer-svc:
    profile: web
    releases: { blue: http://127.0.0.1:7077 }
    serve: blue
    pagerduty: [PPAYMTS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-payments"
    owners: [sre]
on_page:
  - { services: [auto-svc], who: [payments], give: operate, how: auto, for: 1h, cap: 3h }
  - { services: [offer-svc], who: [payments], give: operate, how: on acknowledge, for: 1h, cap: 3h }
on_request:
  - { who: [sre, payments], tiers: [observe, operate], how: at once }
  - { who: [payments, sre], tiers: [admin, root], how: approval }
paging: { per_day: 100000 }
`
