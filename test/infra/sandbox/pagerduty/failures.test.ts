import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPagerDuty, type PagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'

let pagerduty: PagerDuty
let base: string

beforeEach(async () => {
  pagerduty = createPagerDuty({ token: 't', webhook: { url: 'http://127.0.0.1:1/hook', secret: 's' } })
  base = (await pagerduty.listen(0)).url
})
afterEach(() => pagerduty.close())

const get = (path: string, init: RequestInit = {}) =>
  fetch(`${base}${path}`, { headers: { authorization: 'Token token=t' }, ...init })
const json = async (path: string) => JSON.parse(await (await get(path)).text())
const statusOf = async (path: string) => (await get(path)).status

describe('The REST API fails on demand', () => {
  test('with 429 as often as asked, telling when to come again', async () => {
    pagerduty.fail({ kind: '429', count: 2 })
    const refused = await get('/users')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('ratelimit-reset'))).toBeGreaterThan(0)
    expect(await refused.json()).toEqual({ error: { message: 'Rate Limit Exceeded', code: 2020 } })
    expect(await statusOf('/users')).toBe(429)
    expect(await statusOf('/users')).toBe(200)
  })

  test('only below the path asked for', async () => {
    pagerduty.fail({ kind: '500', path: '/incidents' })
    expect(await statusOf('/users')).toBe(200)
    expect(await statusOf('/incidents')).toBe(500)
    expect(await statusOf('/incidents')).toBe(200)
  })

  test('with the HTML of a gateway', async () => {
    pagerduty.fail({ kind: '502' })
    const response = await get('/users')
    expect(response.status).toBe(502)
    expect(response.headers.get('content-type')).toBe('text/html')
  })

  // Whoever stands still before it asks leaves the failure to the next question.
  test('with no answer', { retry: 3 }, async () => {
    pagerduty.fail({ kind: 'timeout' })
    await expect(get('/users', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(await statusOf('/users')).toBe(200)
  })

  test('until it is mended', async () => {
    pagerduty.fail({ kind: '500', count: 100 })
    pagerduty.mend()
    expect(await statusOf('/users')).toBe(200)
  })
})

describe('The account', () => {
  test('has abilities', async () => {
    const { abilities } = await json('/abilities')
    expect(abilities).toContain('coordinated_responding')
  })

  test('has one webhook subscription, without its secret', async () => {
    const { webhook_subscriptions } = await json('/webhook_subscriptions')
    expect(webhook_subscriptions).toEqual([
      {
        id: 'PWEBHOOK',
        type: 'webhook_subscription',
        active: true,
        description: 'Pagepass',
        delivery_method: {
          id: 'PDELIVERY',
          type: 'http_delivery_method',
          url: 'http://127.0.0.1:1/hook',
          secret: null,
          temporarily_disabled: false,
          custom_headers: [],
        },
        events: expect.arrayContaining(['incident.triggered', 'incident.responder.added']),
        filter: { id: null, type: 'account_reference' },
      },
    ])
  })

  test('pages through who is on call', async () => {
    const first = await json('/oncalls?limit=3')
    expect(first).toMatchObject({ limit: 3, offset: 0, more: true })
    expect(first.oncalls).toHaveLength(3)
    const rest = await json('/oncalls?limit=3&offset=3')
    expect(rest.more).toBe(false)
    expect(rest.oncalls).toMatchObject([{ user: { id: 'PUBEN01' }, escalation_level: 2 }])
  })
})
