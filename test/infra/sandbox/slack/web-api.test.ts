import { LogLevel, WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'

let slack: Slack
let client: WebClient
let now: number

const clientWith = (token: string) =>
  new WebClient(token, {
    slackApiUrl: slack.apiUrl(),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logLevel: LogLevel.ERROR,
  })

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  slack = createSlack({
    botToken: 'xoxb-sandbox',
    signingSecret: 'signing',
    bot: { commandsUrl: 'http://127.0.0.1:1/slack/events' },
    now: () => now,
  })
  await slack.listen(0)
  client = clientWith('xoxb-sandbox')
})
afterEach(() => slack.close())

const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error: { data?: { error?: string } }) => error.data?.error,
  )

const inOrders = () => slack.messagesIn(channelNamed('inc-orders') ?? expect.fail('no #inc-orders'))

const blocks = (...texts: string[]) =>
  texts.map((text) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } }))

describe("Slack's Web API, called by Slack's own client", () => {
  test('tells the bot who it is', async () => {
    expect(await client.auth.test()).toMatchObject({ ok: true, team_id: 'T0SANDBOX', user_id: 'U0PAGEPASS' })
  })

  test('refuses a token that is not the bot’s', async () => {
    expect(await errorOf(clientWith('xoxb-other').auth.test())).toBe('invalid_auth')
  })

  test('says not_authed when there is no token at all', async () => {
    const response = await fetch(`${slack.apiUrl()}auth.test`, { method: 'POST' })
    expect(await response.json()).toEqual({ ok: false, error: 'not_authed' })
  })

  test.each(['#inc-orders', 'inc-orders', 'C0INCORDER'])(
    'posts to a channel addressed as %s',
    async (channel) => {
      const posted = await client.chat.postMessage({ channel, text: 'hello' })
      expect(posted).toMatchObject({
        ok: true,
        channel: 'C0INCORDER',
        message: { text: 'hello', user: 'U0PAGEPASS' },
      })
      expect(inOrders().map(({ text }) => text)).toEqual(['hello'])
    },
  )

  test('keeps the blocks and names those that have no block_id', async () => {
    const { message } = await client.chat.postMessage({
      channel: 'inc-orders',
      text: 'fallback',
      blocks: blocks('*hi*'),
    })
    expect(message?.blocks).toMatchObject([
      { type: 'section', text: { text: '*hi*' }, block_id: expect.any(String) },
    ])
  })

  test('gives every message its own rising ts, even in the same millisecond', async () => {
    const first = await client.chat.postMessage({ channel: 'inc-orders', text: 'one' })
    const second = await client.chat.postMessage({ channel: 'inc-orders', text: 'two' })
    expect(first.ts).toBe('1767225600.000000')
    expect(second.ts).toBe('1767225600.000001')
  })

  test('puts a reply into the thread of the message it answers, also when given a reply’s ts', async () => {
    const parent = await client.chat.postMessage({ channel: 'inc-orders', text: 'parent' })
    const reply = await client.chat.postMessage({
      channel: 'inc-orders',
      text: 'reply',
      thread_ts: parent.ts ?? '',
    })
    const second = await client.chat.postMessage({
      channel: 'inc-orders',
      text: 'again',
      thread_ts: reply.ts ?? '',
    })
    expect(second.message).toMatchObject({ thread_ts: parent.ts })
  })

  test('sends direct messages to the conversation that conversations.open names', async () => {
    const opened = await client.conversations.open({ users: people.ana.slack.user })
    const posted = await client.chat.postMessage({ channel: opened.channel?.id ?? '', text: 'for you' })
    expect(posted.channel).toBe('D0ANA00001')
  })

  test('edits its own message: new text, old blocks unless it gives others', async () => {
    const { ts } = await client.chat.postMessage({
      channel: 'inc-orders',
      text: 'before',
      blocks: blocks('block'),
    })
    const edit = { channel: 'C0INCORDER', ts: ts ?? '' }
    await client.chat.update({ ...edit, text: 'after' })
    expect(inOrders()).toMatchObject([{ text: 'after', blocks: [{ text: { text: 'block' } }], edited: {} }])
    await client.chat.update({ ...edit, text: 'bare', blocks: [] })
    expect(inOrders()).toMatchObject([{ text: 'bare', blocks: [] }])
  })

  test('shows an ephemeral message to that person only', async () => {
    await client.chat.postEphemeral({ channel: 'C0INCORDER', user: people.ana.slack.user, text: 'psst' })
    expect(slack.visibleOnlyTo(people.ana).map(({ text }) => text)).toEqual(['psst'])
    expect(slack.visibleOnlyTo(people.ben)).toEqual([])
    expect(inOrders()).toEqual([])
  })

  test('finds people by id and by e-mail', async () => {
    const byId = await client.users.info({ user: people.dan.slack.user })
    expect(byId.user).toMatchObject({ id: 'U0DAN00001', team_id: 'T0SANDBOX', is_bot: false, deleted: false })
    const byEmail = await client.users.lookupByEmail({ email: people.dan.email })
    expect(byEmail.user?.id).toBe('U0DAN00001')
  })

  test.each([
    ['no_text', () => client.chat.postMessage({ channel: 'inc-orders', text: '' })],
    ['channel_not_found', () => client.chat.postMessage({ channel: 'inc-nowhere', text: 'hi' })],
    ['channel_not_found', () => client.chat.update({ channel: '#inc-orders', ts: '1.000000', text: 'hi' })],
    ['message_not_found', () => client.chat.update({ channel: 'C0INCORDER', ts: '1.000000', text: 'hi' })],
    ['user_not_found', () => client.users.info({ user: 'U0NOBODY00' })],
    ['users_not_found', () => client.users.lookupByEmail({ email: 'nobody@sandbox.example' })],
    ['unknown_method', () => client.apiCall('chat.shout')],
  ])('answers %s as Slack does', async (error, call) => {
    expect(await errorOf(call())).toBe(error)
  })
})

