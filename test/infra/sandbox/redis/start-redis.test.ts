import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensureRedis } from '../../../../infra/sandbox/redis/ensure-redis.ts'
import { probeRedis } from '../../../../infra/sandbox/redis/probe.ts'
import { type RunningRedis, startRedis } from '../../../../infra/sandbox/redis/start-redis.ts'
import { freePort } from '../../../../infra/sandbox/start/ports.ts'

let folder: string
const running: RunningRedis[] = []
const clients: Redis[] = []
const spawned: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-redis-'))
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect()
  for (const child of spawned.splice(0)) child.kill('SIGKILL')
  await Promise.all(running.splice(0).map((redis) => redis.stop()))
  await rm(folder, { recursive: true, force: true })
})

async function start(port?: number, said: string[] = []): Promise<RunningRedis> {
  const redis = await ensureRedis({ folder, ...(port && { port }), say: (line) => said.push(line) })
  running.push(redis)
  return redis
}

function connect(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  clients.push(client)
  return client
}

async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'])
  await once(child, 'exit')
  return child.pid ?? 0
}

test('answers at its URL, as the process it says', async () => {
  const redis = await start()
  expect(redis.url).toMatch(new RegExp(`^redis://:[\\w-]{43}@127\\.0\\.0\\.1:${redis.port}$`))
  expect(await connect(redis.url).ping()).toBe('PONG')
  await expect
    .poll(() => probeRedis(redis.url), { timeout: 30_000 })
    .toEqual({ state: 'ready', pid: redis.pid })
})

test('refuses without the password', async () => {
  const { port } = await start()
  await expect(connect(`redis://127.0.0.1:${port}`).get('x')).rejects.toThrow('NOAUTH')
  await expect(connect(`redis://:wrong@127.0.0.1:${port}`).get('x')).rejects.toThrow()
})

test('is configured to lose and evict nothing, and to listen on loopback only', async () => {
  const client = connect((await start()).url)
  const promised = {
    bind: '127.0.0.1',
    appendonly: 'yes',
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    save: '',
    dir: join(folder, 'data'),
  }
  for (const [name, value] of Object.entries(promised)) {
    const found = await client.call('CONFIG', ['GET', name])
    expect(Array.isArray(found) ? found : Object.entries(found as object).flat()).toEqual([name, value])
  }
})

test('the password is readable by the owner only, and on no command line', async () => {
  const redis = await start()
  const password = new URL(redis.url).password
  for (const name of ['password', 'redis.conf', 'redis.log', 'running']) {
    expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600)
  }
  expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700)
  const ps = spawn('ps', ['-ww', '-o', 'args=', '-p', String(redis.pid)])
  const [line] = await once(ps.stdout, 'data')
  expect(String(line)).toContain('redis-server')
  expect(String(line)).not.toContain(password)
  expect(await readFile(join(folder, 'redis.log'), 'utf8')).not.toContain(password)
})

test('keeps its data and its password over a restart', async () => {
  const first = await start()
  await connect(first.url).set('grant', 'kept')
  await first.stop()
  await expect.poll(() => probeRedis(first.url), { timeout: 30_000 }).toEqual({ state: 'absent' })
  const second = await start()
  expect(new URL(second.url).password).toBe(new URL(first.url).password)
  expect(await connect(second.url).get('grant')).toBe('kept')
})

test('takes the port it is given', async () => {
  const port = await freePort()
  expect((await start(port)).port).toBe(port)
})

test('a port in use is named, with the mend', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  await expect(start(port)).rejects.toMatchObject({
    code: 'ports_in_use',
    happened: expect.stringContaining(`port ${port}`),
    mend: expect.stringContaining('another port'),
  })
  server.close()
})

test('when it ends by itself the caller is told', async () => {
  const redis = await start()
  process.kill(redis.pid, 'SIGKILL')
  expect(await redis.exited).toEqual({ code: null, signal: 'SIGKILL' })
})

test('killed with -9 it is started again on the same folder and port, with every answered write', async () => {
  const redis = await start()
  const client = connect(redis.url)
  for (let grant = 0; grant < 50; grant += 1) await client.set(`grant ${grant}`, 'kept')
  process.kill(redis.pid, 'SIGKILL')
  await redis.exited
  await redis.stop()
  const again = await start(redis.port)
  expect(again.url).toBe(redis.url)
  expect(again.pid).not.toBe(redis.pid)
  expect(await connect(again.url).dbsize()).toBe(50)
})

