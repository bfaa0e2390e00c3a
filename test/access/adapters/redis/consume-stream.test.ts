import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { consumeStream } from '#access/adapters/redis/consume-stream.ts'
import { freshDatabase, keptAlarms, until } from '../../../builders.ts'

const stream = '{pagepass}:test'
const group = 'workers'
let database: Awaited<ReturnType<typeof freshDatabase>>
const stops: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 24)
})
beforeEach(() => database.redis.flushdb())
afterEach(async () => {
  vi.restoreAllMocks()
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => database.close())

type Seen = { readonly value: string; readonly again: boolean }

const consume = (
  consumer: string,
  handle: (seen: Seen) => Promise<void> | void = () => undefined,
  from: '0' | '$' = '0',
) => {
  const seen: Seen[] = []
  const alarms = keptAlarms()
  const consumption = consumeStream({
    prompt: database.connect(),
    patient: database.connect(),
    stream,
    group,
    consumer,
    from,
    alarm: alarms.alarm,
    handle: async (_, fields, again) => {
      const one = { value: fields[1] ?? '', again }
      await handle(one)
      seen.push(one)
    },
  })
  stops.push(consumption.stop)
  return { seen, values: () => seen.map(({ value }) => value), alarms: alarms.all, stop: consumption.stop }
}

const add = (...values: string[]) =>
  Promise.all(values.map((value) => database.redis.xadd(stream, '*', 'value', value)))
const pending = async (): Promise<number> =>
  Number(((await database.redis.xpending(stream, group)) as [number])[0])

describe('A consumer', () => {
  test('gets what was there before it and what comes, in order, once', async () => {
    await add('a', 'b')
    const { values, seen } = consume('one')
    await until(() => seen.length === 2, 'what was there')
    await add('c')
    await until(() => seen.length === 3, 'what came')
    expect(values()).toEqual(['a', 'b', 'c'])
    await until(async () => (await pending()) === 0, 'all is done')
  })

  test('can begin with what comes from now on', async () => {
    await add('before')
    const { values, seen } = consume('one', undefined, '$')
    await until(
      async () => (await database.redis.exists(stream)) === 1 && (await groups()) === 1,
      'the group',
    )
    await add('after')
    await until(() => seen.length === 1, 'what came')
    expect(values()).toEqual(['after'])
  })

  test('gets an entry again when handling it failed, and nothing before it twice', async () => {
    let failures = 0
    const { seen, alarms } = consume('one', ({ value }) => {
      if (value === 'b' && failures < 2) {
        failures += 1
        throw new Error('not now')
      }
    })
    await add('a', 'b', 'c')
    await until(() => seen.length === 3, 'all were handled')
    expect(seen.map(({ value }) => value)).toEqual(['a', 'b', 'c'])
    expect(seen[1]?.again).toBe(true)
    expect(alarms).toHaveLength(1)
    await until(async () => (await pending()) === 0, 'all is done')
  })

  test('gets again, after a restart, what it took and did not finish', async () => {
    await add('a')
    await database.redis.xgroup('CREATE', stream, group, '0')
    await database.redis.xreadgroup('GROUP', group, 'one', 'STREAMS', stream, '>')
    const { seen } = consume('one')
    await until(() => seen.length === 1, 'it came again')
    expect(seen).toEqual([{ value: 'a', again: true }])
  })

  test('passes over what it took before and what was trimmed since', async () => {
    await add('a', 'b')
    await database.redis.xgroup('CREATE', stream, group, '0')
    await database.redis.xreadgroup('GROUP', group, 'one', 'STREAMS', stream, '>')
    await database.redis.xtrim(stream, 'MAXLEN', 1)
    const { values, seen } = consume('one')
    await until(() => seen.length === 1, 'what is left')
    expect(values()).toEqual(['b'])
    await until(async () => (await pending()) === 0, 'all is done')
  })

  test('shares the entries with the others of its group', async () => {
    const [one, two] = [consume('one'), consume('two')]
    await add(...Array.from({ length: 50 }, (_, index) => `${index}`))
    await until(() => one.seen.length + two.seen.length === 50, 'all were handled')
    expect(new Set([...one.values(), ...two.values()]).size).toBe(50)
  })

  test('takes over what a dead one did not finish', async () => {
    await add('a')
    await database.redis.xgroup('CREATE', stream, group, '0')
    const taken = await database.redis.xreadgroup('GROUP', group, 'dead', 'STREAMS', stream, '>')
    expect(taken).not.toBeNull()
    const [id = ''] = (await database.redis.xrange(stream, '-', '+')).map(([one]) => one)
    await database.redis.xclaim(stream, group, 'dead', 0, id, 'IDLE', 60_000)
    // A process that has run for a minute: it looks for what was abandoned twice a minute.
    const real = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => real() + 60_000)
    const { seen } = consume('alive')
    await until(() => seen.length === 1, 'it was taken over')
    expect(seen).toEqual([{ value: 'a', again: true }])
  })

  test('leaves alone what another one works on', async () => {
    await add('a')
    await database.redis.xgroup('CREATE', stream, group, '0')
    await database.redis.xreadgroup('GROUP', group, 'busy', 'STREAMS', stream, '>')
    const real = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => real() + 60_000)
    const { values, seen } = consume('alive')
    await add('b')
    await until(() => seen.length === 1, 'the other entry')
    expect(values()).toEqual(['b'])
    expect(await pending()).toBe(1)
  })

  test('goes on when the group vanished with the stream', async () => {
    const { values, seen } = consume('one')
    await add('a')
    await until(() => seen.length === 1, 'the first')
    await database.redis.flushdb()
    await add('b')
    await until(() => values().includes('b'), 'the next')
  })

  test('stops while entries wait that it took before, and leaves them for the next', async () => {
    await add('a', 'b')
    await database.redis.xgroup('CREATE', stream, group, '0')
    await database.redis.xreadgroup('GROUP', group, 'one', 'STREAMS', stream, '>')
    let release = (): void => undefined
    let entered = false
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { stop } = consume('one', () => {
      entered = true
      return held
    })
    await until(() => entered, 'it works on the first')
    const stopped = stop()
    release()
    await stopped
    expect(await pending()).toBe(1)
  })
})

const groups = async (): Promise<number> =>
  ((await database.redis.xinfo('GROUPS', stream)) as unknown[]).length
