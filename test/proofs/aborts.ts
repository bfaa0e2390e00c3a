import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { round } from '../measure.ts'
import { runAborts } from './aborts/run.ts'
import type { Proof } from './proof.ts'

/**
 * Clients leave at every stage that a request can be in, so many times at each, by FIN, by RST and by RST_STREAM: neither
 * descriptors nor timers nor memory are left behind, and the records are whole.
 */
export const proveAborts: Proof = async (trials, say) => {
  const startedAt = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-aborts-'))
  const redis = await ensureRedis({ folder, say })
  try {
    const { violations, stages } = await runAborts(redis.url, { plain: 0, tls: 1 }, trials, say)
    const all = Object.values(stages)
    const total = (figure: 'aborts' | 'admitted' | 'forwarded'): number =>
      all.reduce((sum, one) => sum + one[figure], 0)
    return {
      violations,
      missed: [],
      stages: all.length,
      aborts: total('aborts'),
      admitted: total('admitted'),
      forwarded: total('forwarded'),
      most_pooled: Math.max(...all.map(({ pooled }) => pooled)),
      most_heap_per_abort: Math.max(...all.map(({ heap_per_abort }) => heap_per_abort)),
      most_objects_kept: Math.max(...all.map(({ objects_kept }) => objects_kept)),
      elapsed_s: round((performance.now() - startedAt) / 1_000, 1),
    }
  } finally {
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
