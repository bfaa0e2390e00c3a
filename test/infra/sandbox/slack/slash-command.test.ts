import { createHmac } from 'node:crypto'
import type { Server } from 'node:http'
import { App, LogLevel } from '@slack/bolt'
import { afterEach, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { createSlack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { type Recorded, type Reply, startRecorder } from '../recorder.ts'
import { startSlack } from './a-slack.ts'

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const slackFor = async (eventsUrl: string, now?: () => number) => {
  const slack = await startSlack({ bot: { eventsUrl }, ...(now && { now }) })
  closers.push(slack.close)
  return slack
}

const withBot = async (reply: (request: Recorded) => Reply, now?: () => number) => {
  const bot = await startRecorder(reply)
  closers.push(bot.close)
  return { bot, slack: await slackFor(`${bot.url}/slack/events`, now) }
}

const json = (body: object): Reply => ({ status: 200, type: 'application/json', body: JSON.stringify(body) })

const responseUrlOf = (recorded: Recorded | undefined): string =>
  new URLSearchParams(recorded?.body).get('response_url') ?? expect.fail('no response_url')

const respond = (url: string, body: object): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

describe('A slash command', () => {
  test('reaches the bot with Slack’s fields, form-encoded without a charset', async () => {
    const { bot, slack } = await withBot(() => ({ status: 200 }))
    await slack.sendCommand(people.ana, '/access', 'grant orders-svc 2h', channelNamed('inc-orders'))
    const [request] = bot.requests
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      token: expect.any(String),
      team_id: 'T0SANDBOX',
      team_domain: 'sandbox',
      channel_id: 'C0INCORDER',
      channel_name: 'inc-orders',
      user_id: 'U0ANA00001',
      user_name: 'ana',
      command: '/access',
      text: 'grant orders-svc 2h',
      api_app_id: 'A0PAGEPASS',
      is_enterprise_install: 'false',
      response_url: expect.stringContaining('http://127.0.0.1:'),
      trigger_id: expect.any(String),
    })
  })

  test('is signed over its time and its exact body', async () => {
    const { bot, slack } = await withBot(
      () => ({ status: 200 }),
      () => 1_767_225_600_500,
    )
    await slack.sendCommand(people.ana, '/access', 'list')
    const [request] = bot.requests
    const expected = createHmac('sha256', 'signing').update(`v0:1767225600:${request?.body}`).digest('hex')
    expect(request?.headers['x-slack-request-timestamp']).toBe('1767225600')
    expect(request?.headers['x-slack-signature']).toBe(`v0=${expected}`)
  })

  test.each([
    ['plain text', { status: 200, body: 'done' } as const],
    ['JSON', json({ text: 'done' })],
  ])('shows the person alone what the acknowledgement carries as %s', async (_kind, reply) => {
    const { slack } = await withBot(() => reply)
    const { answer } = await slack.sendCommand(people.ana, '/access', 'list')
    expect(answer).toMatchObject({ text: 'done', visibleTo: people.ana.slack.user })
    expect(slack.visibleOnlyTo(people.ana)).toHaveLength(1)
  })

  test('is answered before everybody when the bot says in_channel', async () => {
    const { slack } = await withBot(() => json({ response_type: 'in_channel', text: 'done' }))
    await slack.sendCommand(people.ana, '/access', 'list')
    expect(slack.messagesIn(channelNamed('general') ?? expect.fail())).toMatchObject([{ text: 'done' }])
    expect(slack.visibleOnlyTo(people.ana)).toEqual([])
  })

  test('fails as Slack words it when the bot answers anything but 200', async () => {
    const { slack } = await withBot(() => ({ status: 500 }))
    const { failure } = await slack.sendCommand(people.ana, '/access', 'list')
    expect(failure).toBe('/access failed with the error "dispatch_failed"')
  })

  test('fails as Slack words it when nobody listens', async () => {
    const slack = await slackFor('http://127.0.0.1:1/slack/events')
    const { failure } = await slack.sendCommand(people.ana, '/access', 'list')
    expect(failure).toBe('/access failed with the error "dispatch_failed"')
  })

  test('fails as Slack words it when the bot does not acknowledge in three seconds', async () => {
    const { slack } = await withBot(() => 'never')
    const { failure } = await slack.sendCommand(people.ana, '/access', 'list')
    expect(failure).toBe('/access failed with the error "operation_timeout"')
  })
})

