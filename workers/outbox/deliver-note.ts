import { type Job, UnrecoverableError } from 'bullmq'
import { z } from 'zod'
import type { Notes } from '#access/adapters/pagerduty/notes.ts'
import { PagerDutyFault } from '#access/adapters/pagerduty/rest.ts'
import { readJob } from '#access/adapters/read-job.ts'
import { putOff } from './put-off.ts'

const shape = z.strictObject({
  incident: z.string().regex(/^[A-Za-z0-9]{1,40}$/),
  text: z.string().trim().min(1).max(100_000),
})

export type NoteParts = {
  /** Undefined where notes are not configured: none are made then. */
  readonly notes: Notes | undefined
}

/**
 * Adds one note to an incident. PagerDuty knows no idempotency key, so whoever may have added it before looks first.
 * Too many requests put it off without counting as a failure.
 */
export const deliverNote = async (
  { notes }: NoteParts,
  job: Job<unknown>,
  token: string | undefined,
): Promise<void> => {
  const { incident, text } = readJob(shape, job.data, 'note')
  if (notes === undefined) return
  try {
    if (job.attemptsStarted > 1 && (await notes.has(incident, text))) return
    await notes.add(incident, text)
  } catch (error) {
    if (!(error instanceof PagerDutyFault)) throw error
    if (error.retryAfterMs !== undefined) return putOff(job, token, error.retryAfterMs)
    const mend = mends.get(error.status)
    if (mend !== undefined) throw new UnrecoverableError(`${error.message}. To mend it: ${mend}`)
    throw error
  }
}

/** What no retry mends. A refused token (401, 403) is tried again: somebody will mend it. */
const mends: ReadonlyMap<number | undefined, string> = new Map([
  [400, 'PAGERDUTY_FROM must be the e-mail of a user of this PagerDuty account'],
  [404, 'the incident is not in this PagerDuty account: PAGERDUTY_TOKEN may be another’s'],
])
