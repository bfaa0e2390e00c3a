import type { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import { readReport } from '#access/adapters/redis/reports.ts'
import { type Examined, ok, warn } from './examine.ts'
import { redisTime } from './redis-time.ts'
import { counted } from './words.ts'

/** A proxy reports once a second; after this long it counts as gone. */
const silentAfterMs = 5_000
const mostReports = 10_000

/** Which proxies report that they live. */
export const lookAtProxies = async (redis: Redis): Promise<Examined<undefined>> => {
  const since = (await redisTime(redis)) - silentAfterMs
  const entries = await redis.xrevrange(names.reports, '+', since, 'COUNT', mostReports)
  const living = new Map<string, string>()
  for (const [, fields] of entries.reverse()) {
    const report = readReport(fields)
    if (report?.kind === 'gone') living.delete(report.boot)
    else if (report !== undefined) living.set(report.boot, report.proxy)
  }
  const reporting = [...living.values()].sort()
  const finding =
    reporting.length === 0
      ? warn('no proxy reports', 'start one: pagepass proxy; when one runs, see its log')
      : ok(`${counted(reporting.length, 'proxy reports', 'proxies report')}: ${reporting.join(', ')}`)
  return { findings: [finding], value: undefined }
}
