import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { openQueue, type QueueName, queueNames } from './queues.ts'

export type DeadLetter = {
  readonly queue: QueueName
  readonly id: string
  readonly name: string
  /** The last error, which names the mend where there is one. */
  readonly why: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly attempts: number
}

const batch = 100

/** Jobs that are tried no more, of all queues, newest first. Rejects when Redis does not answer. */
export const listDeadLetters = async (redis: Redis): Promise<DeadLetter[]> => {
  const found: DeadLetter[] = []
  await inEachQueue(redis, async (queue, name) => {
    for (let from = 0; ; from += batch) {
      const jobs = await queue.getFailed(from, from + batch - 1)
      for (const job of jobs)
        if (job?.id !== undefined)
          found.push({
            queue: name,
            id: job.id,
            name: job.name,
            why: job.failedReason ?? '',
            at: job.finishedOn ?? job.timestamp,
            attempts: job.attemptsMade,
          })
      if (jobs.length < batch) return
    }
  })
  return found.sort((a, b) => b.at - a.at)
}

/** Has every dead letter tried again as if it were new, and says how many there are. */
export const retryDeadLetters = async (redis: Redis): Promise<number> => {
  let retried = 0
  await inEachQueue(redis, async (queue) => {
    for (const job of await queue.getFailed()) {
      try {
        // `attemptsStarted` stays: it tells a note that it may stand already.
        await job.retry('failed', { resetAttemptsMade: true })
        retried += 1
      } catch (error) {
        // Somebody else may have had it tried again, or removed it.
        if (await job.isFailed()) throw error
      }
    }
  })
  return retried
}

const inEachQueue = async (
  redis: Redis,
  visit: (queue: Queue<unknown>, name: QueueName) => Promise<void>,
): Promise<void> => {
  for (const name of Object.values(queueNames)) {
    const queue = openQueue<unknown>(name, redis)
    try {
      await visit(queue, name)
    } finally {
      await queue.close()
    }
  }
}
