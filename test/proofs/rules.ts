import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { round } from '../measure.ts'
import type { Proof } from './proof.ts'
import { seedOfRun } from './random.ts'
import type { Told } from './rules/trial.ts'
import type { Share } from './rules/worker.ts'

const mostThreads = 4
const told = 5

/**
 * The compiled rule set decides what its file says: random rule sets, and random requests, asks and pages put to the
 * product and to a naive interpreter of the file, which shares no code with it. A trial is one such pair. `PROOF_SEED`
 * repeats all of it; PROOF_SEED and the number of a rule set, that one.
 */
export const proveRules: Proof = async (trials, say) => {
  const seed = seedOfRun()
  say(`PROOF_SEED=${seed}`)
  const violations: string[] = []
  const answers: Record<string, number> = {}
  let pairs = 0
  let ruleSets = 0
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1_000

  const hear = ({ pairs: asked, invalid, disagreements, answers: given }: Told): void => {
    pairs += asked
    ruleSets += 1
    for (const [kind, count] of Object.entries(given)) answers[kind] = (answers[kind] ?? 0) + count
    for (const { set, faults, text } of invalid) {
      if (violations.length < told) say(text)
      violations.push(`rule set ${set}: made without a fault, but it has: ${faults}`)
    }
    for (const { set, number, question, product, model, text } of disagreements) {
      if (violations.length < told) say(text)
      violations.push(
        `rule set ${set}, question ${number}: ${question}\n  product  ${product}\n  model    ${model}`,
      )
    }
    if (ruleSets % 500 === 0) say(`${pairs} of ${trials} pairs, ${violations.length} violations`)
  }

  const threads = Math.min(mostThreads, availableParallelism())
  await Promise.all(
    Array.from({ length: threads }, async (_, first) => {
      const share: Share = { seed, trials, first, threads }
      const worker = new Worker(new URL('rules/worker.ts', import.meta.url), { workerData: share })
      worker.on('message', hear)
      await once(worker, 'exit')
    }),
  )
  if (pairs !== trials && violations.length === 0) violations.push(`only ${pairs} of ${trials} were asked`)
  const kinds = Object.entries(answers).sort(([, a], [, b]) => b - a)
  say(kinds.map(([kind, count]) => `${String(count).padStart(8)}  ${kind}`).join('\n'))
  return {
    violations,
    missed: [],
    seed,
    pairs,
    rule_sets: ruleSets,
    different_answers: kinds.length,
    threads,
    pairs_per_second: Math.round(pairs / seconds()),
    seconds: round(seconds()),
  }
}
