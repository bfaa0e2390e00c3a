import type { YamlPath } from '../yaml/read-yaml.ts'

/** What may be written, by key; by section or parent and key where that differs. */
const examples = new Map(
  Object.entries({
    version: '1',
    environment: 'production',
    domain: 'access.example.com',
    identity: '{ issuer: https://idp.example.com, audience: pagepass }',
    issuer: 'https://idp.example.com',
    audience: 'pagepass',
    people: '{ sre: { groups: [sre] } }',
    subjects: '[checkout-client]',
    longest: '2h',
    rate: '10/s',
    when_stale: '2m',
    approvals: '{ count: 1, from: [sre] }',
    'approvals from': '[sre]',
    escalate: '{ after: 15m, to: [sre] }',
    'escalate to': '[sre]',
    after: '15m',
    extend: '{ count: 1, share: 50% }',
    sign_in: '{ max_age: 2h }',
    releases: '{ blue: http://orders-blue:8080 }',
    serve: 'blue',
    pagerduty: '[PNE3JZM]',
    channel: '"#inc-orders"',
    owners: '[sre]',
    labels: '[orders]',
    services: '[orders-svc]',
    who: '[sre]',
    give: 'operate',
    'on_page how': 'on acknowledge',
    'on_request how': 'at once',
    'on_request tiers': '[observe, operate]',
    'freeze tiers': '[operate]',
    for: '30m',
    tier: 'observe',
    also: '[{ services: [label:orders], tier: observe }]',
    when: '{ days: mon-fri, hours: "09:00-17:00", zone: Europe/Berlin }',
    hours: '"09:00-17:00"',
    zone: 'Europe/Berlin',
    allow: '[GET /v1/orders/*]',
    'standing from': 'workload:checkout',
    'standing to': 'orders-svc',
    'egress from': 'checkout',
    'egress to': 'https://api.stripe.com',
    'freeze from': '2026-12-20',
    'freeze until': '2026-12-31',
    because: 'year end',
    need: '2',
    keys: '{ alice: ssh-ed25519 AAAA… }',
    'incident_command cap': 'operate',
    at: '2026-11-20T12:00Z',
    signed_in: '20m',
    stale: '5m',
    'cases who': 'ana',
    'cases service': 'orders-svc',
    'cases request': 'POST /v1/orders/7/retry',
    'cases ask': '{ tier: operate, for: 1h, because: stuck }',
    'cases page': '{ urgency: high, level: 1 }',
    'cases holds': 'operate',
    'cases expect': 'allowed',
    'cases because': 'stuck',
    'holds by': 'request',
    'holds approved_by': '[sre]',
    'holds from': '2026-11-20T11:30Z',
    'expect by': '[sre]',
  }),
)

/** What gives names that are used elsewhere. */
export const sections: readonly string[] = ['people', 'workloads', 'tiers', 'profiles', 'services']

/** What may be written at a path, as YAML; undefined where no example would help. */
export const exampleAt = (path: YamlPath): string | undefined => {
  const [section, key] = [path[0], path.at(-1)]
  const parent = path.findLast((one, index) => typeof one === 'string' && index < path.length - 1)
  return examples.get(`${parent} ${key}`) ?? examples.get(`${section} ${key}`) ?? examples.get(String(key))
}
