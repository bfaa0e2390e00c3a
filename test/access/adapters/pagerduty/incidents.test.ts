import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIncidents } from '#access/adapters/pagerduty/incidents.ts'
import { PagerDutyFault } from '#access/adapters/pagerduty/rest.ts'
import { integrations, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import type { Agent } from '#infra/sandbox/pagerduty/incident-record.ts'
import { createPagerDuty, type PagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import { minute, noon } from '../../../builders.ts'

const orders = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
const datadog: Agent = { kind: 'integration', id: integrations.datadog.id, service: orders.id }
const itself: Agent = { kind: 'service', id: orders.id }
const user = (name: PersonName): Agent => ({ kind: 'user', id: people[name].pagerduty.user })
const [ana, ben, cho] = [user('ana'), user('ben'), user('cho')]

let now: number
let pagerduty: PagerDuty
let base: string
beforeEach(async () => {
  now = noon
  pagerduty = createPagerDuty({
    token: 'pd-token',
    webhook: { url: 'http://127.0.0.1:1', secret: 'webhook' },
    now: () => now,
  })
  base = (await pagerduty.listen(0)).url
})
afterEach(() => pagerduty.close())

const read = (id: string, token = 'pd-token', withLevels = false) =>
  createIncidents(base, token, { withLevels }).read(id)
/** Datadog pages Ana. */
const trigger = (more: { by?: Agent; assignTo?: string; urgency?: 'low' } = {}): string =>
  pagerduty.incidents.trigger({ service: orders, title: 'Queue is stuck', by: datadog, ...more }).id
const later = (ms: number): number => {
  now += ms
  return now
}

describe('An open incident', () => {
  test('is told with whom it pages since when, what set it off, and that nobody shaped it', async () => {
    const id = trigger()
    later(minute)
    expect(await read(id)).toEqual({
      id,
      number: 1,
      title: 'Queue is stuck',
      status: 'triggered',
      urgency: 'high',
      service: 'PORDERS',
      paged: [{ user: 'PUANA01', name: 'Ana Lopes', at: noon }],
      acknowledgedBy: [],
      trigger: { kind: 'integration', id: 'PIDATADOG' },
      shapedBy: [],
    })
  })

  test('says its priority, where it has one', async () => {
    const id = trigger()
    expect(await read(id)).not.toHaveProperty('priority')
    pagerduty.incidents.changePriority(id, 'P1', ana)
    expect(await read(id)).toMatchObject({ priority: 'P1', shapedBy: [people.ana.pagerduty.user] })
  })

  test('says at which level the paged are on call, where that is asked for', async () => {
    const id = trigger()
    expect(await read(id, 'pd-token', true)).toMatchObject({ paged: [{ user: 'PUANA01', level: 1 }] })
    pagerduty.incidents.escalate(id, ben)
    const second = (await read(id, 'pd-token', true))?.paged
    expect(second).toEqual([expect.objectContaining({ level: 2 })])
    pagerduty.incidents.reassign(id, ['PUEVE01'], cho)
    expect((await read(id, 'pd-token', true))?.paged).toEqual([
      { user: 'PUEVE01', name: expect.any(String), at: noon },
    ])
  })

  test('that nobody knows is undefined', async () => {
    expect(await read('QNOSUCH')).toBeUndefined()
  })

  test.each(['../users', 'Q1?include[]=x', 'Q1/notes', ''])(
    'is not looked for at another address by “%s”',
    async (id) => {
      const answer = await read(id).catch((error: unknown) => error)
      if (answer !== undefined) expect(answer).toBeInstanceOf(PagerDutyFault)
    },
  )

  test('has times of whole seconds', async () => {
    now = noon + 999
    expect((await read(trigger()))?.paged[0]?.at).toBe(noon)
  })

  test('set off by a person is theirs', async () => {
    expect(await read(trigger({ by: ben }))).toMatchObject({
      trigger: { kind: 'person', user: 'PUBEN01' },
      shapedBy: expect.arrayContaining(['PUBEN01']),
    })
  })

  test('keeps the time of the page when the paged person acknowledges, who has not shaped it by that', async () => {
    const id = trigger()
    later(minute)
    pagerduty.incidents.acknowledge(id, ana)
    expect(await read(id)).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: ['PUANA01'],
      paged: [{ user: 'PUANA01', at: noon }],
      shapedBy: [],
    })
  })

  test('that an integration acknowledged is acknowledged by nobody', async () => {
    const id = trigger()
    pagerduty.incidents.acknowledge(id, datadog)
    expect((await read(id))?.acknowledgedBy).not.toContain('PUANA01')
  })

  test.each<[string, (id: string) => unknown, string]>([
    ['assigns it', (id) => pagerduty.incidents.reassign(id, ['PUBEN01'], ben), 'PUBEN01'],
    ['escalates it', (id) => pagerduty.incidents.escalate(id, cho), 'PUCHO01'],
    ['delegates it', (id) => pagerduty.incidents.delegate(id, 'PEPAYMT', ben), 'PUBEN01'],
    ['makes it urgent', (id) => pagerduty.incidents.changeUrgency(id, 'high', ben), 'PUBEN01'],
    ['gives it a priority', (id) => pagerduty.incidents.changePriority(id, 'P1', ben), 'PUBEN01'],
    ['asks for help', (id) => pagerduty.incidents.addResponder(id, 'PUCHO01', ben), 'PUBEN01'],
    ['asks themself for help', (id) => pagerduty.incidents.addResponder(id, 'PUBEN01', ben), 'PUBEN01'],
    [
      'reopens it',
      (id) => {
        pagerduty.incidents.resolve(id, datadog)
        pagerduty.incidents.reopen(id, ben)
      },
      'PUBEN01',
    ],
  ])('is shaped by whoever %s', async (_, act, who) => {
    const id = trigger({ urgency: 'low' })
    act(id)
    expect((await read(id))?.shapedBy).toContain(who)
  })

  test.each<[string, (id: string) => unknown]>([
    ['writes a note', (id) => pagerduty.incidents.addNote(id, 'PUANA01', 'on it')],
    ['acknowledges', (id) => pagerduty.incidents.acknowledge(id, ana)],
    [
      'acknowledges and lets go of it',
      (id) => {
        pagerduty.incidents.acknowledge(id, ana)
        pagerduty.incidents.unacknowledge(id, itself)
      },
    ],
    ['is escalated past by PagerDuty itself', (id) => pagerduty.incidents.escalate(id, itself)],
  ])('is not shaped by a paged person who %s', async (_, act) => {
    const id = trigger()
    act(id)
    expect((await read(id))?.shapedBy).toEqual([])
  })

  test('assigned away and back pages them anew, since then', async () => {
    const id = trigger()
    const away = later(minute)
    pagerduty.incidents.reassign(id, ['PUBEN01'], cho)
    expect((await read(id))?.paged).toEqual([{ user: 'PUBEN01', name: 'Ben Okafor', at: away }])
    const back = later(minute)
    pagerduty.incidents.reassign(id, ['PUANA01'], cho)
    expect((await read(id))?.paged).toEqual([{ user: 'PUANA01', name: 'Ana Lopes', at: back }])
  })

  test('pages responders as long as they do not decline, and nobody twice', async () => {
    const id = trigger()
    const at = later(minute)
    pagerduty.incidents.addResponder(id, 'PUCHO01', ana)
    pagerduty.incidents.addResponder(id, 'PUANA01', ben)
    const paged = async () => (await read(id))?.paged
    expect(await paged()).toEqual([
      { user: 'PUANA01', name: 'Ana Lopes', at: noon },
      { user: 'PUCHO01', name: 'Cho Park', at },
    ])
    pagerduty.incidents.respond(id, 'PUCHO01', 'joined')
    expect(await paged()).toHaveLength(2)
    pagerduty.incidents.respond(id, 'PUCHO01', 'declined')
    expect(await paged()).toEqual([{ user: 'PUANA01', name: 'Ana Lopes', at: noon }])
  })

  test('with more history than five pages was set off by nobody knows what', async () => {
    const id = trigger()
    for (let n = 0; n < 498; n += 1) pagerduty.incidents.addNote(id, 'PUCHO01', `note ${n}`)
    expect((await read(id))?.trigger).toEqual({ kind: 'integration', id: 'PIDATADOG' })
    pagerduty.incidents.addNote(id, 'PUCHO01', 'one more')
    expect((await read(id))?.trigger).toEqual({ kind: 'unknown' })
  })
})

