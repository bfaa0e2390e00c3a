import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { ensurePrograms } from '../programs.ts'
import type { Proof } from './proof.ts'
import { seedOfRun } from './random.ts'
import { headersOf } from './wire/header-lines.ts'
import { pairOf } from './wire/pairs.ts'
import { type Attack, runAttacks } from './wire/run.ts'
import { targetOf } from './wire/targets.ts'

/**
 * Bytes on bare sockets against the proxy in front of Node, nginx and HAProxy: what each of these read is what the audit
 * says was admitted, connection by connection. `PROOF_SEED` repeats the bytes.
 */
const proveOnWire =
  (name: string, attack: Attack): Proof =>
  async (trials, say) => {
    const seed = seedOfRun()
    say(`PROOF_SEED=${seed}`)
    await ensurePrograms(['nginx', 'haproxy'], say)
    const folder = await mkdtemp(join(tmpdir(), `pagepass-${name}-`))
    const redis = await ensureRedis({ folder, say })
    try {
      const { violations, figures, seconds } = await runAttacks(name, attack, trials, seed, {
        redisUrl: redis.url,
        database: 0,
        say,
      })
      return {
        violations,
        missed: [],
        seed,
        ...figures,
        trials_per_second: Math.round(trials / seconds),
        seconds,
      }
    } finally {
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }

/** Requests the server sees = requests decided (I-13). */
export const proveFraming = proveOnWire('framing', pairOf)
/** Each of our identity headers once, with our value (I-11). */
export const proveHeaders = proveOnWire('headers', headersOf)
/** The path decided on is the path served (I-12). */
export const provePaths = proveOnWire('paths', targetOf)
