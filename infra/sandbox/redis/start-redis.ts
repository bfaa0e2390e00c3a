import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, portFault } from '../start/ports.ts'
import { describeExit, type Exit, type StartedProcess, startProcess } from '../start/processes.ts'
import { SandboxError } from '../start/sandbox-error.ts'
import { probeRedis } from './probe.ts'
import { forgetRun, openRedisFolder, type RedisFolder, urlOf, writeConfig, writeRun } from './redis-folder.ts'
import { stopLeftover } from './stop-leftover.ts'

export interface StartRedisOptions {
  /** Keeps its data, password, configuration and log. */
  folder: string
  /** Left out or 0: a free one. */
  port?: number
  /** The redis-server to run; default: the one on the PATH. */
  command?: string
  say?: (line: string) => void
  /** Aborted, a Redis that does not yet serve is stopped, and the start rejects. */
  signal?: AbortSignal
}

export interface RunningRedis {
  /** With the password. */
  url: string
  port: number
  pid: number
  logFile: string
  /** After which it can be started again on the same folder and port: every answered write is found there. */
  exited: Promise<Exit>
  stop: () => Promise<void>
}

/** Starts a private redis-server on 127.0.0.1, and resolves when it serves its data. */
export async function startRedis({
  folder,
  port = 0,
  command = 'redis-server',
  say = () => {},
  signal,
}: StartRedisOptions): Promise<RunningRedis> {
  const home = await openRedisFolder(folder)
  await stopLeftover(home, say)
  if (port !== 0) {
    await checkPort(port)
    return await serve(home, port, command, signal)
  }
  // Between finding a free port and Redis taking it, another program may.
  for (let tries = 1; ; tries += 1) {
    const found = await freePort()
    try {
      return await serve(home, found, command, signal)
    } catch (error) {
      if (tries === 5 || signal?.aborted || (await portFault(found)) === undefined) throw error
    }
  }
}

async function serve(
  home: RedisFolder,
  port: number,
  command: string,
  signal: AbortSignal | undefined,
): Promise<RunningRedis> {
  signal?.throwIfAborted()
  await writeConfig(home, port)
  await writeRun(home, { port, starter: process.pid })
  const redis = await startProcess({
    name: 'redis',
    command,
    args: [home.configFile],
    logFile: home.logFile,
  })
  const url = urlOf(home, port)
  try {
    await untilServing(url, redis, signal)
  } catch (error) {
    await redis.stop()
    await forgetRun(home)
    throw error
  }
  async function stop(): Promise<void> {
    await redis.stop()
    await forgetRun(home)
  }
  return { url, port, pid: redis.pid, logFile: redis.logFile, exited: redis.exited, stop }
}

/** Loading much data takes its time, so the limit is only for a Redis that hangs. */
async function untilServing(
  url: string,
  redis: StartedProcess,
  signal: AbortSignal | undefined,
): Promise<void> {
  const late = AbortSignal.timeout(120_000)
  while (!late.aborted) {
    signal?.throwIfAborted()
    const found = await probeRedis(url)
    if (found.state === 'ready' && found.pid === redis.pid) return
    const exit = await Promise.race([redis.exited, sleep(20, undefined)])
    if (exit !== undefined) throw didNotStart(redis, describeExit(exit))
  }
  throw didNotStart(redis, 'did not answer for two minutes')
}

function didNotStart(redis: StartedProcess, how: string): SandboxError {
  const logged = redis.logTail() || '(nothing)'
  return new SandboxError(
    'redis_did_not_start',
    `Redis ${how}. It logged last:\n${logged.replaceAll(/^/gm, '  ')}`,
    `The whole log is in ${redis.logFile}. To begin with an empty Redis, delete the folder data beside it.`,
  )
}

async function checkPort(port: number): Promise<void> {
  const fault = await portFault(port)
  if (fault === undefined) return
  throw new SandboxError(
    'ports_in_use',
    `Redis can't listen on port ${port} of 127.0.0.1 (${fault}).`,
    'Stop what uses it, or choose another port for Redis.',
  )
}
