export type BenchRules = {
  readonly issuer: string
  /** The port of the upstream that every service has. */
  readonly upstream: number
  readonly services: number
}

/** The service that is asked for. */
export const askedFor = 'orders-svc'
export const serviceNames = (services: number): string[] =>
  Array.from({ length: services }, (_, number) => (number === 0 ? askedFor : `svc-${number}`))

/** As many services as a large company has, alike in shape, with limits that don't bind. */
export const benchRules = ({ issuer, upstream, services }: BenchRules): string => `
version: 1
environment: sandbox
domain: localhost
identity: { issuer: "${issuer}", audience: pagepass }
people: { payments: { groups: [team-payments] }, sre: { groups: [sre] } }
tiers:
  observe: { longest: 8h, rate: 900000/s, when_stale: 15m }
  operate: { longest: 2h, rate: 900000/s, when_stale: 2m, reason: required }
profiles:
  web:
    tiers:
      observe: [GET /v1/orders, GET /v1/orders/*, GET /v1/customers/*/orders, GET /health, WS /v1/events]
      operate: [POST /v1/orders/*/retry, PUT /v1/flags/**]
services:
${serviceNames(services)
  .map(
    (name) =>
      `  ${name}: { profile: web, releases: { blue: "http://127.0.0.1:${upstream}" }, serve: blue, channel: "#inc-${name}", owners: [payments] }`,
  )
  .join('\n')}
on_request:
  - { who: [payments, sre], tiers: [observe, operate], how: at once }
`
