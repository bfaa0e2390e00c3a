import { webApi } from '@slack/bolt'
import { Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type MessageJob, openQueue, queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { postMessage } from '#workers/jobs/post-message.ts'
import { freshDatabase, until } from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let slack: Slack
let worker: Worker
let failed: string[]
let trouble: string[]
let standstill: number | undefined
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 30)
})
beforeEach(async () => {
  await database.redis.flushdb()
  failed = []
  trouble = []
  standstill = undefined
  slack = createSlack({
    botToken: 'xoxb-sandbox',
    signingSecret: 'signing',
    bot: { commandsUrl: 'http://127.0.0.1:1/slack/events' },
    now: () => standstill ?? Date.now(),
  })
  await slack.listen(0)
})
afterEach(async () => {
  await worker.close()
  await slack.close()
})
afterAll(() => database.close())

const start = (token = 'xoxb-sandbox') => {
  const client = new webApi.WebClient(token, {
    slackApiUrl: slack.apiUrl(),
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logLevel: webApi.LogLevel.ERROR,
  })
  worker = new Worker(queueNames.messages, (job, lock) => postMessage(client, job, lock, { now: Date.now }), {
    connection: database.connect(),
    prefix: queuePrefix,
    concurrency: 4,
  })
  worker.on('failed', (_, error) => void failed.push((error as { code?: string }).code ?? error.message))
  worker.on('error', (error) => void trouble.push(error.message))
  return openQueue<MessageJob>(queueNames.messages, database.redis, {
    defaultJobOptions: { attempts: 2, backoff: { type: 'fixed', delay: 50 } },
  })
}
const inOrders = (): string[] =>
  slack.messagesIn(channelNamed('inc-orders') ?? expect.fail('no channel')).map(({ text }) => text)

describe('A message', () => {
  test('arrives in its channel', async () => {
    await start().add('m', { channel: '#inc-orders', text: 'hello' })
    await until(() => inOrders().length === 1, 'it arrived')
    expect(inOrders()).toEqual(['hello'])
  })

  test('beyond Slack’s rate limit is put off, without counting as a failure, and arrives', async () => {
    standstill = Date.now()
    const queue = start()
    const texts = Array.from({ length: 6 }, (_, index) => `message ${index}`)
    for (const text of texts)
      await queue.add('m', { channel: '#inc-orders', text }, { jobId: text.replace(' ', '-') })
    await until(async () => (await queue.getDelayedCount()) === 1, 'one is put off')
    expect(inOrders()).toHaveLength(5)
    const [late] = await queue.getDelayed()
    expect(late?.attemptsMade).toBe(0)
    standstill = undefined
    await until(() => inOrders().length === 6, 'all arrived')
    expect([...inOrders()].sort()).toEqual(texts)
    expect(failed).toEqual([])
    expect(trouble).toEqual([])
  })

  test('that Slack refuses is a fault with Slack’s own word, and is tried again', async () => {
    const queue = start()
    await queue.add('m', { channel: '#no-such-channel', text: 'hello' }, { jobId: 'one' })
    await until(() => failed.length === 2, 'both attempts')
    expect(failed).toEqual(['slack/failed', 'slack/failed'])
    expect((await queue.getJob('one'))?.failedReason).toContain('channel_not_found')
  })

  test('with a wrong token is a fault that does not tell the token', async () => {
    const queue = start('xoxb-wrong-token')
    await queue.add('m', { channel: '#inc-orders', text: 'hello' }, { jobId: 'one' })
    await until(() => failed.length === 2, 'both attempts')
    const job = await queue.getJob('one')
    expect(job?.failedReason).toContain('invalid_auth')
    expect(JSON.stringify([job?.failedReason, job?.stacktrace])).not.toContain('xoxb-wrong-token')
  })

  test('without a text is none', async () => {
    await start().add('m', { channel: '#inc-orders', text: '' })
    await until(() => failed.length === 2, 'both attempts')
    expect(inOrders()).toEqual([])
  })
})
