import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** The ids of all that Redis holds as live. */
export const readLiveIds = async (redis: Redis): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>()
  let cursor = '0'
  do {
    const [to, fields] = await reachable(redis.hscan(names.live, cursor, 'COUNT', 1_000))
    for (let index = 0; index < fields.length; index += 2) ids.add(fields[index] as string)
    cursor = to
  } while (cursor !== '0')
  return ids
}

/** The statement of one grant that Redis holds as live. */
export const readLive = async (redis: Redis, id: string): Promise<string | undefined> =>
  (await reachable(redis.hget(names.live, id))) ?? undefined
