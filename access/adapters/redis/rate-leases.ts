import type { Redis } from 'ioredis'
import type { Lease, LeaseReport, RateLimit } from '../../domain/rate-lease.ts'
import { names } from './names.ts'

/** What one process asks for one limit. `key` names the limit: the same in every process. */
export type LeaseAsked = { readonly key: string; readonly limit: RateLimit; readonly report: LeaseReport }

/** So many in one script: short enough that nobody waits for it. */
const atOnce = 50
/** What may be saved up beyond the burst, as what the rate gives in so many seconds: leases come only so often. */
const slackSeconds = 0.25
const silentAfterMs = 2_000

/**
 * One book per limit: what is `spare`, and who holds which part of the rate until when. Whatever flows to nobody is saved
 * up there. Nobody's lease is cut short: who wants a part of it has it when its holder comes again, or has not come for
 * too long. So the leases never add up to more than the rate, whatever the processes make of it. Whoever comes with
 * tokens keeps as many as its part of the burst, if others hold as many. The time is
 * that of Redis.
 */
const renew = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, keptMs, slack, fleet = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local answers = {}
local function areNumbers(...)
  for nth = 1, select('#', ...) do
    local one = select(nth, ...)
    if type(one) ~= 'number' or one ~= one or math.abs(one) == math.huge then return false end
  end
  return true
end
local function isBook(book)
  if type(book) ~= 'table' or type(book.leases) ~= 'table' or not areNumbers(book.at, book.spare) then return false end
  for _, lease in pairs(book.leases) do
    if type(lease) ~= 'table' or not areNumbers(lease.rate, lease.tokens, lease.demand, lease.till) then return false end
    if math.min(lease.rate, lease.tokens, lease.demand) < 0 then return false end
  end
  return true
end
for index, key in ipairs(KEYS) do
  local at = index * 4 + 1
  local rate, burst = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local change, demand = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local text = redis.call('GET', key)
  local book = { at = now, spare = burst, leases = {} }
  if text then
    local read, kept = pcall(cmsgpack.unpack, text)
    if read and isBook(kept) then book = kept else book.spare = 0 end
  end

  local flowing = 0
  for _, lease in pairs(book.leases) do flowing = flowing + lease.rate end
  local spare = book.spare + math.max(0, rate - flowing) * math.max(0, now - book.at) / 1000

  local leased, held, wanted = 0, 0, 0
  local known = false
  for who, lease in pairs(book.leases) do
    if lease.till <= now then book.leases[who] = nil
    elseif who == me then known = true; book.leases[who] = nil
    else leased = leased + lease.rate; held = held + lease.tokens; wanted = wanted + lease.demand end
  end
  if not known then change = math.min(change, 0) end
  spare = math.min(spare + change, math.max(0, burst + rate * slack - held))

  local mine, tokens = 0, 0
  if demand > 0 then
    local share = demand / (demand + wanted)
    mine = math.max(0, math.min((rate + math.min(spare, 0)) * share, rate - leased))
    tokens = math.max(0, spare * share)
    if share < 1 and tokens < 1 then tokens = spare >= 1 and 1 or 0 end
    tokens = math.max(tokens, math.min(change, burst / fleet, spare + held))
    book.leases[me] = { rate = mine, tokens = tokens, demand = demand, till = now + keptMs }
  end
  book.spare = spare - tokens
  book.at = now
  local fullMs = (burst - math.min(book.spare, burst)) / rate * 1000
  redis.call('SET', key, cmsgpack.pack(book), 'PX', math.ceil(math.min(fullMs, 86400000) + keptMs))
  answers[index] = string.format('%.14g %.14g %.14g %.14g', mine, tokens, book.spare, held)
end
return answers
`

/** Says that this process lives, and counts those that do. */
const count = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`

/** The books of what the fleet may, kept in Redis. `process` names this process among all. */
export const createRateLeases = (redis: Redis, process: string) => ({
  /** Whether it makes sense to ask now. */
  ready: (): boolean => redis.status === 'ready',
  /**
   * Asks for all these leases in one round trip, each for `keptMs`, in a fleet of so many as far as known. The leases are in the order of what was asked; one
   * that makes no sense is undefined. `fleet` is how many processes live. Rejects when Redis does not answer.
   */
  renew: async (
    asked: readonly LeaseAsked[],
    keptMs: number,
    fleet: number,
  ): Promise<{ readonly fleet: number; readonly leases: readonly (Lease | undefined)[] }> => {
    const pipeline = redis.pipeline()
    pipeline.eval(count, 1, names.rateFleet, process, silentAfterMs)
    for (let from = 0; from < asked.length; from += atOnce) {
      const some = asked.slice(from, from + atOnce)
      const keys = some.map(({ key }) => names.rate(key))
      const words = some.flatMap(({ limit, report }) => [
        limit.rate,
        limit.burst,
        report.change,
        report.demand,
      ])
      pipeline.eval(renew, keys.length, ...keys, process, Math.ceil(keptMs), slackSeconds, fleet, ...words)
    }
    const [counted, ...answers] = (await pipeline.exec()) ?? []
    const fault = counted?.[0]
    if (counted === undefined || fault) throw fault ?? new Error('Redis did not answer')
    return {
      fleet: Math.max(1, Number(counted[1])),
      leases: asked.map((_, index) => {
        const [error, texts] = answers[Math.floor(index / atOnce)] ?? []
        return error === null && Array.isArray(texts) ? readLease(texts[index % atOnce]) : undefined
      }),
    }
  },
  /** This process shares no more. */
  leave: (): Promise<unknown> => redis.zrem(names.rateFleet, process),
})
export type RateLeases = ReturnType<typeof createRateLeases>

const readLease = (text: unknown): Lease | undefined => {
  const numbers = String(text).split(' ').map(Number)
  const [rate, tokens, spare, held] = numbers
  if (rate === undefined || tokens === undefined || spare === undefined || held === undefined)
    return undefined
  if (!numbers.every(Number.isFinite)) return undefined
  return rate < 0 || tokens < 0 || held < 0 ? undefined : { rate, tokens, spare, held }
}
