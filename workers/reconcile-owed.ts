import type { Job } from 'bullmq'
import type { OwedBook, OwedQueue } from '#access/adapters/redis/owed.ts'
import type { Clock } from '#access/ports.ts'
import { anew } from './outbox/keep-owed.ts'

/** Whatever is on its way between its entry and its job has arrived by then. */
const settledMs = 15_000

type OwingQueue = {
  add(name: string, data: object, options: { readonly jobId: string }): Promise<unknown>
  getJob(id: string): Promise<Job<unknown> | undefined>
}
export type OwingQueues = Readonly<Record<OwedQueue, OwingQueue>>

export type ReconcileOwedParts = {
  readonly owed: OwedBook
  readonly queues: OwingQueues
  readonly clock: Clock
  /** A job was gone, and was made again. */
  readonly made: (queue: OwedQueue, id: string) => void
}

/**
 * Finds what is owed and has no job any more, and makes the job again: the second time that it is missing, so that a run
 * under way whose job was taken from under it has ended by then. Gives back what there is to do, one by one.
 */
export const createReconcileOwed = ({ owed, queues, clock, made }: ReconcileOwedParts) => {
  let missing = new Set<string>()

  return async (): Promise<(() => Promise<void>)[]> => {
    const before = missing
    const seen = new Set<string>()
    const { owed: all, unreadable } = await owed.all()
    const looks = all
      .filter(({ since }) => since + settledMs <= clock.now())
      .map(({ queue, id, data }) => async (): Promise<void> => {
        const job = await queues[queue].getJob(id)
        if (job !== undefined) {
          const state = await job.getState()
          // A dead letter is kept, and somebody's to try again.
          if (state === 'completed' || state === 'failed') await owed.drop(queue, id)
          return
        }
        const name = `${queue}/${id}`
        // It may have been carried out since all of it was read.
        if (!(await owed.has(queue, id))) return
        if (!before.has(name)) return void seen.add(name)
        await queues[queue].add(anew, data, { jobId: id })
        made(queue, id)
      })
    missing = seen
    return [...looks, ...unreadable.map((field) => async () => void (await owed.forget(field)))]
  }
}