describe('Slack’s limits', () => {
  const button = { type: 'button', text: { type: 'plain_text', text: 'Go' }, action_id: 'go' }
  const withButton = (changes: object) => [{ type: 'actions', elements: [{ ...button, ...changes }] }]
  const text = (length: number) => 'x'.repeat(length)

  const post = async (given: unknown) => {
    now += 1000
    const response = await fetch(`${slack.apiUrl()}chat.postMessage`, {
      method: 'POST',
      headers: { authorization: 'Bearer xoxb-sandbox' },
      body: new URLSearchParams({ channel: 'inc-orders', text: 'fallback', blocks: JSON.stringify(given) }),
    })
    return response.json()
  }

  test.each([
    ['50 blocks', blocks(...Array.from({ length: 50 }, String))],
    ['a section of 3000 characters', blocks(text(3000))],
    ['a header of 150', [{ type: 'header', text: { type: 'plain_text', text: text(150) } }]],
    ['a button text of 75', withButton({ text: { type: 'plain_text', text: text(75) } })],
    ['a button value of 2000', withButton({ value: text(2000) })],
    ['an action_id of 255', withButton({ action_id: text(255) })],
    ['a block_id of 255', [{ type: 'divider', block_id: text(255) }]],
  ])('allow %s', async (_what, given) => {
    expect(await post(given)).toMatchObject({ ok: true })
  })

  test.each([
    ['51 blocks', blocks(...Array.from({ length: 51 }, String)), '/blocks'],
    ['a section of 3001 characters', blocks(text(3001)), '/blocks/0/text/text'],
    ['an empty section', blocks(''), '/blocks/0/text/text'],
    [
      'a header of 151',
      [{ type: 'header', text: { type: 'plain_text', text: text(151) } }],
      '/blocks/0/text/text',
    ],
    [
      'a button text of 76',
      withButton({ text: { type: 'plain_text', text: text(76) } }),
      '/elements/0/text/text',
    ],
    ['a button value of 2001', withButton({ value: text(2001) }), '/elements/0/value'],
    ['an action_id of 256', withButton({ action_id: text(256) }), '/elements/0/action_id'],
    ['a block_id of 256', [{ type: 'divider', block_id: text(256) }], '/blocks/0/block_id'],
    [
      'one block_id twice',
      [
        { type: 'divider', block_id: 'a' },
        { type: 'divider', block_id: 'a' },
      ],
      '/blocks',
    ],
    [
      'one action_id twice in a block',
      [{ type: 'actions', elements: [button, button] }],
      '/blocks/0/elements',
    ],
    ['a block type that there is not', [{ type: 'marquee' }], '/blocks/0/type'],
    ['a field that there is not', [{ type: 'divider', colour: 'red' }], '/blocks/0'],
  ])('refuse %s, and point at it', async (_what, given, pointer) => {
    const answer = await post(given)
    expect(answer).toMatchObject({ ok: false, error: 'invalid_blocks' })
    expect(answer).toHaveProperty('errors', expect.arrayContaining([expect.stringContaining(pointer)]))
  })

  test('refuse blocks that are no list', async () => {
    expect(await post({ type: 'divider' })).toMatchObject({ error: 'invalid_blocks_format' })
  })

  test('refuse a thread_ts that can name no message', async () => {
    const response = await fetch(`${slack.apiUrl()}chat.postMessage`, {
      method: 'POST',
      headers: { authorization: 'Bearer xoxb-sandbox' },
      body: new URLSearchParams({ channel: 'inc-orders', text: 'hi', thread_ts: '0' }),
    })
    expect(await response.json()).toMatchObject({ ok: false, error: 'invalid_thread_ts' })
  })

  test('cut a text over 40,000 characters silently', async () => {
    const { message } = await client.chat.postMessage({ channel: 'inc-orders', text: text(40_001) })
    expect(message?.text).toHaveLength(40_000)
  })

  test('let five messages into a channel at once, then one a second, each channel for itself', async () => {
    const send = async (channel: string) => {
      const response = await fetch(`${slack.apiUrl()}chat.postMessage`, {
        method: 'POST',
        headers: { authorization: 'Bearer xoxb-sandbox', 'content-type': 'application/json' },
        body: JSON.stringify({ channel, text: 'hi' }),
      })
      return {
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        body: await response.json(),
      }
    }
    for (let sent = 0; sent < 5; sent += 1) expect(await send('inc-orders')).toMatchObject({ status: 200 })
    expect(await send('inc-orders')).toEqual({
      status: 429,
      retryAfter: '1',
      body: { ok: false, error: 'ratelimited' },
    })
    expect(await send('inc-payments')).toMatchObject({ status: 200 })
    now += 1000
    expect(await send('inc-orders')).toMatchObject({ status: 200 })
    expect(await send('inc-orders')).toMatchObject({ status: 429 })
  })

  test('reach the client as its rate-limit error', async () => {
    const send = () => client.chat.postMessage({ channel: 'inc-orders', text: 'hi' })
    for (let sent = 0; sent < 5; sent += 1) await send()
    await expect(send()).rejects.toMatchObject({ code: 'slack_webapi_rate_limited_error', retryAfter: 1 })
  })
})
