import { once } from 'node:events'
import { App, type BlockButtonAction, LogLevel } from '@slack/bolt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import type { Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { startRecorder } from '../recorder.ts'
import { clientOf, startSlack } from './a-slack.ts'

const inOrders = channelNamed('inc-orders') ?? expect.fail('no #inc-orders')
const { ana } = people

let slack: Slack
let bot: Awaited<ReturnType<typeof startRecorder>>
let now: number | undefined
const sockets: WebSocket[] = []

beforeEach(async () => {
  now = undefined
  bot = await startRecorder(() => ({ status: 200, body: 'over HTTP' }))
  slack = await startSlack({
    appToken: 'xapp-sandbox',
    bot: { eventsUrl: `${bot.url}/slack/events` },
    now: () => now ?? Date.now(),
  })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate()
  await slack.close()
  await bot.close()
})

const clientWith = (token: string) => clientOf(slack, token)

const address = async (): Promise<string> =>
  (await clientWith('xapp-sandbox').apps.connections.open()).url ?? expect.fail('no url')

type Envelope = {
  readonly type: string
  readonly envelope_id: string
  readonly payload: Record<string, unknown>
  readonly accepts_response_payload: boolean
}

/** A connection that keeps what it is sent, and answers as the test says. */
const connect = async (answer: (envelope: Envelope) => unknown = () => ({})) => {
  const socket = new WebSocket(await address())
  sockets.push(socket)
  const received: Record<string, unknown>[] = []
  const hello = once(socket, 'message')
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    received.push(message)
    if (!message.envelope_id) return
    const payload = answer(message)
    if (payload === 'never') return
    if (payload === 'leave') return socket.terminate()
    socket.send(JSON.stringify({ envelope_id: message.envelope_id, payload }))
  })
  await hello
  return { socket, received }
}

const button = {
  type: 'button' as const,
  text: { type: 'plain_text' as const, text: 'Take' },
  action_id: 'take',
  value: 'grant-1',
}
const postButton = () =>
  clientWith('xoxb-sandbox').chat.postMessage({
    channel: 'inc-orders',
    text: 'Take it?',
    blocks: [{ type: 'actions', elements: [button] }],
  })

describe('apps.connections.open', () => {
  const errorOf = (call: Promise<unknown>) =>
    call.then(
      () => 'no error',
      (error: { data?: { error?: string } }) => error.data?.error,
    )

  test('gives an address on loopback, for the app-level token alone', async () => {
    expect(await address()).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/link\?ticket=[0-9a-f]{32}&app_id=A0PAGEPASS$/)
    expect(await errorOf(clientWith('xoxb-sandbox').apps.connections.open())).toBe('not_allowed_token_type')
    expect(await errorOf(clientWith('xapp-sandbox').auth.test())).toBe('not_allowed_token_type')
    expect(await errorOf(clientWith('xapp-other').apps.connections.open())).toBe('invalid_auth')
  })

  test('takes the token from the header alone', async () => {
    const response = await fetch(`${slack.apiUrl()}apps.connections.open`, {
      method: 'POST',
      body: new URLSearchParams({ token: 'xapp-sandbox' }),
    })
    expect(await response.json()).toMatchObject({ ok: false, error: 'invalid_auth' })
  })

  test.each([
    [
      'used twice',
      async () => {
        const url = await address()
        const first = new WebSocket(url)
        sockets.push(first)
        await once(first, 'open')
        return url
      },
    ],
    ['made up', async () => (await address()).replace(/ticket=\w+/, 'ticket=x')],
    [
      'half a minute old',
      async () => {
        const url = await address()
        now = Date.now() + 31_000
        return url
      },
    ],
  ])('a ticket that is %s opens nothing', async (_what, urlOf) => {
    const socket = new WebSocket(await urlOf())
    sockets.push(socket)
    const [error] = await once(socket, 'error')
    expect(String(error)).toContain('401')
  })
})

