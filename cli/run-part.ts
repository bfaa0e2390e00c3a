import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs a part as a process of its own, passes signals on to it, and ends as it ends. */
export const runPart = (part: string): Promise<void> =>
  new Promise((resolve) => {
    const main = fileURLToPath(new URL(`../${part}/main.ts`, import.meta.url))
    const child = spawn(process.execPath, [main], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === null ? 1 : 128)
      resolve()
    })
  })
