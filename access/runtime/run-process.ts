import { isFault } from '../domain/errors.ts'
import type { Logger } from './logger.ts'

export type Running = { readonly stop: () => Promise<void> }

/**
 * Runs a process: starts it, tells faults in words a person can act on, and stops it in order on SIGTERM, SIGINT
 * or when the parent that spawned it with an IPC channel is gone. Exit codes: 0 stopped, 1 fault.
 */
export const runProcess = async (
  name: string,
  start: () => Promise<Running & { readonly log: Logger }>,
): Promise<void> => {
  let running: (Running & { readonly log: Logger }) | undefined
  let stopping = false
  const stop = async (why: string): Promise<void> => {
    if (stopping) return
    stopping = true
    running?.log.info({ why }, 'stopping')
    setTimeout(() => process.exit(1), 15_000).unref()
    await running?.stop()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
  process.on('disconnect', () => void stop('the parent process is gone'))
  process.on('unhandledRejection', (error) => fail(name, error, running?.log))
  process.on('uncaughtException', (error) => fail(name, error, running?.log))
  try {
    running = await start()
  } catch (error) {
    fail(name, error)
  }
}

const fail = (name: string, error: unknown, log?: Logger): never => {
  if (log !== undefined) log.fatal({ err: error }, 'a fault nobody handled')
  else process.stderr.write(`${tellFault(name, error)}\n`)
  process.exit(1)
}

/** A fault as a person reads it: what happened, then how to mend it. */
export const tellFault = (name: string, error: unknown): string => {
  if (!isFault(error))
    return `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  return `${name}: ${error.message}${error.mend === undefined ? '' : `\n  → ${error.mend}`}`
}
