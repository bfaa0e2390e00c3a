import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string }

/** Runs `pagepass …` to its end, in an environment of its own. One that does not end by itself is killed. */
export const pagepass = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  run('cli/main.ts', args, env)

/** Runs a part as `pagepass <part>` spawns it, without the process in between. */
export const runPart = (part: string, env: NodeJS.ProcessEnv): Promise<Ran> => run(`${part}/main.ts`, [], env)

const run = (main: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${root}${main}`, ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 15_000,
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
