import { Queue, type QueueOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { tag } from './redis/names.ts'

/** BullMQ's keys share the hash tag of all others. */
export const queuePrefix = tag

/** The queues: who takes from each is in brackets. */
export const queueNames = {
  /** Incidents to look at [bot]. */
  incidents: 'incidents',
  /** Grants whose time may be over [workers]. */
  expiries: 'expiries',
  /** Messages to post [workers]. */
  messages: 'messages',
  /** Occasions to sum up [workers]. */
  summaries: 'summaries',
} as const
export type QueueName = (typeof queueNames)[keyof typeof queueNames]

export type IncidentJob = { readonly incident: string }
export type ExpiryJob = { readonly grant: string }
export type MessageJob = {
  readonly channel: string
  readonly text: string
  readonly blocks?: readonly object[]
}
export type SummaryJob = { readonly occasion: string; readonly sequence: number }

const keptDone = { age: 3_600, count: 5_000 }

/** A queue to add to. Adding an id that is known changes nothing, which is what makes adding twice harmless. */
export const openQueue = <Job>(
  name: QueueName,
  connection: Redis,
  options: Partial<QueueOptions> = {},
): Queue<Job> =>
  new Queue<Job>(name, {
    connection,
    prefix: queuePrefix,
    defaultJobOptions: {
      // About a day in all: a message that is late is better than one that is lost.
      attempts: 18,
      backoff: { type: 'exponential', delay: 500, jitter: 0.2 },
      removeOnComplete: keptDone,
    },
    ...options,
  })
