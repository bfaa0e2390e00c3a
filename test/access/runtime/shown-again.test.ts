import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createSetHash } from '#access/domain/set-hash.ts'
import type { View } from '#access/domain/view.ts'
import { aGrant, hour, minute, noon, nthId, until } from '../../builders.ts'
import { aKeptDatabase, type KeptDatabase } from './a-kept-database.ts'

let kept: KeptDatabase
beforeAll(async () => {
  kept = await aKeptDatabase(inject('redisUrl'), 99)
})
beforeEach(() => kept.startOver())
afterEach(() => kept.stopAll())
afterAll(() => kept.close())

/**
 * A bot did sign this pass, and it has ended. Whoever can write to Redis keeps its statement, waits until a proxy starts that
 * never heard of its end, and shows it once more, as if it were new.
 */
describe('An ended pass that is shown again to a proxy that started after its end', () => {
  const pass = aGrant({ id: nthId(5), until: noon + 2 * hour })
  const decidesBy = (view: View) =>
    view.heldBy('orders-svc', principalKey(pass.who))?.grants.map(({ grant }) => grant.id) ?? []

  const endIt = async () => {
    const bot = await kept.startKeeping()
    await bot.store.give(pass)
    const statement = (await kept.redis.hget(names.live, pass.id)) ?? ''
    await bot.store.end(pass, 'revoked')
    const showAgain = async () => {
      const next = await kept.redis.incr(names.sequence)
      await kept.redis
        .multi()
        .hset(names.live, pass.id, statement)
        .xadd(names.events, `${next}-0`, 'kind', 'grant', 'id', pass.id, 'statement', statement)
        .exec()
      return next
    }
    return { bot, showAgain }
  }
  const headsAt = async (at: number, view: View) => {
    kept.clock.set(at)
    await until(() => view.age(at) === 0, 'a head of then')
  }

  test('decides nothing, and its end is written again by whoever knows of it', async () => {
    const { bot, showAgain } = await endIt()
    const proxy = await kept.startProxyView()
    await headsAt(noon + minute, proxy.view)
    const sequence = await showAgain()
    while (proxy.view.sequence() < sequence + 1) {
      expect(decidesBy(proxy.view)).toEqual([])
      await new Promise(setImmediate)
    }
    expect(bot.alarms).toContain('a lost end was written again')
    await headsAt(noon + 2 * minute, proxy.view)
    expect([...proxy.view.all()]).toEqual([])
  })

  test('decides nothing while no head comes any more', async () => {
    const { bot, showAgain } = await endIt()
    const proxy = await kept.startProxyView()
    await headsAt(noon + minute, proxy.view)
    await bot.stop()
    await showAgain()
    await until(() => proxy.view.get(pass.id)?.verified === true, 'it to be read, and proven')
    expect(decidesBy(proxy.view)).toEqual([])
  })

  test('is ended by a bot that started after its end, too', async () => {
    const { bot, showAgain } = await endIt()
    await bot.stop()
    await kept.redis.del(names.headSigner)
    const fresh = await kept.startKeeping('bot', 'bot-b')
    const proxy = await kept.startProxyView()
    await headsAt(noon + 2 * minute, proxy.view)
    const sequence = await showAgain()
    while (proxy.view.sequence() < sequence + 1) {
      expect(decidesBy(proxy.view)).toEqual([])
      await new Promise(setImmediate)
    }
    expect(fresh.alarms).toContain('a pass was shown again long after it was signed')
    expect(await kept.redis.hlen(names.live)).toBe(0)
  })

  /** It ended within seconds after it was given, and a proxy has started in between. */
  test('decides until the next head, which does not know it, where it is only seconds old', async () => {
    const { bot, showAgain } = await endIt()
    const proxy = await kept.startProxyView()
    await bot.stop()
    const sequence = await showAgain()
    await until(() => decidesBy(proxy.view).length === 1, 'it to be believed')
    const head = await createStatements(kept.keys.bot).sign('head', {
      environment: kept.keys.bot.environment,
      epoch: (await kept.redis.get(names.epoch)) ?? '',
      sequence,
      count: 0,
      set: createSetHash().value(),
      at: noon,
    })
    await kept.redis.xadd(names.heads, '*', 'head', head)
    await until(() => decidesBy(proxy.view).length === 0, 'it to be withheld')
    expect(proxy.withheld).toEqual([pass.id])
  })
})