describe('A connection in Socket Mode', () => {
  test('begins with hello', async () => {
    const { received } = await connect()
    expect(received).toEqual([
      {
        type: 'hello',
        num_connections: 1,
        debug_info: expect.objectContaining({ host: expect.any(String) }),
        connection_info: { app_id: 'A0PAGEPASS' },
      },
    ])
  })

  test('gets commands, and may answer them with the acknowledgement', async () => {
    const { received } = await connect(() => ({ text: 'done' }))
    const { answer } = await slack.sendCommand(ana, '/access', 'list', inOrders)
    expect(answer).toMatchObject({ text: 'done', visibleTo: 'U0ANA00001' })
    expect(received[1]).toMatchObject({
      type: 'slash_commands',
      envelope_id: expect.any(String),
      accepts_response_payload: true,
      payload: { command: '/access', text: 'list', user_id: 'U0ANA00001', channel_id: 'C0INCORDER' },
    })
    expect(bot.requests).toEqual([])
  })

  test('gets clicks, and what comes with their acknowledgement is not read', async () => {
    const { received } = await connect(() => ({ text: 'ignored' }))
    await postButton()
    const { id, failure } = await slack.click(ana, inOrders, 'Take')
    expect(failure).toBeUndefined()
    expect(slack.answersTo(id)).toEqual([])
    expect(received[1]).toMatchObject({
      type: 'interactive',
      accepts_response_payload: false,
      payload: { type: 'block_actions', actions: [{ action_id: 'take', value: 'grant-1' }] },
    })
  })

  test('that acknowledges nothing in three seconds fails the command', async () => {
    await connect(() => 'never')
    const { failure } = await slack.sendCommand(ana, '/access', 'list')
    expect(failure).toBe('/access failed with the error "operation_timeout"')
  })

  test('that ends before it acknowledges fails the click, and the next one goes over HTTP', async () => {
    const { socket } = await connect(() => 'leave')
    await postButton()
    expect((await slack.click(ana, inOrders, 'Take')).failure).toBe('[Take] ⚠ dispatch_failed')
    if (socket.readyState !== socket.CLOSED) await once(socket, 'close')
    expect((await slack.sendCommand(ana, '/access', 'list')).answer?.text).toBe('over HTTP')
  })

  test('is one of several, and each envelope goes to one of them', async () => {
    const both = [await connect(), await connect()]
    for (let count = 0; count < 4; count += 1) await slack.sendCommand(ana, '/access', `${count}`)
    const texts = both.map(({ received }) =>
      received.slice(1).map((one) => (one as { payload: { text: string } }).payload.text),
    )
    expect(texts).toEqual([
      ['0', '2'],
      ['1', '3'],
    ])
    expect(both[1]?.received[0]).toMatchObject({ num_connections: 2 })
  })

  test('is told to come again on demand, and gets nothing from then on', async () => {
    const [old, young] = [await connect(), await connect()]
    const told = once(old.socket, 'message')
    expect(slack.refreshSockets(1)).toBe(1)
    await told
    expect(old.received.at(-1)).toMatchObject({ type: 'disconnect', reason: 'refresh_requested' })
    for (let count = 0; count < 2; count += 1) await slack.sendCommand(ana, '/access', 'list')
    expect([old.received.length, young.received.length]).toEqual([2, 3])
    expect(slack.connections()).toBe(1)
  })

  test('beyond the tenth is turned away', async () => {
    for (let count = 0; count < 10; count += 1) await connect()
    const { received } = await connect()
    expect(received).toMatchObject([{ type: 'disconnect', reason: 'too_many_websockets' }])
    expect(slack.connections()).toBe(10)
  })

  test('does not keep a forged click from going over HTTP', async () => {
    const { received } = await connect()
    await postButton()
    await slack.click(ana, inOrders, 'Take', { signature: 'bad' })
    expect(received).toHaveLength(1)
    expect(bot.requests).toHaveLength(1)
  })
})

test('Slack’s own Bolt takes a command and a click in Socket Mode, and comes again when asked to', async () => {
  const app = new App({
    token: 'xoxb-sandbox',
    appToken: 'xapp-sandbox',
    socketMode: true,
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: slack.apiUrl() },
  })
  app.command('/access', async ({ ack, command, respond }) => {
    await ack(`heard ${command.text}`)
    await respond('and done')
  })
  app.action<BlockButtonAction>('take', async ({ ack, action, respond }) => {
    await ack()
    await respond({ replace_original: true, text: `took ${action.value}` })
  })
  await app.start()
  try {
    const { id, answer } = await slack.sendCommand(ana, '/access', 'list')
    expect(answer?.text).toBe('heard list')
    await expect
      .poll(() => slack.answersTo(id).map(messageText), { timeout: 30_000 })
      .toEqual(['heard list', 'and done'])

    await postButton()
    const click = await slack.click(ana, inOrders, 'Take')
    expect(click.failure).toBeUndefined()
    await slack.waitForEffect(click.id, click.message, 30_000)
    expect(slack.messagesIn(inOrders).map(messageText)).toEqual(['took grant-1'])

    expect(slack.refreshSockets()).toBe(1)
    await expect.poll(() => slack.connections(), { timeout: 30_000 }).toBe(1)
    const again = await slack.sendCommand(ana, '/access', 'again')
    await expect
      .poll(() => slack.answersTo(again.id).map(messageText), { timeout: 30_000 })
      .toEqual(['heard again', 'and done'])
    expect(bot.requests).toEqual([])
  } finally {
    await app.stop()
    await expect.poll(() => slack.connections(), { timeout: 30_000 }).toBe(0)
  }
}, 120_000)
