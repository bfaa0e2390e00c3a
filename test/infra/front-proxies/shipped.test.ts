import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { identityHeaders } from '#proxy/authz/answer.ts'

/** What the shipped files of the front proxies that no test starts have to say. */

const shipped = (file: string): string =>
  readFileSync(new URL(`../../../infra/front-proxies/${file}`, import.meta.url), 'utf8')
const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase())

const credentials = ['authorization', 'x-pagepass-authorization', 'x-pagepass-front']
const overriding = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
]
const notOurs = lower(identityHeaders).filter((name) => name !== 'x-pagepass-assertion')

const headers = z.object({ headers: z.object({ customRequestHeaders: z.record(z.string(), z.string()) }) })
const traefik = z.object({
  http: z.object({
    routers: z.record(z.string(), z.looseObject({ middlewares: z.array(z.string()) })),
    middlewares: z.object({
      pagepass: z.object({ chain: z.object({ middlewares: z.array(z.string()) }) }),
      'pagepass-before': headers,
      'pagepass-ask': z.object({
        forwardAuth: z.object({
          address: z.string(),
          trustForwardHeader: z.boolean(),
          authResponseHeaders: z.array(z.string()),
        }),
      }),
      'pagepass-after': headers,
    }),
  }),
})

test('Traefik takes away before it asks, asks, then takes our credentials away', () => {
  const { routers, middlewares } = traefik.parse(parse(shipped('traefik.yaml'))).http
  expect(Object.values(routers).map((router) => router.middlewares)).toEqual([['pagepass']])
  expect(middlewares.pagepass.chain.middlewares).toEqual([
    'pagepass-before',
    'pagepass-ask',
    'pagepass-after',
  ])
  const before = middlewares['pagepass-before'].headers.customRequestHeaders
  expect(before).toMatchObject({ Connection: '', Upgrade: '', 'X-Pagepass-Assertion': '' })
  expect(before['X-Pagepass-Front']).toContain('env')
  const { address, trustForwardHeader, authResponseHeaders } = middlewares['pagepass-ask'].forwardAuth
  expect({ path: new URL(address).pathname, trustForwardHeader }).toEqual({
    path: '/forward-auth',
    trustForwardHeader: false,
  })
  expect(authResponseHeaders).toEqual([...identityHeaders])
  const after = Object.entries(middlewares['pagepass-after'].headers.customRequestHeaders)
  expect(new Set(after.map(([, value]) => value))).toEqual(new Set(['']))
  const taken = lower(after.map(([name]) => name))
  expect(taken).toEqual(expect.arrayContaining([...credentials, ...overriding, ...notOurs]))
  expect(taken).not.toContain('x-pagepass-assertion')
})

const patterns = z.object({ patterns: z.array(z.object({ exact: z.string() })) })
const authz = z.object({
  failure_mode_allow: z.literal(false),
  clear_route_cache: z.literal(false),
  allowed_headers: z.object({ patterns: z.array(z.record(z.string(), z.string())) }),
  http_service: z.object({
    path_prefix: z.literal('/envoy'),
    authorization_request: z.object({
      headers_to_add: z.tuple([z.object({ key: z.literal('x-pagepass-front') })]),
    }),
    authorization_response: z.object({ allowed_upstream_headers: patterns }),
  }),
})
const manager = z.looseObject({
  use_remote_address: z.literal(true),
  normalize_path: z.literal(false),
  merge_slashes: z.literal(false),
  path_with_escaped_slashes_action: z.literal('REJECT_REQUEST'),
  common_http_protocol_options: z.object({ headers_with_underscores_action: z.literal('REJECT_REQUEST') }),
  upgrade_configs: z.never().optional(),
  route_config: z.object({
    virtual_hosts: z.array(z.looseObject({ request_headers_to_remove: z.array(z.string()) })),
  }),
  http_filters: z.tuple([
    z.object({ name: z.literal('envoy.filters.http.ext_authz'), typed_config: authz }),
    z.object({ name: z.literal('envoy.filters.http.router'), typed_config: z.unknown() }),
  ]),
})
const envoy = z.object({
  static_resources: z.looseObject({
    listeners: z.tuple([
      z.looseObject({
        filter_chains: z.tuple([z.object({ filters: z.tuple([z.looseObject({ typed_config: manager })]) })]),
      }),
    ]),
  }),
})

test('Envoy asks first, shows what decides, mends nothing, and then takes our credentials away', () => {
  const [listener] = envoy.parse(parse(shipped('envoy.yaml'))).static_resources.listeners
  const it = listener.filter_chains[0].filters[0].typed_config
  const { allowed_headers, http_service } = it.http_filters[0].typed_config
  const shown = allowed_headers.patterns.flatMap((pattern) => Object.values(pattern))
  expect(shown).toEqual(
    expect.arrayContaining(['x-pagepass', 'upgrade', 'http2-settings', 'sec-websocket-key', ...overriding]),
  )
  const answered = http_service.authorization_response.allowed_upstream_headers.patterns
  expect(answered.map(({ exact }) => exact)).toEqual(lower(identityHeaders))
  for (const { request_headers_to_remove: taken } of it.route_config.virtual_hosts) {
    expect(taken).toEqual(expect.arrayContaining([...credentials, ...overriding, ...notOurs]))
    expect(taken).not.toContain('x-pagepass-assertion')
  }
})

test('Every identity header stands in each file', () => {
  for (const file of ['nginx.conf', 'Caddyfile', 'traefik.yaml', 'envoy.yaml'])
    for (const name of lower(identityHeaders)) expect(shipped(file).toLowerCase()).toContain(name)
})
