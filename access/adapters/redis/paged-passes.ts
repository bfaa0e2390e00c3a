import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { PagedPasses } from '../../ports.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const dayMs = 24 * 60 * 60_000

/** Whoever can write to Redis can set the count back: it holds back what rules give, and gives nobody more than they do. */
export const createPagedPasses = (redis: Redis): PagedPasses => ({
  // Counted first, so that of two at the same time none is overlooked.
  take: async (principal, grant, most, now) => {
    const key = names.pagedPasses(hash('sha256', principal, 'base64url'))
    await reachable(redis.zadd(key, 'NX', now, grant))
    const given = await reachable(redis.zrange(key, `(${now - dayMs}`, '+inf', 'BYSCORE'))
    const within = given.filter((other) => other !== grant).length < most
    const tidying = redis
      .multi()
      .zremrangebyscore(key, '-inf', now - dayMs)
      .pexpire(key, dayMs)
    await reachable((within ? tidying : tidying.zrem(key, grant)).exec())
    return within
  },
})
