import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** Longer than anything from outside may be old, whichever way its clock is wrong. */
const keptSeconds = 660

/** What came from outside already. `newMark` gives a random text each time. */
export const createSeen = (redis: Redis, newMark: () => string) => ({
  /**
   * Whether nobody has asked for this before. A command whose connection closed is sent once more, and Redis may have
   * carried it out the first time: by its mark it finds itself, and is not taken for another.
   */
  first: async (id: string): Promise<boolean> => {
    const mark = newMark()
    const before = await reachable(redis.set(names.seen(id), mark, 'EX', keptSeconds, 'NX', 'GET'))
    return before === null || before === mark
  },
})
