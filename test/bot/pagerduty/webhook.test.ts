import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listen } from '#access/runtime/listen.ts'
import { createWebhook } from '#bot/pagerduty/webhook.ts'
import { keptLog } from '../../builders.ts'

const secrets = ['a-secret-of-pagerduty', 'the-secret-before-it']
type Stored = readonly [incident: string, delivery: string]

let stored: Stored[]
let store: (...one: Stored) => Promise<void>
let log: ReturnType<typeof keptLog>
let url: string
let close: () => Promise<void>

beforeEach(async () => {
  stored = []
  store = async (...one) => void stored.push(one)
  log = keptLog()
  const webhook = createWebhook({ webhookSecrets: secrets, store: (...one) => store(...one), log: log.log })
  const listening = await listen(createServer(webhook), { host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${listening.port}/pagerduty/webhooks`
  close = () => listening.close()
})
afterEach(() => close())

const event = (changes: object = {}) =>
  JSON.stringify({
    event: {
      id: '01EVENT',
      event_type: 'incident.triggered',
      resource_type: 'incident',
      occurred_at: '2026-01-15T12:00:00Z',
      data: { id: 'Q1', type: 'incident', title: 'orders are stuck' },
      ...changes,
    },
  })
const sign = (body: string | Buffer, secret = secrets[0] ?? ''): string =>
  `v1=${createHmac('sha256', secret).update(body).digest('hex')}`
const post = async (body: string | Buffer, headers: Record<string, string> = {}): Promise<number> => {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'x-webhook-id': 'delivery-1', ...headers },
  })
  await response.arrayBuffer()
  return response.status
}
const signed = (body: string, headers: Record<string, string> = {}) =>
  post(body, { 'x-pagerduty-signature': sign(body), ...headers })

describe('A signed webhook', () => {
  test('is stored by its incident and its event, and answered with 202', async () => {
    expect(await signed(event())).toBe(202)
    expect(stored).toEqual([['Q1', expect.stringMatching(/^[0-9a-f]{32}$/)]])
  })

  test('is the same event whatever the delivery is called, which nobody signed', async () => {
    for (const id of ['', 'delivery-1', 'delivery-2']) await signed(event(), { 'x-webhook-id': id })
    expect(new Set(stored.map(([, named]) => named)).size).toBe(1)
  })

  test('about a part of an incident names the incident', async () => {
    await signed(event({ event_type: 'incident.annotated', data: { id: 'NOTE1', incident: { id: 'Q2' } } }))
    expect(stored.map(([incident]) => incident)).toEqual(['Q2'])
  })

  test('about no incident is answered, and nothing is stored', async () => {
    expect(await signed(event({ event_type: 'service.updated', data: { id: 'PORDERS' } }))).toBe(202)
    expect(await signed(event({ event_type: 'pagey.ping', data: { message: 'Hello' } }))).toBe(202)
    expect(stored).toEqual([])
  })

  test('that can’t be stored gets 503, so that it comes again', async () => {
    store = () => Promise.reject(new Error('Redis is away'))
    expect(await signed(event())).toBe(503)
  })

  test.each<[string, (body: string) => string]>([
    ['with the older of two secrets', (body) => sign(body, secrets[1])],
    [
      'with several signatures, ours the last',
      (body) => `v1=${'0'.repeat(64)}, ${sign(body, 'another')},${sign(body)}`,
    ],
  ])('is accepted %s', async (_, signature) => {
    const body = event()
    expect(await post(body, { 'x-pagerduty-signature': signature(body) })).toBe(202)
    expect(stored).toHaveLength(1)
  })

  test('is checked by its bytes, whatever they are', async () => {
    const body = Buffer.from(event({ data: { id: 'Q1', title: '\ud83d\ude00 “ä”' } }))
    expect(await post(body, { 'x-pagerduty-signature': sign(body) })).toBe(202)
    expect(stored).toHaveLength(1)
  })
})

describe('What does not verify gets 202 all the same, and nothing is stored', () => {
  test.each<[string, (body: string) => Record<string, string>]>([
    ['no signature', () => ({})],
    ['an empty signature', () => ({ 'x-pagerduty-signature': '' })],
    ['a wrong secret', (body) => ({ 'x-pagerduty-signature': sign(body, 'wrong') })],
    ['an empty secret', (body) => ({ 'x-pagerduty-signature': sign(body, '') })],
    ['the signature of another body', () => ({ 'x-pagerduty-signature': sign(event({ id: 'other' })) })],
    [
      'a signature of another version',
      (body) => ({ 'x-pagerduty-signature': sign(body).replace('v1', 'v0') }),
    ],
    ['half a signature', (body) => ({ 'x-pagerduty-signature': sign(body).slice(0, 40) })],
    ['a signature in capitals', (body) => ({ 'x-pagerduty-signature': sign(body).toUpperCase() })],
    [
      'ours behind more signatures than anybody has',
      (body) => ({ 'x-pagerduty-signature': `${'v1=0,'.repeat(10)}${sign(body)}` }),
    ],
    ['the secret itself', () => ({ 'x-pagerduty-signature': secrets[0] ?? '' })],
  ])('%s', async (_, headers) => {
    const body = event()
    expect(await post(body, headers(body))).toBe(202)
    expect(stored).toEqual([])
    expect(log.lines()).toContainEqual(expect.objectContaining({ why: 'signature', level: 'error' }))
  })

  test('a body altered by one byte', async () => {
    const body = event()
    const status = await post(body.replace('Q1', 'Q2'), { 'x-pagerduty-signature': sign(body) })
    expect([status, stored]).toEqual([202, []])
  })

  test('a body larger than any real one', async () => {
    const body = event({ data: { id: 'Q1', title: 'x'.repeat(16 * 1024 * 1024) } })
    expect([await signed(body), stored]).toEqual([202, []])
    expect(log.lines()).toContainEqual(expect.objectContaining({ why: 'too large' }))
  })
})

describe('What is signed but has another shape gets 202, and nothing is stored', () => {
  test.each<[string, string]>([
    ['no JSON', 'hello'],
    ['an empty body', ''],
    ['a list', '[]'],
    ['no event', '{}'],
    [
      'an event without an id',
      JSON.stringify({ event: { event_type: 'incident.triggered', data: { id: 'Q1' } } }),
    ],
    ['an incident id that is none', event({ data: { id: '../../users' } })],
    ['an incident id that is a number', event({ data: { id: 7 } })],
    ['an incident without an id', event({ data: {} })],
  ])('%s', async (_, body) => {
    expect([await signed(body), stored]).toEqual([202, []])
  })

  test('a flood of them is not logged one by one', async () => {
    for (let count = 0; count < 40; count += 1) await post('x')
    expect(log.lines()).toHaveLength(20)
  })
})
