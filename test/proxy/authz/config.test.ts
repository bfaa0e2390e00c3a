import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadAuthz } from '#proxy/authz/config.ts'
import { readProxyConfig } from '#proxy/config.ts'
import { makePair } from '../../builders/certificate.ts'
import { aFolder } from '../../builders.ts'

const production = {
  PAGEPASS_KEYS: 'keys/proxy',
  PAGEPASS_DATA_DIR: 'data',
  PAGEPASS_INSTANCE: 'proxy-1',
  PAGEPASS_ADMIN_LISTEN: '127.0.0.1:9090',
  PAGEPASS_RULES_KEYS: 'sealers',
  PAGEPASS_PROXY_LISTEN: '127.0.0.1:8080',
  REDIS_URL: 'rediss://:password@redis.example.com',
}
const one = 'a'.repeat(32)
const two = 'b'.repeat(40)

let temporary: Awaited<ReturnType<typeof aFolder>>
let files: { cert: string; key: string }
let notPem: string
beforeAll(async () => {
  temporary = await aFolder()
  files = await makePair(temporary.folder, 'endpoint')
  notPem = join(temporary.folder, 'not.pem')
  await writeFile(notPem, 'nothing')
})
afterAll(() => temporary.remove())

const load = (authz: NodeJS.ProcessEnv) => loadAuthz(readProxyConfig({ ...production, ...authz }))

test('Without an address there is no endpoint', async () => {
  expect(await load({})).toBeUndefined()
  expect(await load({ PAGEPASS_AUTHZ_SECRETS: one })).toBeUndefined()
})

test('On loopback a secret is enough; several while one is being replaced', async () => {
  expect(await load({ PAGEPASS_AUTHZ_LISTEN: ':8181', PAGEPASS_AUTHZ_SECRETS: `${one}, ${two}` })).toEqual({
    listen: { host: '127.0.0.1', port: 8181 },
    secrets: [one, two],
    tls: undefined,
  })
})

test('Beyond loopback with a certificate, by secret or by the CA of the front proxies', async () => {
  const own = {
    PAGEPASS_AUTHZ_LISTEN: '10.0.0.5:8181',
    PAGEPASS_AUTHZ_TLS_CERT: files.cert,
    PAGEPASS_AUTHZ_TLS_KEY: files.key,
  }
  expect(await load({ ...own, PAGEPASS_AUTHZ_SECRETS: one })).toMatchObject({
    secrets: [one],
    tls: { ca: undefined },
  })
  const byCa = await load({ ...own, PAGEPASS_AUTHZ_TLS_CA: files.cert })
  expect(byCa).toMatchObject({ secrets: [], tls: { ...files, ca: files.cert } })
})

describe('Refused to start:', () => {
  const at = { PAGEPASS_AUTHZ_LISTEN: '127.0.0.1:8181' }
  const pair = () => ({ PAGEPASS_AUTHZ_TLS_CERT: files.cert, PAGEPASS_AUTHZ_TLS_KEY: files.key })

  test.each<[string, () => NodeJS.ProcessEnv, RegExp]>([
    ['neither a secret nor a CA', () => at, /AUTHZ_SECRETS: without it .* anybody could ask/],
    ['an empty secret', () => ({ ...at, PAGEPASS_AUTHZ_SECRETS: '' }), /anybody could ask/],
    ['only a certificate of its own', () => ({ ...at, ...pair() }), /anybody could ask/],
    ['a short secret', () => ({ ...at, PAGEPASS_AUTHZ_SECRETS: 'a'.repeat(31) }), /at least 32 characters/],
    ['one short of two', () => ({ ...at, PAGEPASS_AUTHZ_SECRETS: `${one},short` }), /at least 32/],
    ['a comma too many', () => ({ ...at, PAGEPASS_AUTHZ_SECRETS: `${one},` }), /at least 32/],
    ['a secret with a space', () => ({ ...at, PAGEPASS_AUTHZ_SECRETS: `${one} ${one}` }), /without spaces/],
    [
      'a secret in the clear beyond loopback',
      () => ({ PAGEPASS_AUTHZ_LISTEN: '0.0.0.0:8181', PAGEPASS_AUTHZ_SECRETS: one }),
      /AUTHZ_LISTEN: beyond loopback/,
    ],
    [
      'a certificate without its key',
      () => ({ ...at, PAGEPASS_AUTHZ_SECRETS: one, PAGEPASS_AUTHZ_TLS_CERT: files.cert }),
      /_CERT: goes together/,
    ],
    ['a CA without a certificate', () => ({ ...at, PAGEPASS_AUTHZ_TLS_CA: files.cert }), /_CA: needs/],
    [
      'a CA that is none',
      () => ({ ...at, ...pair(), PAGEPASS_AUTHZ_TLS_CA: notPem }),
      /no certificate in PEM/,
    ],
    ['a CA that is not there', () => ({ ...at, ...pair(), PAGEPASS_AUTHZ_TLS_CA: `${notPem}.no` }), /ENOENT/],
    [
      'a key that is none',
      () => ({ ...at, ...pair(), PAGEPASS_AUTHZ_TLS_KEY: notPem, PAGEPASS_AUTHZ_SECRETS: one }),
      /the key is none/,
    ],
    [
      'anything but loopback in the sandbox',
      () => ({
        PAGEPASS_MODE: 'sandbox',
        REDIS_URL: 'redis://127.0.0.1',
        PAGEPASS_AUTHZ_LISTEN: '0.0.0.0:8181',
        PAGEPASS_AUTHZ_SECRETS: one,
      }),
      /AUTHZ_LISTEN: the sandbox listens on loopback only/,
    ],
  ])('%s', async (_, environment, fault) => {
    const loading = (async () => load(environment()))()
    await expect(loading).rejects.toMatchObject({ code: 'config/invalid' })
    await expect(loading).rejects.toThrow(fault)
  })
})
