import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensureRedis } from '../../../../infra/sandbox/redis/ensure-redis.ts'
import { probeRedis } from '../../../../infra/sandbox/redis/probe.ts'
import { freePort } from '../../../../infra/sandbox/start/ports.ts'

let folder: string
let child: ChildProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-probe-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** A probe waits for two seconds at most, and what it looks for may be over on a machine that stands still for longer. */
const inTime = { retry: 3, timeout: 120_000 }

test('a Redis that still loads its data is not ready, and then is', inTime, async () => {
  const redis = await ensureRedis({ folder })
  const client = new Redis(redis.url)
  const writes = client.pipeline()
  for (let index = 0; index < 15_000; index += 1) writes.set(`key ${index}`, 'x')
  await writes.exec()
  client.disconnect()
  await redis.stop()
  // Redis's own setting for such tests: microseconds for each of the commands it reads.
  await appendFile(join(folder, 'redis.conf'), 'key-load-delay 200\n')
  child = spawn('redis-server', [join(folder, 'redis.conf')], { stdio: 'ignore' })
  await vi.waitFor(
    async () => expect(await probeRedis(redis.url)).toEqual({ state: 'loading', pid: child?.pid }),
    { timeout: 30_000, interval: 5 },
  )
  await vi.waitFor(async () => expect((await probeRedis(redis.url)).state).toBe('ready'), { timeout: 30_000 })
})

test('nobody listening is absent', async () => {
  expect(await probeRedis(`redis://:x@127.0.0.1:${await freePort()}`)).toEqual({ state: 'absent' })
})

test.each([
  ['hangs up', 'absent', ''],
  ['speaks HTTP', 'absent', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
])('somebody who %s is %s', inTime, async (_name, state, reply) => {
  const server = createServer((socket) => socket.on('error', () => {}).end(reply)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  expect(await probeRedis(`redis://:x@127.0.0.1:${port}`)).toEqual({ state })
  server.close()
})

test('somebody who accepts and says nothing is silent', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  expect(await probeRedis(`redis://:x@127.0.0.1:${port}`)).toEqual({ state: 'silent' })
  server.close()
})
