import { readFile } from 'node:fs/promises'
import type { Queue } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type AuditLog, openAuditLog } from '#access/adapters/audit-log.ts'
import {
  type BeginningJob,
  type ExpiryJob,
  type IncidentJob,
  type MessageJob,
  openQueue,
  type QuestionJob,
  queueNames,
  type ReminderJob,
  type SummaryJob,
} from '#access/adapters/queues.ts'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore, readEnded } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { indexDirectory } from '#access/domain/directory-file.ts'
import { Fault } from '#access/domain/errors.ts'
import type { EndCause, Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { createView } from '#access/domain/view.ts'
import { endBefore } from '#access/operations/end-handed-over.ts'
import { createDeriveJobs, type DeriveParts } from '#workers/derive-jobs.ts'
import { createTell } from '#workers/outbox/tell.ts'
import {
  aFolder,
  aGrant,
  anEnd,
  aPerson,
  freshDatabase,
  freshStatements,
  frozenClock,
  hour,
  keptAlarms,
  minute,
  noon,
  nthId,
  pageWhy,
  patiently,
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
let whole: DeriveParts
let queues: ReturnType<typeof openAll>
let stop: () => Promise<unknown>
let questions: Queue<QuestionJob>
let beginnings: Queue<BeginningJob>

const directory = indexDirectory({
  environment: 'sandbox',
  asOf: noon,
  people: [aPerson()].map((one) => ({ ...one, groups: [...one.groups] })),
})

const openAll = () => ({
  expiries: openQueue<ExpiryJob>(queueNames.expiries, database.redis),
  reminders: openQueue<ReminderJob>(queueNames.reminders, database.redis),
  incidents: openQueue<IncidentJob>(queueNames.incidents, database.redis),
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
  beginnings = openQueue<BeginningJob>(queueNames.beginnings, database.redis)
  questions = openQueue<QuestionJob>(queueNames.questions, database.redis)
  const { messages, ...others } = queues
  whole = {
    rules: rules.hash,
    audit,
    clock,
    statements: parts.workers,
    live: patiently(follower.live),
    locks: follower.locks,
    store: createGrantStore(database.redis, parts.workers, clock),
    occasions: createOccasions(database.redis),
    ended: (id) => readEnded(database.redis, parts.workers, id),
    endBefore: (grant) =>
      endBefore(
        {
          live: patiently(follower.live),
          store: createGrantStore(database.redis, parts.workers, clock),
          clock,
        },
        grant,
      ),
    tell: createTell(rules, directory, messages, clock),
    alarm: kept.alarm,
    questions,
    beginnings,
    ...others,
  }
  derive = createDeriveJobs(whole)
  stop = async () => {
    await follower.stop()
    await Promise.all([questions.close(), beginnings.close()])
    await Promise.all(Object.values(queues).map((queue) => queue.close()))
    await audit.close()
    await remove()
  }
})
afterEach(() => stop())

const store = () => createGrantStore(database.redis, parts.bot, clock)
const give = async (grant: Grant): Promise<Grant> => {
  expect((await store().give(grant)).given).toBe(true)
  return grant
}
const next = (
  grant: Grant,
  step: Parameters<typeof nextVersion>[1],
  changes: Parameters<typeof nextVersion>[2],
) => give(nextVersion(grant, step, changes, noon))
const end = (grant: Grant, cause: EndCause = 'incident over') => store().end(grant, cause)
const deriveAll = async (): Promise<void> => {
  for (const [id, fields] of await database.redis.xrange(names.events, '-', '+')) await derive(id, fields)
}
const deriveOnly = async (event: string): Promise<void> => {
  for (const [at, fields] of await database.redis.xrange(names.events, event, event)) await derive(at, fields)
}
const records = async () =>
  (await readFile(audit.file, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

/** Everything in a queue, as `id data delay`. */
const jobsIn = async (name: keyof typeof queues) => {
  const jobs = await queues[name].getJobs(['waiting', 'delayed', 'prioritized'])
  return jobs.map(({ id, data, opts }) => ({ id, data, delay: opts.delay ?? 0 })).sort(byId)
}
const byId = (a: { id?: string | undefined }, b: { id?: string | undefined }): number =>
  (a.id ?? '').localeCompare(b.id ?? '')
const everything = async () =>
  Object.fromEntries(
    await Promise.all(
      Object.keys(queues).map(async (name) => [name, await jobsIn(name as keyof typeof queues)]),
    ),
  )

const grant = aGrant({ until: noon + hour, why: pageWhy('Q1') })
const { id } = grant
const movedWhy: Grant['why'] = {
  kind: 'page',
  rule: 'on_page[0]',
  incident: { id: 'Q2', number: 8, title: 'orders are stuck' },
  mergedFrom: 'Q1',
}
const ana = { team: 'T0SANDBOX', user: 'U0ANA00001' }

describe('From a pass that was given', () => {
  test('follow its record, and the jobs at its times under ids of its version', async () => {
    await give(grant)
    await deriveAll()
    expect(await records()).toMatchObject([
      { kind: 'step', event: '1-0', step: 'grant', grant: id, at: noon },
    ])
    expect(await everything()).toEqual({
      expiries: [{ id: `expiry-${id}-1`, data: { grant: id }, delay: hour }],
      reminders: [{ id: `reminder-${id}-1`, data: { grant: id, version: 1 }, delay: 50 * minute }],
      incidents: [{ id: `renewal-${id}-1`, data: { incident: 'Q1' }, delay: 45 * minute }],
      messages: [
        {
          id: 'occasion-Q1-1-#inc-orders',
          data: { kind: 'card', to: { channel: '#inc-orders' }, card: 'occasion/Q1' },
          delay: 0,
        },
      ],
      summaries: [],
    })
  })

  test('follows the end of what was handed over to it, whoever gave it and was stopped then', async () => {
    await give(grant)
    const to = aGrant({
      id: nthId(7),
      until: noon + hour,
      who: { ...grant.who, subject: 'idp-cho' },
      why: { ...pageWhy('Q1'), handedFrom: [id] } as Grant['why'],
    })
    await give(to)
    await deriveAll()
    expect((await readEnded(database.redis, parts.workers, id))?.end.cause).toBe('handed over')
    await deriveAll()
    expect(await readEnded(database.redis, parts.workers, to.id)).toBeUndefined()
  })

  test('that was asked for ahead follows a look at it when it begins', async () => {
    const begins = { at: noon + 5 * hour, zone: 'UTC' }
    await give({ ...grant, begins, from: begins.at, until: begins.at + hour })
    await deriveAll()
    await deriveAll()
    const jobs = await beginnings.getJobs(['delayed'])
    expect(jobs.map(({ id: of, data, opts }) => [of, data, opts.delay])).toEqual([
      [`beginning-${id}`, { grant: id }, 5 * hour],
    ])
  })

  test('that others have to approve follow the times at which it is brought up again, once', async () => {
    const escalate = { at: noon + 20 * minute, to: ['payments'] }
    const asked = await give({
      ...grant,
      state: 'pending',
      step: 'asked',
      approvers: { from: ['sre'], count: 2, escalate },
    })
    await next(asked, 'endorsed', {})
    await deriveAll()
    await deriveAll()
    const jobs = await questions.getJobs(['delayed'])
    const found = jobs.map(({ id: of, data, opts }) => [of, data, opts.delay] as const)
    expect(found.sort((a, b) => (a[2] ?? 0) - (b[2] ?? 0))).toEqual([
      [`ask-again-${id}`, { grant: id, what: 'ask again' }, 10 * minute],
      [`ask-others-${id}`, { grant: id, what: 'ask others' }, 20 * minute],
    ])
  })

  test('follows an expiry at once when its time is over already, and no reminder', async () => {
    await give(aGrant({ until: noon - 1, from: noon - hour }))
    await deriveAll()
    expect(await queues.expiries.getWaitingCount()).toBe(1)
    expect(await jobsIn('reminders')).toEqual([])
  })

  test.each<[string, number, number]>([
    ['ten minutes', 10 * minute, 0],
    ['a moment more', 10 * minute + 1, 1],
  ])('of %s follow so many reminders', async (_, lasts, count) => {
    await give(aGrant({ until: noon + lasts }))
    await deriveAll()
    expect(await jobsIn('reminders')).toHaveLength(count)
  })

  test('by hand follows no look at an incident', async () => {
    await give(aGrant())
    await deriveAll()
    expect(await jobsIn('incidents')).toEqual([])
  })

  test('which its incident let go of follows no renewal', async () => {
    await give({ ...grant, ending: { cause: 'incident over', was: noon + hour, at: noon, keepable: true } })
    await deriveAll()
    expect(await jobsIn('incidents')).toEqual([])
  })

  test.each<[string, Partial<Grant>]>([
    ['offered', { state: 'offered', step: 'offered' }],
    ['pending', { state: 'pending', step: 'asked', approvers: { from: ['sre'], count: 1 } }],
  ])('and is only %s follow its lapse, and neither reminder nor renewal', async (_, changes) => {
    await give({ ...grant, ...changes })
    await deriveAll()
    expect((await jobsIn('expiries')).map((job) => job.id)).toEqual([`expiry-${id}-1`])
    expect([...(await jobsIn('reminders')), ...(await jobsIn('incidents'))]).toEqual([])
  })

  test('follows one message per channel of its services', async () => {
    await give(aGrant({ services: ['orders-svc', 'payments-svc'] }))
    await deriveAll()
    expect((await jobsIn('messages')).map(({ data }) => 'to' in data && data.to)).toEqual([
      { channel: '#inc-orders' },
      { channel: '#inc-payments' },
    ])
  })

  test('follows the same once, however often it is derived', async () => {
    await give(grant)
    await end(await next(grant, 'extended', { until: noon + 2 * hour }))
    await deriveAll()
    const first = await everything()
    await deriveAll()
    await deriveAll()
    expect(await everything()).toEqual(first)
    // A record may stand twice; its event id tells that it is one.
    expect(new Set((await records()).map(({ event }) => event))).toEqual(new Set(['1-0', '2-0', '3-0']))
  })
})

describe('From a new version', () => {
  test('follow jobs at its own times, and what was posted is updated', async () => {
    await give(grant)
    await next(grant, 'extended', { until: noon + 3 * hour })
    await deriveAll()
    expect(await jobsIn('expiries')).toEqual([
      { id: `expiry-${id}-1`, data: { grant: id }, delay: hour },
      { id: `expiry-${id}-2`, data: { grant: id }, delay: 3 * hour },
    ])
    expect((await jobsIn('reminders')).map(({ data, delay }) => [data, delay])).toEqual([
      [{ grant: id, version: 1 }, 50 * minute],
      [{ grant: id, version: 2 }, 170 * minute],
    ])
    expect(await jobsIn('messages')).toContainEqual({
      id: `reminder-${id}-1-2-U0ANA00001`,
      data: { kind: 'card', to: ana, card: `reminder/${id}/1`, ifPosted: true },
      delay: 0,
    })
  })

  test('that moved to another incident follow both live messages', async () => {
    await give(grant)
    await next(grant, 'moved', { why: movedWhy })
    await deriveAll()
    const cards = (await jobsIn('messages')).map((job) => job.id)
    expect(cards).toEqual(expect.arrayContaining(['occasion-Q1-2-#inc-orders', 'occasion-Q2-2-#inc-orders']))
    expect(await createOccasions(database.redis).grantsOf('Q2')).toEqual([id])
  })

  test('that moved away as the last of an incident follows the summary of what had ended there', async () => {
    const ended = aGrant({ id: nthId(2), why: pageWhy('Q1') })
    await give(grant)
    await give(ended)
    await end(ended)
    await deriveAll()
    expect(await jobsIn('summaries')).toEqual([])
    await next(grant, 'moved', { why: movedWhy })
    await deriveOnly('4-0')
    expect((await jobsIn('summaries')).map(({ data }) => data)).toEqual([{ occasion: 'Q1', grants: 2 }])
  })
})

describe('From a grant that ended', () => {
  const summaries = async () => (await jobsIn('summaries')).map(({ data }) => data)

  test('follows the summary of its incident, a moment later', async () => {
    await give(grant)
    await end(grant)
    await deriveAll()
    expect(await jobsIn('summaries')).toEqual([
      { id: 'summary-Q1-1', data: { occasion: 'Q1', grants: 1 }, delay: 300 },
    ])
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
    expect(await summaries()).toEqual([{ occasion: 'Q1', grants: 2 }])
  })

  test.each<[string, Partial<Grant>]>([
    ['an offer', { state: 'offered', step: 'offered' }],
    ['a request', { state: 'pending', step: 'asked' }],
  ])('follows no summary while %s of the same incident stands', async (_, changes) => {
    await give(grant)
    await give(aGrant({ id: nthId(2), why: pageWhy('Q1'), ...changes }))
    await end(grant)
    await deriveAll()
    expect(await summaries()).toEqual([])
  })

  test('follows another summary when the incident came back and gave another', async () => {
    await give(grant)
    await end(grant)
    await deriveAll()
    const again = aGrant({ id: nthId(2), why: pageWhy('Q1') })
    await give(again)
    await end(again)
    await deriveAll()
    expect(await summaries()).toEqual([
      { occasion: 'Q1', grants: 1 },
      { occasion: 'Q1', grants: 2 },
    ])
  })

  test('follows its own summary when it was asked for by hand, whatever else lives', async () => {
    const byHand = aGrant({ id: nthId(3) })
    await give(grant)
    await give(byHand)
    await end(byHand)
    await deriveAll()
    expect(await summaries()).toEqual([{ occasion: byHand.id, grants: 1 }])
  })

  test('follow its updated messages, and no new one to its holder', async () => {
    await give(grant)
    await end(grant)
    await deriveOnly('2-0')
    expect((await jobsIn('messages')).map((job) => [job.id, 'ifPosted' in job.data])).toEqual([
      [`keep-${id}-2-U0ANA00001`, true],
      ['occasion-Q1-2-#inc-orders', false],
      [`reminder-${id}-1-2-U0ANA00001`, true],
    ])
  })
})

describe('From what is forged follow its record and an alarm, and nothing else:', () => {
  const nothingFollows = async (event: string, fields: string[], forged: string): Promise<void> => {
    const before = await everything()
    await derive(event, fields)
    expect((await records()).at(-1)).toMatchObject({ event, statement: forged })
    expect(alarms).toHaveLength(1)
    expect(await everything()).toEqual(before)
  }

  test('a grant signed with another key', async () => {
    const forged = await others.bot.sign('grant', grant)
    await nothingFollows('1-0', ['kind', 'grant', 'id', id, 'statement', forged], forged)
    expect(await createOccasions(database.redis).grantsOf('Q1')).toEqual([])
  })

  test('an end signed with another key', async () => {
    await give(grant)
    const forged = await others.workers.sign('end', anEnd(grant))
    await nothingFollows('2-0', ['kind', 'end', 'id', id, 'statement', forged], forged)
  })

  test('a grant in the place of an end', async () => {
    await give(grant)
    const genuine = await parts.bot.sign('grant', grant)
    await nothingFollows('2-0', ['kind', 'end', 'id', id, 'statement', genuine], genuine)
  })

  test('an end in the place of a grant', async () => {
    const genuine = await parts.bot.sign('end', anEnd(grant))
    await nothingFollows('2-0', ['kind', 'grant', 'id', id, 'statement', genuine], genuine)
  })

  test('what is no statement at all', async () => {
    await nothingFollows('2-0', ['kind', 'grant', 'id', id, 'statement', 'a.b.c'], 'a.b.c')
  })
})

test('From an end that Redis does not hold follows nothing', async () => {
  await give(grant)
  const genuine = await parts.workers.sign('end', anEnd(grant))
  await derive('2-0', ['kind', 'end', 'id', id, 'statement', genuine])
  expect(await jobsIn('summaries')).toEqual([])
  expect(await jobsIn('messages')).toEqual([])
})

test('What can’t be recorded is not derived, so that it is tried again', async () => {
  await give(grant)
  const [[event, fields]] = (await database.redis.xrange(names.events, '-', '+')) as [[string, string[]]]
  const failing = createDeriveJobs({
    ...whole,
    audit: {
      ...audit,
      append: (_line, _synced, written) => written?.(new Fault('audit/failed', 'full')),
    },
  })
  await expect(failing(event, fields)).rejects.toThrow('full')
  expect(await everything()).toEqual({
    expiries: [],
    reminders: [],
    incidents: [],
    messages: [],
    summaries: [],
  })
})
