import { parentPort, workerData } from 'node:worker_threads'
import { createProvider } from './provider.ts'
import { runHistory, stepsEach } from './run.ts'

/** What one thread has to do: every `threads`-th history, from `first`, and of the last one as many steps as are left. */
export type Share = {
  readonly seed: number
  readonly trials: number
  readonly first: number
  readonly threads: number
}

/** Histories that one thread lives through at a time: tokens are verified by threads of their own. */
const lanes = 4

const { seed, trials, first, threads } = workerData as Share
const provider = createProvider()
globalThis.fetch = provider.fetch
let next = first
const live = async (): Promise<void> => {
  while (next * stepsEach < trials) {
    const number = next
    next += threads
    const steps = Math.min(stepsEach, trials - number * stepsEach)
    parentPort?.postMessage(await runHistory(seed, number, provider, steps))
  }
}
await Promise.all(Array.from({ length: lanes }, live))
