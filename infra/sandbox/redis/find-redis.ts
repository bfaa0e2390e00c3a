import { execFile } from 'node:child_process'
import { SandboxError } from '../start/sandbox-error.ts'

export interface RedisProgram {
  command: string
  /** "7.0.15" */
  version: string
}

export interface FindRedisOptions {
  /** Replaces our own environment, and so the PATH that is searched. */
  env?: NodeJS.ProcessEnv
  /** Where to look after the PATH. */
  usualPlaces?: readonly string[]
}

const oldest = { major: 6, minor: 2 }

/** Homebrew's folders, which a PATH set by an editor or a service often lacks. */
const homebrewPlaces = [
  '/opt/homebrew/bin/redis-server',
  '/usr/local/bin/redis-server',
  '/home/linuxbrew/.linuxbrew/bin/redis-server',
]

/** The first redis-server there is; undefined where there is none. One that is too old is an error. */
export async function findRedis({
  env,
  usualPlaces = homebrewPlaces,
}: FindRedisOptions = {}): Promise<RedisProgram | undefined> {
  for (const command of ['redis-server', ...usualPlaces]) {
    const said = await versionOf(command, env)
    if (said !== undefined) return checkVersion(command, said)
  }
  return undefined
}

/** Valkey says "Valkey server v=8.0.1 …" and serves as well. */
function checkVersion(command: string, said: string): RedisProgram {
  const [, version, major, minor] = /\bv=((\d+)\.(\d+)[.\d]*)/.exec(said) ?? []
  if (version === undefined) {
    throw tooOld(`${command} --version doesn't tell a version: ${said.trim().slice(0, 200)}`)
  }
  const enough =
    Number(major) > oldest.major || (Number(major) === oldest.major && Number(minor) >= oldest.minor)
  if (!enough) throw tooOld(`${command} is Redis ${version}; Pagepass needs at least 6.2.`)
  return { command, version }
}

async function versionOf(command: string, env?: NodeJS.ProcessEnv): Promise<string | undefined> {
  return await new Promise((resolve) => {
    execFile(command, ['--version'], { ...(env && { env }), timeout: 10_000 }, (error, stdout) => {
      resolve(error === null ? stdout : undefined)
    })
  })
}

function tooOld(happened: string): SandboxError {
  return new SandboxError(
    'redis_too_old',
    happened,
    'Install a newer redis-server, or use a Redis of your own: REDIS_URL=redis://:password@host:6379',
  )
}
