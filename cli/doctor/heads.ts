import type { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import type { Statements } from '#access/adapters/statements.ts'
import { formatDuration } from '#access/domain/duration.ts'
import { isFault } from '#access/domain/errors.ts'
import { type Examined, type Finding, fail, ok, warn } from './examine.ts'
import { redisTime } from './redis-time.ts'

/** What a proxy takes for fresh. */
const freshMs = 3_000

/** Whether a bot or worker signs the head of the view, as one does every second. By the clock of Redis. */
export const lookAtHeads = async (redis: Redis, statements: Statements): Promise<Examined<undefined>> => ({
  findings: [await newestHead(redis, statements)],
  value: undefined,
})

const newestHead = async (redis: Redis, statements: Statements): Promise<Finding> => {
  const [newest] = await redis.xrevrange(names.heads, '+', '-', 'COUNT', 1)
  const statement = newest?.[1]?.[1]
  if (statement === undefined)
    return warn('nobody has signed a head yet', 'start a bot or workers: pagepass bot')
  try {
    const head = await statements.verify('head', statement)
    const age = (await redisTime(redis)) - head.at
    const live = `${head.count} live ${head.count === 1 ? 'pass' : 'passes'}`
    if (Math.abs(age) <= freshMs) return ok(`signed now, ${live}`)
    return age > 0
      ? fail(
          `the newest is ${formatDuration(age)} old: proxies close`,
          'start a bot or workers; when one runs, see its log, and compare its clock with that of Redis',
        )
      : fail(
          `the newest is from ${formatDuration(-age)} ahead: the clocks differ`,
          'set the clocks of Redis and of the bots and workers right',
        )
  } catch (error) {
    if (!isFault(error, 'statement/invalid')) throw error
    return fail(
      error.message,
      'give bots, workers and proxies keys of one making; see who else writes into this Redis',
    )
  }
}
