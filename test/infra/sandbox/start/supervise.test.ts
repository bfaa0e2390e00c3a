import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type StartedProcess, startProcess } from '../../../../infra/sandbox/start/processes.ts'
import { startReady } from '../../../../infra/sandbox/start/start-ready.ts'
import {
  type Pace,
  pauseAfter,
  type Run,
  type Supervised,
  supervise,
  type Turn,
  usualPace,
} from '../../../../infra/sandbox/start/supervise.ts'
import { steadyPort } from '../../../free-ports.ts'

let folder: string
const supervised: Supervised[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-supervise-'))
})
afterEach(async () => {
  await Promise.all(supervised.splice(0).map((one) => one.stop()))
  await rm(folder, { recursive: true, force: true })
})

const quick: Pace = { firstMs: 1, slowestMs: 6, calmMs: 3_600_000, hopelessAfter: 3 }
const killed = { code: null, signal: 'SIGKILL' } as const
const never = new Promise<never>(() => {})

/** A process that ends when the test says so. */
const aRun = () => {
  const ended = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>()
  return {
    exited: ended.promise,
    stop: async () => ended.resolve({ code: 0, signal: null }),
    die: () => ended.resolve(killed),
  }
}

/** Supervises what `start` gives at its first, second … call. */
const watched = (start: (time: number, signal: AbortSignal) => Promise<Run>, pace = quick, running?: Run) => {
  const turns: Turn[] = []
  let starts = 0
  const one = supervise({
    name: 'bot',
    start: (signal) => {
      starts += 1
      return start(starts, signal)
    },
    ...(running && { running }),
    tell: (turn) => turns.push(turn),
    pace,
  })
  supervised.push(one)
  return { ...one, turns, starts: () => starts }
}
const kinds = (turns: readonly Turn[]): string[] => turns.map(({ kind }) => kind)
const pausesOf = (turns: readonly Turn[]): number[] =>
  turns.flatMap((turn) => (turn.kind === 'back' ? [] : [turn.againMs]))

test('what ends is started again, and both are told', async () => {
  const runs = [aRun(), aRun()]
  const bot = watched(async (time) => runs[time - 1] ?? never)
  await bot.ready
  expect(bot.turns).toEqual([])
  runs[0]?.die()
  await vi.waitFor(() => expect(kinds(bot.turns)).toEqual(['died', 'back']), { timeout: 30_000 })
  expect(bot.turns[0]).toEqual({ kind: 'died', name: 'bot', exit: killed, againMs: 1 })
  expect(bot.starts()).toBe(2)
})

test('what runs already is not started, only started again', async () => {
  const first = aRun()
  const redis = watched(async () => aRun(), quick, first)
  await redis.ready
  expect(redis.starts()).toBe(0)
  first.die()
  await vi.waitFor(() => expect(kinds(redis.turns)).toEqual(['died', 'back']), { timeout: 30_000 })
  expect(redis.starts()).toBe(1)
})

test('the first start that fails is the end of it', async () => {
  const bot = watched(() => Promise.reject(new Error('REDIS_URL is empty')))
  await expect(bot.ready).rejects.toThrow('REDIS_URL is empty')
  await bot.stop()
  expect(bot.turns).toEqual([])
  expect(bot.starts()).toBe(1)
})

test('the pauses double up to the slowest, and after a few failures in a row it is told as hopeless', async () => {
  const failing = aRun()
  const proxy = watched(
    (time) => (time === 6 ? Promise.resolve(aRun()) : Promise.reject(new Error('no port'))),
    quick,
    failing,
  )
  failing.die()
  await vi.waitFor(() => expect(kinds(proxy.turns).at(-1)).toBe('back'), { timeout: 30_000 })
  expect(kinds(proxy.turns)).toEqual(['died', 'failed', 'failed', 'failed', 'failed', 'failed', 'back'])
  expect(pausesOf(proxy.turns)).toEqual([1, 2, 4, 6, 6, 6])
  expect(proxy.turns.flatMap((turn) => (turn.kind === 'failed' ? [turn.hopeless] : []))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ])
  expect(proxy.turns[1]).toMatchObject({ why: 'no port', times: 1 })
})

test('who dies again soon waits longer, though it was ready in between', async () => {
  const runs = [aRun(), aRun(), aRun(), aRun()]
  const bot = watched(async (time) => runs[time - 1] ?? never)
  await bot.ready
  for (const [died, run] of runs.slice(0, 3).entries()) {
    run.die()
    await vi.waitFor(() => expect(bot.turns).toHaveLength(2 * (died + 1)), { timeout: 30_000 })
  }
  expect(pausesOf(bot.turns)).toEqual([1, 2, 4])
})

