import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { type DutyTurn, keepDuty } from '#access/adapters/redis/duty.ts'
import { names } from '#access/adapters/redis/names.ts'
import { freshDatabase, keptAlarms, until } from '../../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 163)
})
afterAll(() => database.close())

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const alarms = keptAlarms()
const begin = (holder: string, run: (turn: DutyTurn) => Promise<void> = async () => undefined) => {
  const redis = database.connect()
  const turns: DutyTurn[] = []
  const duty = keepDuty({
    redis,
    duty: 'tested',
    holder,
    everyMs: 20,
    alarm: alarms.alarm,
    run: (turn) => {
      turns.push(turn)
      return run(turn)
    },
  })
  stops.push(duty.stop)
  return { ...duty, redis, turns }
}

describe('What one process does for all', () => {
  test('is done by one, again and again, and by another once that one has stopped', async () => {
    const one = begin('one')
    await until(() => one.turns.length > 2, 'three runs')
    const other = begin('other')
    await until(() => one.turns.length > 5, 'more runs')
    expect(other.turns.length).toBe(0)
    await one.stop()
    await until(() => other.turns.length > 0, 'the other to do it')
    expect(other.mine()).toBe(true)
  })

  test('is done by another when who did it stands still, which writes nothing when it goes on', async () => {
    let goOn = (): void => undefined
    const stuck = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const written: boolean[] = []
    const one = begin('one', async ({ put }) => {
      await stuck
      written.push(await put(names.duty('written'), 'one'))
    })
    await until(() => one.turns.length === 1, 'the first run')
    // As if it were stopped: it renews nothing, and its time runs out.
    await database.redis.set(names.duty('tested'), 'other', 'PX', 60_000)
    await until(() => !one.mine(), 'the first to notice')
    expect(one.turns[0]?.over.aborted).toBe(true)
    goOn()
    await until(() => written.length === 1, 'the first to go on')
    expect(written).toEqual([false])
    expect(await database.redis.get(names.duty('written'))).toBe(null)
    await database.redis.del(names.duty('tested'))
  })

  test('is told once when it fails, and tried again', async () => {
    let fails = true
    const before = alarms.all.length
    const one = begin('one', async () => {
      if (fails) throw new Error('PagerDuty is away')
    })
    await until(() => one.turns.length > 3, 'four runs')
    expect(alarms.all.slice(before)).toEqual(['the duty “tested” could not be done'])
    fails = false
    const { length } = one.turns
    await until(() => one.turns.length > length + 1, 'another run')
  })

  test('is nobody’s while Redis does not answer', async () => {
    const one = begin('one')
    await until(() => one.turns.length > 0, 'a run')
    one.redis.disconnect()
    await until(() => !one.mine(), 'it to give up')
    expect(one.turns.at(-1)?.over.aborted).toBe(true)
  })
})
