import { Redis } from 'ioredis'

export type Probe =
  | { state: 'ready' | 'loading'; pid: number }
  /** Somebody accepts connections there but doesn't answer in time. */
  | { state: 'silent' }
  /** Nobody listens, or somebody who doesn't take our password. */
  | { state: 'absent' }

const answerWithinMs = 2_000

/** Asks once whether the Redis with our password serves at `url`, and under which process id. */
export async function probeRedis(url: string): Promise<Probe> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: answerWithinMs,
    commandTimeout: answerWithinMs,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let fault = ''
  redis.on('error', (error: Error) => {
    fault = error.message
  })
  try {
    await redis.connect()
    const pid = Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1])
    if (!Number.isInteger(pid)) return { state: 'absent' }
    return { state: await redis.ping().then(() => 'ready' as const, loadingOrThrow), pid }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { state: /timed out|ETIMEDOUT/i.test(`${fault} ${error.message}`) ? 'silent' : 'absent' }
  } finally {
    redis.disconnect()
  }
}

function loadingOrThrow(error: Error): 'loading' {
  if (error.message.startsWith('LOADING')) return 'loading'
  throw error
}
