import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { vi } from 'vitest'
import { compileCache } from '#infra/sandbox/compile-cache.ts'

const here = new URL('../../../access/runtime/', import.meta.url)

type Ended = { code: number | null; signal: NodeJS.Signals | null }

export type Program = {
  readonly child: ChildProcess
  /** Resolves when its output holds the text. */
  readonly says: (text: string) => Promise<void>
  /** All it has written so far, to both. */
  readonly output: () => string
  readonly ended: Promise<Ended>
}

/** The modules a program may use, by what it calls them. */
const imports = `
import { createServer } from 'node:http'
import { runProcess } from ${JSON.stringify(new URL('run-process.ts', here).href)}
import { startAdmin } from ${JSON.stringify(new URL('admin.ts', here).href)}
import { createLogger } from ${JSON.stringify(new URL('logger.ts', here).href)}
const log = createLogger('program', 'info')
/** Resolves when the test writes the word. */
const told = (word: string): Promise<void> => new Promise((resolve) => {
  process.stdin.setEncoding('utf8').on('data', (text: string) => text.includes(word) && resolve())
})
`

/** Runs a small program in a Node of its own. */
export const aProgram = (script: string, stdio: StdioOptions = ['pipe', 'pipe', 'pipe']): Program => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', imports + script], {
    env: { ...process.env, ...compileCache },
    stdio,
  })
  let written = ''
  // The event 'close' would say the same, but does not come where the IPC channel was closed from here.
  const readOut = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'end'))
  const exited = new Promise<Ended>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  )
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      written += text
    })
  return {
    child,
    output: () => written,
    says: (text) =>
      vi.waitFor(
        () => {
          if (!written.includes(text)) throw new Error(`it says only: ${written}`)
        },
        { timeout: 60_000, interval: 10 },
      ),
    ended: Promise.all(readOut).then(() => exited),
  }
}
