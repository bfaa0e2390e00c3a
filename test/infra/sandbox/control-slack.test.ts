import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callControl, type RecordedWorld, startRecordedWorld } from './a-world.ts'
import type { Recorded, Reply } from './recorder.ts'

let bot: RecordedWorld['bot']
let world: RecordedWorld['world']
let close: RecordedWorld['close']
let reply: (request: Recorded) => Reply

beforeEach(async () => {
  reply = () => ({ status: 200 })
  ;({ bot, world, close } = await startRecordedWorld((request) => reply(request)))
})
afterEach(() => close())

const get = async (path: string) => (await callControl(world, path)).text

const post = (path: string, fields: Record<string, string> = {}, accept = 'text/plain') =>
  callControl(world, path, { method: 'POST', headers: { accept }, body: new URLSearchParams(fields) })

const callSlack = (method: string, fields: Record<string, string>) =>
  fetch(`${world.urls.slack}/api/${method}`, {
    method: 'POST',
    headers: { authorization: 'Bearer xoxb-sandbox' },
    body: new URLSearchParams(fields),
  })

const button = (text: string) => ({
  type: 'button',
  text: { type: 'plain_text', text },
  action_id: text.toLowerCase().replace(' ', '-'),
})
const offerTo = async (channel: string, text = 'Take it?') => {
  const blocks = [
    { type: 'section', text: { type: 'mrkdwn', text } },
    { type: 'actions', elements: [button('Take'), button('Not me')] },
  ]
  const response = await callSlack('chat.postMessage', { channel, text, blocks: JSON.stringify(blocks) })
  const posted = (await response.json()) as { channel: string; ts: string }
  return { channel: posted.channel, ts: posted.ts }
}

const payloadOf = (recorded: Recorded | undefined) =>
  JSON.parse(new URLSearchParams(recorded?.body).get('payload') ?? expect.fail('no payload'))

describe('POST /click', () => {
  test('clicks the newest such button somebody sees, and prints the message as the bot left it', async () => {
    await offerTo('inc-orders')
    const offer = await offerTo('U0ANA00001', 'For you')
    await offerTo('U0BEN00001')
    reply = () => {
      callSlack('chat.update', { ...offer, text: 'You have it' })
      return { status: 200 }
    }
    expect(await post('/click', { as: 'ana', button: 'Take' })).toEqual({ status: 200, text: 'You have it' })
    expect(payloadOf(bot.requests[0])).toMatchObject({
      user: { id: 'U0ANA00001' },
      container: { message_ts: offer.ts },
      actions: [{ action_id: 'take' }],
    })
    expect(await get('/dm/ana')).toContain('pagepass (edited):\n  You have it')
  })

  test.each([
    ['inc-orders', 'C0INCORDER'],
    ['dm', 'D0ANA00001'],
  ])('clicks in %s when told so', async (where, channel) => {
    await offerTo('U0ANA00001')
    await offerTo('inc-orders')
    await offerTo('inc-payments')
    reply = ({ body }) => {
      const { response_url } = payloadOf({ path: '', headers: {}, body })
      fetch(response_url, { method: 'POST', body: JSON.stringify({ text: 'not yours' }) })
      return { status: 200 }
    }
    const { text } = await post('/click', { as: 'ana', button: 'not-me', where })
    expect(payloadOf(bot.requests[0]).container.channel_id).toBe(channel)
    expect(text).toBe('Take it?\n[Take] [Not me]\n\nnot yours')
  })

  test('clicks as a guest, and as somebody of another workspace', async () => {
    reply = () => ({ status: 500 })
    await offerTo('inc-orders')
    await post('/click', { as: 'gus', button: 'Take' })
    await post('/click', { as: 'sam', button: 'Take' })
    expect(bot.requests.map((request) => payloadOf(request).user.team_id)).toEqual([
      'T0SANDBOX',
      'T0ELSEWHERE',
    ])
  })

  test('prints the mark the person sees when the bot fails', async () => {
    await offerTo('inc-orders')
    reply = () => ({ status: 500 })
    expect((await post('/click', { as: 'ana', button: 'Take' })).text).toBe('[Take] ⚠ dispatch_failed')
  })

  test('answers JSON', async () => {
    const offer = await offerTo('inc-orders')
    reply = () => {
      callSlack('chat.update', { ...offer, text: 'Ana took it' })
      return { status: 200 }
    }
    const { text } = await post('/click', { as: 'ana', button: 'Take' }, 'application/json')
    expect(JSON.parse(text)).toMatchObject({ message: { text: 'Ana took it' }, answers: [], buttons: [] })
  })

  test.each([
    ['nobody', {}, 400, 'Say as=…, for instance as=ana'],
    ['no button', { as: 'ana' }, 400, 'Say button=…, for instance button=Take'],
    [
      'an unknown person',
      { as: 'bob', button: 'Take' },
      400,
      'There is no bob here: as= takes one of ana, ben, cho, dan, eve, gus, una, ida, otto, sam, tia.',
    ],
    [
      'a button that is not there',
      { as: 'ana', button: 'Approve', where: 'dm' },
      404,
      'ana sees no message with the button Approve in direct messages.',
    ],
    [
      'a channel that is not there',
      { as: 'ana', button: 'Take', where: 'x' },
      404,
      'There is no channel x: the channels are inc-orders, inc-payments, general.',
    ],
  ])('says how to mend %s', async (_what, fields, status, text) => {
    expect(await post('/click', fields)).toEqual({ status, text })
  })
})

