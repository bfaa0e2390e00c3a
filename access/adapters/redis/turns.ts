import type { Redis } from 'ioredis'
import { reachable } from './connect.ts'
import { names } from './names.ts'

/** What may be called only so often, counted over all workers: at most `calls` within any `perMs` milliseconds. */
export type Lane = { readonly name: string; readonly calls: number; readonly perMs: number }

/** Nobody waits for one that had its place in the line and has not come for it for so long. */
const patienceMs = 3_000
/** Longer than anything waits in a line. */
const keptMs = 86_400_000
/** An outside service may ask for patience, but not for silence. */
const longestShutMs = 900_000

/**
 * The line is sorted by `since`, and by arrival within a millisecond. The n-th in it may go when the n-th call from now is free: counted from the calls that went before, and from
 * when the lane is open again. Who comes when its turn is over still goes first, unless patience is over too.
 */
const take = `
local went, line, shut = KEYS[1], KEYS[2], KEYS[3]
local owner, calls, per = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local opens = tonumber(redis.call('GET', shut) or '0')
local function free(n)
  local before = tonumber(redis.call('LINDEX', went, calls - 1 - n % calls) or '0')
  return math.max(opens, before + per) + math.floor(n / calls) * per
end
local behind = math.min(redis.call('ZCARD', line), 4000) / 4096
redis.call('ZADD', line, 'NX', ARGV[6] + behind, owner)
redis.call('PEXPIRE', line, ARGV[5])
local rank = redis.call('ZRANK', line, owner)
if now < free(rank) then return free(rank) - now end
if now < free(0) + ARGV[4] then redis.call('ZREM', line, owner)
else redis.call('ZREMRANGEBYRANK', line, 0, rank) end
redis.call('LPUSH', went, now)
redis.call('LTRIM', went, 0, calls - 1)
redis.call('PEXPIRE', went, math.max(per * 2, 60000))
return 0
`

const shut = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local opens = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now + ARGV[2])
redis.call('SET', KEYS[2], opens, 'PX', opens - now)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or '1'
redis.call('ZADD', KEYS[1], first - 1, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return opens - now
`

/**
 * Turns at what others limit. Whoever asks is given a place in the line and told when to come again, so that a crowd
 * comes one by one, the oldest first. The time is Redis's own, one for all workers.
 */
export const createTurns = (redis: Redis) => ({
  /** Milliseconds until the turn of an owner that wants it since then; 0: it is now, and is used up. */
  take: async ({ name, calls, perMs }: Lane, owner: string, since: number): Promise<number> => {
    const keys = [names.turnsGone(name), names.turnsLine(name), names.turnsShut(name)]
    const words = [owner, calls, perMs, patienceMs, keptMs, since]
    return Number(await reachable(redis.eval(take, keys.length, ...keys, ...words)))
  },
  /** Closes a lane for a while, because the other side said so. The owner is first when it opens: in milliseconds. */
  shut: async ({ name }: Lane, owner: string, forMs: number): Promise<number> => {
    const keys = [names.turnsLine(name), names.turnsShut(name)]
    const words = [owner, Math.ceil(Math.min(Math.max(forMs, 1_000), longestShutMs)), keptMs]
    return Number(await reachable(redis.eval(shut, keys.length, ...keys, ...words)))
  },
})
export type Turns = ReturnType<typeof createTurns>
