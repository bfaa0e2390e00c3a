import type { Redis } from 'ioredis'
import { listDeadLetters, retryDeadLetters } from '#access/adapters/dead-letters.ts'
import { formatDuration } from '#access/domain/duration.ts'
import { counted } from '../print.ts'
import { type Examined, type Finding, ok, warn } from './examine.ts'
import { redisTime } from './redis-time.ts'

const shown = 10
const longestWhy = 200

/** What is tried no more; with `retry` it is put back first. */
export const lookAtDeadLetters = async (redis: Redis, retry: boolean): Promise<Examined<undefined>> => ({
  findings: [await (retry ? putBack(redis) : list(redis))],
  value: undefined,
})

const putBack = async (redis: Redis): Promise<Finding> => {
  const retried = await retryDeadLetters(redis)
  return ok(retried === 0 ? 'none to put back' : `${retried} put back, to be tried again by workers and bots`)
}

const list = async (redis: Redis): Promise<Finding> => {
  const dead = await listDeadLetters(redis)
  if (dead.length === 0) return ok('none')
  const now = await redisTime(redis)
  const lines = dead
    .slice(0, shown)
    .map(
      ({ queue, id, why, at }) =>
        `${queue} ${id}, ${formatDuration(now - at)} ago: ${oneLine(why, longestWhy)}`,
    )
  const more = dead.length - lines.length
  return warn(
    [
      `${counted(dead.length, 'job is', 'jobs are')} tried no more`,
      ...lines,
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join('\n'),
    'mend the cause, then: pagepass doctor --retry',
  )
}

const oneLine = (text: string, longest: number): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`
}
