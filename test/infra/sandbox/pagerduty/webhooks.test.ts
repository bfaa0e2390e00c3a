import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { integrations, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import type { Agent } from '#infra/sandbox/pagerduty/incident-record.ts'
import { createPagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { people } from '#infra/sandbox/people.ts'
import { type Recorded, type Reply, startRecorder } from '../recorder.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const orders = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
const datadog: Agent = { kind: 'integration', id: integrations.datadog.id, service: orders.id }
const ana: Agent = { kind: 'user', id: people.ana.pagerduty.user }

const start = async (
  reply: (request: Recorded, index: number) => Reply,
  { secret = 'webhook', now = Date.now } = {},
) => {
  const bot = await startRecorder(reply)
  const webhook = { url: `${bot.url}/pagerduty/webhooks`, secret }
  const pagerduty = createPagerDuty({ token: 'pd-token', webhook, now })
  closers.push(bot.close, pagerduty.close)
  return {
    bot,
    pagerduty,
    trigger: () => pagerduty.incidents.trigger({ service: orders, title: 'Queue is stuck', by: datadog }),
    settled: () => expect.poll(() => pagerduty.webhooks.status().waiting, { timeout: 10_000 }).toBe(0),
  }
}

const accepted = (): Reply => ({ status: 202 })
const eventOf = (request: Recorded | undefined) => JSON.parse(request?.body ?? '{}').event
const typesOf = (requests: readonly Recorded[]) => requests.map((request) => eventOf(request).event_type)

describe('A V3 webhook', () => {
  test('carries the incident in PagerDuty’s envelope', async () => {
    const { bot, trigger, settled } = await start(accepted)
    const { id } = trigger()
    await settled()
    expect(eventOf(bot.requests[0])).toMatchObject({
      id: expect.stringMatching(/^01[0-9A-Z]{24}$/),
      event_type: 'incident.triggered',
      resource_type: 'incident',
      occurred_at: expect.stringMatching(/\.\d{3}Z$/),
      agent: { id: 'PIDATADOG', type: 'inbound_integration_reference', summary: 'Datadog' },
      client: { name: 'Datadog' },
      data: {
        id,
        type: 'incident',
        number: 1,
        status: 'triggered',
        urgency: 'high',
        assignees: [{ id: 'PUANA01', type: 'user_reference', summary: 'Ana Lopes' }],
      },
    })
    expect(bot.requests[0]?.body).not.toContain('@')
  })

  test('is signed over its exact body, once per secret while one is rotated', async () => {
    const { bot, trigger, settled } = await start(accepted, { secret: 'old,new' })
    trigger()
    await settled()
    const [request] = bot.requests
    const sign = (secret: string) =>
      `v1=${createHmac('sha256', secret)
        .update(request?.body ?? '')
        .digest('hex')}`
    expect(request?.headers).toMatchObject({
      'user-agent': 'PagerDuty-Webhook/V3.0',
      'x-pagerduty-signature': `${sign('old')},${sign('new')}`,
      'x-webhook-subscription': expect.any(String),
    })
  })

  test('tells every change of an incident, in order, with nobody assigned at the end', async () => {
    const { bot, pagerduty, trigger, settled } = await start(accepted)
    const { id } = trigger()
    pagerduty.incidents.acknowledge(id, people.ana.pagerduty.user)
    pagerduty.incidents.escalate(id, ana)
    pagerduty.incidents.reassign(id, [people.cho.pagerduty.user], ana)
    pagerduty.incidents.resolve(id, datadog)
    await settled()
    expect(typesOf(bot.requests)).toEqual([
      'incident.triggered',
      'incident.acknowledged',
      'incident.escalated',
      'incident.reassigned',
      'incident.resolved',
    ])
    const who = bot.requests.map((request) =>
      eventOf(request).data.assignees.map(({ id: user }: { id: string }) => user),
    )
    expect(who).toEqual([['PUANA01'], ['PUANA01'], ['PUBEN01'], ['PUCHO01'], []])
    expect(eventOf(bot.requests[1]).agent).toMatchObject({ id: 'PUANA01', type: 'user_reference' })
  })

  test('may be a test event', async () => {
    const { bot, pagerduty, settled } = await start(accepted)
    pagerduty.ping()
    await settled()
    expect(eventOf(bot.requests[0])).toMatchObject({
      event_type: 'pagey.ping',
      resource_type: 'pagey',
      agent: null,
    })
  })
})

describe('A webhook that could not be delivered', () => {
  test.each([500, 503, 429])(
    'after a %i is sent again under the same id, later events waiting behind',
    async (status) => {
      const { bot, pagerduty, trigger, settled } = await start((_request, index) => ({
        status: index < 2 ? status : 202,
      }))
      const { id } = trigger()
      pagerduty.incidents.acknowledge(id, people.ana.pagerduty.user)
      await settled()
      expect(typesOf(bot.requests)).toEqual([
        'incident.triggered',
        'incident.triggered',
        'incident.triggered',
        'incident.acknowledged',
      ])
      const ids = bot.requests.map(({ headers }) => headers['x-webhook-id'])
      expect(new Set(ids.slice(0, 3)).size).toBe(1)
      expect(ids[3]).not.toBe(ids[0])
    },
  )

  test('does not hold up other incidents', async () => {
    const { bot, pagerduty, trigger } = await start((request) =>
      eventOf(request).data.number === 1 ? { status: 503 } : { status: 202 },
    )
    const first = trigger()
    const second = trigger()
    const deliveredTo = (incident: string) =>
      pagerduty.webhooks.deliveries().find(({ resource }) => resource === incident)?.outcome
    await expect.poll(() => deliveredTo(second.id)).toBe('delivered')
    expect(deliveredTo(first.id)).toBe('waiting')
    expect(bot.requests.length).toBeGreaterThanOrEqual(2)
  })

  test('is sent again when the bot was down', async () => {
    const bot = await startRecorder(accepted)
    const { port } = bot
    await bot.close()
    const pagerduty = createPagerDuty({
      token: 'pd-token',
      webhook: { url: `http://127.0.0.1:${port}/pagerduty/webhooks`, secret: 'webhook' },
    })
    closers.push(pagerduty.close)
    pagerduty.ping()
    const [delivery] = pagerduty.webhooks.deliveries()
    await expect.poll(() => delivery?.attempts).toEqual(['none', 'none'])
    expect(delivery?.outcome).toBe('waiting')
  })

  test('is sent again when the bot did not answer within five seconds', async () => {
    const { bot, trigger, settled } = await start((_request, index) =>
      index === 0 ? 'never' : { status: 202 },
    )
    trigger()
    await settled()
    expect(typesOf(bot.requests)).toEqual(['incident.triggered', 'incident.triggered'])
  })

  test.each([400, 401, 404, 302])('is dropped after a %i', async (status) => {
    const { bot, pagerduty, trigger, settled } = await start(() => ({ status }))
    trigger()
    await settled()
    expect(pagerduty.webhooks.status()).toMatchObject({ drops: 1, enabled: true })
    expect(bot.requests).toHaveLength(1)
  })

  test('disables the subscription when three in a row are dropped, until it is enabled again', async () => {
    let status = 400
    const { bot, pagerduty, trigger, settled } = await start(() => ({ status }))
    const { id } = trigger()
    for (const user of ['PUBEN01', 'PUCHO01', 'PUANA01']) pagerduty.incidents.reassign(id, [user], ana)
    await settled()
    expect(pagerduty.webhooks.status()).toMatchObject({ drops: 3, enabled: false })
    expect(pagerduty.webhooks.deliveries().map(({ outcome }) => outcome)).toEqual([
      'dropped',
      'dropped',
      'dropped',
      'discarded',
    ])
    trigger()
    await settled()
    expect(bot.requests).toHaveLength(3)

    status = 202
    pagerduty.webhooks.enable()
    trigger()
    await settled()
    expect(bot.requests).toHaveLength(4)
  })

  test('disables the subscription for 24 hours only', async () => {
    let time = Date.UTC(2026, 0, 1)
    const { pagerduty, settled } = await start(() => ({ status: 400 }), { now: () => time })
    for (let count = 0; count < 3; count += 1) pagerduty.ping()
    await settled()
    time += 24 * 3600 * 1000 - 1
    expect(pagerduty.webhooks.status().enabled).toBe(false)
    time += 1
    expect(pagerduty.webhooks.status().enabled).toBe(true)
  })

  test('does not count towards disabling once another was delivered', async () => {
    const { pagerduty, settled } = await start((_request, index) => ({ status: index === 2 ? 202 : 400 }))
    for (let count = 0; count < 5; count += 1) pagerduty.ping()
    await settled()
    expect(pagerduty.webhooks.status()).toMatchObject({ drops: 4, enabled: true })
  })
})

test('A webhook may come twice: repeated, it has the same id and body', async () => {
  const { bot, pagerduty, trigger, settled } = await start(accepted)
  trigger()
  await settled()
  pagerduty.webhooks.repeat(pagerduty.webhooks.deliveries()[0]?.webhookId ?? '')
  await settled()
  const [first, second] = bot.requests
  expect(second?.body).toBe(first?.body)
  expect(second?.headers['x-webhook-id']).toBe(first?.headers['x-webhook-id'])
})
