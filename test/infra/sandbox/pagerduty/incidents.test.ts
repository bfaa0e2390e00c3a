import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { integrations, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import type { Agent } from '#infra/sandbox/pagerduty/incident-record.ts'
import { createPagerDuty, type PagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'

const orders = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
const datadog: Agent = { kind: 'integration', id: integrations.datadog.id, service: orders.id }
const itself: Agent = { kind: 'service', id: orders.id }
const user = (name: PersonName): Agent => ({ kind: 'user', id: people[name].pagerduty.user })
const [ana, ben, cho, dan] = [user('ana'), user('ben'), user('cho'), user('dan')]

let now: number
let pagerduty: PagerDuty
let base: string

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  pagerduty = createPagerDuty({
    token: 'pd-token',
    webhook: { url: 'http://127.0.0.1:1', secret: 'webhook' },
    now: () => now,
  })
  base = (await pagerduty.listen(0)).url
})
afterEach(() => pagerduty.close())

const trigger = () => pagerduty.incidents.trigger({ service: orders, title: 'Queue is stuck', by: datadog })
const minutesLater = (minutes: number): string => {
  now += minutes * 60_000
  return new Date(now).toISOString().replace('.000Z', 'Z')
}

const request = async (method: string, path: string, body?: object, from?: string) => {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: 'Token token=pd-token', ...(from !== undefined && { from }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}
const read = async (id: string) => (await request('GET', `/incidents/${id}`)).body.incident
const newestEntry = async (id: string) =>
  (await request('GET', `/incidents/${id}/log_entries`)).body.log_entries[0]

/** The event sent last, as the bot would get it. */
const lastEvent = () => JSON.parse(pagerduty.webhooks.deliveries().at(-1)?.body ?? '{}').event

describe('An assignment', () => {
  test('has a new time whenever somebody is assigned, also the same person again', async () => {
    const { id } = trigger()
    const first = await read(id)
    expect(first.assignments).toMatchObject([{ at: '2026-01-01T00:00:00Z', assignee: { id: 'PUANA01' } }])
    const away = minutesLater(5)
    pagerduty.incidents.reassign(id, [ben.id], ana)
    expect((await read(id)).assignments).toMatchObject([{ at: away, assignee: { id: 'PUBEN01' } }])
    const back = minutesLater(5)
    pagerduty.incidents.reassign(id, [ana.id], ben)
    expect((await read(id)).assignments).toMatchObject([{ at: back, assignee: { id: 'PUANA01' } }])
  })

  test('keeps its time when the person assigned acknowledges', async () => {
    const { id } = trigger()
    const at = minutesLater(1)
    pagerduty.incidents.acknowledge(id, ana)
    expect(await read(id)).toMatchObject({
      status: 'acknowledged',
      assignments: [{ at: '2026-01-01T00:00:00Z', assignee: { id: 'PUANA01' } }],
      acknowledgements: [{ at, acknowledger: { id: 'PUANA01', type: 'user_reference' } }],
    })
  })

  test('becomes the one of whoever acknowledges, with the time of it', async () => {
    const { id } = trigger()
    const at = minutesLater(1)
    pagerduty.incidents.acknowledge(id, ben)
    expect((await read(id)).assignments).toMatchObject([{ at, assignee: { id: 'PUBEN01' } }])
  })

  test('stays when an integration acknowledges, in the name of the service', async () => {
    const { id } = trigger()
    minutesLater(1)
    pagerduty.incidents.acknowledge(id, datadog)
    expect(await read(id)).toMatchObject({
      assignments: [{ at: '2026-01-01T00:00:00Z', assignee: { id: 'PUANA01' } }],
      acknowledgements: [{ acknowledger: { id: 'PORDERS', type: 'service_reference' } }],
      last_status_change_by: { id: 'PORDERS', type: 'service_reference' },
    })
  })
})

describe('Acknowledgements', () => {
  test.each([
    ['taken back', (id: string) => pagerduty.incidents.unacknowledge(id, ana)],
    ['reassigned', (id: string) => pagerduty.incidents.reassign(id, [ben.id], ana)],
    ['escalated', (id: string) => pagerduty.incidents.escalate(id, ana)],
    ['delegated', (id: string) => pagerduty.incidents.delegate(id, 'PEPAYMT', ana)],
  ])('are gone once the incident is %s', async (_how, change) => {
    const { id } = trigger()
    pagerduty.incidents.acknowledge(id, ana)
    change(id)
    expect(await read(id)).toMatchObject({ status: 'triggered', acknowledgements: [] })
  })
})

describe('Who changed the status last', () => {
  test.each([
    ['a person', ben, { id: 'PUBEN01', type: 'user_reference' }],
    ['an integration, as its service', datadog, { id: 'PORDERS', type: 'service_reference' }],
    ['PagerDuty itself, as the service', itself, { id: 'PORDERS', type: 'service_reference' }],
  ])('may be %s', async (_who, by, reference) => {
    const { id } = trigger()
    const at = minutesLater(2)
    pagerduty.incidents.resolve(id, by)
    expect(await read(id)).toMatchObject({
      status: 'resolved',
      resolved_at: at,
      last_status_change_at: at,
      last_status_change_by: reference,
      resolve_reason: null,
    })
  })
})

describe('Taking an acknowledgement back', () => {
  test('by a time-out is nobody’s doing: no agent in the webhook, the service in the log', async () => {
    const { id } = trigger()
    pagerduty.incidents.acknowledge(id, ana)
    pagerduty.incidents.unacknowledge(id, itself)
    expect(lastEvent()).toMatchObject({
      event_type: 'incident.unacknowledged',
      agent: null,
      client: null,
      data: { id, status: 'triggered', assignees: [{ id: 'PUANA01' }] },
    })
    expect(await newestEntry(id)).toMatchObject({
      type: 'unacknowledge_log_entry',
      agent: { id: 'PORDERS', type: 'service_reference' },
    })
  })

  test('is refused when there is none', () => {
    const { id } = trigger()
    expect(() => pagerduty.incidents.unacknowledge(id, ana)).toThrow('Invalid Input Provided')
  })
})

test('Delegating pages the first level of the other policy, along which it then escalates', async () => {
  const { id } = trigger()
  pagerduty.incidents.delegate(id, 'PEPAYMT', ana)
  expect(await read(id)).toMatchObject({
    assigned_via: 'escalation_policy',
    escalation_policy: { id: 'PEPAYMT' },
    assignments: [{ assignee: { id: 'PUCHO01' } }],
  })
  expect(lastEvent()).toMatchObject({
    event_type: 'incident.delegated',
    agent: { id: 'PUANA01' },
    data: { escalation_policy: { id: 'PEPAYMT' }, assignees: [{ id: 'PUCHO01' }] },
  })
  expect(await newestEntry(id)).toMatchObject({
    type: 'delegate_log_entry',
    assignees: [{ id: 'PUCHO01' }],
  })
  pagerduty.incidents.escalate(id, cho)
  expect((await read(id)).assignments).toMatchObject([{ assignee: { id: 'PUBEN01' } }])
})

describe('A priority', () => {
  test('is changed with a webhook and a log entry', async () => {
    const { id } = trigger()
    pagerduty.incidents.changePriority(id, 'P1', ben)
    expect((await read(id)).priority).toMatchObject({ summary: 'P1', type: 'priority_reference' })
    expect(lastEvent()).toMatchObject({
      event_type: 'incident.priority_updated',
      agent: { id: 'PUBEN01' },
      data: { priority: { summary: 'P1' } },
    })
    expect(await newestEntry(id)).toMatchObject({
      type: 'priority_change_log_entry',
      agent: { id: 'PUBEN01' },
      summary: 'Priority changed from "none" to "P1" by Ben Okafor',
    })
  })
})

test('A changed urgency is told by the incident and its log, by no webhook', async () => {
  const { id } = trigger()
  const sent = pagerduty.webhooks.deliveries().length
  pagerduty.incidents.changeUrgency(id, 'low', ben)
  expect((await read(id)).urgency).toBe('low')
  expect(await newestEntry(id)).toMatchObject({
    type: 'urgency_change_log_entry',
    agent: { id: 'PUBEN01', type: 'user_reference' },
  })
  expect(pagerduty.webhooks.deliveries()).toHaveLength(sent)
})

describe('Reopening', () => {
  test('pages who is on call anew', async () => {
    const { id } = trigger()
    pagerduty.incidents.escalate(id, ana)
    pagerduty.incidents.resolve(id, ben)
    const at = minutesLater(30)
    pagerduty.incidents.reopen(id, cho)
    expect(await read(id)).toMatchObject({
      status: 'triggered',
      resolved_at: null,
      assignments: [{ at, assignee: { id: 'PUANA01' } }],
      last_status_change_by: { id: 'PUCHO01' },
    })
    expect(lastEvent()).toMatchObject({
      event_type: 'incident.reopened',
      agent: { id: 'PUCHO01' },
      data: { id, status: 'triggered', reopened_at: at, assignees: [{ id: 'PUANA01' }] },
    })
  })

  test('undoes a merge', async () => {
    const [source, target] = [trigger(), trigger()]
    pagerduty.incidents.merge([source.id], target.id, ana)
    pagerduty.incidents.reopen(source.id, ana)
    expect((await read(source.id)).resolve_reason).toBeNull()
  })

  test('is refused while the incident is open', () => {
    const { id } = trigger()
    expect(() => pagerduty.incidents.reopen(id, ana)).toThrow('Invalid Input Provided')
  })
})

describe('Merging', () => {
  test('resolves the source, naming where it went, and leaves the target as it was', async () => {
    const [source, target] = [trigger(), trigger()]
    const sent = pagerduty.webhooks.deliveries().length
    pagerduty.incidents.merge([source.id], target.id, ben)
    const reason = {
      type: 'merge_resolve_reason',
      incident: { id: target.id, type: 'incident_reference', summary: '[#2] Queue is stuck' },
    }
    expect(await read(source.id)).toMatchObject({
      status: 'resolved',
      assignments: [],
      resolve_reason: reason,
      last_status_change_by: { id: 'PUBEN01', type: 'user_reference' },
    })
    expect(await read(target.id)).toMatchObject({
      status: 'triggered',
      assignments: [{ assignee: { id: 'PUANA01' } }],
      resolve_reason: null,
    })
    expect(pagerduty.webhooks.deliveries()).toHaveLength(sent + 1)
    expect(lastEvent()).toMatchObject({
      event_type: 'incident.resolved',
      agent: { id: 'PUBEN01' },
      data: { id: source.id, status: 'resolved', assignees: [], resolve_reason: reason },
    })
    expect(await newestEntry(source.id)).toMatchObject({
      type: 'resolve_log_entry',
      agent: { id: 'PUBEN01' },
    })
    expect(await newestEntry(target.id)).toMatchObject({ agent: { id: 'PUBEN01' } })
  })

  test('takes what is resolved already, without telling it again', async () => {
    const [source, target] = [trigger(), trigger()]
    pagerduty.incidents.resolve(source.id, datadog)
    const sent = pagerduty.webhooks.deliveries().length
    pagerduty.incidents.merge([source.id], target.id, ben)
    expect((await read(source.id)).resolve_reason).toMatchObject({ incident: { id: target.id } })
    expect(pagerduty.webhooks.deliveries()).toHaveLength(sent)
  })

  test.each([
    ['into itself', false],
    ['into what is resolved', true],
  ])('%s is refused, and changes nothing', (_how, otherResolved) => {
    const [source, other] = [trigger(), trigger()]
    if (otherResolved) pagerduty.incidents.resolve(other.id, ana)
    const into = otherResolved ? other : source
    expect(() => pagerduty.incidents.merge([source.id], into.id, ana)).toThrow('Invalid Input Provided')
    expect(pagerduty.incidents.find(source.id)).toMatchObject({ status: 'triggered', mergedInto: null })
  })

  test('goes by REST in the name of the From user', async () => {
    const [source, target] = [trigger(), trigger()]
    const body = { source_incidents: [{ id: source.id, type: 'incident_reference' }] }
    expect(await request('PUT', `/incidents/${target.id}/merge`, body)).toMatchObject({ status: 400 })
    const merged = await request('PUT', `/incidents/${target.id}/merge`, body, people.ben.email)
    expect(merged).toMatchObject({
      status: 200,
      body: { incident: { id: target.id, type: 'incident_reference' } },
    })
    expect(pagerduty.incidents.find(source.id)).toMatchObject({ status: 'resolved', mergedInto: target.id })
  })
})

describe('A responder', () => {
  test('is pending once asked, and told of with the incident inside the data', async () => {
    const { id } = trigger()
    const at = minutesLater(3)
    pagerduty.incidents.addResponder(id, ben.id, ana, 'The queue, please')
    expect(await read(id)).toMatchObject({
      assignments: [{ assignee: { id: 'PUANA01' } }],
      incidents_responders: [
        {
          state: 'pending',
          user: { id: 'PUBEN01', type: 'user_reference' },
          incident: { id, type: 'incident_reference' },
          requester: { id: 'PUANA01', type: 'user_reference' },
          message: 'The queue, please',
          requested_at: at,
          updated_at: at,
        },
      ],
      responder_requests: [
        {
          requester: { id: 'PUANA01' },
          requested_at: at,
          responder_request_targets: [{ responder_request_target: { type: 'user', id: 'PUBEN01' } }],
        },
      ],
    })
    expect(lastEvent()).toMatchObject({
      event_type: 'incident.responder.added',
      resource_type: 'incident',
      agent: { id: 'PUANA01' },
      data: {
        type: 'incident_responder',
        incident: { id, type: 'incident_reference' },
        user: { id: 'PUBEN01', type: 'user_reference' },
        state: 'pending',
      },
    })
    expect(lastEvent().data).not.toHaveProperty('id')
    expect(await newestEntry(id)).toMatchObject({
      type: 'responder_request_log_entry',
      agent: { id: 'PUANA01' },
    })
  })

  test.each(['joined', 'declined'] as const)('may answer: %s', async (answer) => {
    const { id } = trigger()
    pagerduty.incidents.addResponder(id, ben.id, ana)
    const at = minutesLater(3)
    pagerduty.incidents.respond(id, ben.id, answer)
    expect((await read(id)).incidents_responders).toMatchObject([{ state: answer, updated_at: at }])
    expect(lastEvent()).toMatchObject({
      event_type: 'incident.responder.replied',
      agent: { id: 'PUBEN01' },
      data: { incident: { id }, user: { id: 'PUBEN01' }, state: answer },
    })
  })

  test('who was never asked can’t answer', () => {
    const { id } = trigger()
    expect(() => pagerduty.incidents.respond(id, dan.id, 'joined')).toThrow('Invalid Input Provided')
  })

  test('asked twice is one responder, pending anew', async () => {
    const { id } = trigger()
    pagerduty.incidents.addResponder(id, ben.id, ana)
    pagerduty.incidents.respond(id, ben.id, 'declined')
    pagerduty.incidents.addResponder(id, ben.id, ana)
    const incident = await read(id)
    expect(incident.incidents_responders).toMatchObject([{ state: 'pending' }])
    expect(incident.responder_requests).toHaveLength(2)
  })

  test.each([
    ['a user', { id: 'PUDAN01', type: 'user_reference' }, 'PUDAN01'],
    [
      'whoever is first on call of a policy',
      { id: 'PEPAYMT', type: 'escalation_policy_reference' },
      'PUCHO01',
    ],
  ])('is asked by REST: %s', async (_who, target, user) => {
    const { id } = trigger()
    const asking = {
      requester_id: 'PUANA01',
      message: 'Please',
      responder_request_targets: [{ responder_request_target: target }],
    }
    const asked = await request('POST', `/incidents/${id}/responder_requests`, asking, people.ana.email)
    expect(asked).toMatchObject({
      status: 200,
      body: {
        responder_request: {
          requester: { id: 'PUANA01' },
          responder_request_targets: [
            { responder_request_target: { id: user, incidents_responders: [{ state: 'pending' }] } },
          ],
        },
      },
    })
    expect(pagerduty.incidents.find(id).responders).toMatchObject([{ user }])
  })
})

describe('PUT /incidents/{id}', () => {
  const put = (id: string, change: object) =>
    request(
      'PUT',
      `/incidents/${id}`,
      { incident: { type: 'incident_reference', ...change } },
      people.ben.email,
    )

  test.each([
    ['urgency', { urgency: 'low' }, { urgency: 'low' }],
    ['priority by name', { priority: 'P2' }, { priority: { summary: 'P2' } }],
    ['priority by id', { priority: { id: 'PPRIOP3', type: 'priority' } }, { priority: { summary: 'P3' } }],
    ['policy', { escalation_policy: { id: 'PEPAYMT' } }, { escalation_policy: { id: 'PEPAYMT' } }],
  ])('changes the %s', async (_what, change, expected) => {
    const { id } = trigger()
    expect(await put(id, change)).toMatchObject({ status: 200, body: { incident: expected } })
    expect(await newestEntry(id)).toMatchObject({ agent: { id: 'PUBEN01' } })
  })

  test('takes an acknowledgement back', async () => {
    const { id } = trigger()
    pagerduty.incidents.acknowledge(id, ana)
    expect((await put(id, { status: 'triggered' })).body.incident).toMatchObject({ status: 'triggered' })
  })

  test.each([
    ['triggered', 'PUANA01'],
    ['acknowledged', 'PUBEN01'],
  ])('reopens what is resolved by the status %s', async (status, assignee) => {
    const { id } = trigger()
    pagerduty.incidents.resolve(id, ana)
    expect((await put(id, { status })).body.incident).toMatchObject({
      status,
      assignments: [{ assignee: { id: assignee } }],
    })
  })

  test('says what is wrong with what it was given', async () => {
    const { id } = trigger()
    expect(await put(id, { status: 'snoozed' })).toMatchObject({
      status: 400,
      body: { error: { code: 2001, message: 'Invalid Input Provided', errors: [expect.any(String)] } },
    })
  })
})
