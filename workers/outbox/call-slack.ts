import type { webApi } from '@slack/bolt'
import { type Job, UnrecoverableError } from 'bullmq'
import type { Place } from '#access/adapters/queues.ts'
import type { Cards } from '#access/adapters/redis/cards.ts'
import type { Lane, Turns } from '#access/adapters/redis/turns.ts'
import { Fault } from '#access/domain/errors.ts'
import type { Clock } from '#access/ports.ts'
import { putOff } from './put-off.ts'
import { type SlackTrouble, troubleOf } from './slack-trouble.ts'

export type Content = { readonly text: string; readonly blocks?: readonly object[] }

export type DeliveryParts = {
  readonly slack: webApi.WebClient
  readonly cards: Cards
  readonly turns: Turns
  /** What a card shows at the moment in a place; undefined when there is nothing to show there. */
  readonly render: (card: string, to: Place) => Promise<Content | undefined>
  readonly clock: Clock
  /** Told what was delivered in a lesser form. */
  readonly alarm?: (what: string, facts: Record<string, unknown>) => void
}

/** One run of a message's job. */
export type Run = DeliveryParts & { readonly job: Job<unknown>; readonly token: string | undefined }

/** What Slack takes about one of a second. A little more, as not every call is as long on its way. */
export const postsTo = (channel: string): Lane => ({ name: `post ${channel}`, calls: 1, perMs: 1_100 })
/** Tier 3 of https://docs.slack.dev/apis/web-api/rate-limits is 50 a minute; somebody else may need the rest. */
export const tier3 = (method: string): Lane => ({ name: method, calls: 45, perMs: 60_000 })

export type Refusal = { readonly refused: Exclude<SlackTrouble, { kind: 'busy' }>; readonly cause: unknown }

/** Waits for a turn by putting the job off until then. Older jobs come first. */
export const awaitTurn = async ({ turns, job, token }: Run, lane: Lane, owner: string): Promise<void> => {
  const wait = await turns.take(lane, owner, job.timestamp)
  if (wait > 0) await putOff(job, token, wait)
}

/** Makes a call whose turn it is. When there were too many, the lane is closed and the job is first in it. */
export const attempt = async <T>(
  { turns, job, token }: Run,
  lane: Lane,
  owner: string,
  call: () => Promise<T>,
): Promise<{ readonly answer: T } | Refusal> => {
  try {
    return { answer: await call() }
  } catch (cause) {
    const trouble = troubleOf(cause)
    if (trouble.kind !== 'busy') return { refused: trouble, cause }
    return putOff(job, token, await turns.shut(lane, owner, trouble.retryAfterMs))
  }
}

/** Ends the run of a job that Slack refused: for good, or until it is tried again. */
export const giveUp = (what: string, { refused, cause }: Refusal): never => {
  const said = `Slack refused ${what}: ${refused.code}`
  if (refused.kind === 'hopeless') throw new UnrecoverableError(`${said}. To mend it: ${refused.mend}`)
  throw new Fault('slack/failed', said, { cause })
}