describe('POST /slack/fail', () => {
  test('makes the next calls of a method fail', async () => {
    const told = await post('/slack/fail', {
      kind: '429',
      method: 'chat.postMessage',
      count: '2',
      retryAfter: '7',
    })
    expect(told.text).toBe('The next 2 calls of chat.postMessage will fail: 429.')
    const answers = []
    for (let call = 0; call < 3; call += 1) {
      const { status, headers } = await callSlack('chat.postMessage', { channel: 'general', text: 'hi' })
      answers.push([status, headers.get('retry-after')])
    }
    expect(answers).toEqual([
      [429, '7'],
      [429, '7'],
      [200, null],
    ])
  })

  test('ends the faults', async () => {
    await post('/slack/fail', { kind: '500', count: '9' })
    expect((await post('/slack/fail', { count: '0' })).text).toBe('Slack works again.')
    expect((await callSlack('auth.test', {})).status).toBe(200)
  })

  test.each([
    ['no kind', {}, 'Say kind=…, for instance kind=429'],
    [
      'a wrong kind',
      { kind: '418' },
      'kind=418 is not known: say one of 429, 500, timeout, ratelimited-soft.',
    ],
    ['a wrong count', { kind: '429', count: '-1' }, 'count=-1 is no number: say count=3.'],
  ])('says how to mend %s', async (_what, fields, text) => {
    expect(await post('/slack/fail', fields)).toEqual({ status: 400, text })
  })

  test('names the methods there are', async () => {
    const { text } = await post('/slack/fail', { kind: '429', method: 'chat.shout' })
    expect(text).toContain(
      'There is no method chat.shout: method= takes one of apps.connections.open, auth.test,',
    )
  })
})

test('POST /slack/refresh-sockets says how many connections were asked to come again', async () => {
  expect((await post('/slack/refresh-sockets')).text).toBe('0 asked to come again, 0 stay.')
})

test('POST /slack types commands as guests, and for nobody of another workspace', async () => {
  reply = () => ({ status: 200, body: 'heard' })
  expect((await post('/slack', { as: 'gus', text: 'list' })).text).toBe('heard')
  expect(await post('/slack', { as: 'sam', text: 'list' })).toEqual({
    status: 400,
    text: 'sam is of another workspace, and can only click: say as=ana.',
  })
})

test('The transcript shows threads, edits and buttons', async () => {
  const offer = await offerTo('inc-orders')
  await callSlack('chat.postMessage', { channel: 'inc-orders', text: 'before', thread_ts: offer.ts })
  const reply_ts = world.slack.messagesIn({ id: 'C0INCORDER', name: 'inc-orders' }).at(-1)?.ts ?? ''
  await callSlack('chat.update', { channel: 'C0INCORDER', ts: reply_ts, text: 'after' })
  const lines = (await get('/channel/inc-orders')).replaceAll(/\d\d:\d\d:\d\d /g, '').split('\n')
  expect(lines).toEqual([
    'pagepass:',
    '  Take it?',
    '  [Take] [Not me]',
    '    pagepass (edited):',
    '      after',
  ])
})

test('GET / explains the calls', async () => {
  const text = await get('/')
  expect(text).toContain(`curl -d as=ana -d button=Take ${world.urls.control}/click`)
  expect(text).toContain(
    `curl -d kind=429 -d method=chat.postMessage -d count=3 ${world.urls.control}/slack/fail`,
  )
  expect(text).toContain(`curl -X POST ${world.urls.control}/slack/refresh-sockets`)
})
