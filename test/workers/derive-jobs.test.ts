import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type AuditLog, openAuditLog } from '#access/adapters/audit-log.ts'
import {
  type ExpiryJob,
  type MessageJob,
  openQueue,
  queueNames,
  type SummaryJob,
} from '#access/adapters/queues.ts'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore, readEnded } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import type { Grant } from '#access/domain/grant.ts'
import { createView } from '#access/domain/view.ts'
import { createDeriveJobs } from '#workers/derive-jobs.ts'
import {
  aFolder,
  aGrant,
  anEnd,
  freshDatabase,
  freshStatements,
  frozenClock,
  hour,
  keptAlarms,
  noon,
  nthId,
  pageWhy,
  rulesOf,
  until,
} from '../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let parts: Awaited<ReturnType<typeof freshStatements>>
let others: Awaited<ReturnType<typeof freshStatements>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 28)
  ;[parts, others] = await Promise.all([freshStatements(), freshStatements()])
})
afterAll(() => database.close())

const rules = rulesOf()
const clock = frozenClock()
let audit: AuditLog
let alarms: string[]
let derive: ReturnType<typeof createDeriveJobs>
let queues: ReturnType<typeof openAll>
let stop: () => Promise<unknown>

const openAll = () => ({
  expiries: openQueue<ExpiryJob>(queueNames.expiries, database.redis),
  messages: openQueue<MessageJob>(queueNames.messages, database.redis),
  summaries: openQueue<SummaryJob>(queueNames.summaries, database.redis),
})

beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch-1')
  const { folder, remove } = await aFolder()
  audit = await openAuditLog(folder, 'workers-a')
  const kept = keptAlarms()
  alarms = kept.all
  queues = openAll()
  const view = createView()
  const follower = followView(
    {
      prompt: database.redis,
      patient: database.connect(),
      view,
      statements: parts.workers,
      clock: frozenClock(),
      heads: 'optional',
    },
    { alarm: () => undefined },
  )
  await until(view.ready, 'the first sync')
  derive = createDeriveJobs({
    rules,
    audit,
    clock,
    statements: parts.workers,
    live: follower.live,
    occasions: createOccasions(database.redis),
    ended: (id) => readEnded(database.redis, parts.workers, id),
    alarm: kept.alarm,
    ...queues,
  })
  stop = async () => {
    await follower.stop()
    await Promise.all(Object.values(queues).map((queue) => queue.close()))
    await audit.close()
    await remove()
  }
})
afterEach(() => stop())

const store = () => createGrantStore(database.redis, parts.bot, clock)
const give = (grant: Grant) => store().give(grant)
const end = (grant: Grant) => store().end(grant, 'incident over')
const deriveAll = async (): Promise<void> => {
  for (const [id, fields] of await database.redis.xrange(names.events, '-', '+')) await derive(id, fields)
}
const records = async () =>
  (await readFile(audit.file, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

const grant = aGrant({ until: noon + hour, why: pageWhy('Q1') })

describe('From a grant that was given', () => {
  test('follow its record, its expiry at its time, and a message to its channel', async () => {
    await give(grant)
    await deriveAll()
    expect(await records()).toMatchObject([
      { kind: 'step', event: '1-0', step: 'grant', grant: grant.id, at: noon },
    ])
    const [expiry] = await queues.expiries.getDelayed()
    expect(expiry?.data).toEqual({ grant: grant.id })
    expect(expiry?.opts.delay).toBe(hour)
    const [message, ...more] = await queues.messages.getWaiting()
    expect(message?.data).toMatchObject({
      channel: '#inc-orders',
      text: expect.stringContaining('Ana Lopes'),
    })
    expect(more).toEqual([])
  })

  test('follows an expiry at once when its time is over already', async () => {
    await give(aGrant({ until: noon - 1, from: noon - hour }))
    await deriveAll()
    expect(await queues.expiries.getWaitingCount()).toBe(1)
  })

  test('follows one message per channel of its services', async () => {
    await give(aGrant({ services: ['orders-svc', 'payments-svc'] }))
    await deriveAll()
    const channels = (await queues.messages.getWaiting()).map(({ data }) => data.channel)
    expect(channels.sort()).toEqual(['#inc-orders', '#inc-payments'])
  })

  test('follows the same once, however often it is derived', async () => {
    await give(grant)
    await deriveAll()
    await deriveAll()
    expect(await queues.expiries.getDelayedCount()).toBe(1)
    expect(await queues.messages.getWaitingCount()).toBe(1)
    // A record may stand twice; its event id tells that it is one.
    expect(new Set((await records()).map(({ event }) => event))).toEqual(new Set(['1-0']))
  })

  test('follows nothing but its record and an alarm when it does not verify', async () => {
    const forged = await others.bot.sign('grant', grant)
    await derive('1-0', ['kind', 'grant', 'id', grant.id, 'statement', forged])
    expect(await records()).toMatchObject([{ statement: forged }])
    expect(alarms).toHaveLength(1)
    expect(await queues.expiries.getDelayedCount()).toBe(0)
    expect(await queues.messages.getWaitingCount()).toBe(0)
  })
})

describe('From a grant that ended', () => {
  const summaries = async () => (await queues.summaries.getDelayed()).map(({ data }) => data)

  test('follows the summary of its incident', async () => {
    await give(grant)
    await end(grant)
    await deriveAll()
    expect(await summaries()).toEqual([{ occasion: 'Q1', sequence: 2 }])
  })

  test('follows no summary while another of the same incident lives, and one when the last ends', async () => {
    const other = aGrant({ id: nthId(2), services: ['payments-svc'], why: pageWhy('Q1') })
    await give(grant)
    await give(other)
    await end(grant)
    await deriveAll()
    expect(await summaries()).toEqual([])
    await end(other)
    await deriveAll()
    expect((await summaries()).some(({ sequence }) => sequence === 4)).toBe(true)
  })

  test('follows its own summary when it was asked for by hand, whatever else lives', async () => {
    const byHand = aGrant({ id: nthId(3) })
    await give(grant)
    await give(byHand)
    await end(byHand)
    await deriveAll()
    expect(await summaries()).toEqual([{ occasion: byHand.id, sequence: 3 }])
  })

  test('follows nothing but a record and an alarm when the end does not verify', async () => {
    await give(grant)
    const forged = await others.workers.sign('end', anEnd(grant))
    await derive('2-0', ['kind', 'end', 'id', grant.id, 'statement', forged])
    expect(alarms).toHaveLength(1)
    expect(await summaries()).toEqual([])
    expect((await records()).at(-1)).toMatchObject({ step: 'end', statement: forged })
  })
})

test('What can’t be recorded is not derived, so that it is tried again', async () => {
  await give(grant)
  const [[id, fields]] = (await database.redis.xrange(names.events, '-', '+')) as [[string, string[]]]
  const failing = createDeriveJobs({
    rules,
    clock,
    statements: parts.workers,
    live: {
      get: () => undefined,
      all: () => [],
      genuine: async () => false,
      catchUp: async () => undefined,
    },
    occasions: createOccasions(database.redis),
    ended: async () => undefined,
    alarm: () => undefined,
    audit: {
      ...audit,
      append: (_line, _synced, written) => written?.(new (class extends Error {})('full') as never),
    },
    ...queues,
  })
  await expect(failing(id, fields)).rejects.toThrow('full')
  expect(await queues.messages.getWaitingCount()).toBe(0)
})
