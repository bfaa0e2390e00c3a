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
    settled: () => expect.poll(() => pagerduty.webhooks.status().waiting, { timeout: 30_000 }).toBe(0),
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
    await expect.poll(() => deliveredTo(second.id), { timeout: 30_000 }).toBe('delivered')
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
    await expect.poll(() => delivery?.attempts, { timeout: 30_000 }).toEqual(['none', 'none'])
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

describe('Webhooks held back', () => {
  test('are sent once released, in order, and later ones follow at once', async () => {
    const { bot, pagerduty, trigger, settled } = await start(accepted)
    const { id } = trigger()
    await settled()
    pagerduty.webhooks.hold(id)
    pagerduty.incidents.acknowledge(id, people.ana.pagerduty.user)
    pagerduty.incidents.resolve(id, ana)
    expect(pagerduty.webhooks.status()).toMatchObject({ waiting: 0, held: 2 })
    const other = trigger()
    await settled()
    expect(eventOf(bot.requests.at(-1)).data.id).toBe(other.id)

    pagerduty.webhooks.release(id)
    pagerduty.incidents.reopen(id, ana)
    await settled()
    expect(typesOf(bot.requests.slice(2))).toEqual([
      'incident.acknowledged',
      'incident.resolved',
      'incident.reopened',
    ])
    expect(pagerduty.webhooks.status().held).toBe(0)
  })

  test('come out of order when that is asked for', async () => {
    const { bot, pagerduty, trigger, settled } = await start(accepted)
    pagerduty.webhooks.hold()
    const { id } = trigger()
    pagerduty.incidents.resolve(id, ana)
    pagerduty.webhooks.release(undefined, { reversed: true })
    await settled()
    expect(typesOf(bot.requests)).toEqual(['incident.resolved', 'incident.triggered'])
  })

  test('may come hours late: signed anew, saying when it happened', async () => {
    const time = Date.UTC(2026, 0, 1, 12)
    const { bot, pagerduty, trigger, settled } = await start(accepted, { now: () => time })
    pagerduty.webhooks.hold()
    trigger()
    pagerduty.webhooks.release(undefined, { lateByMs: 5 * 3600 * 1000 })
    await settled()
    const [request] = bot.requests
    expect(eventOf(request).occurred_at).toBe('2026-01-01T07:00:00.000Z')
    const expected = createHmac('sha256', 'webhook')
      .update(request?.body ?? '')
      .digest('hex')
    expect(request?.headers['x-pagerduty-signature']).toBe(`v1=${expected}`)
  })

  test('are discarded with the rest when the subscription is disabled', async () => {
    const { pagerduty, trigger, settled } = await start(() => ({ status: 400 }))
    const { id } = trigger()
    pagerduty.webhooks.hold(id)
    pagerduty.incidents.resolve(id, ana)
    pagerduty.ping()
    pagerduty.ping()
    await settled()
    await expect
      .poll(() => pagerduty.webhooks.status(), { timeout: 30_000 })
      .toMatchObject({ enabled: false, held: 0 })
    expect(pagerduty.webhooks.subscription()).toMatchObject({ active: true, temporarilyDisabled: true })
  })
})

describe('A forged webhook', () => {
  test('is signed with what the forger has, and leaves no trace at PagerDuty', async () => {
    const { bot, pagerduty, trigger, settled } = await start(() => ({ status: 401 }))
    pagerduty.webhooks.hold()
    const { id } = trigger()
    expect(await pagerduty.forge(id, 'resolved', ['wrong'])).toBe(401)
    const [request] = bot.requests
    expect(eventOf(request)).toMatchObject({ event_type: 'incident.resolved', data: { id } })
    const signed = createHmac('sha256', 'wrong')
      .update(request?.body ?? '')
      .digest('hex')
    expect(request?.headers['x-pagerduty-signature']).toBe(`v1=${signed}`)
    await settled()
    expect(pagerduty.webhooks.status()).toMatchObject({ drops: 0, enabled: true })
    expect(pagerduty.incidents.find(id).status).toBe('triggered')
  })

  test('may have several signatures, or none', async () => {
    const { bot, pagerduty, trigger } = await start(accepted)
    pagerduty.webhooks.hold()
    const { id } = trigger()
    await pagerduty.forge(id, 'triggered', ['wrong', 'webhook', 'other'])
    await pagerduty.forge(id, 'triggered', [])
    expect(bot.requests[0]?.headers['x-pagerduty-signature']).toMatch(
      /^v1=[0-9a-f]{64},v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/,
    )
    expect(bot.requests[1]?.headers).not.toHaveProperty('x-pagerduty-signature')
  })
})

test('A disabled subscription says so by REST, and is enabled there again', async () => {
  const { pagerduty, settled } = await start(() => ({ status: 400 }))
  const { url } = await pagerduty.listen(0)
  const call = async (path: string, method = 'GET') => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: 'Token token=pd-token' },
    })
    return JSON.parse(await response.text())
  }
  for (let count = 0; count < 3; count += 1) pagerduty.ping()
  await settled()
  const [subscription] = (await call('/webhook_subscriptions')).webhook_subscriptions
  expect(subscription.delivery_method.temporarily_disabled).toBe(true)
  const enabled = await call(`/webhook_subscriptions/${subscription.id}/enable`, 'POST')
  expect(enabled.webhook_subscription.delivery_method.temporarily_disabled).toBe(false)
  expect(pagerduty.webhooks.status().enabled).toBe(true)
})
