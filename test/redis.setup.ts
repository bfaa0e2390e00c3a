import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
  }
}

/** One private Redis for the whole run; tests take a database number or a prefix of their own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-test-'))
  const redis = await ensureRedis({ folder, say: (line) => process.stderr.write(`${line}\n`) })
  project.provide('redisUrl', redis.url)
  return async () => {
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
