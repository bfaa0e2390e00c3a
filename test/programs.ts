import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Debian's packages, which have the name of their program, but for libraries of its Python. */
export type Program = 'nginx' | 'haproxy' | 'caddy' | 'openssl' | Library
type Library = 'python3-jwt' | 'python3-cryptography'

const libraries: Readonly<Partial<Record<Program | 'apt-get', string>>> = {
  'python3-jwt': '/usr/lib/python3/dist-packages/jwt/__init__.py',
  'python3-cryptography': '/usr/lib/python3/dist-packages/cryptography/__init__.py',
}

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

const find = async (program: Program | 'apt-get'): Promise<string | undefined> => {
  const library = libraries[program]
  if (library !== undefined) return (await may(library, constants.R_OK)) ? library : undefined
  for (const folder of folders()) {
    const path = join(folder, program)
    if (await may(path, constants.X_OK)) return path
  }
  return undefined
}

const may = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  )
