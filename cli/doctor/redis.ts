import type { Redis } from 'ioredis'
import { awaitSafe, connectPrompt, type RedisAt } from '#access/adapters/redis/connect.ts'
import { Fault, isFault } from '#access/domain/errors.ts'
import { type Examined, type Finding, fail, ok, warn, within } from './examine.ts'

const reachWithinMs = 1_000

/** A connection that tells why it could not be made. Closing it is the caller's. */
export const openRedis = (at: RedisAt) => {
  let trouble: string | undefined
  const redis = connectPrompt(at, (error) => {
    trouble = error.message
  })
  const reached = async (): Promise<void> => {
    const ready = new Promise<void>((resolve) => redis.once('ready', () => resolve()))
    await within(reachWithinMs, ready, () => unreachable(trouble))
  }
  return { redis, reached }
}

const unreachable = (trouble = 'nothing was heard'): Fault =>
  new Fault('store/unreachable', `Redis did not answer within ${reachWithinMs / 1_000} s: ${trouble}`, {
    mend: /WRONGPASS|NOAUTH|NOPERM/.test(trouble)
      ? 'put the right user and password into REDIS_URL'
      : 'start Redis, or set REDIS_URL to where it is',
  })

/** Whether Redis is there, and keeps what it is given. The value is a connection that works. */
export const lookAtRedis = async (
  { redis, reached }: ReturnType<typeof openRedis>,
  now: () => number,
  production: boolean,
): Promise<Examined<Redis>> => {
  await reached()
  const took = await roundTrip(redis, now)
  const info = await redis.info().catch(() => '')
  const version = field(info, 'redis_version')
  const found = [await unsafe(redis, field(info, 'maxmemory_policy'), production), ...unkept(info)].filter(
    (one) => one !== undefined,
  )
  const reachable = `${version === undefined ? 'answers' : `version ${version} answers`} in ${took < 1 ? 'under 1' : took} ms`
  return {
    findings: [ok(found.length === 0 ? `${reachable}, noeviction, append-only` : reachable), ...found],
    value: redis,
  }
}

/** The shortest of a few, in milliseconds: the others wait for what this process does beside them. */
const roundTrip = async (redis: Redis, now: () => number): Promise<number> => {
  let shortest = Number.POSITIVE_INFINITY
  for (let ping = 0; ping < 3; ping += 1) {
    const asked = now()
    await redis.ping()
    shortest = Math.min(shortest, now() - asked)
  }
  return shortest
}

const field = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]

/** As a bot judges it; where Redis tells nobody its settings (a managed one), by what INFO says. */
const unsafe = async (
  redis: Redis,
  policy: string | undefined,
  production: boolean,
): Promise<Finding | undefined> => {
  try {
    await awaitSafe(redis, { closed: production })
  } catch (error) {
    if (!isFault(error, 'store/unsafe')) throw error
    return fail(error.message, error.mend)
  }
  const mend = 'set maxmemory-policy noeviction'
  if (policy === undefined) return warn('its maxmemory-policy can’t be read', mend)
  return policy === 'noeviction' ? undefined : fail(`Redis evicts keys (maxmemory-policy ${policy})`, mend)
}

const unkept = (info: string): Finding[] => {
  const appendOnly = field(info, 'aof_enabled')
  if (appendOnly === '1') return []
  if (appendOnly === undefined) return [warn('whether it keeps an append-only file can’t be read')]
  return [
    warn(
      'the append-only file is off: a restart of Redis may lose passes and their ends',
      'set appendonly yes',
    ),
  ]
}
