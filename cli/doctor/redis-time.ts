import type { Redis } from 'ioredis'

/** Now, by the clock of Redis: milliseconds since the epoch. */
export const redisTime = async (redis: Redis): Promise<number> => {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}
