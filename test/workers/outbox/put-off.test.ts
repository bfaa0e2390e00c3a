import { DelayedError, type Job } from 'bullmq'
import { expect, test } from 'vitest'
import { putOff, putOffUntil } from '#workers/outbox/put-off.ts'
import { hour, minute } from '../../builders.ts'

/** How long BullMQ is told to wait, by the clock that it takes. */
const waited = async (put: (job: Job<unknown>) => Promise<never>): Promise<number> => {
  const told: number[] = []
  const moveToDelayed = async (at: number): Promise<void> => {
    told.push(at - Date.now())
  }
  await expect(put({ moveToDelayed } as unknown as Job<unknown>)).rejects.toThrow(DelayedError)
  return told[0] ?? Number.NaN
}

test.each([
  ['is right', 0],
  ['is an hour ahead', hour],
  ['is an hour behind', -hour],
])('A job waits as long as it should where the clock that we go by %s', async (_, offMs) => {
  const clock = { now: () => Date.now() + offMs }
  const wait = await waited((job) => putOffUntil(job, 'token', clock, clock.now() + minute))
  expect(Math.abs(wait - minute)).toBeLessThan(30_000)
})

test('A job that should have come already does not come again at once for ever', async () => {
  expect(await waited((job) => putOff(job, 'token', -hour))).toBeGreaterThan(0)
})