describe('A response_url', () => {
  test('takes answers after the acknowledgement, private unless they say otherwise', async () => {
    const { bot, slack } = await withBot(() => ({ status: 200 }))
    const { id } = await slack.sendCommand(people.ana, '/access', 'list')
    const url = responseUrlOf(bot.requests[0])
    await respond(url, { text: 'later' })
    await respond(url, { text: 'for all', response_type: 'in_channel' })
    expect(slack.answersTo(id).map(({ text, visibleTo }) => [text, visibleTo])).toEqual([
      ['later', 'U0ANA00001'],
      ['for all', undefined],
    ])
  })

  test('replaces or deletes the answer before', async () => {
    const { bot, slack } = await withBot(() => ({ status: 200, body: 'working' }))
    const { id } = await slack.sendCommand(people.ana, '/access', 'list')
    const url = responseUrlOf(bot.requests[0])
    await respond(url, { text: 'done', replace_original: true })
    expect(slack.answersTo(id).map(({ text }) => text)).toEqual(['done'])
    await respond(url, { delete_original: true })
    expect(slack.answersTo(id)).toEqual([])
  })

  test('is used up after five answers', async () => {
    const { bot, slack } = await withBot(() => ({ status: 200 }))
    const { id } = await slack.sendCommand(people.ana, '/access', 'list')
    const url = responseUrlOf(bot.requests[0])
    const statuses = []
    for (let use = 1; use <= 6; use += 1)
      statuses.push((await respond(url, { text: `answer ${use}` })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404])
    expect(slack.answersTo(id)).toHaveLength(5)
  })

  test.each([
    ['takes answers for 30 minutes', 30 * 60_000, 200],
    ['takes none after that', 30 * 60_000 + 1, 404],
  ])('%s', async (_what, milliseconds, status) => {
    let now = Date.UTC(2026, 0, 1)
    const { bot, slack } = await withBot(
      () => ({ status: 200 }),
      () => now,
    )
    await slack.sendCommand(people.ana, '/access', 'list')
    now += milliseconds
    expect((await respond(responseUrlOf(bot.requests[0]), { text: 'late' })).status).toBe(status)
  })

  test('wakes whoever waits for the answer', async () => {
    const { bot, slack } = await withBot(() => ({ status: 200 }))
    const { id } = await slack.sendCommand(people.ana, '/access', 'list')
    const waiting = slack.waitForAnswer(id, 30_000)
    await respond(responseUrlOf(bot.requests[0]), { text: 'here' })
    expect(await waiting).toMatchObject({ text: 'here' })
  })
})

test('Slack’s own Bolt accepts the signature, acknowledges, and answers by the response_url', async () => {
  const api = createSlack({
    botToken: 'xoxb-sandbox',
    signingSecret: 'signing',
    bot: { eventsUrl: 'http://127.0.0.1:1' },
  })
  await api.listen(0)
  closers.push(api.close)
  const app = new App({
    token: 'xoxb-sandbox',
    signingSecret: 'signing',
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: api.apiUrl() },
  })
  app.command('/access', async ({ ack, respond, command }) => {
    await ack(`heard ${command.text}`)
    await respond({
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*done*' } }],
      replace_original: false,
    })
  })
  const server = (await app.start({ port: 0, host: '127.0.0.1' })) as Server
  closers.push(() => app.stop())
  const address = server.address()
  if (address === null || typeof address === 'string') return expect.fail('Bolt has no port')

  const slack = await slackFor(`http://127.0.0.1:${address.port}/slack/events`)
  const { id, answer } = await slack.sendCommand(people.ana, '/access', 'list')
  expect(answer?.text).toBe('heard list')
  await expect
    .poll(() => slack.answersTo(id).map(messageText), { timeout: 30_000 })
    .toEqual(['heard list', 'done'])
})
