import type { WebClient, WebClientOptions } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { clientOf, startSlack } from './a-slack.ts'

let slack: Slack
let client: WebClient

const clientWith = (options: WebClientOptions) =>
  clientOf(slack, 'xoxb-sandbox', { rejectRateLimitedCalls: true, ...options })

beforeEach(async () => {
  slack = await startSlack()
  client = clientWith({})
})
afterEach(() => slack.close())

const post = (with_ = client) => with_.chat.postMessage({ channel: 'inc-orders', text: 'hi' })
const posted = () => slack.messagesIn(channelNamed('inc-orders') ?? expect.fail('no #inc-orders')).length

describe('Slack, told to fail', () => {
  test('limits the rate with 429 and Retry-After, as often as told', async () => {
    slack.fail({ kind: '429', count: 2, retryAfter: 7 })
    for (let call = 0; call < 2; call += 1) {
      await expect(post()).rejects.toMatchObject({
        code: 'slack_webapi_rate_limited_error',
        retryAfter: 7,
      })
    }
    await post()
    expect(posted()).toBe(1)
  })

  test('answers 429 as Slack does', async () => {
    slack.fail({ kind: '429', count: 1 })
    const response = await fetch(`${slack.apiUrl()}auth.test`, { method: 'POST' })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('30')
    expect(await response.json()).toEqual({ ok: false, error: 'ratelimited' })
  })

  test('limits the rate in an HTTP 200', async () => {
    slack.fail({ kind: 'ratelimited-soft', count: 1 })
    await expect(post()).rejects.toMatchObject({
      code: 'slack_webapi_platform_error',
      data: { error: 'ratelimited' },
    })
    expect(posted()).toBe(0)
  })

  test('answers 500', async () => {
    slack.fail({ kind: '500', count: 1 })
    await expect(post()).rejects.toMatchObject({ code: 'slack_webapi_http_error', statusCode: 500 })
  })

  test('answers never', async () => {
    slack.fail({ kind: 'timeout', count: 1 })
    await expect(post(clientWith({ timeout: 200 }))).rejects.toMatchObject({
      code: 'slack_webapi_request_error',
    })
    expect(posted()).toBe(0)
  })

  test('loses the answer of a call that had its effect', async () => {
    slack.fail({ kind: '500', count: 1, afterEffect: true })
    await expect(post()).rejects.toMatchObject({ statusCode: 500 })
    expect(posted()).toBe(1)
  })

  test('fails one method and no other', async () => {
    slack.fail({ method: 'chat.postMessage', kind: '500', count: 1 })
    await client.auth.test()
    await expect(post()).rejects.toMatchObject({ statusCode: 500 })
    await post()
  })

  test('has one fault after the other, until it is mended', async () => {
    slack.fail({ kind: '500', count: 1 })
    slack.fail({ kind: '429', count: 5, retryAfter: 1 })
    await expect(post()).rejects.toMatchObject({ statusCode: 500 })
    await expect(post()).rejects.toMatchObject({ retryAfter: 1 })
    slack.mend()
    await post()
  })
})
