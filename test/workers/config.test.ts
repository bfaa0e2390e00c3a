import { describe, expect, test } from 'vitest'
import { isFault } from '#access/domain/errors.ts'
import { readWorkersConfig } from '#workers/config.ts'

const needed = {
  PAGEPASS_MODE: 'sandbox',
  PAGEPASS_KEYS: '/keys',
  PAGEPASS_DATA_DIR: '/data',
  PAGEPASS_DIRECTORY: '/directory.jws',
  PAGEPASS_INSTANCE: 'a',
  PAGEPASS_ADMIN_LISTEN: ':9000',
  REDIS_URL: 'redis://127.0.0.1:6379',
  SLACK_BOT_TOKEN: 'xoxb-token',
  SLACK_API_URL: 'http://127.0.0.1:7072/api/',
  PAGERDUTY_API_URL: 'http://127.0.0.1:7073',
}
const notes = { PAGERDUTY_TOKEN: 'token', PAGERDUTY_FROM: 'pagepass@example.com' }

const faultOf = (environment: NodeJS.ProcessEnv): string => {
  try {
    readWorkersConfig(environment)
    return ''
  } catch (error) {
    if (isFault(error, 'config/invalid')) return error.message
    throw error
  }
}

describe('Notes to PagerDuty', () => {
  test('are configured with a token and an e-mail, or with neither', () => {
    expect(readWorkersConfig({ ...needed, ...notes })).toMatchObject(notes)
    expect(readWorkersConfig(needed).PAGERDUTY_FROM).toBeUndefined()
  })

  test.each([
    ['PAGERDUTY_TOKEN', 'PAGERDUTY_FROM'],
    ['PAGERDUTY_FROM', 'PAGERDUTY_TOKEN'],
  ] as const)('are not configured with %s alone', (one, other) => {
    expect(faultOf({ ...needed, [one]: notes[one], [other]: '' })).toBe(
      `${one}: is of no use without ${other}`,
    )
  })

  test('need an e-mail that is one, and in production PagerDuty’s own address', () => {
    expect(faultOf({ ...needed, ...notes, PAGERDUTY_FROM: 'ana' })).toMatch(/^PAGERDUTY_FROM: /)
    expect(
      faultOf({
        ...needed,
        ...notes,
        PAGEPASS_MODE: 'production',
        PAGEPASS_RULES_KEYS: '/etc/pagepass/signers',
        REDIS_URL: 'rediss://:password@redis.example:6379',
        SLACK_API_URL: 'https://slack.com/api/',
        PAGERDUTY_API_URL: 'https://pagerduty.example',
      }),
    ).toBe('PAGERDUTY_API_URL: must be one of api.pagerduty.com, api.eu.pagerduty.com')
  })
})
