import { DelayedError, type Job } from 'bullmq'
import type { Clock } from '#access/ports.ts'

/** Ends this run of a job, which comes again after a while: no failure, and no worker is kept waiting. */
export const putOff = async (
  job: Job<unknown>,
  token: string | undefined,
  clock: Clock,
  waitMs: number,
): Promise<never> => putOffUntil(job, token, clock.now() + waitMs)

/** The same, until a time. */
export const putOffUntil = async (
  job: Job<unknown>,
  token: string | undefined,
  at: number,
): Promise<never> => {
  await job.moveToDelayed(at, token)
  throw new DelayedError()
}
