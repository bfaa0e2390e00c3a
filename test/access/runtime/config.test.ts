import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isFault } from '#access/domain/errors.ts'
import { address, readConfig } from '#access/runtime/config.ts'
import { readBotConfig } from '#bot/config.ts'
import { readProxyConfig } from '#proxy/config.ts'
import { readWorkersConfig } from '#workers/config.ts'

const readers = { bot: readBotConfig, proxy: readProxyConfig, workers: readWorkersConfig }
type Part = keyof typeof readers

const everything = {
  PAGEPASS_RULES_KEYS: '/trust/signers',
  PAGEPASS_KEYS: '/keys',
  PAGEPASS_DATA_DIR: '/data',
  PAGEPASS_INSTANCE: 'a',
  PAGEPASS_ADMIN_LISTEN: ':9000',
  PAGEPASS_DIRECTORY: '/directory.jws',
  PAGEPASS_BOT_LISTEN: '0.0.0.0:9001',
  PAGEPASS_PROXY_LISTEN: '0.0.0.0:9002',
  REDIS_URL: 'rediss://:a-password@redis.example:6379',
  SLACK_BOT_TOKEN: 'xoxb-token',
  SLACK_SIGNING_SECRET: 's'.repeat(32),
  PAGERDUTY_TOKEN: 'token',
  PAGERDUTY_FROM: 'pagepass@example.com',
  PAGERDUTY_WEBHOOK_SECRET: 'p'.repeat(32),
}
const sandbox = {
  ...everything,
  PAGEPASS_MODE: 'sandbox',
  PAGEPASS_BOT_LISTEN: ':9001',
  PAGEPASS_PROXY_LISTEN: '127.0.0.1:9002',
  REDIS_URL: 'redis://127.0.0.1:6379',
  SLACK_API_URL: 'http://127.0.0.1:7072/api/',
  PAGERDUTY_API_URL: 'http://localhost:7073',
}

const faultsOf = (part: Part, environment: NodeJS.ProcessEnv): string[] => {
  try {
    readers[part](environment)
    return []
  } catch (error) {
    if (!isFault(error, 'config/invalid')) throw error
    return error.message.split('\n')
  }
}
const parts = Object.keys(readers) as Part[]

describe('The configuration', () => {
  test.each(parts)('of the %s is taken in production and in the sandbox', (part) => {
    expect(faultsOf(part, everything)).toEqual([])
    expect(faultsOf(part, sandbox)).toEqual([])
  })

  test.each(parts)('of the %s means production when no mode is set', (part) => {
    expect(readers[part](everything).PAGEPASS_MODE).toBe('production')
  })

  test('takes several secrets while one is being replaced', () => {
    const PAGERDUTY_WEBHOOK_SECRET = `${'a'.repeat(16)}, ${'b'.repeat(16)}`
    expect(readBotConfig({ ...everything, PAGERDUTY_WEBHOOK_SECRET }).PAGERDUTY_WEBHOOK_SECRET).toEqual([
      'a'.repeat(16),
      'b'.repeat(16),
    ])
  })

  test('never shows a secret in a fault', () => {
    const secret = 'hunter2'
    const changes = {
      SLACK_SIGNING_SECRET: secret,
      SLACK_BOT_TOKEN: secret,
      REDIS_URL: `http://:${secret}@x`,
    }
    expect(faultsOf('bot', { ...everything, ...changes })).toHaveLength(3)
    expect(faultsOf('bot', { ...everything, ...changes }).join()).not.toContain(secret)
  })
})

describe('Production refuses', () => {
  test.each<[string, Part, NodeJS.ProcessEnv, string]>([
    [
      'a Redis without a password',
      'proxy',
      { REDIS_URL: 'rediss://redis.example' },
      'REDIS_URL: production needs a Redis with a password',
    ],
    [
      'a Redis elsewhere without TLS',
      'proxy',
      { REDIS_URL: 'redis://:pw@10.0.0.1' },
      'REDIS_URL: production needs TLS (rediss://)',
    ],
    [
      'a Cluster of which one node is elsewhere, without TLS',
      'bot',
      { REDIS_URL: 'redis+cluster://:pw@127.0.0.1,10.0.0.1' },
      'REDIS_URL: production needs TLS (rediss://)',
    ],
    [
      'a Cluster without a password',
      'workers',
      { REDIS_URL: 'rediss+cluster://a,b' },
      'REDIS_URL: production needs a Redis with a password',
    ],
    [
      'Sentinels without a password',
      'proxy',
      { REDIS_URL: 'rediss+sentinel://:pw@a,b/pagepass' },
      'REDIS_SENTINEL_PASSWORD: production needs Sentinels with a password',
    ],
    [
      'Slack over http',
      'workers',
      { SLACK_API_URL: 'http://slack.com/api/' },
      'SLACK_API_URL: production needs https',
    ],
    [
      'a host that looks like Slack’s',
      'workers',
      { SLACK_API_URL: 'https://slack.com.evil.example/api/' },
      'SLACK_API_URL: must be one of slack.com',
    ],
    [
      'Slack’s name as a user name',
      'workers',
      { SLACK_API_URL: 'https://slack.com@evil.example/' },
      'SLACK_API_URL: must be one of slack.com',
    ],
    [
      'another host for PagerDuty',
      'bot',
      { PAGERDUTY_API_URL: 'https://127.0.0.1' },
      'PAGERDUTY_API_URL: must be one of api.pagerduty.com, api.eu.pagerduty.com',
    ],
  ])('%s', (_, part, changes, fault) => {
    expect(faultsOf(part, { ...everything, ...changes })).toEqual([fault])
  })
})

