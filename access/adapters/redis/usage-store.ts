import type { Redis } from 'ioredis'
import type { Report } from '../../domain/report.ts'
import { addUsage, type Usage, usageShape } from '../../domain/usage.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const keptSeconds = 30 * 86_400

const putIfNewer = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(string.match(known, '^%d+')) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
`

/** Keeps what proxies report of the use of each grant. Reports may come twice and out of order. */
export const createUsageStore = (redis: Redis) => ({
  put: async (report: Extract<Report, { kind: 'usage' }>): Promise<void> => {
    const key = names.usage(report.grant)
    await reachable(
      redis.eval(putIfNewer, 1, key, report.boot, report.number, JSON.stringify(report.usage), keptSeconds),
    )
  },
  /** What was done under a grant, over all proxies. */
  of: async (grant: string): Promise<Usage> => {
    const byBoot = await reachable(redis.hvals(names.usage(grant)))
    return addUsage(byBoot.map((kept) => usageShape.parse(JSON.parse(kept.slice(kept.indexOf(' ') + 1)))))
  },
})
export type UsageStore = ReturnType<typeof createUsageStore>
