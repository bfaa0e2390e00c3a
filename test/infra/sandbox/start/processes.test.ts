import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  describeExit,
  type StartedProcess,
  startProcess,
  stopProcesses,
} from '../../../../infra/sandbox/start/processes.ts'

let folder: string
const started: StartedProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-processes-'))
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop(0)))
  await rm(folder, { recursive: true, force: true })
})

async function startScript(name: string, script: string, env?: NodeJS.ProcessEnv): Promise<StartedProcess> {
  const begun = await startProcess({
    name,
    command: process.execPath,
    args: ['--eval', script],
    ...(env && { env }),
    logFile: join(folder, `${name}.log`),
  })
  started.push(begun)
  return begun
}

async function logged(begun: StartedProcess, text: string): Promise<void> {
  await vi.waitFor(() => expect(begun.logTail(100)).toContain(text), { timeout: 30_000 })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const forever = 'setInterval(() => {}, 1000);'

test('what it writes goes to its log, after what an earlier run wrote, and only its own is in the tail', async () => {
  const logFile = join(folder, 'bot.log')
  await writeFile(logFile, 'earlier\n')
  const bot = await startScript('bot', 'console.log("out"); console.error("err")')
  expect(await bot.exited).toEqual({ code: 0, signal: null })
  expect(await readFile(logFile, 'utf8')).toBe('earlier\nout\nerr\n')
  expect(bot.logTail()).toBe('out\nerr')
  expect(bot.logTail(1)).toBe('err')
})

test('a new log is readable by its owner only', async () => {
  const bot = await startScript('bot', '')
  await bot.exited
  expect((await stat(bot.logFile)).mode & 0o777).toBe(0o600)
})

test('it gets the environment it is given and no other', async () => {
  const bot = await startScript('bot', 'console.log(process.env.GIVEN, process.env.HOME)', { GIVEN: 'yes' })
  await bot.exited
  expect(bot.logTail()).toBe('yes undefined')
})

test('a command that does not exist is an error that names it', async () => {
  const missing = join(folder, 'missing')
  await expect(
    startProcess({ name: 'bot', command: missing, args: [], logFile: join(folder, 'bot.log') }),
  ).rejects.toMatchObject({ code: 'process_not_started', mend: expect.stringContaining(missing) })
})

test('it leads a process group of its own, so that Ctrl-C does not reach it', async () => {
  const bot = await startScript('bot', forever)
  expect(() => process.kill(-bot.pid, 0)).not.toThrow()
})

test('stop lets it end in its own way', async () => {
  const bot = await startScript(
    'bot',
    `${forever} process.on('SIGINT', () => { console.log('bye'); process.exit(3) }); console.log('up')`,
  )
  await logged(bot, 'up')
  expect(await bot.stop()).toEqual({ code: 3, signal: null })
  expect(bot.logTail()).toBe('up\nbye')
  expect(await bot.stop(), 'stopping again changes nothing').toEqual({ code: 3, signal: null })
})

test('after the time-out it is killed, with what it started', async () => {
  const stubborn = `process.on('SIGINT', () => {}); ${forever}`
  const bot = await startScript(
    'bot',
    `const child = require('node:child_process').spawn(process.execPath, ['--eval', ${JSON.stringify(stubborn)}]);
     ${stubborn} console.log('child', child.pid)`,
  )
  await logged(bot, 'child')
  const child = Number(/child (\d+)/.exec(bot.logTail())?.[1])
  expect(isRunning(child)).toBe(true)
  expect(await bot.stop(50)).toEqual({ code: null, signal: 'SIGKILL' })
  await vi.waitFor(() => expect(isRunning(child)).toBe(false), { timeout: 30_000 })
})

test('the last started is stopped first, and the next only when it has ended', async () => {
  const order: string[] = []
  const pretend = (name: string) => ({
    name,
    stop: async () => {
      order.push(`${name} stops`)
      await new Promise(setImmediate)
      order.push(`${name} stopped`)
      return { code: 0, signal: null }
    },
  })
  await stopProcesses([pretend('redis'), pretend('bot'), pretend('proxy')])
  expect(order).toEqual([
    'proxy stops',
    'proxy stopped',
    'bot stops',
    'bot stopped',
    'redis stops',
    'redis stopped',
  ])
})

test('a child does not survive our being killed with -9', async () => {
  const processes = new URL('../../../../infra/sandbox/start/processes.ts', import.meta.url)
  const script = `
    import { startProcess } from ${JSON.stringify(processes.href)}
    const child = await startProcess({
      name: 'child', command: process.execPath, args: ['--eval', ${JSON.stringify(forever)}],
      logFile: ${JSON.stringify(join(folder, 'child.log'))},
    })
    console.log(child.pid)`
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script])
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once('data', (line) => resolve(Number(line))),
  )
  expect(isRunning(pid)).toBe(true)
  parent.kill('SIGKILL')
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 30_000 })
})

test.each([
  ['exited with code 2', { code: 2, signal: null }],
  ['was ended by SIGKILL', { code: null, signal: 'SIGKILL' as const }],
])('the end is told as "%s"', (text, exit) => {
  expect(describeExit(exit)).toBe(text)
})
