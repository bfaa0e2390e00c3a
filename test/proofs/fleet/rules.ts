export const domain = 'access.test'
export const host = `orders.${domain}`

export type RulesWishes = { readonly issuer: string; readonly service: string; readonly whenStale: string }

/** One service: `/v1` and `/live` take a pass, `/standing` takes none of who has the role. */
export const rulesText = ({ issuer, service, whenStale }: RulesWishes): string => `
version: 1
environment: sandbox
domain: ${domain}
identity: { issuer: ${issuer}, audience: pagepass }
people:
  sre: { groups: [sre] }
  watch: { roles: [watch] }
tiers:
  observe: { longest: 8h, rate: 900000/s, when_stale: ${whenStale} }
services:
  orders:
    releases: { only: ${service} }
    serve: only
    channel: "#orders"
    owners: [sre]
    tiers: { observe: [GET /v1/**, POST /v1/upload/*, WS /live/*] }
on_request:
  - { who: [sre], tiers: [observe], how: at once }
standing:
  - { from: watch, to: orders, allow: [GET /standing/**], rate: 900000/s }
`