describe('A resolved incident', () => {
  test.each<[string, Agent, object]>([
    ['a person', ana, { by: 'person' }],
    ['an integration', datadog, { by: 'integration' }],
    ['PagerDuty itself', itself, { by: 'integration' }],
  ])('tells that it was %s', async (_, by, resolution) => {
    const id = trigger()
    pagerduty.incidents.resolve(id, by)
    expect(await read(id)).toMatchObject({ status: 'resolved', resolution, paged: [], acknowledgedBy: [] })
  })

  test('by merging tells into which, also where it was over before', async () => {
    const [source, over, target] = [trigger(), trigger(), trigger()]
    pagerduty.incidents.resolve(over, datadog)
    pagerduty.incidents.merge([source, over], target, ben)
    for (const id of [source, over])
      expect(await read(id)).toMatchObject({ resolution: { by: 'merge', into: target } })
    expect(await read(target)).toMatchObject({ status: 'triggered' })
    expect((await read(target))?.resolution).toBeUndefined()
  })

  test('and reopened is open again, and pages since then', async () => {
    const id = trigger()
    pagerduty.incidents.resolve(id, datadog)
    const at = later(minute)
    pagerduty.incidents.reopen(id, datadog)
    const incident = await read(id)
    expect(incident).toMatchObject({ status: 'triggered', paged: [{ user: 'PUANA01', at }] })
    expect(incident?.resolution).toBeUndefined()
  })
})

