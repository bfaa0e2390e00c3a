import { setTimeout as sleep } from 'node:timers/promises'
import type { Exit } from './processes.ts'
import { SandboxError } from './sandbox-error.ts'

export interface Run {
  exited: Promise<Exit>
  stop: () => Promise<unknown>
}

/** What a supervisor has to say of one process. Times in milliseconds. */
export type Turn =
  /** It was ready, and ended. */
  | { kind: 'died'; name: string; exit: Exit; againMs: number }
  /** It was started again and did not get ready, for the `times`-th time in a row. */
  | { kind: 'failed'; name: string; why: string; times: number; hopeless: boolean; againMs: number }
  /** It is ready again, so long after it ended. */
  | { kind: 'back'; name: string; afterMs: number }

/** How long to wait before a process is started again, in milliseconds. */
export interface Pace {
  /** The first pause; every further one is twice as long … */
  firstMs: number
  /** … up to this. */
  slowestMs: number
  /** Who lived so long after getting ready begins again with the first pause. */
  calmMs: number
  /** Who failed so often in a row is tried at the slowest pace only. */
  hopelessAfter: number
}

export const usualPace: Pace = { firstMs: 500, slowestMs: 15_000, calmMs: 30_000, hopelessAfter: 5 }

export interface ToSupervise {
  name: string
  /**
   * Starts the process and resolves when it is ready. Where that fails, or `signal` aborts, it ends what it began
   * and rejects.
   */
  start: (signal: AbortSignal) => Promise<Run>
  /** What is ready already, in place of the first start. */
  running?: Run
  tell: (turn: Turn) => void
  pace?: Pace
}

export interface Supervised {
  /** The first start: rejects where that fails, and then nothing is tried again. */
  ready: Promise<void>
  /** Nothing is started any more, and what runs is stopped. */
  stop: () => Promise<void>
}

/** Starts a process, and starts it again whenever it ends, until it is told to stop. */
export function supervise({ name, start, running, tell, pace = usualPace }: ToSupervise): Supervised {
  const stopping = new AbortController()
  const { signal } = stopping
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

  async function keep(first: Run): Promise<void> {
    let run: Run | undefined = first
    let pauses = 0
    while (run !== undefined) {
      const readySince = performance.now()
      const exit = await Promise.race([run.exited, stopped])
      if (exit === undefined || signal.aborted) {
        await run.stop()
        return
      }
      await run.stop() // clears up after a process that has ended
      const diedAt = performance.now()
      if (diedAt - readySince >= pace.calmMs) pauses = 0
      const againMs = pauseAfter(pauses, pace)
      tell({ kind: 'died', name, exit, againMs })
      const again = await startAgain(againMs, pauses + 1)
      run = again?.run
      pauses = again?.pauses ?? 0
      if (run !== undefined && !signal.aborted)
        tell({ kind: 'back', name, afterMs: performance.now() - diedAt })
    }
  }

  /** Until it is ready; undefined when stopped meanwhile. */
  async function startAgain(
    firstMs: number,
    pausesBefore: number,
  ): Promise<{ run: Run; pauses: number } | undefined> {
    let pauses = pausesBefore
    let againMs = firstMs
    for (let times = 1; ; times += 1) {
      await sleep(againMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return undefined
      try {
        return { run: await start(signal), pauses }
      } catch (error) {
        if (signal.aborted) return undefined
        const hopeless = times >= pace.hopelessAfter
        againMs = hopeless ? pace.slowestMs : pauseAfter(pauses, pace)
        pauses += 1
        tell({
          kind: 'failed',
          name,
          why: whyOf(error),
          times,
          hopeless,
          againMs,
        })
      }
    }
  }

  const started = running === undefined ? start(signal) : Promise.resolve(running)
  const ended = started.then(keep, () => {})
  return {
    ready: started.then(() => {}),
    stop: () => {
      stopping.abort()
      return ended
    },
  }
}

/** The pause in milliseconds after so many pauses before it. */
export function pauseAfter(pauses: number, { firstMs, slowestMs }: Pace): number {
  return Math.min(slowestMs, firstMs * 2 ** pauses)
}

function whyOf(error: unknown): string {
  if (error instanceof SandboxError) return error.happened
  return error instanceof Error ? error.message : String(error)
}
