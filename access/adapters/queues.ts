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
  /** Grants whose end is near [workers]. */
  reminders: 'reminders',
  /** Passes that were asked for ahead, and begin [workers]. */
  beginnings: 'beginnings',
  /** What nobody has decided on [workers]. */
  questions: 'questions',
  /** Messages to Slack [workers]. */
  messages: 'messages',
  /** Notes on incidents in PagerDuty [workers]. */
  notes: 'notes',
  /** Occasions to sum up [workers]. */
  summaries: 'summaries',
} as const
export type QueueName = (typeof queueNames)[keyof typeof queueNames]

/** `used` is a pass that came with a shift: a request has gone through by it. */
export type IncidentJob = { readonly incident: string; readonly used?: string }
export type ExpiryJob = { readonly grant: string }
export type ReminderJob = { readonly grant: string; readonly version: number }
export type BeginningJob = { readonly grant: string }
/** `what` is one of `questionTimes`. */
export type QuestionJob = { readonly grant: string; readonly what: string }
/** Where: an incident channel (`#name` or id), or a person's direct messages. */
export type Place = { readonly channel: string } | { readonly team: string; readonly user: string }
export type MessageJob =
  /** Said once. `thread` is the key of the card whose thread it belongs to. */
  | {
      readonly kind: 'notice'
      readonly to: Place
      readonly text: string
      readonly blocks?: readonly object[]
      readonly thread?: string
    }
  /**
   * A message that shows the state of something: posted once, then updated in place. Rendered when it is sent.
   * `ifPosted` only updates it.
   */
  | {
      readonly kind: 'card'
      readonly to: Place
      readonly card: string
      readonly thread?: string
      readonly ifPosted?: true
    }
/** Plain text, for everybody who sees the incident. */
export type NoteJob = { readonly incident: string; readonly text: string }
/** `grants` is how many the occasion had when the last of them ended: with one more it is summed up again. */
export type SummaryJob = { readonly occasion: string; readonly grants: number }

const keptDone = { age: 3_600, count: 5_000 }
/** Dead letters: what could not be done, until somebody has mended the cause and has it tried again. */
const keptFailed = { age: 30 * 86_400, count: 5_000 }

/**
 * For whoever takes from a queue. A job under way in a process that was killed is taken again within 20 s, however often
 * that happens: with BullMQ's own setting it would be a dead letter the second time, and wait for up to a minute the first.
 */
export const takeOptions = {
  prefix: queuePrefix,
  lockDuration: 10_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000,
} as const

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
      removeOnFail: keptFailed,
    },
    ...options,
  }).on('error', () => {
    // The connection's own listener tells it; without one here BullMQ writes it to the console, past the log.
  })
