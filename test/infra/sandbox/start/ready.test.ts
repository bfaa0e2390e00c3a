import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type StartedProcess, startProcess } from '../../../../infra/sandbox/start/processes.ts'
import { waitReady } from '../../../../infra/sandbox/start/ready.ts'
import { steadyPort } from '../../../free-ports.ts'

let folder: string
let server: Server | undefined
const started: StartedProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-ready-'))
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop(0)))
  server?.closeAllConnections()
  server?.close()
  await rm(folder, { recursive: true, force: true })
})

async function startScript(script: string): Promise<StartedProcess> {
  const logFile = join(folder, 'bot.log')
  const bot = await startProcess({
    name: 'bot',
    command: process.execPath,
    args: ['--eval', script],
    logFile,
  })
  started.push(bot)
  return bot
}

async function serve(listener: RequestListener): Promise<string> {
  const port = await steadyPort()
  const listening = createServer(listener)
  server = listening
  await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve))
  return `http://127.0.0.1:${port}/readyz`
}

const forever = 'setInterval(() => {}, 1000)'

test('waits through answers that are not 200', async () => {
  const statuses = [503, 204, 200]
  const url = await serve((_request, response) => {
    response.statusCode = statuses.shift() ?? 200
    response.end()
  })
  await waitReady(url, { process: await startScript(forever) })
  expect(statuses).toEqual([])
})

test('waits for a process that listens late', async () => {
  const port = await steadyPort()
  const bot = await startScript(`
    setTimeout(() => require('node:http').createServer((_, response) => response.end()).listen(${port}, '127.0.0.1'), 200)`)
  await waitReady(`http://127.0.0.1:${port}/readyz`, { process: bot })
})

test('fails at once, with the end of its log, when the process dies', async () => {
  const bot = await startScript('console.error("REDIS_URL is empty"); process.exit(2)')
  const url = `http://127.0.0.1:${await steadyPort()}/readyz`
  await expect(waitReady(url, { process: bot, timeoutMs: 600_000 })).rejects.toMatchObject({
    code: 'process_died',
    happened: expect.stringMatching(/^bot exited with code 2 before it was ready.*\n {2}REDIS_URL is empty$/),
    mend: expect.stringContaining(bot.logFile),
  })
})

test('on time-out says who was not ready and what was answered last', async () => {
  const url = await serve((_request, response) => {
    response.statusCode = 503
    response.end('{"redis":"down"}')
  })
  await expect(
    waitReady(url, { process: await startScript(forever), timeoutMs: 4_000 }),
  ).rejects.toMatchObject({
    code: 'process_not_ready',
    happened: `bot was not ready after 4 s. ${url} last said: 503 {"redis":"down"}`,
  })
})

test('on time-out says that nobody listened', async () => {
  const url = `http://127.0.0.1:${await steadyPort()}/readyz`
  await expect(
    waitReady(url, { process: await startScript(forever), timeoutMs: 4_000 }),
  ).rejects.toMatchObject({
    code: 'process_not_ready',
    happened: expect.stringContaining('ECONNREFUSED'),
  })
})

test('the end of a process that was ready is nobody’s error', async () => {
  const url = await serve((_request, response) => response.end())
  const bot = await startScript(forever)
  await waitReady(url, { process: bot })
  expect(await bot.stop()).toEqual({ code: null, signal: 'SIGINT' })
})

test('waits no longer when it is told so', async () => {
  const url = `http://127.0.0.1:${await steadyPort()}/readyz`
  const process = await startScript(forever)
  await expect(waitReady(url, { process, signal: AbortSignal.abort() })).rejects.toThrow('was not ready')
})
