import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { assertionType as typeOfCases } from '#infra/assertions/check/cases.ts'
import { assertionType } from '#proxy/assertions.ts'

/** What the files for services have to say, whether or not a test runs them. */

const shipped = (file: string): string =>
  readFileSync(new URL(`../../../infra/assertions/${file}`, import.meta.url), 'utf8')

const samples = ['node/main.ts', 'python/service.py', 'go/main.go', 'java/src/main/java/Service.java']

test.each([...samples, 'envoy.yaml', 'README.md'])('%s names the type that the proxy gives', (file) => {
  expect(shipped(file)).toContain(assertionType)
  expect(typeOfCases).toBe(assertionType)
})

test.each(samples)('%s is in the table of the README', (file) => {
  expect(shipped('README.md')).toContain(`| \`${file.split('/')[0]}/\` |`)
})

describe('envoy.yaml', () => {
  const metadata = z.object({
    metadata: z.object({
      filter: z.string(),
      path: z.array(z.object({ key: z.string() })),
      value: z.object({ string_match: z.object({ exact: z.string() }) }),
    }),
  })
  const jwtAuthn = z.strictObject({
    '@type': z.string(),
    providers: z.record(
      z.string(),
      z.strictObject({
        issuer: z.string(),
        audiences: z.array(z.string()),
        from_headers: z.array(z.strictObject({ name: z.string() })),
        forward: z.boolean(),
        clock_skew_seconds: z.number(),
        require_expiration: z.boolean(),
        remote_jwks: z.strictObject({
          http_uri: z.strictObject({ uri: z.url(), cluster: z.string(), timeout: z.string() }),
          cache_duration: z.string(),
          async_fetch: z.strictObject({}),
        }),
        claim_to_headers: z.array(z.strictObject({ header_name: z.string(), claim_name: z.string() })),
        header_in_metadata: z.string(),
        payload_in_metadata: z.string(),
      }),
    ),
    rules: z.array(
      z.strictObject({
        match: z.strictObject({ prefix: z.string() }),
        requires: z.strictObject({ provider_name: z.string() }),
      }),
    ),
  })
  const rbac = z.strictObject({
    '@type': z.string(),
    rules: z.strictObject({
      action: z.string(),
      policies: z.record(
        z.string(),
        z.strictObject({
          permissions: z.array(z.strictObject({ any: z.literal(true) })),
          principals: z.array(z.strictObject({ and_ids: z.strictObject({ ids: z.array(metadata) }) })),
        }),
      ),
    }),
  })
  const whole = z.object({
    static_resources: z.object({
      listeners: z.tuple([
        z.object({
          filter_chains: z.tuple([
            z.object({
              filters: z.tuple([
                z.object({
                  typed_config: z.object({
                    http_filters: z.tuple([
                      z.object({ name: z.literal('envoy.filters.http.jwt_authn'), typed_config: jwtAuthn }),
                      z.object({ name: z.literal('envoy.filters.http.rbac'), typed_config: rbac }),
                      z.object({ name: z.literal('envoy.filters.http.router') }),
                    ]),
                  }),
                }),
              ]),
            }),
          ]),
        }),
      ]),
      clusters: z.array(z.looseObject({ name: z.string() })),
    }),
  })
  const { static_resources } = whole.parse(parse(shipped('envoy.yaml')))
  const [authn, afterwards] =
    static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters
  const [[name, provider] = []] = Object.entries(authn.typed_config.providers)

  test('demands an assertion of every request, from our header alone', () => {
    expect(authn.typed_config.rules).toEqual([{ match: { prefix: '/' }, requires: { provider_name: name } }])
    expect(provider).toMatchObject({
      issuer: 'pagepass:production',
      audiences: ['orders-svc'],
      from_headers: [{ name: 'X-Pagepass-Assertion' }],
      require_expiration: true,
    })
    expect(provider?.clock_skew_seconds).toBeLessThanOrEqual(30)
  })

  test('fetches the keys over TLS, from a name that is checked', () => {
    const { uri, cluster } = provider?.remote_jwks.http_uri ?? { uri: '', cluster: '' }
    const { host } = new URL(uri)
    expect(uri).toBe(`https://${host}/.pagepass/jwks.json`)
    const found = static_resources.clusters.find((one) => one.name === cluster)
    expect(found).toMatchObject({
      transport_socket: {
        typed_config: {
          sni: host,
          common_tls_context: {
            validation_context: { match_typed_subject_alt_names: [{ matcher: { exact: host } }] },
          },
        },
      },
    })
  })

  test('then demands the type, and that nobody else is meant', () => {
    const demanded = Object.values(afterwards.typed_config.rules.policies).map(({ principals }) =>
      principals.map(({ and_ids }) =>
        and_ids.ids.map((id) => [
          id.metadata.filter,
          id.metadata.path.map(({ key }) => key),
          id.metadata.value.string_match.exact,
        ]),
      ),
    )
    expect(afterwards.typed_config.rules.action).toBe('ALLOW')
    expect(demanded).toEqual([
      [
        [
          [authn.name, [provider?.header_in_metadata, 'typ'], assertionType],
          [authn.name, [provider?.payload_in_metadata, 'aud'], provider?.audiences[0]],
        ],
      ],
    ])
  })
})
