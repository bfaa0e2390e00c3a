import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createOpenIncidents } from '#access/adapters/pagerduty/open-incidents.ts'

const closings: (() => void)[] = []
afterEach(() => {
  for (const close of closings.splice(0)) close()
})

const never = new AbortController().signal

/** Whatever stands where PagerDuty should. */
const facing = async (answer: RequestListener) => {
  const asked: URL[] = []
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '/', 'http://pagerduty'))
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closings.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { asked, pagerDuty: createOpenIncidents(`http://127.0.0.1:${port}`, 'token') }
}

const json =
  (body: (url: URL) => unknown): RequestListener =>
  (request, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(body(new URL(request.url ?? '/', 'http://x'))))

const anIncident = (changes: object = {}) => ({
  id: 'Q1',
  incident_number: 1,
  title: 'stuck',
  status: 'triggered',
  urgency: 'high',
  service: { id: 'PORDERS', type: 'service_reference' },
  assignments: [{ at: '2026-01-15T12:00:00Z', assignee: { id: 'PUANA01', type: 'user_reference' } }],
  ...changes,
})

describe('What PagerDuty has open', () => {
  test('is asked for by service, of all times, page after page', async () => {
    const { asked, pagerDuty } = await facing(
      json(({ searchParams }) => {
        const offset = Number(searchParams.get('offset'))
        return { incidents: [anIncident({ id: `Q${offset}` })], more: offset < 200 }
      }),
    )
    const { incidents, whole } = await pagerDuty.list(['PORDERS', 'PPAY'], never)
    expect(incidents.map(({ id }) => id)).toEqual(['Q0', 'Q100', 'Q200'])
    expect(whole).toBe(true)
    const [first] = asked
    expect(first?.searchParams.getAll('service_ids[]')).toEqual(['PORDERS', 'PPAY'])
    expect(first?.searchParams.getAll('statuses[]')).toEqual(['triggered', 'acknowledged'])
    expect(first?.searchParams.get('date_range')).toBe('all')
  })

  test('is asked for within what PagerDuty takes, however many services there are', async () => {
    const { asked, pagerDuty } = await facing(json(() => ({ incidents: [], more: false })))
    await pagerDuty.list(
      Array.from({ length: 250 }, (_, index) => `P${index}`),
      never,
    )
    expect(asked.map(({ searchParams }) => searchParams.getAll('service_ids[]').length)).toEqual([
      100, 100, 50,
    ])
  })

  test('is not whole where pages never end, and asked for no more after so many', async () => {
    const { asked, pagerDuty } = await facing(json(() => ({ incidents: [anIncident()], more: true })))
    const { incidents, whole } = await pagerDuty.list(['P1'], never)
    expect({ found: incidents.length, whole }).toEqual({ found: 1, whole: false })
    expect(asked.length).toBe(100)
    expect(Math.max(...asked.map(({ searchParams }) => Number(searchParams.get('offset'))))).toBe(9_900)
  })

  test('is asked for no more once it is late', async () => {
    const late = new AbortController()
    const { asked, pagerDuty } = await facing(
      json(() => {
        late.abort()
        return { incidents: [anIncident()], more: true }
      }),
    )
    expect(await pagerDuty.list(['P1'], late.signal)).toMatchObject({ whole: false })
    expect(asked.length).toBe(1)
  })

  test.each<[string, unknown]>([
    ['an id that is a path', anIncident({ id: '../users/PUANA01' })],
    ['an id that is endless', anIncident({ id: 'Q'.repeat(65) })],
    ['another state', anIncident({ status: 'open' })],
    ['no assignments', anIncident({ assignments: null })],
    [
      'a time that is none',
      anIncident({ assignments: [{ at: 'now', assignee: { id: 'P', type: 'user' } }] }),
    ],
    ['nothing at all', null],
  ])('is not whole, but the rest counts, where one has %s', async (_, odd) => {
    const { pagerDuty } = await facing(json(() => ({ incidents: [odd, anIncident()], more: false })))
    expect(await pagerDuty.list(['P1'], never)).toMatchObject({ incidents: [{ id: 'Q1' }], whole: false })
  })

  test.each<[string, RequestListener]>([
    ['an answer without end', (_, response) => flood(response)],
    ['a page of too many', json(() => ({ incidents: Array.from({ length: 1_001 }, () => 1), more: false }))],
    ['no list', json(() => ({ incidents: {} }))],
    ['nothing', (_, response) => void response.writeHead(404).end('{}')],
    [
      'a way to somewhere else',
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1' }).end(),
    ],
    [
      'too many requests',
      (_, response) => void response.writeHead(429, { 'ratelimit-reset': '7' }).end('{}'),
    ],
  ])('can’t be had where the answer is %s', async (_, answer) => {
    const { pagerDuty } = await facing(answer)
    await expect(pagerDuty.list(['P1'], never)).rejects.toMatchObject({ code: 'pagerduty/failed' })
  })

  test('is another state whenever something changes that passes go by', async () => {
    let now = anIncident()
    const { pagerDuty } = await facing(json(() => ({ incident: now })))
    const states = new Set<string | undefined>()
    for (const change of [
      {},
      { status: 'acknowledged' },
      { urgency: 'low' },
      { priority: { summary: 'P1' } },
      { service: { id: 'PPAY', type: 'service_reference' } },
      { assignments: [] },
      { assignments: [{ ...anIncident().assignments[0], at: '2026-01-15T13:00:00Z' }] },
      { acknowledgements: [{ acknowledger: { id: 'PUANA01', type: 'user_reference' } }] },
      { last_status_change_at: '2026-01-15T12:30:00Z' },
    ]) {
      now = anIncident(change)
      states.add((await pagerDuty.look('Q1'))?.state)
    }
    expect(states.size).toBe(9)
    now = anIncident({ title: 'another title' })
    expect(states).toContain((await pagerDuty.look('Q1'))?.state)
  })

  test('is not taken for what was asked for where it is another incident', async () => {
    const { pagerDuty } = await facing(json(() => ({ incident: anIncident({ id: 'Q2' }) })))
    await expect(pagerDuty.look('Q1')).rejects.toMatchObject({ code: 'pagerduty/failed' })
  })
})

/** As much as is taken. */
const flood = (response: Parameters<RequestListener>[1]): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const chunk = ' '.repeat(1_000_000)
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}
