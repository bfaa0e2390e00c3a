import { createHmac } from 'node:crypto'
import { App, type BlockButtonAction, HTTPReceiver, LogLevel } from '@slack/bolt'
import { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import { outsiders } from '#infra/sandbox/slack/members.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type Recorded, type Reply, startRecorder } from '../recorder.ts'
import { clientOf, startSlack } from './a-slack.ts'

const inOrders = channelNamed('inc-orders') ?? expect.fail('no #inc-orders')
const { ana } = people

let slack: Slack
let client: WebClient
let bot: Awaited<ReturnType<typeof startRecorder>>
let reply: (request: Recorded) => Reply
let now: number

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  reply = () => ({ status: 200 })
  bot = await startRecorder((request) => reply(request))
  slack = await startSlack({ bot: { eventsUrl: `${bot.url}/slack/events` }, now: () => now })
  client = clientOf(slack)
})
afterEach(async () => {
  await slack.close()
  await bot.close()
})

const offer = [
  { type: 'section' as const, text: { type: 'mrkdwn' as const, text: 'Take it?' } },
  {
    type: 'actions' as const,
    block_id: 'offer',
    elements: [
      {
        type: 'button' as const,
        text: { type: 'plain_text' as const, text: 'Take' },
        action_id: 'take',
        value: 'grant-1',
        style: 'primary' as const,
      },
      {
        type: 'button' as const,
        text: { type: 'plain_text' as const, text: 'Not me' },
        action_id: 'decline',
      },
    ],
  },
]
const post = (channel = 'inc-orders', thread_ts?: string) =>
  client.chat.postMessage({ channel, text: 'Take it?', blocks: offer, ...(thread_ts && { thread_ts }) })

const payloadOf = (recorded = bot.requests.at(-1)) =>
  JSON.parse(new URLSearchParams(recorded?.body).get('payload') ?? expect.fail('no payload'))

const respond = async (url: string, body: object) => {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  return response.status
}

describe('A click', () => {
  test('reaches the bot as a signed form with Slack’s payload', async () => {
    const { ts } = await post()
    expect(await slack.click(ana, inOrders, 'Take')).not.toHaveProperty('failure')
    const [request] = bot.requests
    expect(request?.path).toBe('/slack/events')
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    const digest = createHmac('sha256', 'signing').update(`v0:1767225600:${request?.body}`).digest('hex')
    expect(request?.headers['x-slack-signature']).toBe(`v0=${digest}`)
    expect(payloadOf()).toEqual({
      type: 'block_actions',
      user: { id: 'U0ANA00001', username: 'ana', name: 'ana', team_id: 'T0SANDBOX' },
      api_app_id: 'A0PAGEPASS',
      token: expect.any(String),
      container: { type: 'message', message_ts: ts, channel_id: 'C0INCORDER', is_ephemeral: false },
      trigger_id: expect.any(String),
      team: { id: 'T0SANDBOX', domain: 'sandbox' },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: 'C0INCORDER', name: 'inc-orders' },
      message: expect.objectContaining({ type: 'message', ts, user: 'U0PAGEPASS', text: 'Take it?' }),
      state: { values: {} },
      response_url: expect.stringContaining('/actions/T0SANDBOX/'),
      actions: [
        {
          action_id: 'take',
          block_id: 'offer',
          text: { type: 'plain_text', text: 'Take', emoji: true },
          value: 'grant-1',
          style: 'primary',
          type: 'button',
          action_ts: expect.stringMatching(/^\d+\.\d{6}$/),
        },
      ],
    })
  })

  test('names the thread of a reply, and says directmessage of direct messages', async () => {
    const parent = await client.chat.postMessage({ channel: 'inc-orders', text: 'parent' })
    await post('inc-orders', parent.ts)
    await slack.click(ana, inOrders, 'decline')
    expect(payloadOf().container).toMatchObject({ thread_ts: parent.ts })
    await post(ana.slack.user)
    await slack.click(ana, undefined, 'decline')
    expect(payloadOf().channel).toEqual({ id: 'D0ANA00001', name: 'directmessage' })
  })

  test('on an ephemeral message carries no message', async () => {
    for (const user of [ana.slack.user, people.ben.slack.user])
      await client.chat.postEphemeral({ channel: 'C0INCORDER', user, text: 'x', blocks: offer })
    const { message } = await slack.click(ana, undefined, 'take')
    expect(message.visibleTo).toBe(ana.slack.user)
    expect(payloadOf().container).toMatchObject({ is_ephemeral: true })
    expect(payloadOf()).not.toHaveProperty('message')
  })

  test('takes the newest message with the button that the person sees', async () => {
    const older = await post()
    const newer = await post()
    await post(people.ben.slack.user)
    await client.chat.postMessage({ channel: 'inc-orders', text: 'no buttons' })
    expect((await slack.click(ana, undefined, 'Take')).message.ts).toBe(newer.ts)
    const old = slack.messagesIn(inOrders).find(({ ts }) => ts === older.ts)
    expect((await slack.click(ana, old, 'Take')).message.ts).toBe(older.ts)
    await expect(slack.click(ana, undefined, 'Approve')).rejects.toThrow('no message with the button Approve')
  })

  test.each([
    ['anything but 200', { status: 500 } as const, 'dispatch_failed'],
    ['nothing for three seconds', 'never' as const, 'operation_timeout'],
  ])('shows a mark when the bot answers %s', async (_what, answer, error) => {
    await post()
    reply = () => answer
    expect((await slack.click(ana, inOrders, 'Take')).failure).toBe(`[Take] ⚠ ${error}`)
  })
})

