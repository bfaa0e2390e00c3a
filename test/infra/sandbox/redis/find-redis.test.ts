import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findRedis } from '../../../../infra/sandbox/redis/find-redis.ts'
import { fakeProgram } from './fake-program.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-find-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('where there is none, none is found', async () => {
  expect(
    await findRedis({ env: { PATH: folder }, usualPlaces: [join(folder, 'redis-server')] }),
  ).toBeUndefined()
})

test.each([
  ['Redis 6.2', 'Redis server v=6.2.0 sha=00000000:0 malloc=libc bits=64', '6.2.0'],
  ['Redis 7.0', 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '7.0.15'],
  ['Redis 10', 'Redis server v=10.0.1 sha=00000000:0', '10.0.1'],
  ['Valkey', 'Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '8.0.1'],
])('%s on the PATH is found', async (_name, says, version) => {
  await fakeProgram(folder, 'redis-server', `echo '${says}'`)
  expect(await findRedis({ env: { PATH: folder }, usualPlaces: [] })).toEqual({
    command: 'redis-server',
    version,
  })
})

test('one in a usual place is found when the PATH has none', async () => {
  const place = await fakeProgram(folder, 'redis-server', 'echo Redis server v=7.2.4 sha=0')
  expect(
    await findRedis({ env: { PATH: '/nowhere' }, usualPlaces: ['/nowhere/redis-server', place] }),
  ).toEqual({
    command: place,
    version: '7.2.4',
  })
})

test.each([
  ['6.0', 'Redis server v=6.0.16 sha=00000000:0', 'Redis 6.0.16'],
  ['5.0', 'Redis server v=5.0.7 sha=00000000:0', 'Redis 5.0.7'],
  ['without a version', 'hello', 'hello'],
])('one that is %s is refused, and the mend named', async (_name, says, named) => {
  await fakeProgram(folder, 'redis-server', `echo '${says}'`)
  await expect(findRedis({ env: { PATH: folder }, usualPlaces: [] })).rejects.toMatchObject({
    code: 'redis_too_old',
    happened: expect.stringContaining(named),
    mend: expect.stringContaining('REDIS_URL='),
  })
})
