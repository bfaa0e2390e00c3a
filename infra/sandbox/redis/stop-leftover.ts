import { setTimeout as sleep } from 'node:timers/promises'
import { SandboxError } from '../start/sandbox-error.ts'
import { probeRedis } from './probe.ts'
import { forgetRun, type RedisFolder, readLastRun, urlOf } from './redis-folder.ts'

/**
 * Two servers writing into one folder would spoil its data. So a Redis that a killed run left behind is
 * stopped before the next starts, and one whose starter still runs is left alone, with an error.
 */
export async function stopLeftover(home: RedisFolder, say: (line: string) => void): Promise<void> {
  const last = await readLastRun(home)
  if (last === undefined) return
  const found = await probeRedis(urlOf(home, last.port))
  if (found.state === 'silent') {
    throw inUse(home, `what listens on port ${last.port} and doesn't answer`, 'End that first')
  }
  if (found.state !== 'absent') {
    if (isRunning(last.starter)) {
      const mend = `Stop process ${last.starter} first (Ctrl-C where it runs)`
      throw inUse(home, `the Redis that process ${last.starter} started`, mend)
    }
    say('stopping the Redis that an earlier run left behind…')
    await end(found.pid, last.port, home)
  }
  await forgetRun(home)
}

/** Redis closes its port when everything is written; its process id may linger where nobody reaps it. */
async function end(pid: number, port: number, home: RedisFolder): Promise<void> {
  const late = AbortSignal.timeout(15_000)
  if (isRunning(pid)) process.kill(pid, 'SIGTERM')
  while ((await probeRedis(urlOf(home, port))).state !== 'absent') {
    if (late.aborted) throw inUse(home, `a Redis that doesn't end (process ${pid})`, `Run: kill -9 ${pid}`)
    await sleep(20)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // it runs, but isn't ours
  }
}

function inUse(home: RedisFolder, by: string, mend: string): SandboxError {
  return new SandboxError(
    'redis_folder_in_use',
    `${home.folder} is used by ${by}.`,
    `${mend}, or choose another folder.`,
  )
}
