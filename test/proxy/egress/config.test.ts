import { describe, expect, test } from 'vitest'
import { readProxyConfig } from '#proxy/config.ts'

const production = {
  PAGEPASS_KEYS: '/etc/pagepass/keys',
  PAGEPASS_RULES_KEYS: '/etc/pagepass/rules-keys',
  PAGEPASS_DATA_DIR: '/var/lib/pagepass',
  PAGEPASS_INSTANCE: 'one',
  PAGEPASS_ADMIN_LISTEN: ':9090',
  PAGEPASS_PROXY_LISTEN: '127.0.0.1:8080',
  REDIS_URL: 'rediss://pagepass:secret@redis.example.com',
}
const sandbox = { ...production, PAGEPASS_MODE: 'sandbox', REDIS_URL: 'redis://127.0.0.1:6379' }
const pair = { PAGEPASS_EGRESS_TLS_CERT: '/tls/egress.crt', PAGEPASS_EGRESS_TLS_KEY: '/tls/egress.key' }
const tls = { cert: '/tls/egress.crt', key: '/tls/egress.key' }

describe('The egress listener', () => {
  test('is none without an address', () => {
    expect(readProxyConfig(production).egress).toBeUndefined()
    expect(readProxyConfig({ ...production, PAGEPASS_EGRESS_LISTEN: '', ...pair }).egress).toBeUndefined()
  })

  test('may speak plain HTTP on loopback', () => {
    expect(readProxyConfig({ ...production, PAGEPASS_EGRESS_LISTEN: ':8282' }).egress).toEqual({
      listen: { host: '127.0.0.1', port: 8282 },
      tls: undefined,
    })
  })

  test('speaks TLS beyond', () => {
    const beyond = { ...production, PAGEPASS_EGRESS_LISTEN: '0.0.0.0:8282' }
    expect(() => readProxyConfig(beyond)).toThrow('PAGEPASS_EGRESS_LISTEN: beyond loopback production needs')
    expect(readProxyConfig({ ...beyond, ...pair }).egress).toEqual({
      listen: { host: '0.0.0.0', port: 8282 },
      tls,
    })
  })

  test('is on loopback in the sandbox, whatever it speaks', () => {
    const beyond = { ...sandbox, PAGEPASS_EGRESS_LISTEN: '0.0.0.0:8282', ...pair }
    expect(() => readProxyConfig(beyond)).toThrow(
      'PAGEPASS_EGRESS_LISTEN: the sandbox listens on loopback only',
    )
    expect(readProxyConfig({ ...sandbox, PAGEPASS_EGRESS_LISTEN: ':8282' }).egress).toBeDefined()
  })

  test.each(Object.entries(pair))('is none with half a pair: %s', (name, value) => {
    expect(() => readProxyConfig({ ...production, PAGEPASS_EGRESS_LISTEN: ':8282', [name]: value })).toThrow(
      'PAGEPASS_EGRESS_TLS_CERT: goes together with PAGEPASS_EGRESS_TLS_KEY',
    )
  })
})
