import { Agent, request } from 'node:http'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { loadKeys } from '#access/adapters/keys.ts'
import { connectPatient } from '#access/adapters/redis/connect.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createRateLeases, type RateLeases } from '#access/adapters/redis/rate-leases.ts'
import type { Tier } from '#access/domain/tier.ts'
import { createClock } from '#access/runtime/clock.ts'
import { createLogger } from '#access/runtime/logger.ts'
import { startProxy } from '#proxy/app.ts'
import { type RateLimits, startRateLimits, type TokenBucket } from '#proxy/rate-limits.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { freshDatabase, rulesOf, serviceIn, tierIn, until } from '../builders.ts'

const clock = createClock()
const rules = rulesOf()
const service = serviceIn(rules)
const other = serviceIn(rules, 'payments-svc')
const observe = tierIn(service, 'observe')

let database: Awaited<ReturnType<typeof freshDatabase>>
let limiters: Limiter[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 68)
})
afterEach(async () => {
  await Promise.all(limiters.map((one) => one.limits.stop()))
  limiters = []
})
afterAll(() => database.close())

type Limiter = {
  readonly limits: RateLimits
  readonly rounds: () => number
  /** Redis is out of its reach, or is there again. */
  readonly setAway: (is: boolean) => void
  /** Its bucket of a principal with the limit of 50 requests a second. */
  readonly bucket: (principal?: string, tier?: Tier) => TokenBucket
}

/** One process as far as its limits go, with a line to Redis of its own. */
const startLimiter = (): Limiter => {
  const redis = database.connect()
  const leases = createRateLeases(redis, `p${limiters.length}`)
  let rounds = 0
  let away = false
  const counted: Pick<RateLeases, 'ready' | 'renew' | 'leave'> = {
    ...leases,
    ready: () => !away && leases.ready(),
    renew: (...asked) => {
      rounds += 1
      return leases.renew(...asked)
    },
  }
  const limits = startRateLimits({ leases: counted, now: clock.now })
  const it: Limiter = {
    limits,
    rounds: () => rounds,
    setAway: (is) => {
      away = is
    },
    bucket: (principal = 'ana', tier = observe) => limits.bucket(tier, service, principal),
  }
  limiters.push(it)
  return it
}

/** Waits until they know how many they are. */
const acquainted = async (): Promise<void> => {
  await until(
    async () => (await database.redis.zcard(names.rateFleet)) === limiters.length,
    'all to be there',
  )
  const from = limiters.map((one) => one.rounds())
  await until(
    () => limiters.every((one, index) => one.rounds() > (from[index] ?? 0) + 1),
    'two rounds of all',
  )
}

