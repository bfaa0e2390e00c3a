import { type Job, Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import {
  type MessageJob,
  type NoteJob,
  openQueue,
  queueNames,
  queuePrefix,
  type SummaryJob,
} from '#access/adapters/queues.ts'
import { createFleet } from '#access/adapters/redis/fleet.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import { createUsageStore } from '#access/adapters/redis/usage-store.ts'
import { type End, type Grant, occasionOf } from '#access/domain/grant.ts'
import { sumUp } from '#workers/jobs/sum-up.ts'
import {
  aGrant,
  anEnd,
  freshDatabase,
  hour,
  minute,
  noon,
  nthId,
  pageWhy,
  rulesOf,
  until,
} from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let worker: Worker | undefined
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 29)
})
beforeEach(async () => {
  await database.redis.flushdb()
  grants.clear()
})
afterEach(async () => {
  await worker?.close()
  worker = undefined
})
afterAll(() => database.close())

type Kept = { readonly grant: Grant; readonly end: End; readonly sequence: number }
/** What has ended; `sequence` is the number of the event that ended it. */
const grants = new Map<string, Kept>()
const given = async (grant: Grant, changes: Partial<End> = {}, sequence = 9): Promise<void> => {
  grants.set(grant.id, { grant, end: anEnd(grant, { at: noon + 30 * minute, ...changes }), sequence })
  await createOccasions(database.redis).add(occasionOf(grant), grant.id)
}
const used = (grant: Grant, boot: string, requests: number, writes = 0) =>
  createUsageStore(database.redis).put({
    kind: 'usage',
    proxy: 'a',
    boot,
    grant: grant.id,
    number: 1,
    usage: {
      patterns: { 'GET /**': { 200: requests } },
      writes,
      refused: { 'tier-too-low': 1 },
    },
  })

/** Runs summary jobs as the workers do, with this as now. */
const run = (now: () => number) => {
  const messages = openQueue<MessageJob>(queueNames.messages, database.redis)
  const notes = openQueue<NoteJob>(queueNames.notes, database.redis)
  worker = new Worker<SummaryJob>(
    queueNames.summaries,
    (job: Job<unknown>, token) =>
      sumUp(
        {
          rules: rulesOf(),
          fleet: createFleet(database.redis),
          occasions: createOccasions(database.redis),
          usages: createUsageStore(database.redis),
          ended: async (id) => grants.get(id),
          messages,
          notes,
          clock: { now },
        },
        job,
        token,
      ),
    { connection: database.connect(), prefix: queuePrefix },
  )
  return { messages, notes }
}
const ask = async (occasion: string, grantsThen: number): Promise<void> => {
  const summaries = openQueue<SummaryJob>(queueNames.summaries, database.redis)
  await summaries.add(
    'summary',
    { occasion, grants: grantsThen },
    { jobId: `summary-${occasion}-${grantsThen}` },
  )
}
const textOf = (job: { data: MessageJob } | undefined): string =>
  job?.data.kind === 'notice' ? job.data.text : expect.fail('no notice')
const redisNow = async (): Promise<number> => Number((await database.redis.time())[0]) * 1_000

