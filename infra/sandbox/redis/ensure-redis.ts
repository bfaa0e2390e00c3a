import { SandboxError } from '../start/sandbox-error.ts'
import { findRedis } from './find-redis.ts'
import { type InstallRedisOptions, installRedis } from './install-redis.ts'
import { mendFor } from './plan-install.ts'
import { type RunningRedis, type StartRedisOptions, startRedis } from './start-redis.ts'

export type EnsureRedisOptions = Omit<StartRedisOptions, 'command'> &
  Partial<Pick<InstallRedisOptions, 'ask' | 'env'>>

/** A private Redis, whatever it takes: found or installed, then started. */
export async function ensureRedis({
  folder,
  port = 0,
  ask,
  say = () => {},
  env,
  signal,
}: EnsureRedisOptions): Promise<RunningRedis> {
  const where = env ? { env } : {}
  let program = await findRedis(where)
  if (program === undefined) {
    await installRedis({ folder, ask, say, ...where })
    program = await findRedis(where)
  }
  if (program === undefined) {
    throw new SandboxError(
      'redis_not_installed',
      'Something was installed, but there is still no redis-server.',
      mendFor(undefined, false),
    )
  }
  return await startRedis({ folder, port, command: program.command, say, ...(signal && { signal }) })
}
