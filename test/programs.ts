import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Debian's packages, which have the name of their program. */
export type Program = 'nginx' | 'haproxy' | 'caddy' | 'openssl'

const script = fileURLToPath(new URL('../infra/sandbox/redis/install-apt.sh', import.meta.url))

/** Where these programs are; those that are not are installed first, which takes root on Debian or Ubuntu. */
export const ensurePrograms = async (
  programs: readonly Program[],
  say: (line: string) => void,
): Promise<ReadonlyMap<Program, string>> => {
  const found = await findPrograms(programs)
  const missing = programs.filter((program) => !found.has(program))
  if (missing.length === 0) return found
  const byHand = `apt-get install ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || (await find('apt-get')) === undefined) {
    say(`not installed: ${missing.join(', ')}. As root: ${byHand}`)
    return found
  }
  say(`installing ${byHand} …`)
  const child = spawn('sh', [script, ...missing], { stdio: ['ignore', 2, 2] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) say(`that failed (exit code ${code})`)
  return findPrograms(programs)
}

/** Where those of them are that are installed. */
export const findPrograms = async (programs: readonly Program[]): Promise<Map<Program, string>> => {
  const found = new Map<Program, string>()
  for (const program of programs) {
    const path = await find(program)
    if (path !== undefined) found.set(program, path)
  }
  return found
}

/** Debian keeps servers where not everybody's PATH leads. */
const folders = (): string[] => [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']

const find = async (program: string): Promise<string | undefined> => {
  for (const folder of folders()) {
    const path = join(folder, program)
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return undefined
}
