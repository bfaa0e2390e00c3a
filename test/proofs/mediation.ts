import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { round } from '../measure.ts'
import type { Told } from './mediation/run.ts'
import type { Share } from './mediation/worker.ts'
import type { Proof } from './proof.ts'
import { seedOfRun } from './random.ts'

const mostThreads = 4

/**
 * Complete mediation (I-01): random histories of sign-ins, passes, ends, locks, freezes, PagerDuty's word, broken glass, restarts and losses of touch, with
 * a request after each thing that happens. What the proxy decides is what a small oracle says by looking at the whole
 * history again. A trial is one step. `PROOF_SEED` repeats all of it.
 */
export const proveMediation: Proof = async (trials, say) => {
  const seed = seedOfRun()
  say(`PROOF_SEED=${seed}`)
  const violations: string[] = []
  const answers: Record<string, number> = {}
  let steps = 0
  let histories = 0
  const startedAt = performance.now()
  const hear = (told: Told): void => {
    steps += told.steps
    histories += 1
    violations.push(...told.violations)
    for (const [kind, count] of Object.entries(told.answers)) answers[kind] = (answers[kind] ?? 0) + count
    if (histories % 250 === 0) say(`${steps} of ${trials} steps, ${violations.length} violations`)
  }
  const threads = Math.min(mostThreads, availableParallelism())
  await Promise.all(
    Array.from({ length: threads }, async (_, first) => {
      const share: Share = { seed, trials, first, threads }
      const worker = new Worker(new URL('mediation/worker.ts', import.meta.url), { workerData: share })
      worker.on('message', hear)
      await once(worker, 'exit')
    }),
  )
  if (steps !== trials) violations.push(`only ${steps} of ${trials} steps were lived through`)
  const seconds = (performance.now() - startedAt) / 1_000
  const { 'by pass': byPass = 0, 'by glass': byGlass = 0, standing = 0, ...refused } = answers
  const kinds = Object.entries(refused).sort(([, a], [, b]) => b - a)
  say(kinds.map(([kind, count]) => `${String(count).padStart(8)}  ${kind}`).join('\n'))
  return {
    violations,
    missed: [],
    seed,
    histories,
    let_in_by_pass: byPass,
    let_in_by_standing_rule: standing,
    let_in_by_break_glass: byGlass,
    refused: kinds.reduce((sum, [, count]) => sum + count, 0),
    reasons_of_refusals: kinds.length,
    threads,
    steps_per_second: Math.round(steps / seconds),
    seconds: round(seconds),
  }
}
