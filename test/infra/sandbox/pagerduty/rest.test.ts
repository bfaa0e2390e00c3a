import { api } from '@pagerduty/pdjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { integrations, pagepassUser, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import type { Agent } from '#infra/sandbox/pagerduty/incident-record.ts'
import type { Trigger } from '#infra/sandbox/pagerduty/incidents.ts'
import { createPagerDuty, type PagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { people } from '#infra/sandbox/people.ts'

let pagerduty: PagerDuty
let base: string

const orders = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
const datadog: Agent = { kind: 'integration', id: integrations.datadog.id, service: orders.id }
const ana: Agent = { kind: 'user', id: people.ana.pagerduty.user }

const trigger = (changes: Partial<Trigger> = {}) =>
  pagerduty.incidents.trigger({ service: orders, title: 'Queue is stuck', by: datadog, ...changes })

beforeEach(async () => {
  pagerduty = createPagerDuty({
    token: 'pd-token',
    webhook: { url: 'http://127.0.0.1:1', secret: 'webhook' },
  })
  base = (await pagerduty.listen(0)).url
})
afterEach(() => pagerduty.close())

type Options = {
  readonly method?: string
  readonly data?: object
  readonly from?: string
  readonly token?: string
}

const call = async (path: string, { method = 'GET', data, from, token = 'pd-token' }: Options = {}) => {
  const { status, data: body } = await api({
    url: `${base}${path}`,
    token,
    method,
    requestTimeout: 0,
    ...(data && { data }),
    ...(from !== undefined && { headers: { From: from } }),
  })
  return { status, body }
}

describe("PagerDuty's REST API, called by PagerDuty's own client", () => {
  test('refuses a token that is not the account’s', async () => {
    expect(await call('/incidents', { token: 'other' })).toEqual({
      status: 401,
      body: { error: { message: 'Authentication failed', code: 2006 } },
    })
  })

  test('says how many requests are left in this minute', async () => {
    const response = await fetch(`${base}/users`, { headers: { authorization: 'Token token=pd-token' } })
    expect(response.headers.get('ratelimit-limit')).toBe('960')
    expect(response.headers.get('ratelimit-remaining')).toBe('959')
  })

  test('pages who is on call, and shows assignees as references without an e-mail', async () => {
    const { id } = trigger()
    const { body } = await call(`/incidents/${id}`)
    expect(body.incident).toMatchObject({
      id,
      type: 'incident',
      incident_number: 1,
      status: 'triggered',
      urgency: 'high',
      assigned_via: 'escalation_policy',
      service: { id: 'PORDERS', type: 'service_reference', summary: 'orders-svc' },
      escalation_policy: { id: 'PEORDER', type: 'escalation_policy_reference' },
      assignments: [{ assignee: { id: 'PUANA01', type: 'user_reference', summary: 'Ana Lopes' } }],
      acknowledgements: [],
      resolved_at: null,
      html_url: `https://sandbox.pagerduty.com/incidents/${id}`,
    })
    expect(JSON.stringify(body)).not.toContain('@')
  })

  test('assigns directly whoever is not on call', async () => {
    const { id } = trigger({ assignTo: people.dan.pagerduty.user })
    const { body } = await call(`/incidents/${id}`)
    expect(body.incident).toMatchObject({
      assigned_via: 'direct_assignment',
      assignments: [{ assignee: { id: 'PUDAN01' } }],
    })
  })

  test.each([
    [
      'an integration',
      datadog,
      { id: 'PIDATADOG', type: 'events_api_v2_inbound_integration_reference' },
      'api',
    ],
    ['a person by hand', ana, { id: 'PUANA01', type: 'user_reference' }, 'website'],
  ])('tells in the first log entry that %s triggered it', async (_who, by, agent, channel) => {
    const { id } = trigger({ by })
    const incident = await call(`/incidents/${id}`)
    const { body } = await call(`/log_entries/${incident.body.incident.first_trigger_log_entry.id}`)
    expect(body.log_entry).toMatchObject({
      type: 'trigger_log_entry',
      agent,
      channel: { type: channel },
      incident: { id, type: 'incident_reference' },
    })
  })

  test('lists what happened to an incident, newest first', async () => {
    const { id } = trigger()
    pagerduty.incidents.acknowledge(id, people.ana.pagerduty.user)
    pagerduty.incidents.escalate(id, ana)
    pagerduty.incidents.resolve(id, ana)
    const { body } = await call(`/incidents/${id}/log_entries`)
    expect(body.log_entries.map(({ type }: { type: string }) => type)).toEqual([
      'resolve_log_entry',
      'escalate_log_entry',
      'acknowledge_log_entry',
      'assign_log_entry',
      'trigger_log_entry',
    ])
  })

  test('lists incidents by status and service', async () => {
    const open = trigger()
    pagerduty.incidents.resolve(trigger().id, ana)
    trigger({ service: serviceWithId('PPAYMTS') ?? expect.fail('no payments-svc') })
    const { body } = await call(
      '/incidents?statuses[]=triggered&statuses[]=acknowledged&service_ids[]=PORDERS',
    )
    expect(body.incidents.map(({ id }: { id: string }) => id)).toEqual([open.id])
  })

  test('lists at most 100 at once, and says that there are more', async () => {
    for (let count = 0; count < 101; count += 1) trigger()
    const first = await call('/incidents?limit=1000&total=true')
    expect(first.body).toMatchObject({ limit: 100, offset: 0, more: true, total: 101 })
    expect(first.body.incidents).toHaveLength(100)
    const rest = await call('/incidents?limit=100&offset=100')
    expect(rest.body).toMatchObject({ more: false, total: null, incidents: [{ incident_number: 101 }] })
  })

  test('lists nothing beyond the 10,000th', async () => {
    expect(await call('/incidents?limit=100&offset=9901')).toMatchObject({
      status: 400,
      body: { error: { code: 2001 } },
    })
  })

  test('tells who is on call at which level of a policy', async () => {
    const { body } = await call('/oncalls?escalation_policy_ids[]=PEPAYMT')
    expect(body.oncalls).toMatchObject([
      { user: { id: 'PUCHO01' }, escalation_level: 1, escalation_policy: { id: 'PEPAYMT' } },
      { user: { id: 'PUBEN01' }, escalation_level: 2 },
    ])
    const bens = await call('/oncalls?user_ids[]=PUBEN01')
    expect(bens.body.oncalls).toHaveLength(2)
    expect((await call('/oncalls?limit=1&offset=1&total=true')).body).toMatchObject({
      oncalls: [{ user: { id: 'PUBEN01' } }],
      more: true,
      total: 4,
    })
  })

  test('tells who was on call before the shift changed, and who put themselves on call', async () => {
    const { incidents } = pagerduty
    const since = new Date(Date.now() - 60_000).toISOString()
    incidents.changeShift(orders, people.cho.pagerduty.user)
    const filters = 'escalation_policy_ids[]=PEORDER&schedule_ids[]=PSORDER1'
    const onCall = async (range: string) => (await call(`/oncalls?${filters}${range}`)).body.oncalls
    expect(await onCall('')).toMatchObject([
      { user: { id: 'PUCHO01' }, escalation_level: 1, schedule: { id: 'PSORDER1' } },
    ])
    const both = await onCall(`&since=${since}`)
    expect(both).toMatchObject([{ user: { id: 'PUANA01' } }, { user: { id: 'PUCHO01' } }])
    expect(both[0].end).toBe(both[1].start)
    expect((await call('/oncalls?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z')).status).toBe(400)
    expect((await call('/oncalls?since=2025-01-01T00:00:00Z')).status).toBe(400)
    const range = `since=${since}&until=${new Date(Date.now() + 60_000).toISOString()}`
    const overrides = async (schedule: string) =>
      (await call(`/schedules/${schedule}/overrides?${range}`)).body
    expect(await overrides('PSORDER1')).toEqual({ overrides: [] })
    incidents.changeShift(orders, people.eve.pagerduty.user, 1, true)
    expect(await overrides('PSORDER1')).toMatchObject({ overrides: [{ user: { id: 'PUEVE01' } }] })
    expect((await call(`/schedules/PSNONE/overrides?${range}`)).status).toBe(404)
    expect(trigger().assignments).toMatchObject([{ user: 'PUEVE01' }])
  })

  test('knows the users, with their e-mails, and the services', async () => {
    expect((await call('/users/PUEVE01')).body.user).toMatchObject({
      name: 'Eve Stone',
      email: 'eve@sandbox.example',
    })
    expect((await call('/users?query=dan@')).body.users).toMatchObject([{ id: 'PUDAN01' }])
    expect((await call('/services/PPAYMTS')).body.service).toMatchObject({
      type: 'service',
      name: 'payments-svc',
    })
    expect((await call('/services')).body.services).toHaveLength(2)
  })

  test('adds a note in the name of the From user', async () => {
    const { id } = trigger()
    const data = { note: { content: 'Ana has a pass.' } }
    const { status, body } = await call(`/incidents/${id}/notes`, {
      method: 'POST',
      data,
      from: pagepassUser.email,
    })
    expect(status).toBe(200)
    expect(body.note).toMatchObject({
      content: 'Ana has a pass.',
      user: { id: 'PUBOT01', summary: 'Pagepass' },
    })
    expect((await call(`/incidents/${id}/notes`)).body.notes).toHaveLength(1)
  })

  test.each([
    ['nobody', undefined, 2011],
    ['somebody unknown', 'mallory@sandbox.example', 1008],
  ])('adds no note in the name of %s', async (_who, from, code) => {
    const { id } = trigger()
    const given = {
      method: 'POST',
      data: { note: { content: 'x' } },
      ...(from !== undefined && { from }),
    }
    expect(await call(`/incidents/${id}/notes`, given)).toMatchObject({
      status: 400,
      body: { error: { code } },
    })
    expect((await call(`/incidents/${id}/notes`)).body.notes).toEqual([])
  })

  test.each([
    ['nobody', undefined, 2011],
    ['somebody unknown', 'mallory@sandbox.example', 1008],
  ])('changes nothing in the name of %s', async (_who, from, code) => {
    const { id } = trigger()
    const data = { incident: { type: 'incident_reference', status: 'resolved' } }
    const given = { method: 'PUT', data, ...(from !== undefined && { from }) }
    expect(await call(`/incidents/${id}`, given)).toMatchObject({ status: 400, body: { error: { code } } })
    expect(pagerduty.incidents.find(id).status).toBe('triggered')
  })

  test.each([
    [
      'acknowledged',
      { status: 'acknowledged' },
      { status: 'acknowledged', assignments: [{ user: 'PUBEN01' }] },
    ],
    ['resolved', { status: 'resolved' }, { status: 'resolved', assignments: [] }],
    [
      'escalated',
      { escalation_level: 2 },
      { status: 'triggered', level: 2, assignments: [{ user: 'PUBEN01' }] },
    ],
    [
      'reassigned',
      { assignments: [{ assignee: { id: 'PUDAN01', type: 'user_reference' } }] },
      { status: 'triggered', assignments: [{ user: 'PUDAN01' }] },
    ],
  ])('lets an incident be %s by PUT', async (_what, change, expected) => {
    const { id } = trigger()
    const data = { incident: { type: 'incident_reference', ...change } }
    const { status } = await call(`/incidents/${id}`, { method: 'PUT', data, from: people.ben.email })
    expect(status).toBe(200)
    expect(pagerduty.incidents.find(id)).toMatchObject(expected)
  })

  test('resolves nothing twice', async () => {
    const { id } = trigger()
    pagerduty.incidents.resolve(id, ana)
    const data = { incident: { type: 'incident_reference', status: 'resolved' } }
    const again = await call(`/incidents/${id}`, { method: 'PUT', data, from: people.ana.email })
    expect(again).toMatchObject({
      status: 400,
      body: { error: { code: 1001, message: 'Incident Already Resolved' } },
    })
  })

  test.each([
    '/incidents/QNOSUCH',
    '/log_entries/QNOSUCH',
    '/users/PNOSUCH',
    '/services/PNOSUCH',
    '/schedules',
  ])('has no %s', async (path) => {
    expect(await call(path)).toEqual({ status: 404, body: { error: { message: 'Not Found', code: 2100 } } })
  })
})

test('The 961st request within a minute is refused, the first of the next is not', async () => {
  let now = Date.UTC(2026, 0, 1)
  const limited = createPagerDuty({
    token: 't',
    webhook: { url: 'http://127.0.0.1:1', secret: 's' },
    now: () => now,
  })
  const { url } = await limited.listen(0)
  const ask = async () =>
    (await fetch(`${url}/users`, { headers: { authorization: 'Token token=t' } })).status
  for (let count = 0; count < 960; count += 1) await ask()
  expect(await ask()).toBe(429)
  now += 60_000
  expect(await ask()).toBe(200)
  await limited.close()
})
