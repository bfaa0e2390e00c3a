import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createCards } from '#access/adapters/redis/cards.ts'
import { connectPatient } from '#access/adapters/redis/connect.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createSeen } from '#access/adapters/redis/seen.ts'
import { freshDatabase, until } from '../../../builders.ts'
import { type Relay, startRelay } from '../../../proofs/fleet/relay.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 192)
})
afterAll(() => database.close())

let marks = 0
const newMark = (): string => {
  marks += 1
  return `mark ${marks}`
}

/** Asks by a connection that closes before Redis's answer is through, and is made anew. */
const askedTwice = async (
  key: string,
  ask: (redis: ReturnType<typeof connectPatient>) => Promise<boolean>,
) => {
  const relay: Relay = await startRelay(`${inject('redisUrl')}/192`)
  const redis = connectPatient(relay.url, () => undefined)
  try {
    await until(() => redis.status === 'ready', 'Redis')
    relay.delayReplies(600_000)
    const answer = ask(redis)
    await until(async () => (await database.redis.exists(key)) === 1, 'Redis to have carried it out')
    relay.delayReplies(0)
    relay.set('closed')
    relay.set('open')
    return await answer
  } finally {
    redis.disconnect()
    relay.close()
  }
}

test('What comes once is the first of its kind, and whatever else comes by that name is not', async () => {
  const seen = createSeen(database.redis, newMark)
  expect(await seen.first('a')).toBe(true)
  expect(await seen.first('a')).toBe(false)
  expect(await createSeen(database.redis, newMark).first('a')).toBe(false)
  expect(await seen.first('b')).toBe(true)
  expect(await database.redis.ttl(names.seen('a'))).toBeGreaterThan(600)
})

test('A command that is sent once more, since its connection closed, is no other', async () => {
  expect(await askedTwice(names.seen('c'), (redis) => createSeen(redis, newMark).first('c'))).toBe(true)
  expect(await createSeen(database.redis, newMark).first('c')).toBe(false)
})

test('Nor is the lock of a card that is asked for once more somebody else’s', async () => {
  const lock = (redis: ReturnType<typeof connectPatient>) => createCards(redis).lock('#inc', 'card', 'me')
  expect(await askedTwice(names.cardLock('#inc', 'card'), lock)).toBe(true)
  expect(await createCards(database.redis).lock('#inc', 'card', 'another')).toBe(false)
})
