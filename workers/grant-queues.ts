import type { Job, JobsOptions } from 'bullmq'
import type { GrantJob } from './jobs-of.ts'
import { waitedMs } from './outbox/put-off.ts'

/** What is done with a queue whose jobs belong to grants, whatever they say. */
type GrantQueue = {
  add(name: string, data: object, options: JobsOptions): Promise<unknown>
  getJob(id: string): Promise<Job<unknown> | undefined>
}

export type GrantQueues = Readonly<Record<GrantJob['queue'], GrantQueue>>

const delayUntil = (at: number, now: number): number => Math.max(0, at - now)

/** Adds a job. One that is there already stays as it is. */
export const addJob = async (queues: GrantQueues, job: GrantJob, now: number): Promise<void> => {
  await queues[job.queue].add(job.name, job.data, { jobId: job.id, delay: delayUntil(job.at, now) })
}

/** A job that is later than this was put off by nobody of ours. */
const lateMs = 5_000

/**
 * Makes a job that is gone, and puts right one that says something else, or is due much later. Tells what it did; undefined
 * where nothing was to do.
 */
export const mendJob = async (
  queues: GrantQueues,
  job: GrantJob,
  now: number,
): Promise<'lost' | 'altered' | 'late' | undefined> => {
  const found = await queues[job.queue].getJob(job.id)
  if (found === undefined) {
    await addJob(queues, job, now)
    return 'lost'
  }
  const state = await found.getState()
  if (JSON.stringify(found.data) !== JSON.stringify(job.data)) {
    if (state === 'completed') return undefined
    await found.updateData(job.data)
    if (state === 'failed') await found.retry('failed', { resetAttemptsMade: true })
    return 'altered'
  }
  // What is left of its delay: BullMQ’s times are by the machine’s own clock, which ours may have found to be wrong.
  const left = found.delay - waitedMs(found)
  if (state !== 'delayed' || left <= delayUntil(job.at, now) + lateMs) return undefined
  await found.changeDelay(delayUntil(job.at, now))
  return 'late'
}