test('What PagerDuty does not answer is a fault, never an incident of nobody', async () => {
  const id = trigger()
  await expect(read(id, 'wrong')).rejects.toBeInstanceOf(PagerDutyFault)
  await pagerduty.close()
  await expect(read(id)).rejects.toBeInstanceOf(PagerDutyFault)
})

describe('A person who takes an incident that was not theirs', () => {
  test('by acknowledging it has shaped it', async () => {
    const id = trigger()
    pagerduty.incidents.acknowledge(id, ben)
    expect(await read(id)).toMatchObject({ paged: [{ user: 'PUBEN01' }], shapedBy: ['PUBEN01'] })
  })

  test('has shaped it, also where it was theirs before', async () => {
    const id = trigger()
    pagerduty.incidents.escalate(id, itself)
    pagerduty.incidents.acknowledge(id, ana)
    expect((await read(id))?.shapedBy).toEqual(['PUANA01'])
  })

  test('has not where it is theirs, or somebody else asked for their help', async () => {
    const id = trigger()
    pagerduty.incidents.acknowledge(id, ana)
    expect((await read(id))?.shapedBy).toEqual([])
    const other = trigger()
    pagerduty.incidents.addResponder(other, 'PUCHO01', ana)
    pagerduty.incidents.respond(other, 'PUCHO01', 'joined')
    pagerduty.incidents.acknowledge(other, cho)
    expect((await read(other))?.shapedBy).toEqual(['PUANA01'])
  })
})

test('Whoever asks themself for help is not paged by that', async () => {
  const id = trigger()
  pagerduty.incidents.addResponder(id, 'PUCHO01', cho)
  pagerduty.incidents.respond(id, 'PUCHO01', 'joined')
  expect((await read(id))?.paged.map(({ user }) => user)).toEqual(['PUANA01'])
})

test('Answering a request for help again is no new page', async () => {
  const id = trigger()
  const at = later(minute)
  pagerduty.incidents.addResponder(id, 'PUCHO01', ana)
  for (const answer of ['joined', 'declined', 'joined'] as const) {
    later(minute)
    pagerduty.incidents.respond(id, 'PUCHO01', answer)
  }
  expect((await read(id))?.paged).toContainEqual({ user: 'PUCHO01', name: 'Cho Park', at })
})
