import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const silentAfterMs = 5_000
const keptSeconds = 3_600

/** Which proxy processes live, and which of them carried out which event. `at` is the Redis time of a report. */
export const createFleet = (redis: Redis) => ({
  seen: (boot: string, at: number): Promise<unknown> => reachable(redis.zadd(names.fleet, 'GT', at, boot)),
  gone: (boot: string): Promise<unknown> => reachable(redis.zrem(names.fleet, boot)),
  confirmed: async (boot: string, sequence: number, grant?: string): Promise<void> => {
    const key = names.confirmed(sequence, grant)
    await reachable(redis.sadd(key, boot))
    await reachable(redis.expire(key, keptSeconds))
  },
  /** The living proxy processes that have not confirmed an event. */
  unconfirmed: async (sequence: number, grant?: string): Promise<string[]> => {
    const [seconds] = await reachable(redis.time())
    const living = await reachable(
      redis.zrangebyscore(names.fleet, Number(seconds) * 1_000 - silentAfterMs, '+inf'),
    )
    const confirmed = new Set(await reachable(redis.smembers(names.confirmed(sequence, grant))))
    return living.filter((boot) => !confirmed.has(boot))
  },
})
export type Fleet = ReturnType<typeof createFleet>
