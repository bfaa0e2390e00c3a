import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { App, LogLevel } from '@slack/bolt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '#access/domain/errors.ts'
import { listen } from '#access/runtime/listen.ts'
import { createSlackReceiver } from '#bot/slack/receiver.ts'
import { frozenClock, keptLog, noon } from '../../builders.ts'

const secrets = ['a-signing-secret-of-slack', 'the-secret-before-it']
const formType = 'application/x-www-form-urlencoded'

let clock: ReturnType<typeof frozenClock>
let ran: string[]
let lost: unknown[]
let known: Set<string>
let first: (id: string) => Promise<boolean>
let url: string
let close: () => Promise<void>

beforeEach(async () => {
  clock = frozenClock()
  ran = []
  lost = []
  known = new Set()
  first = async (id) => !known.has(id) && known.add(id) !== undefined
  const { receiver, handle } = createSlackReceiver({
    signingSecrets: secrets,
    seen: { first: (id) => first(id) },
    clickPutOff: ({ type }) => void lost.push(type),
    now: clock.now,
    log: keptLog().log,
  })
  const app = new App({
    receiver,
    authorize: async () => ({ botToken: 'xoxb-test' }),
    logLevel: LogLevel.ERROR,
  })
  app.command('/access', async ({ command, ack }) => {
    ran.push(command.text)
    await ack({ response_type: 'ephemeral', text: `did ${command.text}` })
  })
  app.error(async () => undefined)
  const listening = await listen(createServer(handle), { host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${listening.port}/slack/events`
  close = () => listening.close()
})
afterEach(() => close())

const form = (text: string, changes: Record<string, string> = {}): string =>
  new URLSearchParams({
    command: '/access',
    text,
    team_id: 'T0SANDBOX',
    user_id: 'U0ANA00001',
    channel_id: 'C0GENERAL1',
    trigger_id: '1.2.3',
    response_url: 'http://127.0.0.1:1/commands',
    api_app_id: 'A0',
    token: 'legacy',
    ...changes,
  }).toString()

const seconds = (at: number): string => String(Math.floor(at / 1_000))
const sign = (body: string, timestamp: string, secret = secrets[0] ?? ''): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`

const post = async (body: string, headers: Record<string, string>) => {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': formType, ...headers },
  })
  return { status: response.status, text: await response.text() }
}
const signedHeaders = (body: string, at = clock.now(), secret?: string) => ({
  'x-slack-request-timestamp': seconds(at),
  'x-slack-signature': sign(body, seconds(at), secret),
})

describe('A signed command', () => {
  test('is carried out, and answered in the acknowledgement', async () => {
    const { status, text } = await post(form('list'), signedHeaders(form('list')))
    expect([status, JSON.parse(text)]).toEqual([200, { response_type: 'ephemeral', text: 'did list' }])
    expect(ran).toEqual(['list'])
  })

  test.each<[string, string, Record<string, string>, number, string]>([
    ['with a charset', 'list', { 'content-type': `${formType}; charset=utf-8` }, 0, secrets[0] ?? ''],
    ['with the older of two secrets', 'list', {}, 0, secrets[1] ?? ''],
    ['five minutes old', 'list', {}, -300_000, secrets[0] ?? ''],
    ['five minutes ahead', 'list', {}, 300_000, secrets[0] ?? ''],
    ['with letters of every kind', 'grant x because “ä” 😀', {}, 0, secrets[0] ?? ''],
  ])('is accepted %s', async (_, text, headers, drift, secret) => {
    const body = form(text)
    const { status } = await post(body, { ...signedHeaders(body, noon + drift, secret), ...headers })
    expect([status, ran]).toEqual([200, [text]])
  })

  test('that nobody listens for is answered with 404', async () => {
    const body = form('list', { command: '/other' })
    expect((await post(body, signedHeaders(body))).status).toBe(404)
  })

  test('is put off when nobody can know whether it is new, and whoever wrote it reads so', async () => {
    first = () => Promise.reject(new Fault('store/unreachable', 'Redis is away'))
    const { status, text } = await post(form('list'), signedHeaders(form('list')))
    expect([status, JSON.parse(text)]).toEqual([
      200,
      {
        response_type: 'ephemeral',
        text: 'Passes can’t be changed right now. (Redis does not answer) Passes that are running go on. Try again in a minute.',
      },
    ])
    expect(ran).toEqual([])
  })

  test('that is no command is asked for again, and whoever clicked is told elsewhere', async () => {
    first = () => Promise.reject(new Error('Redis is away'))
    const body = `payload=${encodeURIComponent(JSON.stringify({ type: 'block_actions', user: { id: 'U1' } }))}`
    expect((await post(body, signedHeaders(body))).status).toBe(503)
    expect([ran, lost]).toEqual([[], ['block_actions']])
  })
})

describe('Nothing is carried out', () => {
  test.each<[string, (body: string) => Record<string, string>]>([
    [
      'without a signature',
      (body) => ({ 'x-slack-request-timestamp': signedHeaders(body)['x-slack-request-timestamp'] }),
    ],
    ['without a time', (body) => ({ 'x-slack-signature': signedHeaders(body)['x-slack-signature'] })],
    ['without either', () => ({})],
    ['with a wrong secret', (body) => signedHeaders(body, noon, 'wrong')],
    ['with an empty secret', (body) => signedHeaders(body, noon, '')],
    ['with the signature of another body', () => signedHeaders(form('revoke x'))],
    [
      'with the signature of another time',
      (body) => ({ ...signedHeaders(body), 'x-slack-request-timestamp': seconds(noon + 1_000) }),
    ],
    ['more than five minutes late', (body) => signedHeaders(body, noon - 301_000)],
    ['more than five minutes early', (body) => signedHeaders(body, noon + 301_000)],
    ['years early', (body) => signedHeaders(body, noon * 2)],
    [
      'with a time that is none',
      (body) => ({ 'x-slack-request-timestamp': 'NaN', 'x-slack-signature': sign(body, 'NaN') }),
    ],
    [
      'with an endless time',
      (body) => ({ 'x-slack-request-timestamp': 'Infinity', 'x-slack-signature': sign(body, 'Infinity') }),
    ],
    [
      'with a signature of another version',
      (body) => ({
        ...signedHeaders(body),
        'x-slack-signature': sign(body, seconds(noon)).replace('v0', 'v1'),
      }),
    ],
    [
      'with something behind the signature',
      (body) => ({ ...signedHeaders(body), 'x-slack-signature': `${sign(body, seconds(noon))}=x` }),
    ],
  ])('%s', async (_, headers) => {
    const body = form('grant orders-svc 2h')
    expect((await post(body, headers(body))).status).toBe(401)
    expect(ran).toEqual([])
    expect(known.size).toBe(0)
  })

  test('a second time when a message is replayed', async () => {
    const body = form('revoke orders-svc')
    const headers = signedHeaders(body)
    await post(body, headers)
    expect((await post(body, headers)).status).toBe(200)
    expect(ran).toEqual(['revoke orders-svc'])
  })

  test.each<[string, (headers: ReturnType<typeof signedHeaders>) => Record<string, string>]>([
    ['a signature that goes on', (it) => ({ ...it, 'x-slack-signature': `${it['x-slack-signature']}=1` })],
    [
      'a signature in capitals',
      (it) => ({ ...it, 'x-slack-signature': it['x-slack-signature'].toUpperCase() }),
    ],
    [
      'the time written in another way',
      (it) => ({ ...it, 'x-slack-request-timestamp': `${it['x-slack-request-timestamp']}.0` }),
    ],
    ['another content type', (it) => ({ ...it, 'content-type': `${formType};charset=utf-8` })],
    ['the mark of a retry', (it) => ({ ...it, 'x-slack-retry-num': '1' })],
  ])('a second time when a message is replayed with %s', async (_, changed) => {
    const body = form('revoke orders-svc')
    const headers = signedHeaders(body)
    await post(body, headers)
    await post(body, changed(headers))
    expect(ran).toEqual(['revoke orders-svc'])
  })

  test('for a body larger than any real one, which is told so', async () => {
    const body = form('x'.repeat(16 * 1024 * 1024))
    expect((await post(body, signedHeaders(body))).status).toBe(413)
    expect(ran).toEqual([])
  })

  test.each<[string, string, string]>([
    ['JSON that is none', '{', 'application/json'],
    ['a list', '[]', 'application/json'],
    ['another content type', form('list'), 'text/plain'],
    ['a payload that is no JSON', 'payload=%7B', formType],
    ['no content type', form('list'), ''],
  ])('for %s', async (_, body, type) => {
    expect((await post(body, { ...signedHeaders(body), 'content-type': type })).status).toBe(400)
    expect(ran).toEqual([])
  })

  test('when Slack checks the address: it gets its challenge back, if it signed', async () => {
    const body = JSON.stringify({ type: 'url_verification', challenge: 'abc' })
    const json = { 'content-type': 'application/json' }
    expect(await post(body, { ...signedHeaders(body), ...json })).toEqual({
      status: 200,
      text: '{"challenge":"abc"}',
    })
    expect((await post(body, json)).status).toBe(401)
  })
})
