import { parentPort, workerData } from 'node:worker_threads'
import { questionsEach, tryRuleSet } from './trial.ts'

/** What one thread has to do: every `threads`-th rule set, from `first`, as many questions as `trials` leaves each. */
export type Share = {
  readonly seed: number
  readonly trials: number
  readonly first: number
  readonly threads: number
}

const { seed, trials, first, threads } = workerData as Share
for (let set = first; set * questionsEach < trials; set += threads)
  parentPort?.postMessage(tryRuleSet(seed, set, Math.min(questionsEach, trials - set * questionsEach)))
