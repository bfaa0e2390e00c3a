import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import type { RunningRedis } from '#infra/sandbox/redis/start-redis.ts'

export type Ground = {
  readonly folder: string
  readonly redis: RunningRedis
  /** What is begun last is ended first, whatever happens. */
  readonly ends: (end: () => unknown) => void
}

/** A folder and a Redis of its own for a proof, and everything that it began is ended with it. */
export const withRedis = async <T>(
  name: string,
  say: (line: string) => void,
  run: (ground: Ground) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), `pagepass-${name}-`))
  const all: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const redis = await ensureRedis({ folder: join(folder, 'redis'), say })
    all.push(async () => {
      wake(redis)
      await redis.stop()
    })
    return await run({ folder, redis, ends: (end) => void all.push(end) })
  } finally {
    for (const end of all.toReversed()) await end()
  }
}

/** SIGSTOP: it keeps its connections and answers nothing. */
export const freeze = ({ pid }: Pick<RunningRedis, 'pid'>): void => void process.kill(pid, 'SIGSTOP')
export const wake = ({ pid }: Pick<RunningRedis, 'pid'>): void => void process.kill(pid, 'SIGCONT')
