import { DelayedError, type Job } from 'bullmq'
import type { Clock } from '#access/ports.ts'

/** Less than that is not worth coming again for, and whoever computed a time in the past would come again at once for ever. */
const leastMs = 100

/** How long a job has been there. Like all times of BullMQ, by the machine’s own clock, which ours may have found to be wrong. */
export const waitedMs = ({ timestamp }: Job<unknown>): number => Date.now() - timestamp

/** Ends this run of a job, which comes again after a while: no failure, and no worker is kept waiting. */
export const putOff = async (
  job: Job<unknown>,
  token: string | undefined,
  waitMs: number,
): Promise<never> => {
  await job.moveToDelayed(Date.now() + Math.max(leastMs, waitMs), token)
  throw new DelayedError()
}

/** The same, until a time. */
export const putOffUntil = async (
  job: Job<unknown>,
  token: string | undefined,
  clock: Clock,
  at: number,
): Promise<never> => putOff(job, token, at - clock.now())
