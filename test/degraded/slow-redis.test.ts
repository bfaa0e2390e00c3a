import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { connectPatient, connectPrompt, reachable } from '#access/adapters/redis/connect.ts'
import { isFault } from '#access/domain/errors.ts'
import { until } from '../builders.ts'
import { type Relay, startRelay } from '../proofs/fleet/relay.ts'

/*
 * Redis is there and slow, or says nothing any more, while its connections stay open: the worst kind of away, since what is
 * asked of it could wait, and pile up, for ever.
 */
let relay: Relay
let redis: Redis
beforeEach(async () => {
  relay = await startRelay(`${inject('redisUrl')}/170`)
  redis = connectPrompt(relay.url, () => undefined)
  await until(() => redis.status === 'ready', 'Redis')
})
afterEach(() => {
  redis.disconnect()
  relay.close()
})
const waiting = (): number => redis.commandQueue.length
const asked = (): Promise<unknown> =>
  reachable(redis.get('nothing')).then(
    () => 'answered',
    (error) => isFault(error, 'store/unreachable') && error.message,
  )

describe('A command that somebody waits for', () => {
  test('to a slow Redis fails as to none, and works again by itself', async () => {
    relay.delayReplies(5_000)
    expect(await asked()).toMatch(/^Redis did not answer/)
    relay.delayReplies(0)
    await until(async () => (await asked()) === 'answered', 'Redis to answer again')
  })

  test('to a silent Redis leaves nothing behind, however often it is asked', async () => {
    relay.set('silent')
    let most = 0
    for (let round = 0; round < 5; round += 1) {
      const all = Array.from({ length: 200 }, asked)
      expect(new Set((await Promise.all(all)).map((one) => String(one).slice(0, 20)))).toEqual(
        new Set(['Redis did not answer']),
      )
      most = Math.max(most, waiting())
    }
    // Those of the last seconds may still be waited for by the connection, until it is given up.
    expect(most).toBeLessThan(1_000)
    await until(() => waiting() === 0, 'nothing to wait any more')
    relay.set('open')
    await until(async () => (await asked()) === 'answered', 'Redis to answer again')
  })
})

test('What blocks on a silent Redis is given up and begun anew', async () => {
  const patient = connectPatient(relay.url, () => undefined)
  let closed = 0
  try {
    await until(() => patient.status === 'ready', 'Redis')
    patient.on('close', () => {
      closed += 1
    })
    relay.set('silent')
    const reading = patient.call('BLPOP', 'degraded:list', '0').catch(() => undefined)
    await until(() => closed > 0, 'the connection to be given up', 60_000)
    relay.set('open')
    const direct = new Redis(`${inject('redisUrl')}/170`)
    await direct.rpush('degraded:list', 'it')
    expect(await reading).toEqual(['degraded:list', 'it'])
    direct.disconnect()
  } finally {
    patient.disconnect()
  }
})
