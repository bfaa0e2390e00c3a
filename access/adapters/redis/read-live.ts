import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'
import { scanHash } from './scan-hash.ts'

/** The ids of all that Redis holds as live. */
export const readLiveIds = async (redis: Redis): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>()
  const read = (cursor: string) => reachable(redis.hscan(names.live, cursor, 'COUNT', 1_000))
  for await (const [id] of scanHash(read)) ids.add(id)
  return ids
}

/** The statement of one grant that Redis holds as live. */
export const readLive = async (redis: Redis, id: string): Promise<string | undefined> =>
  (await reachable(redis.hget(names.live, id))) ?? undefined
