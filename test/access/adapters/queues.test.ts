import { Worker } from 'bullmq'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type ExpiryJob, openQueue, queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { tag } from '#access/adapters/redis/names.ts'
import { freshDatabase, until } from '../../builders.ts'

type Database = Awaited<ReturnType<typeof freshDatabase>>
let database: Database
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 27)
})
afterAll(() => database.close())

test('a job id added twice is one job, and the first one stands', async () => {
  const queue = openQueue<ExpiryJob>(queueNames.expiries, database.redis)
  await Promise.all([
    queue.add('expiry', { grant: 'a' }, { jobId: 'one', delay: 60_000 }),
    queue.add('expiry', { grant: 'a' }, { jobId: 'one', delay: 60_000 }),
  ])
  await queue.add('expiry', { grant: 'b' }, { jobId: 'one' })
  expect(await queue.getJobCounts('delayed', 'waiting')).toEqual({ delayed: 1, waiting: 0 })
  expect((await queue.getJob('one'))?.data).toEqual({ grant: 'a' })
  await queue.close()
})

test('a job id added again after the job was done is not done again', async () => {
  const queue = openQueue<ExpiryJob>(queueNames.summaries, database.redis)
  const done: string[] = []
  const worker = new Worker<ExpiryJob>(queueNames.summaries, async (job) => void done.push(job.data.grant), {
    connection: database.connect(),
    prefix: queuePrefix,
  })
  await queue.add('expiry', { grant: 'a' }, { jobId: 'one' })
  await until(async () => (await queue.getJobCounts('completed'))['completed'] === 1, 'the job is done')
  await queue.add('expiry', { grant: 'a' }, { jobId: 'one' })
  await queue.add('expiry', { grant: 'last' }, { jobId: 'two' })
  await until(() => done.includes('last'), 'the next job is done')
  expect(done).toEqual(['a', 'last'])
  await worker.close()
  await queue.close()
})

test('every key of the queues has the hash tag that keeps it on one node', async () => {
  const keys = await database.redis.keys('*')
  expect(keys.length).toBeGreaterThan(0)
  expect(keys.filter((key) => !key.startsWith(tag))).toEqual([])
})
