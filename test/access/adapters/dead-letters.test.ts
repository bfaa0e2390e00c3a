import { UnrecoverableError, Worker } from 'bullmq'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { listDeadLetters, retryDeadLetters } from '#access/adapters/dead-letters.ts'
import { type NoteJob, openQueue, type QueueName, queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { freshDatabase, until } from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 37)
})
beforeEach(() => database.redis.flushdb())
afterAll(() => database.close())

/** Does all jobs of a queue with this, then stops. */
const doAll = async (name: QueueName, count: number, work: (id: string) => void): Promise<void> => {
  let done = 0
  const worker = new Worker(name, async (job) => work(job.id ?? ''), {
    connection: database.connect(),
    prefix: queuePrefix,
  })
  worker.on('failed', () => void done++)
  worker.on('completed', () => void done++)
  await until(() => done === count, 'all are done')
  await worker.close()
}
const refuse = (id: string): never => {
  throw new UnrecoverableError(`refused ${id}`)
}

test('What can’t be done stays, is listed newest first, and can be tried again', async () => {
  const notes = openQueue<NoteJob>(queueNames.notes, database.redis)
  const messages = openQueue(queueNames.messages, database.redis)
  await notes.add('note', { incident: 'Q1', text: 'hello' }, { jobId: 'one' })
  await doAll('notes', 1, refuse)
  await messages.add('given', {}, { jobId: 'two' })
  await doAll('messages', 1, refuse)

  const dead = await listDeadLetters(database.redis)
  expect(dead).toMatchObject([
    { queue: 'messages', id: 'two', name: 'given', why: 'refused two', attempts: 1 },
    { queue: 'notes', id: 'one', name: 'note', why: 'refused one', attempts: 1 },
  ])
  expect(dead[0]?.at).toBeGreaterThan(0)

  expect(await retryDeadLetters(database.redis)).toBe(2)
  expect(await listDeadLetters(database.redis)).toEqual([])
  const again = await notes.getJob('one')
  expect(again?.attemptsMade).toBe(0)
  expect(again?.attemptsStarted).toBe(1)
  const done: string[] = []
  await doAll('notes', 1, (id) => void done.push(id))
  expect(done).toEqual(['one'])
  await Promise.all([notes.close(), messages.close()])
})

test('Beyond one batch all are listed and tried again', async () => {
  const notes = openQueue<NoteJob>(queueNames.notes, database.redis)
  await notes.addBulk(
    Array.from({ length: 230 }, (_, index) => ({
      name: 'note',
      data: { incident: 'Q1', text: `${index}` },
      opts: { jobId: `note-${index}` },
    })),
  )
  await doAll('notes', 230, refuse)
  expect(new Set((await listDeadLetters(database.redis)).map(({ id }) => id)).size).toBe(230)
  expect(await retryDeadLetters(database.redis)).toBe(230)
  expect(await notes.getWaitingCount()).toBe(230)
  await notes.close()
})

test('Without any, nothing is listed and nothing tried', async () => {
  expect(await listDeadLetters(database.redis)).toEqual([])
  expect(await retryDeadLetters(database.redis)).toBe(0)
})