/** Asks without a pause for so long, in turns; how many were let through, and how long it really took. */
const press = async (buckets: readonly TokenBucket[], ms: number) => {
  const start = clock.now()
  let admitted = 0
  while (clock.now() - start < ms) {
    for (const bucket of buckets) while (bucket.take(clock.now()) === 0) admitted += 1
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return { admitted, elapsed: clock.now() - start }
}

const { rate, burst } = observe
/** The bar: the burst, the rate and a tenth more, and one lease for each process. */
const bar = (elapsed: number, processes: number): number =>
  burst + (1.1 * rate * elapsed) / 1_000 + burst + rate * 0.25 + processes

describe('Limits over real Redis', () => {
  beforeEach(() => database.redis.flushdb())

  test('are one for three processes that are all asked', async () => {
    const buckets = [startLimiter(), startLimiter(), startLimiter()]
    await acquainted()
    const { admitted, elapsed } = await press(
      buckets.map((one) => one.bucket()),
      4_000,
    )
    expect(admitted).toBeLessThanOrEqual(bar(elapsed, 3))
    expect(admitted).toBeGreaterThanOrEqual(burst)
  })

  test('are all for the one that is asked', async () => {
    const one = startLimiter()
    startLimiter()
    startLimiter()
    await acquainted()
    // However long a machine stands still, what flowed meanwhile is there to be had.
    const tier = { ...observe, burst: 1_000 }
    const bucket = one.bucket('ana', tier)
    let early = 0
    await until(() => {
      while (bucket.take(clock.now()) === 0) early += 1
      return early >= tier.burst - 1
    }, 'the burst to be used up')
    await press([bucket], 1_000)
    const { admitted, elapsed } = await press([bucket], 3_000)
    expect(admitted).toBeGreaterThanOrEqual((0.95 * rate * elapsed) / 1_000 - 1)
  })

  test('follow a client from process to process', async () => {
    const three = [startLimiter(), startLimiter(), startLimiter()]
    await acquainted()
    let sum = 0
    let time = 0
    for (const one of [...three, ...three]) {
      const { admitted, elapsed } = await press([one.bucket()], 700)
      sum += admitted
      time += elapsed
    }
    expect(sum).toBeLessThanOrEqual(bar(time, 3))
    expect(sum).toBeGreaterThan(burst)
  })

  test('stay where they are while Redis is away, for all together', async () => {
    const three = [startLimiter(), startLimiter(), startLimiter()]
    await acquainted()
    const buckets = three.map((one) => one.bucket())
    await press(buckets, 1_500)
    for (const one of three) one.setAway(true)
    const { admitted, elapsed } = await press(buckets, 3_000)
    expect(admitted).toBeLessThanOrEqual(bar(elapsed, 3))
    expect(admitted).toBeGreaterThan(burst / 2)
    for (const one of three) one.setAway(false)
    const after = await press(buckets, 1_000)
    expect(after.admitted).toBeLessThanOrEqual(bar(after.elapsed, 3))
  })

  test('let a little through at once where there never was a Redis, and no more than that', async () => {
    const one = startLimiter()
    one.setAway(true)
    expect(one.bucket().take(clock.now())).toBe(0)
    const { admitted, elapsed } = await press([one.bucket()], 1_000)
    expect(admitted).toBeLessThanOrEqual((burst + (rate * elapsed) / 1_000) / 16 + 1)
  })

  test('of a process that stops are the others’ at once', async () => {
    const [one, two] = [startLimiter(), startLimiter()]
    await acquainted()
    const book = async (): Promise<string> => {
      const [key] = await database.redis.keys(names.rate('*'))
      return (key === undefined ? undefined : await database.redis.getBuffer(key))?.toString('latin1') ?? ''
    }
    await until(async () => {
      await press([one.bucket()], 50)
      return (await book()).includes('p0')
    }, 'a lease')
    await one.limits.stop()
    limiters.splice(limiters.indexOf(one), 1)
    expect(await book()).not.toContain('p0')
    expect(await database.redis.zscore(names.rateFleet, 'p0')).toBeNull()
    await until(() => two.bucket().take(clock.now()) === 0, 'a token at the other')
  })

  test('cost as many rounds of Redis with many requests as with few', async () => {
    const one = startLimiter()
    const start = clock.now()
    const before = one.rounds()
    let asked = 0
    while (clock.now() - start < 1_000) {
      for (let turn = 0; turn < 1_000; turn += 1) {
        one.bucket(`p${turn % 10}`).take(clock.now())
        asked += 1
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(asked).toBeGreaterThan(1_000)
    expect(one.rounds() - before).toBeLessThanOrEqual(3 + (clock.now() - start) / 200)
  })

  test('are forgotten by processes and by Redis when nobody uses them, however many there were', async () => {
    const one = startLimiter()
    await until(() => one.rounds() > 1, 'Redis')
    for (let turn = 0; turn < 2_000; turn += 1)
      expect(one.bucket(`principal ${turn}`).take(clock.now())).toBe(0)
    expect(one.limits.size()).toBe(2_000)
    await until(
      async () => (await database.redis.keys(names.rate('*'))).length === 2_000,
      'Redis to know them',
    )
    await until(() => one.limits.size() === 0, 'the process to forget them')
    await until(async () => (await database.redis.keys(names.rate('*'))).length === 0, 'Redis to forget them')
  })

  test('that are not used up are not forgotten', async () => {
    const slow = { ...observe, rate: 0.01, burst: 1 }
    const one = startLimiter()
    await until(() => one.rounds() > 1, 'Redis')
    expect(one.bucket('ana', slow).take(clock.now())).toBe(0)
    expect(one.bucket('ben').take(clock.now())).toBe(0)
    await until(() => one.limits.size() === 1, 'the other one to be forgotten')
    expect(one.bucket('ana', slow).take(clock.now())).toBeGreaterThan(1_000)
  })

  test('name in Redis neither people nor services', async () => {
    const one = startLimiter()
    let key: string | undefined
    await until(async () => {
      one.bucket('https://idp.example ana').take(clock.now())
      key = (await database.redis.keys(names.rate('*')))[0]
      return key !== undefined
    }, 'Redis to know it')
    expect(key).toMatch(/^\{pagepass\}:rate:[\w-]{43}$/)
  })
})

describe('A limit', () => {
  test('is one per principal, service and tier', () => {
    const { limits } = startLimiter()
    const bucket = limits.bucket(observe, service, 'iss ana')
    expect(limits.bucket(observe, service, 'iss ana')).toBe(bucket)
    expect(limits.bucket(observe, service, 'iss ben')).not.toBe(bucket)
    expect(limits.bucket(observe, other, 'iss ana')).not.toBe(bucket)
    expect(limits.bucket(tierIn(service, 'operate'), service, 'iss ana')).not.toBe(bucket)
  })

  test('that no rule sets is none, and nobody asks Redis for it', () => {
    const { limits } = startLimiter()
    const free = { ...observe, rate: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY }
    const bucket = limits.bucket(free, service, 'iss ana')
    for (let turn = 0; turn < 10_000; turn += 1) expect(bucket.take(0)).toBe(0)
    expect(limits.size()).toBe(0)
  })
})

describe('Three proxies', () => {
  const limit = { rate: 40, burst: 200 }
  let first: ProxyUnderTest
  let ports: number[]
  let stopOthers: () => Promise<void>

  beforeAll(async () => {
    first = await startProxyForTest(inject('redisUrl'), 68, {
      mend: (text) =>
        text.replace(
          'scarce: { longest: 2h, rate: 2/m,',
          `scarce: { longest: 2h, rate: ${limit.rate}/s, burst: ${limit.burst},`,
        ),
    })
    await first.give('ana')
    const folder = dirname(dirname(first.auditFile))
    const others = await Promise.all(
      ['second', 'third'].map(async (instance) => {
        const lines = [
          connectPatient(database.url, () => undefined),
          connectPatient(database.url, () => undefined),
        ]
        const [prompt, patient] = lines as [(typeof lines)[0], (typeof lines)[0]]
        const proxy = await startProxy({
          rules: first.rules,
          keys: await loadKeys(join(folder, 'keys', 'proxy'), 'proxy', first.rules.environment),
          clock: createClock(),
          log: createLogger('proxy', 'silent'),
          instance,
          auditFolder: join(folder, instance),
          listen: { host: '127.0.0.1', port: 0 },
          prompt,
          patient,
        })
        await until(() => proxy.waitingFor().length === 0, 'the proxy to be in step')
        return {
          port: proxy.port,
          stop: async (): Promise<void> => {
            await proxy.stop()
            for (const line of lines) line.disconnect()
          },
        }
      }),
    )
    ports = [first.port, ...others.map(({ port }) => port)]
    stopOthers = async () => void (await Promise.all(others.map(({ stop }) => stop())))
    await until(async () => (await database.redis.zcard(names.rateFleet)) === 3, 'all three')
  })
  afterAll(async () => {
    await stopOthers()
    await first.stop()
  })

  const ask = async (agent: Agent, port: number): Promise<number> => {
    const headers = { host: `orders-svc.${domain}`, authorization: `Bearer ${await first.token('ana')}` }
    return new Promise((resolve, reject) => {
      request({ agent, host: '127.0.0.1', port, path: '/scarce/x', headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      })
        .on('error', reject)
        .end()
    })
  }

  /** One client on one connection to each of these, as fast as it is answered; what they got. */
  const press = async (to: readonly number[], until: (admitted: number, elapsed: number) => boolean) => {
    const start = clock.now()
    const counts = { admitted: 0, refused: 0 }
    await Promise.all(
      to.map(async (port) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        while (!until(counts.admitted, clock.now() - start)) {
          const status = await ask(agent, port)
          if (status === 200) counts.admitted += 1
          else if (status === 429) counts.refused += 1
          else throw new Error(`answered with ${status}`)
        }
        agent.destroy()
      }),
    )
    return { ...counts, elapsed: clock.now() - start }
  }

  test('let through together what one may, and all of it where the only client is', async () => {
    const all = await press(ports, (_, elapsed) => elapsed > 6_000)
    const most = limit.burst + (1.1 * limit.rate * all.elapsed) / 1_000 + limit.burst / 2
    expect(all.admitted).toBeLessThanOrEqual(most)
    expect(all.refused).toBeGreaterThan(0)
    expect(all.admitted).toBeGreaterThanOrEqual(limit.burst)

    await press(ports.slice(2), (_, elapsed) => elapsed > 1_500)
    const lone = await press(ports.slice(2), (_, elapsed) => elapsed > 4_000)
    expect(lone.admitted).toBeGreaterThanOrEqual((0.95 * limit.rate * lone.elapsed) / 1_000 - 1)
    expect(lone.admitted).toBeLessThanOrEqual(most)
  })
})
