import type { Redis } from 'ioredis'
import type { GlassReviews } from '../../ports.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const begin = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and known ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`
const done = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
`

/** Whose break-glass pass waits for its review, as Redis keeps it. */
export const createGlassReviews = (redis: Redis): GlassReviews => ({
  waiting: async (principal) => (await reachable(redis.hget(names.glassReviews, principal))) ?? undefined,
  begin: async (principal, grant) =>
    (await reachable(redis.eval(begin, 1, names.glassReviews, principal, grant))) === 1,
  done: async (principal, grant) =>
    (await reachable(redis.eval(done, 1, names.glassReviews, principal, grant))) === 1,
})
