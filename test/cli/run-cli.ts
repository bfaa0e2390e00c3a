import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createProgram, runProgram } from '#cli/program.ts'
import { compileCache } from '#infra/sandbox/compile-cache.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string }

/** Runs `pagepass …` to its end, in an environment of its own. One that does not end by itself is killed. */
export const pagepass = (
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  folder?: string,
): Promise<Ran> => run('cli/main.ts', args, env, folder)

/** Runs a part as `pagepass <part>` spawns it, without the process in between. */
export const runPart = (part: string, env: NodeJS.ProcessEnv): Promise<Ran> => run(`${part}/main.ts`, [], env)

const run = (main: string, args: readonly string[], env: NodeJS.ProcessEnv, folder = root): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${root}${main}`, ...args], {
      cwd: folder,
      env: { ...compileCache, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
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

type Here = { readonly env?: NodeJS.ProcessEnv; readonly folder?: string; readonly isTerminal?: boolean }

let last: Promise<unknown> = Promise.resolve()

/**
 * What `pagepass …` says and ends with, without a process of its own. One at a time: meanwhile this process has the
 * variables, the folder and the streams of the command.
 */
export const pagepassHere = (args: readonly string[], here: Here = {}): Promise<Ran> => {
  const ran = last.then(() => runHere(args, here))
  last = ran.catch(() => undefined)
  return ran
}

const runHere = async (
  args: readonly string[],
  { env = {}, folder = root, isTerminal = false }: Here,
): Promise<Ran> => {
  const before = { env: process.env, folder: process.cwd(), code: process.exitCode }
  const [out, err] = [capture(process.stdout, isTerminal), capture(process.stderr, isTerminal)]
  process.env = env
  process.exitCode = undefined
  process.chdir(folder)
  try {
    await runProgram(createProgram(env), ['node', 'pagepass', ...args])
    return { code: Number(process.exitCode ?? 0), out: out.text(), err: err.text() }
  } finally {
    process.chdir(before.folder)
    process.exitCode = before.code
    process.env = before.env
    for (const stream of [out, err]) stream.giveBack()
  }
}

/** Takes what is written to a stream instead of it. */
const capture = (stream: NodeJS.WriteStream, isTerminal: boolean) => {
  const { write, isTTY } = stream
  let text = ''
  stream.isTTY = isTerminal
  stream.write = (chunk: string | Uint8Array) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    return true
  }
  return {
    text: () => text,
    giveBack: (): void => {
      stream.isTTY = isTTY
      stream.write = write
    },
  }
}
