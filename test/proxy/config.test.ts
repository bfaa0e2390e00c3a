import { describe, expect, test } from 'vitest'
import { readProxyConfig } from '#proxy/config.ts'

const production = {
  PAGEPASS_KEYS: '/etc/pagepass/keys',
  PAGEPASS_RULES_KEYS: '/etc/pagepass/rules-keys',
  PAGEPASS_DATA_DIR: '/var/lib/pagepass',
  PAGEPASS_INSTANCE: 'one',
  PAGEPASS_ADMIN_LISTEN: ':9090',
  PAGEPASS_PROXY_LISTEN: '0.0.0.0:8443',
  REDIS_URL: 'rediss://pagepass:secret@redis.example.com',
}
const pair = { PAGEPASS_TLS_CERT: '/tls/tls.crt', PAGEPASS_TLS_KEY: '/tls/tls.key' }

describe('The certificate of the listener', () => {
  test('is named with its key, or not at all', () => {
    expect(readProxyConfig({ ...production, ...pair }).tls).toEqual({
      cert: '/tls/tls.crt',
      key: '/tls/tls.key',
    })
    expect(readProxyConfig(production).tls).toBeUndefined()
    expect(
      readProxyConfig({ ...production, PAGEPASS_TLS_CERT: '', PAGEPASS_TLS_KEY: '' }).tls,
    ).toBeUndefined()
  })

  test.each([
    ['PAGEPASS_TLS_KEY', { PAGEPASS_TLS_CERT: '/tls/tls.crt' }],
    ['PAGEPASS_TLS_CERT', { PAGEPASS_TLS_KEY: '/tls/tls.key' }],
  ])('without %s is a fault', (missing, half) => {
    expect(() => readProxyConfig({ ...production, ...half })).toThrow(`${missing}: is missing`)
  })

  test.each([
    ['beyond this machine in production, plain', production, true],
    ['beyond this machine in production, with TLS', { ...production, ...pair }, false],
    ['on this machine in production, plain', { ...production, PAGEPASS_PROXY_LISTEN: ':8080' }, false],
  ])('%s: open to be read on the way is %j', (_, environment, isOpen) => {
    expect(readProxyConfig(environment).isOpen).toBe(isOpen)
  })
})

test('The command to paste is the bot’s own', () => {
  expect(readProxyConfig(production).SLACK_COMMAND).toBe('/access')
  expect(readProxyConfig({ ...production, SLACK_COMMAND: '/pass' }).SLACK_COMMAND).toBe('/pass')
  expect(() => readProxyConfig({ ...production, SLACK_COMMAND: 'pass' })).toThrow('SLACK_COMMAND')
})