test('who lived long enough begins with the first pause', async () => {
  const runs = [aRun(), aRun(), aRun(), aRun()]
  const bot = watched(async (time) => runs[time - 1] ?? never, { ...quick, calmMs: 0 })
  await bot.ready
  for (const [died, run] of runs.slice(0, 3).entries()) {
    run.die()
    await vi.waitFor(() => expect(bot.turns).toHaveLength(2 * (died + 1)), { timeout: 30_000 })
  }
  expect(pausesOf(bot.turns)).toEqual([1, 1, 1])
})

test('the usual pace is half a second, doubled up to fifteen', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 60].map((pauses) => pauseAfter(pauses, usualPace))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
  ])
})

test('stop ends what runs, and starts nothing', async () => {
  const run = aRun()
  const stop = vi.spyOn(run, 'stop')
  const bot = watched(async () => run)
  await bot.ready
  await bot.stop()
  await bot.stop()
  expect(stop).toHaveBeenCalledOnce()
  expect(bot.starts()).toBe(1)
  expect(bot.turns).toEqual([])
})

test('stop in the pause before a restart ends the pause', async () => {
  const first = aRun()
  const bot = watched(async () => first, { ...quick, firstMs: 3_600_000, slowestMs: 3_600_000 })
  await bot.ready
  first.die()
  await vi.waitFor(() => expect(kinds(bot.turns)).toEqual(['died']), { timeout: 30_000 })
  await bot.stop()
  expect(bot.starts()).toBe(1)
})

test('stop while it is getting ready again ends that start, and nothing is said of it', async () => {
  const first = aRun()
  const bot = watched((time, signal) =>
    time === 1
      ? Promise.resolve(first)
      : new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
  )
  await bot.ready
  first.die()
  await vi.waitFor(() => expect(bot.starts()).toBe(2), { timeout: 30_000 })
  await bot.stop()
  expect(kinds(bot.turns)).toEqual(['died'])
})

test('stop that comes as a start succeeds stops what was started', async () => {
  const runs = [aRun(), aRun()]
  const started = Promise.withResolvers<Run>()
  const bot = watched((time) => (time === 1 ? Promise.resolve(runs[0] as Run) : started.promise))
  await bot.ready
  runs[0]?.die()
  await vi.waitFor(() => expect(bot.starts()).toBe(2), { timeout: 30_000 })
  const stopped = bot.stop()
  started.resolve(runs[1] as Run)
  await stopped
  expect(await runs[1]?.exited).toEqual({ code: 0, signal: null })
})

/** Notes its process id, waits to be asked, and answers. */
const server = (port: number, pids: string) => `
  require('node:fs').appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n')
  require('node:http').createServer((_, response) => response.end()).listen(${port}, '127.0.0.1')`

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a real process that is killed with -9 serves again, and none is left in the end', async () => {
  const port = await steadyPort()
  const pids = join(folder, 'pids')
  await appendFile(pids, '')
  const begin = (): Promise<StartedProcess> =>
    startProcess({
      name: 'bot',
      command: process.execPath,
      args: ['--eval', server(port, pids)],
      logFile: join(folder, 'bot.log'),
    })
  const pidsSoFar = async (): Promise<number[]> =>
    (await readFile(pids, 'utf8')).trim().split('\n').map(Number)
  const url = `http://127.0.0.1:${port}/readyz`
  const bot = watched((_, signal) => startReady(begin, url, signal))
  await bot.ready
  process.kill((await pidsSoFar())[0] ?? 0, 'SIGKILL')
  await vi.waitFor(() => expect(kinds(bot.turns)).toEqual(['died', 'back']), { timeout: 30_000 })
  expect(bot.turns[0]).toMatchObject({ exit: killed })
  expect((await fetch(url)).status).toBe(200)
  await bot.stop()
  const all = await pidsSoFar()
  expect(all).toHaveLength(2)
  expect(all.filter(isRunning)).toEqual([])
})

test('a real process that never gets ready is ended by stop', async () => {
  const pids = join(folder, 'pids')
  const url = `http://127.0.0.1:${await steadyPort()}/readyz`
  const begin = (): Promise<StartedProcess> =>
    startProcess({
      name: 'bot',
      command: process.execPath,
      args: [
        '--eval',
        `require('node:fs').appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n'); setInterval(() => {}, 1000)`,
      ],
      logFile: join(folder, 'bot.log'),
    })
  const bot = watched((_, signal) => startReady(begin, url, signal))
  const failed = expect(bot.ready).rejects.toThrow()
  const pid = await vi.waitFor(async () => Number((await readFile(pids, 'utf8')).trim()) || expect.fail(), {
    timeout: 30_000,
  })
  expect(isRunning(pid)).toBe(true)
  await bot.stop()
  await failed
  expect(isRunning(pid)).toBe(false)
})
