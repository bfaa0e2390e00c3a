import type { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import type { Random } from '../random.ts'

/** What a proxy finds when it starts. Of these no bot is left, so nothing ever agrees, and the proxy stays closed. */
export const closedStates = {
  empty: async (redis) => {
    await redis.flushdb()
  },
  'without a head': async (redis) => {
    await redis.del(names.heads)
  },
  'without an epoch': async (redis) => {
    await redis.del(names.epoch)
  },
  'of another epoch': async (redis) => {
    await redis.set(names.epoch, 'another')
  },
  'gone back': async (redis) => {
    await redis.set(names.sequence, 0)
  },
  'with a number that is none': async (redis) => {
    await redis.set(names.sequence, 'many')
  },
  'without one of the passes': async (redis, { pick }) => {
    await redis.hdel(names.live, pick(await redis.hkeys(names.live)))
  },
  'with a pass changed by hand': async (redis, { pick }) => {
    const id = pick(await redis.hkeys(names.live))
    const [header, payload = '', signature] = ((await redis.hget(names.live, id)) ?? '').split('.')
    const body = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { until: number }
    const forged = Buffer.from(JSON.stringify({ ...body, until: body.until + 1 })).toString('base64url')
    await redis.hset(names.live, id, [header, forged, signature].join('.'))
  },
  'with a pass that nobody can read': async (redis, { pick }) => {
    await redis.hset(names.live, pick(await redis.hkeys(names.live)), 'nothing')
  },
  'with heads changed by hand': async (redis) => {
    const [newest] = await redis.xrevrange(names.heads, '+', '-', 'COUNT', 1)
    const [header, payload, signature = ''] = (newest?.[1][1] ?? '').split('.')
    await redis.del(names.heads)
    const forged = [header, payload, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join(
      '.',
    )
    await redis.xadd(names.heads, '*', 'statement', forged)
  },
  'of another shape': async (redis, { pick }) => {
    const key = pick([names.live, names.heads, names.events])
    await redis.del(key)
    await redis.set(key, 'text')
  },
} as const satisfies Readonly<Record<string, (redis: Redis, random: Random) => Promise<void>>>

export type ClosedState = keyof typeof closedStates
export const closedNames = Object.keys(closedStates) as ClosedState[]

/** Everything that a bot left in a Redis, in another database of it. */
export const copyTo = async (from: Redis, to: Redis): Promise<void> => {
  const database = to.options.db ?? 0
  await to.flushdb()
  const { epoch, sequence, versions, live, ended, events, heads } = names
  for (const key of [epoch, sequence, versions, live, ended, events, heads])
    await from.copy(key, key, 'DB', database)
}