describe('A summary', () => {
  const ana = aGrant({ id: nthId(1), tier: 'operate', until: noon + hour, why: pageWhy('Q1') })
  const ben = aGrant({
    id: nthId(2),
    who: { issuer: 'i', subject: 'idp-ben', name: 'Ben Okafor' },
    services: ['payments-svc'],
    why: pageWhy('Q1'),
  })

  test('tells each channel of the occasion who had what and what was done with it', async () => {
    await given(ana)
    await given(ben)
    await used(ana, 'x', 3, 2)
    await used(ana, 'y', 4)
    const { messages } = run(Date.now)
    await ask('Q1', 1)
    await until(async () => (await messages.getWaitingCount()) === 2, 'both messages')
    const posted = await messages.getWaiting()
    expect(posted.map(({ data }) => data)).toEqual(
      expect.arrayContaining(
        ['#inc-orders', '#inc-payments'].map((channel) => ({
          kind: 'notice',
          to: { channel },
          text: textOf(posted[0]),
          thread: 'occasion/Q1',
        })),
      ),
    )
    const text = textOf(posted[0])
    expect(text).toContain('*Access during incident #7 “orders are stuck”*')
    expect(text).toContain('*Ana Lopes* had *operate* on `orders-svc` for 30m')
    expect(text).toContain('7 requests, 2 writes, 2 refusals.')
    expect(text).toContain('• `GET /**` 7: 7 × 200')
    expect(text).toContain('*Ben Okafor* had')
    expect(text).toContain('0 requests, 0 writes, 0 refusals.')
  })

  test('goes to PagerDuty as plain text, with the patterns as they are written', async () => {
    await given(ana)
    await used(ana, 'x', 3)
    const { notes } = run(Date.now)
    await ask('Q1', 1)
    await until(async () => (await notes.getWaitingCount()) === 1, 'the note')
    const [note] = await notes.getWaiting()
    expect(note?.id).toBe('note-Q1-1')
    expect(note?.data.incident).toBe('Q1')
    const text = note?.data.text ?? ''
    expect(text).toMatch(/^Access during incident #7 “orders are stuck”\n/)
    expect(text).toContain('Ana Lopes had operate on orders-svc for 30m (12:00 UTC to 12:30 UTC)')
    expect(text).toContain('• GET /** 3: 3 × 200')
    expect(text).not.toMatch(/`|<!date|\*Ana/)
  })

  test('of a pass that was asked for by hand is no note in PagerDuty', async () => {
    const byHand = aGrant({ id: nthId(5) })
    await given(byHand)
    const { messages, notes } = run(Date.now)
    await ask(byHand.id, 1)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    expect(textOf((await messages.getWaiting())[0])).toContain('because stuck orders')
    await worker?.close()
    expect(await notes.getWaitingCount()).toBe(0)
  })

  test('leaves out what never was access, and what another incident has now', async () => {
    await given(ana)
    await given(aGrant({ ...ben, state: 'offered' }), { state: 'refused', cause: 'withdrawn' })
    const moved = aGrant({
      id: nthId(3),
      who: { issuer: 'i', subject: 'idp-cho', name: 'Cho Park' },
      why: pageWhy('Q2'),
    })
    await given(moved)
    await createOccasions(database.redis).add('Q1', moved.id)
    const { messages } = run(Date.now)
    await ask('Q1', 3)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    const text = textOf((await messages.getWaiting())[0])
    expect(text).toContain('*Ana Lopes*')
    expect(text).not.toMatch(/Ben Okafor|Cho Park/)
  })

  test('is not written when nothing ever was access', async () => {
    await given(aGrant({ ...ben, state: 'offered' }), { state: 'refused', cause: 'lapsed' })
    await given(aGrant({ ...ana, state: 'pending' }), { state: 'refused', cause: 'denied' })
    const { messages, notes } = run(Date.now)
    await ask('Q1', 2)
    const summaries = openQueue<SummaryJob>(queueNames.summaries, database.redis)
    await until(async () => (await summaries.getCompletedCount()) === 1, 'it is done')
    expect([await messages.getWaitingCount(), await notes.getWaitingCount()]).toEqual([0, 0])
  })

  test('shows what a proxy reports as text, whatever it calls it', async () => {
    await given(ana)
    await createUsageStore(database.redis).put({
      kind: 'usage',
      proxy: 'a',
      boot: 'x',
      grant: ana.id,
      number: 1,
      usage: {
        patterns: { 'GET /` <!channel>': { '<!here>': 2 } },
        writes: 0,
        refused: { '<https://evil.example|ok>': 1 },
      },
    })
    const { messages } = run(Date.now)
    await ask('Q1', 1)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    expect(textOf((await messages.getWaiting())[0]).replaceAll(/<!date[^>]*>/g, '')).not.toMatch(/[<>]/)
  })

  test('is posted once, however often it is asked for', async () => {
    await given(ana)
    const { messages } = run(Date.now)
    await ask('Q1', 1)
    await ask('Q1', 1)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    await worker?.close()
    expect(await messages.getWaitingCount()).toBe(1)
  })

  test('waits for a proxy that lives and has not told what was used', async () => {
    await given(ana, { at: Date.now() })
    const fleet = createFleet(database.redis)
    // Still living after all that this test waits for.
    await fleet.seen('boot-a', (await redisNow()) + 60_000)
    const { messages } = run(Date.now)
    await ask('Q1', 1)
    const summaries = openQueue<SummaryJob>(queueNames.summaries, database.redis)
    await until(async () => (await summaries.getDelayedCount()) === 1, 'it is put off')
    expect(await messages.getWaitingCount()).toBe(0)
    await used(ana, 'boot-a', 5)
    await fleet.confirmed('boot-a', 9, ana.id)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    expect(textOf((await messages.getWaiting())[0])).toContain('5 requests')
  })

  test('goes without a proxy that is gone, or has long been silent', async () => {
    await given(ana, { at: Date.now() })
    const fleet = createFleet(database.redis)
    await fleet.seen('boot-gone', await redisNow())
    await fleet.gone('boot-gone')
    await fleet.seen('boot-silent', (await redisNow()) - 60_000)
    const { messages } = run(Date.now)
    await ask('Q1', 1)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
  })

  test('goes without a proxy that lives but never tells, after a while', async () => {
    await given(ana, { at: Date.now() })
    await createFleet(database.redis).seen('boot-a', await redisNow())
    const { messages } = run(() => Date.now() + 20_000)
    await ask('Q1', 1)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
  })
})
