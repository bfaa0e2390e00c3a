import { Redis, type RedisOptions } from 'ioredis'
import { Fault } from '../../domain/errors.ts'

const common = {
  connectTimeout: 500,
  retryStrategy: (attempt: number) => Math.min(attempt * 50, 1_000),
} satisfies RedisOptions

/** For commands that somebody waits for: fails within about a second while Redis is away, and queues nothing. */
export const connectPrompt = (url: string, onError: (error: Error) => void): Redis =>
  listening(
    new Redis(url, { ...common, enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 1_000 }),
    onError,
  )

/** For blocking reads and BullMQ workers: waits for Redis as long as it takes. */
export const connectPatient = (url: string, onError: (error: Error) => void): Redis =>
  listening(new Redis(url, { ...common, maxRetriesPerRequest: null }), onError)

const listening = (redis: Redis, onError: (error: Error) => void): Redis => redis.on('error', onError)

/**
 * Closes a connection, and whoever waits for an answer hears so. ioredis 6 forgets them where it is told to disconnect
 * between two attempts to connect: only a connection that closes empties its queues, so one is begun.
 */
export const closeForGood = (redis: Redis): void => {
  if (redis.status === 'reconnecting') redis.connect().catch(() => undefined)
  redis.disconnect()
}

/** Waits until Redis answers, and refuses one that could drop grants under memory pressure. */
export const awaitSafe = async (redis: Redis): Promise<void> => {
  if (redis.status !== 'ready') {
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  }
  const [, policy] = (await redis.config('GET', 'maxmemory-policy').catch(() => [])) as string[]
  if (policy !== undefined && policy !== 'noeviction') {
    throw new Fault(
      'store/unsafe',
      `Redis evicts keys (maxmemory-policy ${policy}), so grants could vanish`,
      {
        mend: 'set maxmemory-policy noeviction',
      },
    )
  }
}

/** Redis away is a fault of its own, so that callers can say it in words. */
export const reachable = async <T>(command: Promise<T>): Promise<T> => {
  try {
    return await command
  } catch (error) {
    throw new Fault('store/unreachable', `Redis did not answer: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const answerWithinMs = 2_000

/**
 * A blocking command on a connection of its own. A connection that went dark without a word (a dropped NAT entry)
 * would block for ever, so one that is overdue is closed and made anew; the command then fails.
 */
export const readBlocking = async (
  redis: Redis,
  blockMs: number,
  command: string,
  ...words: (string | number)[]
): Promise<unknown> => {
  const overdue = setTimeout(() => redis.disconnect(true), blockMs + answerWithinMs)
  try {
    return await redis.call(command, ...words)
  } finally {
    clearTimeout(overdue)
  }
}
