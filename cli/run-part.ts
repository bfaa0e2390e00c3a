import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs a part as a process of its own, passes signals on to it, and ends as it ends. */
export const runPart = (part: string): Promise<void> =>
  new Promise((resolve) => {
    const main = fileURLToPath(new URL(`../${part}/main.ts`, import.meta.url))
    const child = spawn(process.execPath, [main], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
    // On a terminal SIGHUP means that the terminal is gone; elsewhere it makes a proxy replace its processes.
    const isReplaceable = part === 'proxy' && !process.stdin.isTTY
    const signals = ['SIGINT', 'SIGTERM', ...(isReplaceable ? (['SIGHUP'] as const) : [])] as const
    for (const signal of signals) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === null ? 1 : 128)
      resolve()
    })
  })