describe('A forged click', () => {
  test('by somebody of another workspace in a shared channel says so', async () => {
    await post()
    await slack.click(outsiders.sam, inOrders, 'Take')
    expect(payloadOf()).toMatchObject({
      user: { id: 'U0SAM00001', team_id: 'T0ELSEWHERE' },
      team: { id: 'T0SANDBOX' },
    })
  })

  test('carries a value no button has, or comes from a button there never was', async () => {
    await post()
    await slack.click(ana, inOrders, 'Take', { forged: { value: 'grant-2' } })
    expect(payloadOf().actions).toMatchObject([{ action_id: 'take', block_id: 'offer', value: 'grant-2' }])
    const [message] = slack.messagesIn(inOrders)
    await slack.click(ana, message, 'Approve', { forged: { action_id: 'approve', value: 'x' } })
    expect(payloadOf().actions).toMatchObject([{ action_id: 'approve', value: 'x' }])
  })

  test('has a bad signature, or an old one', async () => {
    await post()
    await slack.click(ana, inOrders, 'Take', { signature: 'bad' })
    const [request] = bot.requests
    const digest = createHmac('sha256', 'signing').update(`v0:1767225600:${request?.body}`).digest('hex')
    expect(request?.headers['x-slack-signature']).toMatch(/^v0=[0-9a-f]{64}$/)
    expect(request?.headers['x-slack-signature']).not.toBe(`v0=${digest}`)
    await slack.click(ana, inOrders, 'Take', { signedAt: now - 600_000 })
    expect(bot.requests[1]?.headers['x-slack-request-timestamp']).toBe('1767225000')
  })

  test('is an earlier one, byte by byte', async () => {
    await post()
    const { request } = await slack.click(ana, inOrders, 'Take')
    now += 60_000
    await slack.click(ana, inOrders, 'Take', { replay: request ?? expect.fail('no request') })
    const [first, second] = bot.requests
    expect(second?.body).toBe(first?.body)
    for (const name of ['x-slack-signature', 'x-slack-request-timestamp'])
      expect(second?.headers[name]).toBe(first?.headers[name])
  })
})

describe('The response_url of a click', () => {
  const clicked = async () => {
    await post()
    const { id } = await slack.click(ana, inOrders, 'Take')
    return { id, url: payloadOf().response_url as string }
  }

  test('changes the message that was clicked, for everybody', async () => {
    const { url } = await clicked()
    expect(await respond(url, { replace_original: true, text: 'Ana took it' })).toBe(200)
    const [message] = slack.messagesIn(inOrders)
    expect(message).toMatchObject({ text: 'Ana took it', edited: {} })
    expect(message).not.toHaveProperty('blocks')
  })

  test('deletes it, once', async () => {
    const { url } = await clicked()
    expect(await respond(url, { delete_original: true })).toBe(200)
    expect(slack.messagesIn(inOrders)).toEqual([])
    expect(await respond(url, { delete_original: true })).toBe(404)
  })

  test('answers who clicked alone, or everybody', async () => {
    const { id, url } = await clicked()
    await respond(url, { text: 'not yours' })
    await respond(url, { text: 'for all', response_type: 'in_channel' })
    expect(slack.answersTo(id).map(({ text, visibleTo }) => [text, visibleTo])).toEqual([
      ['not yours', 'U0ANA00001'],
      ['for all', undefined],
    ])
    expect(slack.messagesIn(inOrders)).toHaveLength(2)
  })

  test('refuses blocks that are not valid', async () => {
    const { url } = await clicked()
    expect(await respond(url, { blocks: [{ type: 'marquee' }] })).toBe(400)
  })

  test('is used up after five answers, and closed after 30 minutes', async () => {
    const { url } = await clicked()
    const statuses = []
    for (let use = 1; use <= 6; use += 1) statuses.push(await respond(url, { text: `answer ${use}` }))
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404])
    const later = await clicked()
    now += 30 * 60_000 + 1
    expect(await respond(later.url, { text: 'late' })).toBe(404)
  })
})

test('Slack’s own Bolt takes the click, and edits the message', async () => {
  const receiver = new HTTPReceiver({ signingSecret: 'signing', logLevel: LogLevel.ERROR })
  const app = new App({
    token: 'xoxb-sandbox',
    receiver,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: slack.apiUrl() },
  })
  app.action<BlockButtonAction>('take', async ({ ack, action, respond: answer }) => {
    await ack()
    await answer({ replace_original: true, text: `took ${action.value}` })
  })
  const server = await receiver.start({ port: 0, host: '127.0.0.1' })
  try {
    const address = server.address()
    if (address === null || typeof address === 'string') return expect.fail('Bolt has no port')
    const other = createSlack({
      botToken: 'xoxb-sandbox',
      signingSecret: 'signing',
      bot: { eventsUrl: `http://127.0.0.1:${address.port}/slack/events` },
    })
    await other.listen(0)
    try {
      await new WebClient('xoxb-sandbox', { slackApiUrl: other.apiUrl() }).chat.postMessage({
        channel: 'inc-orders',
        text: 'Take it?',
        blocks: offer,
      })
      const click = await other.click(ana, inOrders, 'Take')
      expect(click.failure).toBeUndefined()
      await other.waitForEffect(click.id, click.message, 10_000)
      expect(other.messagesIn(inOrders).map(messageText)).toEqual(['took grant-1'])
    } finally {
      await other.close()
    }
  } finally {
    await app.stop()
  }
})
