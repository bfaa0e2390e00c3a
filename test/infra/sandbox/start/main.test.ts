import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { compileCache } from '#infra/sandbox/compile-cache.ts'
import { probeRedis } from '../../../../infra/sandbox/redis/probe.ts'
import { placeNames } from '../../../../infra/sandbox/stack.ts'
import { claimPorts, freePort } from '../../../../infra/sandbox/start/ports.ts'
import { aFolder } from '../../../builders.ts'

const main = fileURLToPath(new URL('../../../../infra/sandbox/main.ts', import.meta.url))

let folder: string
let remove: () => Promise<void>
let started: ChildProcess | undefined
beforeEach(async () => {
  ;({ folder, remove } = await aFolder())
})
afterEach(async () => {
  if (started !== undefined && started.exitCode === null && started.signalCode === null) {
    started.kill('SIGTERM')
    await once(started, 'exit')
  }
  started = undefined
  await remove()
})

/**
 * The first of as many free ports in a row as there are places, below those that systems give to outgoing connections:
 * one of these could be taken while all start.
 */
const freeBase = async (): Promise<number> => {
  for (let tries = 0; tries < 50; tries += 1) {
    const base = 20_000 + ((await freePort()) % 900) * placeNames.length
    const claimed = await claimPorts(base, placeNames).catch(() => undefined)
    if (claimed !== undefined) return base
  }
  throw new Error('there are no free ports in a row')
}

/** `npm start` without npm, in a folder and on ports of its own. */
const startAll = (base: number) => {
  const child = spawn(process.execPath, [main], {
    env: {
      ...compileCache,
      PATH: process.env['PATH'],
      PAGEPASS_DATA_DIR: folder,
      PAGEPASS_BASE_PORT: String(base),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started = child
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  return {
    child,
    said: () => said,
    says: (text: string | RegExp) =>
      vi.waitFor(() => expect(said).toMatch(text), { timeout: 100_000, interval: 20 }),
    exited: new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code))),
  }
}

/** The process of a part that logged last; of the proxy the parent of those that serve. */
const pidOf = (part: string): number => {
  const lines = readFileSync(join(folder, 'logs', `${part}.log`), 'utf8')
    .trimEnd()
    .split('\n')
  expect(
    lines.filter((line) => !line.startsWith('{')),
    'nothing but log lines',
  ).toEqual([])
  const last = part === 'proxy' ? lines.findLast((line) => line.includes('the proxy serves')) : lines.at(-1)
  return Number(/"pid":(\d+)/.exec(last ?? '')?.[1])
}
const redisPid = async (base: number): Promise<number> => {
  const password = readFileSync(join(folder, 'redis', 'password'), 'utf8')
  const found = await probeRedis(`redis://:${password}@127.0.0.1:${base + placeNames.indexOf('redis')}`)
  if (found.state !== 'ready') throw new Error(`Redis is ${found.state}`)
  return found.pid
}
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('what ends or is killed comes back, and SIGTERM in the pause before that ends all', {
  timeout: 300_000,
  // It is killed in a pause of a second, which a busy machine may miss.
  retry: 2,
}, async () => {
  const base = await freeBase()
  const all = startAll(base)
  await all.says('Ctrl-C stops everything')
  const backs = (): string[] =>
    [...all.said().matchAll(/^(\w+) is back after \d+\.\d s$/gm)].map(([, part]) => part ?? '')
  const parts = ['bot', 'proxy', 'workers']
  for (const part of parts) process.kill(pidOf(part), 'SIGTERM')
  for (const part of parts) await all.says(`${part} exited with code 0; it is started again in 0.5 s`)
  await vi.waitFor(() => expect(backs().toSorted()).toEqual(parts), { timeout: 100_000 })
  process.kill(pidOf('bot'), 'SIGKILL')
  await all.says('bot was ended by SIGKILL; it is started again in 1 s')
  await vi.waitFor(() => expect(backs().slice(3)).toEqual(['bot']), { timeout: 100_000 })
  process.kill(await redisPid(base), 'SIGKILL')
  await all.says(/^Redis was ended by SIGKILL.*\nRedis is back after \d+\.\d s$/m)
  const pids = [pidOf('bot'), pidOf('workers'), pidOf('proxy'), await redisPid(base)]
  expect(pids.map(isRunning)).toEqual([true, true, true, true])
  process.kill(pidOf('proxy'), 'SIGKILL')
  await all.says('proxy was ended by SIGKILL; it is started again in 1 s')
  all.child.kill('SIGTERM')
  expect(await all.exited).toBe(0)
  expect(pids.map(isRunning)).toEqual([false, false, false, false])
  expect(backs().slice(4)).toEqual(['Redis'])
  expect(all.said(), 'no colour where there is no terminal').not.toContain('\u001b[')
})

// Of two who want one port the proxy may be first, where this process stands still.
test('what fails before all are ready ends all, with the reason', {
  timeout: 180_000,
  retry: 2,
}, async () => {
  const base = await freeBase()
  const all = startAll(base)
  // Once the ports were looked at and Redis runs, somebody takes the proxy's.
  await all.says('starting the sandbox')
  const thief = createServer().listen(base, '127.0.0.1')
  await once(thief, 'listening')
  expect(await all.exited).toBe(1)
  thief.close()
  expect(all.said()).toMatch(
    /^proxy exited with code 1 before it was ready\. It logged last:\n.*EADDRINUSE/ms,
  )
  expect(all.said()).toContain(`The whole log is in ${join(folder, 'logs', 'proxy.log')}.`)
  expect(all.said()).not.toContain('started again')
})
