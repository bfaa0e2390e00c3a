import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { listDeadLetters, retryDeadLetters } from '#access/adapters/dead-letters.ts'
import { createNotes } from '#access/adapters/pagerduty/notes.ts'
import { type NoteJob, openQueue, queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { integrations, pagepassUser, serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { createPagerDuty, type PagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { deliverNote } from '#workers/outbox/deliver-note.ts'
import { freshDatabase, until } from '../../builders.ts'

type Plan =
  | 'lose the answer'
  | 'hang up'
  | { readonly status: number; readonly headers?: Record<string, string> }

let database: Awaited<ReturnType<typeof freshDatabase>>
let pagerduty: PagerDuty
let gate: Server
let base: string
let plans: Plan[]
let asked: string[]
let failed: string[]
let worker: Worker | undefined
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 30)
})
beforeEach(async () => {
  await database.redis.flushdb()
  ;[plans, asked, failed] = [[], [], []]
  pagerduty = createPagerDuty({
    token: 'pd-token',
    webhook: { url: 'http://127.0.0.1:1', secret: 'webhook' },
  })
  const target = (await pagerduty.listen(0)).url
  // Stands before PagerDuty and answers its POSTs as planned.
  gate = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part) => parts.push(part))
    request.on('end', async () => {
      asked.push(`${request.method} ${request.url}`)
      const plan = request.method === 'POST' ? plans.shift() : undefined
      if (plan === 'hang up') return void response.destroy()
      if (typeof plan === 'object') return void response.writeHead(plan.status, plan.headers).end('{}')
      const { authorization = '', from = '' } = request.headers
      const answer = await fetch(`${target}${request.url}`, {
        method: request.method ?? 'GET',
        headers: { authorization, from, 'content-type': 'application/json' },
        ...(request.method === 'POST' ? { body: Buffer.concat(parts) } : {}),
      })
      const body = await answer.text()
      if (plan === 'lose the answer') return void response.destroy()
      return void response.writeHead(answer.status).end(body)
    })
  })
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`
})
afterEach(async () => {
  await worker?.close()
  worker = undefined
  gate.closeAllConnections()
  await new Promise((resolve) => gate.close(resolve))
  await pagerduty.close()
})
afterAll(() => database.close())

const queue = () =>
  openQueue<NoteJob>(queueNames.notes, database.redis, {
    defaultJobOptions: { attempts: 3, backoff: { type: 'fixed', delay: 20 } },
  })
const start = ({ from = pagepassUser.email, configured = true } = {}) => {
  const notes = configured ? createNotes(base, 'pd-token', from) : undefined
  const parts = { notes }
  worker = new Worker(queueNames.notes, (job, token) => deliverNote(parts, job, token), {
    connection: database.connect(),
    prefix: queuePrefix,
  })
  worker.on('failed', (_, { message }) => void failed.push(message))
  worker.on('error', (error) => void failed.push(error.message))
  return queue()
}
const anIncident = (): string => {
  const service = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
  const by = { kind: 'integration', id: integrations.datadog.id, service: service.id } as const
  return pagerduty.incidents.trigger({ service, title: 'Queue is stuck', by }).id
}
const notesOn = (incident: string): unknown[] =>
  pagerduty.incidents.logEntriesOf(incident).flatMap(({ note }) => (note === undefined ? [] : [note]))
const ends = (id: string, state: 'completed' | 'failed' | 'delayed') =>
  until(async () => (await (await queue().getJob(id))?.getState()) === state, `${id} is ${state}`)
/** The worker tells of it only once Redis has it. */
const isDeadLetter = async (id: string): Promise<void> => {
  await ends(id, 'failed')
  await until(() => failed.length > 0, `${id} is told to have failed`)
}
const posts = (): number => asked.filter((one) => one.startsWith('POST')).length

describe('A note', () => {
  test('stands on its incident, in the name of Pagepass’s user', async () => {
    const incident = anIncident()
    await start().add('note', { incident, text: 'Ana had access' }, { jobId: 'one' })
    await ends('one', 'completed')
    const [entry, ...more] = pagerduty.incidents
      .logEntriesOf(incident)
      .filter(({ note }) => note !== undefined)
    expect(entry).toMatchObject({ note: 'Ana had access', agent: { kind: 'user', id: pagepassUser.id } })
    expect(more).toEqual([])
    expect(asked).toEqual([`POST /incidents/${incident}/notes`])
  })

  test('whose answer was lost is not added again', async () => {
    plans = ['lose the answer']
    const incident = anIncident()
    await start().add('note', { incident, text: 'Ana had access' }, { jobId: 'one' })
    await ends('one', 'completed')
    expect(notesOn(incident)).toHaveLength(1)
    expect(failed).toHaveLength(1)
    expect(posts()).toBe(1)
  })

  test('that did not get there is added when it is tried again', async () => {
    plans = ['hang up', { status: 503 }]
    const incident = anIncident()
    await start().add('note', { incident, text: 'Ana had access' }, { jobId: 'one' })
    await ends('one', 'completed')
    expect(notesOn(incident)).toHaveLength(1)
    expect(failed).toHaveLength(2)
  })

  test('beyond the rate limit waits as long as PagerDuty says, without counting as a failure', async () => {
    const tooMany = { status: 429, headers: { 'ratelimit-reset': '1' } }
    plans = Array.from({ length: 4 }, () => tooMany)
    const incident = anIncident()
    const notes = start()
    await notes.add('note', { incident, text: 'Ana had access' }, { jobId: 'one' })
    await ends('one', 'delayed')
    expect(notesOn(incident)).toEqual([])
    await ends('one', 'completed')
    expect(notesOn(incident)).toHaveLength(1)
    expect((await notes.getJob('one'))?.attemptsMade).toBe(1)
    expect(failed).toEqual([])
  })

  test.each([
    [400, 'PAGERDUTY_FROM'],
    [404, 'PAGERDUTY_TOKEN'],
  ])(
    'that PagerDuty will always refuse (%i) is a dead letter at once that names the mend',
    async (status, mend) => {
      plans = [{ status }]
      await start().add('note', { incident: 'Q1', text: 'Ana had access' }, { jobId: 'one' })
      await isDeadLetter('one')
      expect(failed).toEqual([expect.stringContaining(mend)])
      expect(posts()).toBe(1)
    },
  )

  test('in the name of nobody is a dead letter, and no second note once it is tried again', async () => {
    const incident = anIncident()
    await start({ from: 'nobody@sandbox.example' }).add(
      'note',
      { incident, text: 'Ana had access' },
      { jobId: 'one' },
    )
    await isDeadLetter('one')
    expect(await listDeadLetters(database.redis)).toMatchObject([{ queue: 'notes', id: 'one' }])
    await worker?.close()
    pagerduty.incidents.addNote(incident, pagepassUser.id, 'Ana had access')
    expect(await retryDeadLetters(database.redis)).toBe(1)
    start()
    await ends('one', 'completed')
    expect(notesOn(incident)).toHaveLength(1)
  })

  test('with a refused token is tried again', async () => {
    plans = [{ status: 401 }]
    const incident = anIncident()
    await start().add('note', { incident, text: 'Ana had access' }, { jobId: 'one' })
    await ends('one', 'completed')
    expect(notesOn(incident)).toHaveLength(1)
  })

  test('is not made where notes are not configured', async () => {
    await start({ configured: false }).add('note', { incident: 'Q1', text: 'any' }, { jobId: 'one' })
    await ends('one', 'completed')
    expect(asked).toEqual([])
  })

  test.each([
    ['a path', { incident: 'Q1/../Q2', text: 'any' }],
    ['no text', { incident: 'Q1', text: ' ' }],
    ['more than a note', { incident: 'Q1', text: 'any', from: 'eve@example.com' }],
    ['nothing', {}],
  ])('that is forged is refused and not tried again: %s', async (_, data) => {
    await start().add('note', data as NoteJob, { jobId: 'one' })
    await isDeadLetter('one')
    expect(failed).toEqual([expect.stringContaining('this is no note')])
    expect(asked).toEqual([])
  })
})