test('a start that is called off is ended', async () => {
  const pidFile = join(folder, 'pid')
  const command = join(folder, 'never-serves')
  await writeFile(command, `#!/bin/sh\necho $$ >${pidFile}\nexec sleep 1000\n`, { mode: 0o755 })
  const calledOff = new AbortController()
  const starting = startRedis({ folder, command, signal: calledOff.signal })
  const failed = expect(starting).rejects.toThrow('abort')
  const pid = await vi.waitFor(async () => Number(await readFile(pidFile, 'utf8')) || expect.fail(), {
    timeout: 30_000,
  })
  process.kill(pid, 0)
  calledOff.abort()
  await failed
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  expect((await start()).port, 'the folder is free').toBeGreaterThan(0)
})

test('data it cannot read is an error with the end of its log', async () => {
  const redis = await start()
  const client = connect(redis.url)
  await client.set('grant', 'kept')
  const file = (await appendOnlyFiles()).at(-1) ?? ''
  await redis.stop()
  await writeFile(file, 'this is no log of commands\r\n')
  await expect(start()).rejects.toMatchObject({
    code: 'redis_did_not_start',
    happened: expect.stringMatching(/^Redis exited with code 1\. It logged last:\n.*Bad file format/s),
    mend: expect.stringContaining(join(folder, 'redis.log')),
  })
})

/** Redis 7 keeps several in a folder of their own, Redis 6 one. */
async function appendOnlyFiles(): Promise<string[]> {
  const ls = spawn('find', [join(folder, 'data'), '-name', '*.aof'])
  const [found] = await once(ls.stdout, 'data')
  return String(found).trim().split('\n').sort()
}

test('a redis-server that does not exist is an error that names it', async () => {
  const command = join(folder, 'missing')
  await expect(startRedis({ folder, command })).rejects.toMatchObject({
    code: 'process_not_started',
    mend: expect.stringContaining(command),
  })
})

test('a second start in the same folder is refused while the first runs', async () => {
  const redis = await start()
  await expect(start()).rejects.toMatchObject({
    code: 'redis_folder_in_use',
    happened: expect.stringContaining(String(process.pid)),
  })
  expect(await connect(redis.url).ping(), 'the first is left alone').toBe('PONG')
})

test('a Redis that a killed run left behind is stopped, and its data kept', async () => {
  const first = await start()
  await first.stop()
  const leftover = spawn('redis-server', [join(folder, 'redis.conf')], { stdio: 'ignore' })
  spawned.push(leftover)
  await writeFile(join(folder, 'running'), `port ${first.port}\nstarted by process ${await endedPid()}\n`)
  await vi.waitFor(async () => expect((await probeRedis(first.url)).state).toBe('ready'), { timeout: 30_000 })
  await connect(first.url).set('grant', 'kept')

  const said: string[] = []
  const second = await start(undefined, said)
  expect(said).toEqual(['stopping the Redis that an earlier run left behind…'])
  if (leftover.exitCode === null) await once(leftover, 'exit')
  expect(leftover.exitCode).toBe(0)
  expect(await connect(second.url).get('grant')).toBe('kept')
})

test('somebody else on the port of a killed run is left alone', async () => {
  const elsewhere = await startRedis({ folder: join(folder, 'elsewhere') })
  running.push(elsewhere)
  await (await start()).stop()
  await writeFile(join(folder, 'running'), `port ${elsewhere.port}\nstarted by process ${await endedPid()}\n`)
  const said: string[] = []
  await start(undefined, said)
  expect(said).toEqual([])
  expect(await connect(elsewhere.url).ping()).toBe('PONG')
})

test('it ends when its starter is killed with -9, and the next start finds the data', async () => {
  const module = new URL('../../../../infra/sandbox/redis/ensure-redis.ts', import.meta.url)
  const script = `
    import { ensureRedis } from ${JSON.stringify(module.href)}
    const redis = await ensureRedis({ folder: ${JSON.stringify(folder)} })
    console.log(redis.url)`
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script])
  spawned.push(starter)
  const [line] = await once(starter.stdout, 'data')
  const url = String(line).trim()
  await connect(url).set('grant', 'kept')
  starter.kill('SIGKILL')
  await vi.waitFor(async () => expect((await probeRedis(url)).state).toBe('absent'), { timeout: 30_000 })
  expect(await connect((await start()).url).get('grant')).toBe('kept')
})
