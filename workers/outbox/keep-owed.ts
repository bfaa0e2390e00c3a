import type { Job, JobsOptions, Processor, Queue } from 'bullmq'
import type { OwedBook, OwedQueue } from '#access/adapters/redis/owed.ts'
import type { Clock } from '#access/ports.ts'

/** As much of a queue as those need who only add to it. */
export type AddTo<Data> = {
  add(name: string, data: Data, options: JobsOptions & { readonly jobId: string }): Promise<unknown>
}

/** The name of a job that was made anew, because it was gone. */
export const anew = 'anew'

/** A queue whose jobs are written down as owed before they are added. */
export const addOwing = <Data extends object>(
  owed: OwedBook,
  clock: Clock,
  queue: OwedQueue,
  to: Pick<Queue<Data>, 'add'>,
): AddTo<Data> => {
  const add = to.add.bind(to) as (name: string, data: Data, options: JobsOptions) => Promise<unknown>
  return {
    add: async (name, data, options) => {
      await owed.put({ queue, id: options.jobId, since: clock.now(), data })
      return add(name, data, options)
    },
  }
}

/**
 * Carries a job out, and then owes it no more. One that was made anew has nothing to do where the first one was only slow:
 * what was said is not said again.
 */
export const settling =
  (owed: OwedBook, queue: OwedQueue, carryOut: Processor<unknown>): Processor<unknown> =>
  async (job: Job<unknown>, token) => {
    const id = job.id ?? ''
    if (job.name === anew && !(await owed.has(queue, id))) return
    await carryOut(job, token)
    // It was said; a failure now would have it said again. Whoever reconciles sees that the job is done.
    await owed.drop(queue, id).catch(() => undefined)
  }
