import type { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import { readReports } from '#access/adapters/redis/reports.ts'
import { shortHash } from '#access/domain/short-hash.ts'
import { counted } from '../print.ts'
import { type Examined, type Finding, ok, warn } from './examine.ts'
import { redisTime } from './redis-time.ts'

/** A proxy reports once a second; after this long it counts as gone. */
const silentAfterMs = 5_000
const mostReports = 10_000

type Living = { readonly proxy: string; readonly rules: string | undefined; readonly draining: boolean }

/** Which proxies report that they live, and by which rules each decides while there is more than one answer. */
export const lookAtProxies = async (redis: Redis): Promise<Examined<undefined>> => {
  const since = (await redisTime(redis)) - silentAfterMs
  const entries = await redis.xrevrange(names.reports, '+', since, 'COUNT', mostReports)
  const living = new Map<string, Living>()
  for (const [, fields] of entries.reverse()) {
    for (const report of readReports(fields)) {
      if (report.kind === 'gone') living.delete(report.boot)
      else if (report.kind === 'alive') {
        const { boot, proxy, rules, draining = false } = report
        living.set(boot, { proxy, rules, draining })
      } else if (!living.has(report.boot))
        living.set(report.boot, { proxy: report.proxy, rules: undefined, draining: false })
    }
  }
  const fleet = [...living.values()].sort((one, other) => (one.proxy < other.proxy ? -1 : 1))
  return { findings: [findingOf(fleet)], value: undefined }
}

const findingOf = (fleet: readonly Living[]): Finding => {
  if (fleet.length === 0)
    return warn('no proxy reports', 'start one: pagepass proxy; when one runs, see its log')
  const hashes = (some: readonly Living[]): Set<string> =>
    new Set(some.flatMap(({ rules }) => (rules === undefined ? [] : [rules])))
  const differ = hashes(fleet).size > 1
  const reporting = fleet.map(({ proxy, rules, draining }) => {
    const notes = [
      ...(differ ? [`rules ${rules === undefined ? 'unknown' : shortHash(rules)}`] : []),
      ...(draining ? ['draining'] : []),
    ]
    return notes.length === 0 ? proxy : `${proxy} (${notes.join(', ')})`
  })
  const what = `${counted(fleet.length, 'proxy reports', 'proxies report')}: ${reporting.join(', ')}`
  if (!differ) {
    const [hash] = hashes(fleet)
    return ok(hash === undefined ? what : `${what}; rules ${shortHash(hash)}`)
  }
  return hashes(fleet.filter(({ draining }) => !draining)).size > 1
    ? warn(
        `${what}\nproxies that take new connections decide by different rule sets`,
        'replace those with the old rule set: start new ones, then send SIGTERM to the old',
      )
    : ok(what)
}
