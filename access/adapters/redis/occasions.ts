import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const keptSeconds = 30 * 86_400

/** Which grants belong to one occasion (an incident, or a grant asked for by hand). */
export const createOccasions = (redis: Redis) => ({
  add: async (occasion: string, grant: string): Promise<void> => {
    const key = names.occasion(occasion)
    await reachable(redis.sadd(key, grant))
    await reachable(redis.expire(key, keptSeconds))
  },
  grantsOf: async (occasion: string): Promise<string[]> =>
    (await reachable(redis.smembers(names.occasion(occasion)))).sort(),
})
export type Occasions = ReturnType<typeof createOccasions>
