import { type Job, Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import {
  type MessageJob,
  openQueue,
  queueNames,
  queuePrefix,
  type SummaryJob,
} from '#access/adapters/queues.ts'
import { createFleet } from '#access/adapters/redis/fleet.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import { createUsageStore } from '#access/adapters/redis/usage-store.ts'
import { type Grant, occasionOf } from '#access/domain/grant.ts'
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
beforeEach(() => database.redis.flushdb())
afterEach(async () => {
  await worker?.close()
  worker = undefined
})
afterAll(() => database.close())

const grants = new Map<string, Grant>()
const given = async (grant: Grant): Promise<void> => {
  grants.set(grant.id, grant)
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
  worker = new Worker<SummaryJob>(
    queueNames.summaries,
    (job: Job<unknown>, token) =>
      sumUp(
        {
          rules: rulesOf(),
          fleet: createFleet(database.redis),
          occasions: createOccasions(database.redis),
          usages: createUsageStore(database.redis),
          ended: async (id) => {
            const grant = grants.get(id)
            return grant === undefined ? undefined : { grant, end: anEnd(grant, { at: noon + 30 * minute }) }
          },
          messages,
          clock: { now },
        },
        job,
        token,
      ),
    { connection: database.connect(), prefix: queuePrefix },
  )
  return messages
}
const ask = async (occasion: string, sequence: number): Promise<void> => {
  const summaries = openQueue<SummaryJob>(queueNames.summaries, database.redis)
  await summaries.add('summary', { occasion, sequence }, { jobId: `summary-${occasion}-${sequence}` })
}
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
    const messages = run(Date.now)
    await ask('Q1', 9)
    await until(async () => (await messages.getWaitingCount()) === 2, 'both messages')
    const posted = (await messages.getWaiting()).map(({ data }) => data)
    expect(posted.map(({ channel }) => channel).sort()).toEqual(['#inc-orders', '#inc-payments'])
    const text = posted[0]?.text ?? ''
    expect(text).toContain('*Access during incident #7 “orders are stuck”*')
    expect(text).toContain('*Ana Lopes* had *operate* on `orders-svc` for 30m')
    expect(text).toContain('7 requests, 2 writes, 2 refusals.')
    expect(text).toContain('• `GET /**` 7: 7 × 200')
    expect(text).toContain('*Ben Okafor* had')
    expect(text).toContain('0 requests, 0 writes, 0 refusals.')
  })

  test('is posted once, however often it is asked for', async () => {
    await given(ana)
    const messages = run(Date.now)
    await ask('Q1', 9)
    await ask('Q1', 9)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    await worker?.close()
    expect(await messages.getWaitingCount()).toBe(1)
  })

  test('waits for a proxy that lives and has not told what was used', async () => {
    await given(ana)
    const fleet = createFleet(database.redis)
    await fleet.seen('boot-a', await redisNow())
    const messages = run(Date.now)
    await ask('Q1', 9)
    const summaries = openQueue<SummaryJob>(queueNames.summaries, database.redis)
    await until(async () => (await summaries.getDelayedCount()) === 1, 'it is put off')
    expect(await messages.getWaitingCount()).toBe(0)
    await used(ana, 'boot-a', 5)
    await fleet.confirmed('boot-a', 9)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
    expect((await messages.getWaiting())[0]?.data.text).toContain('5 requests')
  })

  test('goes without a proxy that is gone, or has long been silent', async () => {
    await given(ana)
    const fleet = createFleet(database.redis)
    await fleet.seen('boot-gone', await redisNow())
    await fleet.gone('boot-gone')
    await fleet.seen('boot-silent', (await redisNow()) - 60_000)
    const messages = run(Date.now)
    await ask('Q1', 9)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
  })

  test('goes without a proxy that lives but never tells, after a while', async () => {
    await given(ana)
    await createFleet(database.redis).seen('boot-a', await redisNow())
    const messages = run(() => Date.now() + 20_000)
    await ask('Q1', 9)
    await until(async () => (await messages.getWaitingCount()) === 1, 'the message')
  })
})
