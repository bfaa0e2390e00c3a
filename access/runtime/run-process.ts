import { isFault } from '../domain/errors.ts'
import { enterPhase, phaseNow } from './draining.ts'
import type { Logger } from './logger.ts'
import { plainError, withoutSecrets } from './plain-error.ts'

/** What is to end, by name, in this order: each begins when the one before it has ended. */
export type Steps = readonly (readonly [name: string, end: () => unknown])[]

export type Running = {
  /** One whole, or its steps: then a log tells which of them did not end. */
  readonly stop: (() => Promise<void>) | Steps
  /**
   * Called once on SIGTERM, before `stop`: takes nothing new, and resolves when nothing is left to wait for, with why.
   * It may take hours, so it ends by itself, and soon when `stop` is called meanwhile.
   */
  readonly drain?: () => Promise<string>
}

export type Patience = {
  /** What has not ended after so many milliseconds is named and left. */
  readonly stopWithinMs: number
  /** A terminal and a parent that passes signals on both send one: within so many milliseconds that is still one. */
  readonly sameSignalMs: number
}
const usualPatience: Patience = { stopWithinMs: 10_000, sameSignalMs: 1_000 }

/**
 * Runs a process: starts it, tells faults in words a person can act on, and stops it in order on SIGTERM, SIGINT
 * or when the parent that spawned it with an IPC channel is gone. SIGTERM lets one that can drain do so first; SIGINT,
 * or a second SIGTERM, stops it now. What has not ended after 10 s is named and left; one more signal (a second after
 * the one that stopped it, or later) ends the process at once.
 * Exit codes: 0 stopped; 1 a fault, or not stopped in time.
 */
export const runProcess = async (
  name: string,
  start: () => Promise<Running & { readonly log: Logger }>,
  { stopWithinMs, sameSignalMs }: Patience = usualPatience,
): Promise<void> => {
  let running: (Running & { readonly log: Logger }) | undefined
  /** Whether a signal is another one, and not the last one again. */
  let another = false
  let left: string[] = []
  const end = (error: unknown): never => fail(name, error, running?.log)

  const listenForAnother = (log: Logger, what: string): void => {
    another = false
    setTimeout(() => {
      another = true
      log.info({ notEnded: left }, what)
    }, sameSignalMs).unref()
  }

  const drain = async (why: string, { log, drain: untilEmpty }: Running & { readonly log: Logger }) => {
    if (untilEmpty === undefined) return stop(why)
    enterPhase('draining')
    log.info({ why }, 'draining')
    listenForAnother(log, 'still draining; a second signal stops it now')
    await stop(await untilEmpty())
  }

  const stop = async (why: string): Promise<void> => {
    if (phaseNow() === 'stopping') return
    enterPhase('stopping')
    if (running === undefined) process.exit(0)
    const { log } = running
    log.info({ why }, 'stopping')
    const steps = typeof running.stop === 'function' ? [[name, running.stop] as const] : running.stop
    left = steps.map(([step]) => step)
    listenForAnother(log, 'still stopping; a second signal ends it at once')
    setTimeout(() => {
      const open = countOf(process.getActiveResourcesInfo())
      log.error({ notEnded: left, open }, `not stopped after ${stopWithinMs / 1000} s`)
      process.exit(1)
    }, stopWithinMs)
    for (const [, endStep] of steps) {
      await endStep()
      left.shift()
    }
    log.info('stopped')
    process.exit(0)
  }
  const stopOrFail = (why: string): void => void stop(why).catch(end)

  const obey = (signal: NodeJS.Signals): void => {
    const phase = phaseNow()
    if (phase === 'running' && signal === 'SIGTERM' && running !== undefined)
      return void drain(signal, running).catch(end)
    // SIGINT asks for more than the SIGTERM before it, however soon it comes.
    if (phase === 'running' || (phase === 'draining' && (another || signal === 'SIGINT')))
      return stopOrFail(signal)
    if (phase === 'draining' || !another) return
    running?.log.error({ why: signal, notEnded: left }, 'ended at once, before it had stopped')
    process.exit(1)
  }

  process.on('SIGTERM', obey)
  process.on('SIGINT', obey)
  process.on('disconnect', () => stopOrFail('the parent process is gone'))
  process.on('unhandledRejection', end)
  process.on('uncaughtException', end)
  try {
    running = await start()
  } catch (error) {
    fail(name, error)
  }
}

const fail = (name: string, error: unknown, log?: Logger): never => {
  if (log !== undefined) log.fatal({ fault: plainError(error) }, 'a fault nobody handled')
  else process.stderr.write(`${tellFault(name, error)}\n`)
  process.exit(1)
}

/** A fault as a person reads it: what happened, then how to mend it. */
export const tellFault = (name: string, error: unknown): string => {
  if (!isFault(error))
    return withoutSecrets(
      `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  return `${name}: ${error.message}${error.mend === undefined ? '' : `\n  → ${error.mend}`}`
}

const countOf = (kinds: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
