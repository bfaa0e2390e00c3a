import { Redis } from 'ioredis'
import { Fault } from '../../domain/errors.ts'
import { askClusterNode, askSentinel, type ConnectOptions, ownerConnector } from './owner-connector.ts'
import { readRedisUrl } from './redis-url.ts'

/** Where Redis is, and how it is known to be the right one. */
export type RedisAt = {
  /** As in `REDIS_URL`. */
  readonly url: string
  /** PEM: whoever signed the certificates of Redis, and nobody else counts. Without it, whoever Node trusts. */
  readonly ca?: string | undefined
  readonly sentinelPassword?: string | undefined
}

const common = {
  connectTimeout: 500,
  // Redis 7.0 does not know it, and it would be one more thing that users of Redis must be let.
  disableClientInfo: true,
  retryStrategy: (attempt: number) => Math.min(attempt * 50, 1_000),
  // Who answers so is not, or no longer, the one that holds the data.
  reconnectOnError: ({ message }: Error) => /^(?:READONLY|MOVED)\b/.test(message),
} satisfies ConnectOptions

/** Longer than BullMQ blocks, whatever a command waits for. */
const silentMs = 15_000

/** For commands that somebody waits for: fails within about a second while Redis is away, and queues nothing. */
export const connectPrompt = (at: string | RedisAt, onError: (error: Error) => void): Redis =>
  connect(at, onError, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 1_000 })

/** For blocking reads and BullMQ workers: waits for Redis as long as it takes. */
export const connectPatient = (at: string | RedisAt, onError: (error: Error) => void): Redis =>
  connect(at, onError, { maxRetriesPerRequest: null })

const connect = (at: string | RedisAt, onError: (error: Error) => void, options: ConnectOptions): Redis => {
  const { url, ca, sentinelPassword } = typeof at === 'string' ? { url: at } : at
  const place = readRedisUrl(url)
  if (place === undefined) throw new Fault('config/invalid', 'REDIS_URL names no Redis')
  const { kind, nodes, username, password, name } = place
  const tls = place.tls ? { ...(ca === undefined ? {} : { ca }) } : undefined
  const all: ConnectOptions = {
    ...common,
    ...options,
    // One that is cut off, or frozen, keeps its connections open: what is asked of it must not pile up, and where there are
    // several Redises there is another by now.
    socketTimeout: options.commandTimeout === undefined ? silentMs : 3_000,
    ...(tls === undefined ? {} : { tls }),
  }
  if (kind === 'plain') return new Redis(url, all).on('error', onError)
  const known: ConnectOptions = { ...all, ...(username && { username }), ...(password && { password }) }
  const asked = kind === 'cluster' ? known : sentinelOptions(all, sentinelPassword)
  const askForOwner = kind === 'cluster' ? askClusterNode : askSentinel(name ?? '')
  return new Redis({
    ...known,
    Connector: ownerConnector(nodes, known, asked, askForOwner),
  }).on('error', onError)
}

/** Sentinels have a password of their own. */
const sentinelOptions = (all: ConnectOptions, sentinelPassword = ''): ConnectOptions =>
  sentinelPassword === '' ? all : { ...all, password: sentinelPassword }

/**
 * Closes a connection, and whoever waits for an answer hears so. ioredis 6 forgets them where it is told to disconnect
 * between two attempts to connect: only a connection that closes empties its queues, so one is begun.
 */
export const closeForGood = (redis: Redis): void => {
  if (redis.status === 'reconnecting') redis.connect().catch(() => undefined)
  redis.disconnect()
}

/**
 * Waits until Redis answers, and refuses one that could drop grants under memory pressure; with `closed` also one that
 * lets in whoever comes.
 */
export const awaitSafe = async (redis: Redis, { closed = false } = {}): Promise<void> => {
  if (redis.status !== 'ready') {
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  }
  await refuseEvicting(redis)
  if (closed) await refuseOpen(redis)
}

