import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureRedis } from '../../../../infra/sandbox/redis/ensure-redis.ts'
import { installRedis } from '../../../../infra/sandbox/redis/install-redis.ts'
import { fakeProgram } from './fake-program.ts'

let folder: string
let said: string[]
const say = (line: string) => said.push(line)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-install-'))
  said = []
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** A package manager that this user may run: apk for root, brew for others. */
async function fakeManager(script: string): Promise<string> {
  const name = process.getuid?.() === 0 ? 'apk' : 'brew'
  await fakeProgram(folder, name, script)
  return name
}

test('no Redis and no package manager: the error says what to do', async () => {
  await expect(ensureRedis({ folder, env: { PATH: folder }, say })).rejects.toMatchObject({
    code: 'redis_not_installed',
    happened: 'There is no redis-server on this machine.',
    mend: 'Install redis-server (6.2 or newer) and put it on the PATH, or use a Redis of your own: REDIS_URL=redis://:password@host:6379',
  })
  expect(said).toEqual([])
})

test('where nobody can be asked it is installed, and said so', async () => {
  const manager = await fakeManager('echo "working: $*"')
  await installRedis({ folder, say, env: { PATH: folder } })
  expect(said).toEqual([`installing redis-server with ${manager}…`])
  expect(await readFile(join(folder, 'install.log'), 'utf8')).toMatch(/^working: (add|install) redis\n$/)
})

test('at a terminal nothing is installed without a yes', async () => {
  const manager = await fakeManager('[ "$1" = --version ] || echo "$*"')
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return false
  }
  await expect(installRedis({ folder, ask, say, env: { PATH: folder } })).rejects.toMatchObject({
    code: 'redis_not_installed',
    mend: expect.stringContaining(`Run: ${manager}`),
  })
  expect(asked).toEqual([`No Redis found. Install redis-server with ${manager} now?`])
  expect(said).toEqual([])
  await expect(readFile(join(folder, 'install.log'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('when the package manager fails, the error ends with what it said last', async () => {
  const manager = await fakeManager('echo out; echo "no route to mirror" >&2; exit 7')
  await expect(installRedis({ folder, say, env: { PATH: folder } })).rejects.toMatchObject({
    code: 'redis_install_failed',
    happened: `${manager} could not install redis-server (exit code 7). It said last:\n  out\n  no route to mirror`,
    mend: expect.stringContaining(join(folder, 'install.log')),
  })
})

test('a package manager that succeeds without bringing a redis-server is told apart', async () => {
  await fakeManager('exit 0')
  await expect(ensureRedis({ folder, env: { PATH: folder } })).rejects.toMatchObject({
    code: 'redis_not_installed',
    happened: expect.stringContaining('still no redis-server'),
  })
})