describe('The sandbox refuses', () => {
  test.each<[string, Part, NodeJS.ProcessEnv, string]>([
    [
      'to listen for others',
      'proxy',
      { PAGEPASS_PROXY_LISTEN: '0.0.0.0:8080' },
      'PAGEPASS_PROXY_LISTEN: the sandbox listens on loopback only',
    ],
    [
      'an admin port for others',
      'workers',
      { PAGEPASS_ADMIN_LISTEN: '[::]:8080' },
      'PAGEPASS_ADMIN_LISTEN: the sandbox listens on loopback only',
    ],
    [
      'the real Slack',
      'bot',
      { SLACK_API_URL: 'https://slack.com/api/' },
      'SLACK_API_URL: the sandbox talks to loopback only',
    ],
    [
      'the real PagerDuty, which is the default',
      'bot',
      { PAGERDUTY_API_URL: undefined },
      'PAGERDUTY_API_URL: the sandbox talks to loopback only',
    ],
    [
      'a Redis elsewhere',
      'workers',
      { REDIS_URL: 'redis://10.0.0.1' },
      'REDIS_URL: the sandbox uses a Redis on loopback only',
    ],
    [
      'a host that begins like loopback',
      'proxy',
      { REDIS_URL: 'redis://127.0.0.1.evil.example' },
      'REDIS_URL: the sandbox uses a Redis on loopback only',
    ],
  ])('%s', (_, part, changes, fault) => {
    expect(faultsOf(part, { ...sandbox, ...changes })).toEqual([fault])
  })
})

describe('A variable is refused', () => {
  test.each<[string, Part, NodeJS.ProcessEnv]>([
    ['a mode that is none', 'proxy', { PAGEPASS_MODE: 'development' }],
    ['a secret too short', 'bot', { PAGERDUTY_WEBHOOK_SECRET: 'short' }],
    ['one of two secrets empty', 'bot', { SLACK_SIGNING_SECRET: `${'x'.repeat(32)},` }],
    ['a user’s Slack token', 'bot', { SLACK_BOT_TOKEN: 'xoxp-1' }],
    ['an instance in capitals', 'workers', { PAGEPASS_INSTANCE: 'Pod-1' }],
    ['an instance that leaves its folder', 'workers', { PAGEPASS_INSTANCE: '../x' }],
    ['a database that is no Redis', 'proxy', { REDIS_URL: 'http://127.0.0.1' }],
    ['several that are no Cluster', 'proxy', { REDIS_URL: 'redis://127.0.0.1,127.0.0.2' }],
    ['a CA that is of no use', 'proxy', { REDIS_CA: '/ca.crt' }],
    ['a password of Sentinels that there are not', 'proxy', { REDIS_SENTINEL_PASSWORD: 'x' }],
    ['a number of replicas that is none', 'bot', { REDIS_REPLICAS: 'two' }],
    ['an address without a port', 'proxy', { PAGEPASS_PROXY_LISTEN: 'localhost' }],
    ['a command without a slash', 'bot', { SLACK_COMMAND: 'access' }],
    ['nothing where something is needed', 'bot', { PAGERDUTY_TOKEN: '' }],
  ])('%s', (_, part, changes) => {
    const name = Object.keys(changes)[0]
    expect(faultsOf(part, { ...sandbox, ...changes })).toEqual([expect.stringContaining(`${name}: `)])
  })
})

describe('An address', () => {
  const read = (text: string) => readConfig(z.object({ at: address }), { at: text }).at

  test.each([
    [':8080', { host: '127.0.0.1', port: 8080 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
  ])('is read from %s', (text, at) => {
    expect(read(text)).toEqual(at)
  })

  test.each([
    ['8080'],
    ['host'],
    ['host:'],
    ['host:99999'],
    ['host:-1'],
    ['::1:80'],
    ['http://x:80'],
    ['a b:80'],
  ])('is not read from %s', (text) => {
    expect(() => read(text)).toThrow('is not host:port')
  })
})