const refuseEvicting = async (redis: Redis): Promise<void> => {
  // CONFIG would say it too, and what must stay secret.
  const info = await redis.info('memory').catch(() => '')
  const policy = /^maxmemory_policy:(.*?)\r?$/m.exec(info)?.[1]
  if (policy === undefined || policy === 'noeviction') return
  throw new Fault('store/unsafe', `Redis evicts keys (maxmemory-policy ${policy}), so grants could vanish`, {
    mend: 'set maxmemory-policy noeviction',
  })
}

/** The password that we have does not tell: a default user without one takes any. */
const refuseOpen = async (redis: Redis): Promise<void> => {
  const stranger = redis.duplicate({
    ...{ username: undefined, password: undefined, lazyConnect: true, enableReadyCheck: false },
    ...{ enableOfflineQueue: true, retryStrategy: () => null },
  })
  stranger.on('error', () => undefined)
  try {
    await stranger.connect()
    await stranger.ping()
  } catch {
    return
  } finally {
    stranger.disconnect()
  }
  throw new Fault('store/unsafe', 'Redis lets in whoever comes without a password', {
    mend: 'give it users with passwords: infra/redis/README.md',
  })
}

/** After a failover another Redis answers: it may be one that could drop grants. Ends when the result is called. */
export const watchSafe = (
  redis: Redis,
  alarm: (what: string, facts: Record<string, unknown>) => void,
): (() => void) => {
  const look = (): void => {
    refuseEvicting(redis).catch((error: Fault) => alarm(error.message, { mend: error.mend }))
  }
  redis.on('ready', look)
  return () => void redis.off('ready', look)
}

/** What Redis answers when it is there and does not do what it was asked, and how to mend it. */
const refusals = [
  [/^READONLY/, 'is read-only', 'send writes to the master: name its Sentinels or the Cluster in REDIS_URL'],
  [/^OOM/, 'is full, and takes no writes', 'raise maxmemory of Redis, or give it more memory'],
  [/^MISCONF/, 'can’t write to its disk, and takes no writes', 'see the log of Redis'],
  [/^NOREPLICAS/, 'has too few replicas, and takes no writes', 'start the replicas of Redis'],
  [/^CLUSTERDOWN|^TRYAGAIN|^ASK\b/, 'is a Cluster that is not whole', 'see redis-cli --cluster check'],
  [/^NOPERM/, 'does not let this user do that', 'make its users anew: infra/redis/make-users.sh'],
  [/^NOAUTH|^WRONGPASS/, 'does not know this password', 'put the right user and password into REDIS_URL'],
] as const

/** Redis away is a fault of its own, so that callers can say it in words. */
export const reachable = async <T>(command: Promise<T>): Promise<T> => {
  try {
    return await command
  } catch (error) {
    throw unreachable(error as Error)
  }
}

const unreachable = (error: Error): Fault => {
  const [, what, mend] = refusals.find(([said]) => said.test(error.message)) ?? []
  const cause = { cause: error }
  if (what === undefined)
    return new Fault('store/unreachable', `Redis did not answer: ${error.message}`, cause)
  return new Fault('store/unreachable', `Redis ${what}: ${error.message}`, { ...cause, mend })
}

/**
 * A connection beside another, to be closed after, for what may be too long for Redis (`client-output-buffer-limit`): it
 * breaks then, and nothing is asked again by itself.
 */
export const connectBeside = (redis: Redis): Redis =>
  redis
    .duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
    .on('error', () => undefined)

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
  // What was asked of a connection that broke is not asked again by itself: an answer that is too long for Redis would break
  // every one that comes after it.
  redis.options.maxRetriesPerRequest = 0
  const overdue = setTimeout(() => redis.disconnect(true), blockMs + answerWithinMs)
  try {
    return await redis.call(command, ...words)
  } finally {
    clearTimeout(overdue)
  }
}
