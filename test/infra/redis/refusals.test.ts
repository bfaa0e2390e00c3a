import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { isFault } from '#access/domain/errors.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { aGrant, freshKeys, frozenClock, keptAlarms, statementsWith, until } from '../../builders.ts'

let home: RedisHome
let server: Server
let keys: Awaited<ReturnType<typeof freshKeys>>
const closing: (() => unknown)[] = []
beforeAll(async () => {
  home = await redisHome()
  server = await home.start('redis')
  keys = await freshKeys()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => home?.stop())

const at = () => ({
  url: `rediss://bot:${home.passwordOf('bot')}@127.0.0.1:${server.port}`,
  ca: home.caText,
})
const admin = () => home.connect(server.port, 'admin')
const prompt = async () => {
  const redis = connectPrompt(at(), () => undefined)
  closing.push(() => redis.disconnect())
  await until(() => redis.status === 'ready', 'Redis')
  return redis
}
/** As a bot starts, in production. */
const start = async () => {
  const { all, alarm } = keptAlarms()
  const patient = connectPatient(at(), () => undefined)
  closing.push(() => patient.disconnect())
  const kept = await keepGrants({
    ...{ prompt: await prompt(), patient, keys: keys.bot, clock: frozenClock() },
    ...{ instance: 'bot-a', alarm, production: true },
  })
  closing.push(kept.stop)
  return { ...kept, alarms: all }
}
const faultOf = async (doing: Promise<unknown>) => {
  const error = await doing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isFault(error)) throw new Error(`no fault: ${error}`)
  const { code, message, mend } = error
  return { code, message, mend }
}

describe('A bot in production', () => {
  test('starts with a Redis as it is shipped', async () => {
    const { waitingFor, alarms } = await start()
    await until(() => waitingFor().length === 0, 'it is in step')
    expect(alarms).toEqual([])
  })

  test('refuses a Redis that evicts keys', async () => {
    const redis = admin()
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    closing.push(() => redis.config('SET', 'maxmemory-policy', 'noeviction'))
    expect(await faultOf(start())).toEqual({
      code: 'store/unsafe',
      message: 'Redis evicts keys (maxmemory-policy allkeys-lru), so grants could vanish',
      mend: 'set maxmemory-policy noeviction',
    })
  })

  test('says so when the Redis that it finds after a failover evicts keys', async () => {
    const { alarms } = await start()
    const redis = admin()
    await redis.config('SET', 'maxmemory-policy', 'volatile-ttl')
    closing.push(() => redis.config('SET', 'maxmemory-policy', 'noeviction'))
    await redis.call('CLIENT', 'KILL', 'USER', 'bot')
    await until(() => alarms.some((what) => what.includes('evicts keys')), 'the alarm')
  })

  test('refuses a Redis that lets in whoever comes, whatever its own password', async () => {
    const redis = admin()
    await redis.acl('SETUSER', 'default', 'on', 'nopass', '+ping')
    closing.push(() => redis.acl('SETUSER', 'default', 'reset'))
    expect(await faultOf(start())).toEqual({
      code: 'store/unsafe',
      message: 'Redis lets in whoever comes without a password',
      mend: 'give it users with passwords: infra/redis/README.md',
    })
  })

  test('does not believe a Redis whose certificate another CA signed', async () => {
    const other = await redisHome()
    closing.push(other.stop)
    const told: string[] = []
    const redis = connectPrompt({ ...at(), ca: other.caText }, ({ message }) => void told.push(message))
    closing.push(() => redis.disconnect())
    await until(() => told.some((message) => /certificate/.test(message)), 'it says why')
    expect(redis.status).not.toBe('ready')
  })
})

describe('A change of a grant', () => {
  let next = 1
  const give = async () => {
    const redis = await prompt()
    await prepareStore(redis, 'epoch')
    const store = createGrantStore(redis, statementsWith(keys).bot, frozenClock())
    return () => {
      next += 1
      return store.give(aGrant({ id: `aaaa-bbbb-${String(next).padStart(4, '0')}` }))
    }
  }

  test('is refused by a Redis that is full, with the mend, and works again', async () => {
    const again = await give()
    const redis = admin()
    await redis.config('SET', 'maxmemory', '1')
    try {
      expect(await faultOf(again())).toMatchObject({
        code: 'store/unreachable',
        message: expect.stringMatching(/^Redis is full, and takes no writes: OOM/),
        mend: 'raise maxmemory of Redis, or give it more memory',
      })
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
    expect(await again()).toMatchObject({ given: true })
  })

  test('is refused by a Redis that is read-only, with the mend, and works again', async () => {
    const again = await give()
    const redis = admin()
    await redis.replicaof('127.0.0.1', '1')
    try {
      expect(await faultOf(again())).toMatchObject({
        code: 'store/unreachable',
        message: expect.stringMatching(/^Redis is read-only: READONLY/),
        mend: 'send writes to the master: name its Sentinels or the Cluster in REDIS_URL',
      })
    } finally {
      await redis.replicaof('NO', 'ONE')
    }
    await until(async () => (await again().catch(() => undefined))?.given === true, 'it is given')
  })
})
