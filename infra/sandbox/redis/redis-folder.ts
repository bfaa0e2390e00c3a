import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Where a private Redis keeps its things. Only the owner may read them. */
export interface RedisFolder {
  folder: string
  password: string
  configFile: string
  logFile: string
}

export async function openRedisFolder(path: string): Promise<RedisFolder> {
  const folder = resolve(path)
  await mkdir(join(folder, 'data'), { recursive: true, mode: 0o700 })
  return {
    folder,
    password: await passwordIn(folder),
    configFile: join(folder, 'redis.conf'),
    logFile: join(folder, 'redis.log'),
  }
}

export function urlOf({ password }: RedisFolder, port: number): string {
  return `redis://:${password}@127.0.0.1:${port}`
}

/** Every write is on the disk before it is answered, and nothing is ever evicted. */
export async function writeConfig(
  { folder, password, configFile }: RedisFolder,
  port: number,
): Promise<void> {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(join(folder, 'data'))}`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory-policy noeviction',
    'databases 256', // tests that run side by side take one each
    'daemonize no',
    'logfile ""',
  ]
  await rm(configFile, { force: true }) // an existing file would keep its mode
  await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 })
}

/** What the last run here left written down; undefined where it ended cleanly, or there was none. */
export async function readLastRun({
  folder,
}: RedisFolder): Promise<{ port: number; starter: number } | undefined> {
  const written = await readFile(join(folder, 'running'), 'utf8').catch(() => '')
  const [, port, starter] = /^port (\d+)\nstarted by process (\d+)\n$/.exec(written) ?? []
  return port === undefined ? undefined : { port: Number(port), starter: Number(starter) }
}

export async function writeRun(
  { folder }: RedisFolder,
  run: { port: number; starter: number },
): Promise<void> {
  await writeFile(join(folder, 'running'), `port ${run.port}\nstarted by process ${run.starter}\n`, {
    mode: 0o600,
  })
}

export async function forgetRun({ folder }: RedisFolder): Promise<void> {
  await rm(join(folder, 'running'), { force: true })
}

async function passwordIn(folder: string): Promise<string> {
  const file = join(folder, 'password')
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (/^[\w-]{40,}$/.test(kept)) return kept
  const password = randomBytes(32).toString('base64url')
  await rm(file, { force: true })
  await writeFile(file, password, { mode: 0o600, flag: 'wx' })
  return password
}
