import { DelayedError, type Job } from 'bullmq'
import type { Clock } from '#access/ports.ts'

/** Ends this run of a job, which comes again after a while: no failure, and no worker is kept waiting. */
export const putOff = async (
  job: Job<unknown>,
  token: string | undefined,
  clock: Clock,
  waitMs: number,
): Promise<never> => {
  await job.moveToDelayed(clock.now() + waitMs, token)
  throw new DelayedError()
}
