import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { compileCache } from '../compile-cache.ts'
import { logTail } from './log-tail.ts'
import { SandboxError } from './sandbox-error.ts'
import { watch } from './watchdog.ts'

export interface ProcessToStart {
  name: string
  command: string
  args: readonly string[]
  /** The whole environment of the child, but for `compileCache`; left out, it inherits ours. */
  env?: NodeJS.ProcessEnv
  /** stdout and stderr are appended here; the file is readable by its owner only. */
  logFile: string
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface StartedProcess {
  name: string
  pid: number
  logFile: string
  exited: Promise<Exit>
  /** What this run has logged last. */
  logTail: (lines?: number) => string
  /** SIGINT, and after `timeoutMs` (default 12,000) SIGKILL to it and all it started. */
  stop: (timeoutMs?: number) => Promise<Exit>
}

/**
 * Starts a child in a process group of its own, so that Ctrl-C reaches only us and we stop it in order.
 * The child needs to do no more than end on SIGINT: a watchdog sends it one when we are killed. Not on SIGTERM, which lets
 * a proxy go on for as long as something is open.
 */
export async function startProcess({
  name,
  command,
  args,
  env,
  logFile,
}: ProcessToStart): Promise<StartedProcess> {
  const log = await open(logFile, 'a', 0o600)
  const { size: logStart } = await log.stat()
  const child = spawn(command, args, {
    ...(env && { env: { ...compileCache, ...env } }),
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw notStarted(name, command, error)
  } finally {
    await log.close()
  }
  if (child.pid === undefined) throw notStarted(name, command, 'it has no process id')

  const pid = child.pid
  const watchdog = watch(pid)
  let running = true
  void exited.then(() => {
    running = false
    watchdog.release()
    send(-pid, 'SIGKILL') // what it started and left behind
  })

  // A part ends itself after 10 s and says what hung: let it.
  async function stop(timeoutMs = 12_000): Promise<Exit> {
    if (running) send(pid, 'SIGINT')
    const timer = setTimeout(() => send(-pid, 'SIGKILL'), timeoutMs)
    const exit = await exited
    clearTimeout(timer)
    return exit
  }

  return {
    name,
    pid,
    logFile,
    exited,
    logTail: (lines = 15) => logTail(logFile, { from: logStart, lines }),
    stop,
  }
}

/** One after the other, the last started first: nothing loses what it still needs. */
export async function stopProcesses(
  started: readonly Pick<StartedProcess, 'stop'>[],
  timeoutMs?: number,
): Promise<void> {
  for (const process of started.toReversed()) await process.stop(timeoutMs)
}

export function describeExit({ code, signal }: Exit): string {
  return signal ? `was ended by ${signal}` : `exited with code ${code}`
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}

function notStarted(name: string, command: string, cause: unknown): SandboxError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SandboxError(
    'process_not_started',
    `${name} could not be started: ${why}.`,
    `Check that ${command} exists and may be run.`,
  )
}
