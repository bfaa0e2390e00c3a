import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ask } from '../start/ask.ts'
import { logTail } from '../start/log-tail.ts'
import { SandboxError } from '../start/sandbox-error.ts'
import { type Machine, mendFor, type PackageManager, planInstall } from './plan-install.ts'

export interface InstallRedisOptions {
  /** Holds the package manager's log. */
  folder: string
  /** Left out where nobody can be asked. */
  ask?: Ask | undefined
  say: (line: string) => void
  /** Replaces our own environment, and so the PATH that is searched. */
  env?: NodeJS.ProcessEnv
}

/** Installs redis-server with the machine's package manager, or says what to run by hand. */
export async function installRedis({ folder, ask, say, env }: InstallRedisOptions): Promise<void> {
  const machine = await lookAround(ask !== undefined, env)
  const plan = planInstall(machine)
  if (plan.how === 'cannot') throw notInstalled('There is no redis-server on this machine.', plan.mend)

  const mend = mendFor(plan.manager, machine.isRoot)
  if (plan.how === 'ask' && !(await ask?.(plan.question))) {
    throw notInstalled('There is no redis-server on this machine, and it was not to be installed.', mend)
  }
  say(`installing redis-server with ${plan.manager}…`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const logFile = join(folder, 'install.log')
  const failure = await run(plan.command, logFile, env)
  if (failure === undefined) return
  const logged = logTail(logFile) || '(nothing)'
  throw new SandboxError(
    'redis_install_failed',
    `${plan.manager} could not install redis-server (${failure}). It said last:\n${logged.replaceAll(/^/gm, '  ')}`,
    `The whole log is in ${logFile}. ${mend}`,
  )
}

async function lookAround(hasTerminal: boolean, env?: NodeJS.ProcessEnv): Promise<Machine> {
  const tools: Record<PackageManager, string> = { apt: 'apt-get', brew: 'brew', dnf: 'dnf', apk: 'apk' }
  const managers: PackageManager[] = []
  for (const manager of ['apt', 'brew', 'dnf', 'apk'] as const) {
    if (await isThere(tools[manager], env)) managers.push(manager)
  }
  return {
    managers,
    isRoot: process.getuid?.() === 0,
    hasSudo: await isThere('sudo', env),
    hasTerminal,
  }
}

async function isThere(command: string, env?: NodeJS.ProcessEnv): Promise<boolean> {
  return await new Promise((resolve) => {
    execFile(command, ['--version'], { ...(env && { env }) }, (error) => resolve(error?.code !== 'ENOENT'))
  })
}

/** What went wrong, or undefined. Stays in our process group: sudo asks for its password at the terminal. */
async function run(
  command: readonly string[],
  logFile: string,
  env?: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const [program = '', ...args] = command
  const log = await open(logFile, 'w', 0o600)
  try {
    const child = spawn(program, args, { ...(env && { env }), stdio: ['inherit', log.fd, log.fd] })
    const [code, signal] = await once(child, 'exit')
    return code === 0 ? undefined : signal === null ? `exit code ${code}` : `ended by ${signal}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await log.close()
  }
}

function notInstalled(happened: string, mend: string): SandboxError {
  return new SandboxError('redis_not_installed', happened, mend)
}
