import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import type { Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { newStateFolder } from '../a-world.ts'
import { clientOf, startSlack } from './a-slack.ts'

let slack: Slack
let client: WebClient
let now: number

const clientWith = (token: string) => clientOf(slack, token, { rejectRateLimitedCalls: true })

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  slack = await startSlack({ now: () => now })
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

  test('takes a reply to a message that there never was, as Slack does', async () => {
    const thread_ts = '1700000000.000000'
    const { message } = await client.chat.postMessage({ channel: 'inc-orders', text: 'reply', thread_ts })
    expect(message).toMatchObject({ text: 'reply', thread_ts })
  })

  test('sends direct messages to the conversation that conversations.open names', async () => {
    const opened = await client.conversations.open({ users: people.ana.slack.user })
    const posted = await client.chat.postMessage({ channel: opened.channel?.id ?? '', text: 'for you' })
    expect(posted.channel).toBe('D0ANA00001')
  })

  test('edits its own message: a text alone takes the place of the blocks, and shows as edited', async () => {
    const { ts } = await client.chat.postMessage({
      channel: 'inc-orders',
      text: 'before',
      blocks: blocks('block'),
    })
    const edit = { channel: 'C0INCORDER', ts: ts ?? '' }
    await client.chat.update({ ...edit, text: 'fallback', blocks: blocks('other') })
    expect(inOrders()).toMatchObject([{ ts, text: 'fallback', blocks: [{ text: { text: 'other' } }] }])
    expect(inOrders()[0]).not.toHaveProperty('edited')
    await client.chat.update({ ...edit, text: 'bare' })
    expect(inOrders()).toMatchObject([{ ts, text: 'bare', edited: { user: 'U0PAGEPASS' } }])
    expect(inOrders()[0]).not.toHaveProperty('blocks')
  })

  test('edits no ephemeral message', async () => {
    const { message_ts: ts = '' } = await client.chat.postEphemeral({
      channel: 'C0INCORDER',
      user: 'U0ANA00001',
      text: 'psst',
    })
    const editing = client.chat.update({ channel: 'C0INCORDER', ts, text: 'hi' })
    expect(await errorOf(editing)).toBe('message_not_found')
  })

  test('edits no message of somebody else’s', async () => {
    const stateFile = join(newStateFolder(), 'slack.json')
    const theirs = { channel: 'C0INCORDER', ts: '1767225600.000000', user: 'U0ANA00001', text: 'hello' }
    writeFileSync(stateFile, JSON.stringify({ lastTs: 1, messages: [theirs] }))
    await slack.close()
    slack = await startSlack({ stateFile })
    const editing = clientWith('xoxb-sandbox').chat.update({ ...theirs, text: 'hi' })
    expect(await errorOf(editing)).toBe('cant_update_message')
    expect(inOrders()).toMatchObject([theirs])
  })

  test('names the buttons that have no action_id', async () => {
    const unnamed = { type: 'button' as const, text: { type: 'plain_text' as const, text: 'Go' } }
    const { message } = await client.chat.postMessage({
      channel: 'inc-orders',
      text: 'fallback',
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: 'hi' }, accessory: unnamed },
        { type: 'actions', elements: [unnamed, unnamed] },
      ],
    })
    expect(message?.blocks).toMatchObject([
      { accessory: { action_id: expect.any(String) } },
      { elements: [{ action_id: expect.any(String) }, { action_id: expect.any(String) }] },
    ])
  })

  test('says with every answer what the token may do, and what the method asks for', async () => {
    const scopes = ['chat:write', 'commands', 'im:write', 'usergroups:read', 'users:read', 'users:read.email']
    expect((await client.auth.test()).response_metadata).toEqual({ scopes })
    const posted = await client.chat.postMessage({ channel: 'inc-orders', text: 'hi' })
    expect(posted.response_metadata).toEqual({ scopes, acceptedScopes: ['chat:write'] })
    const refused = await fetch(`${slack.apiUrl()}users.info?user=U0NOBODY00`, {
      headers: { authorization: 'Bearer xoxb-sandbox' },
    })
    expect(refused.headers.get('x-oauth-scopes')).toBe(scopes.join(','))
    const unknown = await fetch(`${slack.apiUrl()}auth.test`, { headers: { authorization: 'Bearer x' } })
    expect(unknown.headers.has('x-oauth-scopes')).toBe(false)
  })

  test('opens no conversation of several, for which it has no scope', async () => {
    const opening = client.conversations.open({ users: 'U0ANA00001,U0BEN00001' })
    await expect(opening).rejects.toMatchObject({
      data: { error: 'missing_scope', needed: 'mpim:write', provided: expect.stringContaining('im:write') },
    })
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
  const buttons = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ...button, action_id: `go-${index}` }))
  const text = (length: number) => 'x'.repeat(length)
  const plain = (length: number) => ({ type: 'plain_text', text: text(length) })
  const confirm = (changes: object) => ({
    title: plain(1),
    text: plain(1),
    confirm: plain(1),
    deny: plain(1),
    ...changes,
  })
  const atLimit = (over: number) => ({
    title: plain(100 + over),
    text: plain(300 + over),
    confirm: plain(30 + over),
    deny: plain(30 + over),
  })

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
    ['25 buttons in a block', [{ type: 'actions', elements: buttons(25) }]],
    ['one action_id in two blocks', [...withButton({}), ...withButton({})]],
    ['a button beside a section', [{ ...blocks('hi')[0], accessory: button }]],
    ['a context', [{ type: 'context', elements: [{ type: 'mrkdwn', text: 'hi' }] }]],
    ['the styles there are', withButton({ style: 'danger', confirm: confirm({ style: 'primary' }) })],
    ['a confirmation at its limits', withButton({ confirm: confirm(atLimit(0)) })],
    ['12,000 characters in all', blocks(...Array.from({ length: 4 }, () => text(3000)))],
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
    ['26 buttons in a block', [{ type: 'actions', elements: buttons(26) }], '/blocks/0/elements'],
    ['no button in a block', [{ type: 'actions', elements: [] }], '/blocks/0/elements'],
    ['a style that there is not', withButton({ style: 'default' }), '/elements/0/style'],
    ...['title', 'text', 'confirm', 'deny'].map((part): [string, object[], string] => [
      `a confirmation with too long a ${part}`,
      withButton({ confirm: confirm({ [part]: atLimit(1)[part as 'title'] }) }),
      `/confirm/${part}/text`,
    ]),
    [
      'a confirmation without a way out',
      withButton({ confirm: confirm({ deny: undefined }) }),
      '/confirm/deny',
    ],
    ['an input in a message', [{ type: 'input', label: plain(1), element: {} }], '/blocks/0/type'],
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

  test('refuse blocks of more than 12,000 characters in all', async () => {
    const long = blocks(...Array.from({ length: 4 }, () => text(3000)), 'x')
    expect(await post(long)).toMatchObject({ ok: false, error: 'msg_blocks_too_long' })
  })

  test('cut a text over 40,000 characters, post it all the same, and warn the sender', async () => {
    const { message, response_metadata } = await client.chat.postMessage({
      channel: 'inc-orders',
      text: text(40_001),
    })
    expect(message?.text).toHaveLength(40_000)
    expect(inOrders()).toHaveLength(1)
    expect(response_metadata).toMatchObject({ warnings: ['message_truncated'] })
  })

  test('refuse a text over 4,000 bytes in chat.update', async () => {
    const { ts = '' } = await client.chat.postMessage({ channel: 'inc-orders', text: 'before' })
    const update = (given: string) => client.chat.update({ channel: 'C0INCORDER', ts, text: given })
    expect(await errorOf(update(text(4001)))).toBe('msg_too_long')
    expect(await errorOf(update('é'.repeat(2001)))).toBe('msg_too_long')
    expect(await errorOf(update(text(4000)))).toBe('no error')
  })

  test('let fifty edits through in any minute, in the workspace as a whole', async () => {
    const sent = [
      await client.chat.postMessage({ channel: 'inc-orders', text: 'one' }),
      await client.chat.postMessage({ channel: 'inc-payments', text: 'two' }),
    ]
    const edit = (index: number) => {
      const { channel = '', ts = '' } = sent[index % 2] ?? {}
      return client.chat.update({ channel, ts, text: `edit ${index}` })
    }
    for (let index = 0; index < 50; index += 1) {
      if (index === 25) now += 10_000
      await edit(index)
    }
    await expect(edit(50)).rejects.toMatchObject({ code: 'slack_webapi_rate_limited_error', retryAfter: 50 })
    now += 50_000
    for (let index = 51; index < 76; index += 1) await edit(index)
    await expect(edit(76)).rejects.toMatchObject({ retryAfter: 10 })
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
