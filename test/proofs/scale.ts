import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { names } from '#access/adapters/redis/names.ts'
import { readReports } from '#access/adapters/redis/reports.ts'
import { readStreamReply } from '#access/adapters/redis/stream-reply.ts'
import { residentBytes } from '../bench/memory.ts'
import { seedGrants } from '../bench/seed-grants.ts'
import { percentile, round } from '../measure.ts'
import { figuresOf, missedOf } from './figures.ts'
import { type Fleet, startFleet } from './fleet/fleet.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

const standing = 100_000
const proxies = 3
const perSecond = 500
/** So many grants are given and ended at that pace; all others as fast as Redis takes them. */
const paced = 5_000
const atOnce = 16
const confirmedWithinMs = 30_000
const longestMs = 60 * 60_000
const readyWithinMs = 3_000
/** What a process remembers of ended passes has a limit, which is reached first. */
const memoryGrowth = 0.1

/**
 * Scale: with 100,000 live grants and three proxies, how long a proxy takes from its start until it is ready; how long a
 * change takes to reach every proxy and be confirmed to whoever made it, at 500 changes a second; and whether memory stays
 * flat. A trial is a grant that is given and ended.
 */
export const proveScale: Proof = (trials, say) =>
  withRedis('scale', say, async ({ folder, redis: running, ends }) => {
    const fleet = await startFleet(folder, running.url, ends)
    const redis = new Redis(running.url)
    ends(() => redis.disconnect())
    await seedFleet(fleet, redis)
    say(`${standing} grants are live`)
    const bot = await fleet.startBot()
    ends(bot.stop)
    const ready: number[] = []
    const pids: number[] = []
    for (let number = 1; number <= proxies; number += 1) {
      const startedAt = performance.now()
      const proxy = await fleet.startProxy(`proxy-${number}`)
      await proxy.untilReady()
      ready.push(performance.now() - startedAt)
      pids.push(servingOf(proxy.pid))
      say(`proxy ${number} is ready after ${round(ready.at(-1) ?? 0)} ms`)
    }
    const confirmations = followConfirmations(running.url)
    ends(confirmations.stop)

    const took: number[] = []
    const violations: string[] = []
    const cycle = async (): Promise<number> => {
      const grant = fleet.grantFor('cycled', longestMs)
      await bot.store.give(grant)
      const { sequence } = await bot.store.end(grant, 'revoked')
      return sequence
    }
    const slowly = Math.min(paced, trials)
    const beganAt = performance.now()
    const all: Promise<void>[] = []
    for (let number = 0; number < slowly; number += 1) {
      await sleep(Math.max(0, beganAt + (number * 2_000) / perSecond - performance.now()))
      all.push(
        cycle().then(async (sequence) => {
          const acknowledgedAt = performance.now()
          const seen = await confirmations.of(sequence)
          if (seen === undefined) violations.push(`the end ${sequence} was not confirmed by all`)
          else took.push(Math.max(0, seen - acknowledgedAt))
        }),
      )
    }
    await Promise.all(all)
    const changesPerSecond = (2 * slowly) / ((performance.now() - beganAt) / 1_000)
    say(`${slowly} grants given and ended at ${round(changesPerSecond)} changes a second`)

    let left = trials - slowly
    const readings: number[][] = []
    const tell = Math.max(1, Math.floor(left / 20))
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        if (left % tell === 0) {
          readings.push(pids.map(residentBytes))
          say(`${trials - left} of ${trials} grants given and ended`)
        }
        await cycle()
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    const growth = growthOf(readings)
    return {
      violations,
      missed: [
        ...missedOf('ready', ready, { max: readyWithinMs }),
        ...missedOf('change', took, { p99: 50, max: Number.POSITIVE_INFINITY }),
        ...(growth > memoryGrowth ? [`memory_growth <= ${memoryGrowth}`] : []),
      ],
      live_grants: standing,
      proxies,
      changes_per_second: round(changesPerSecond),
      memory_growth: round(growth),
      memory_mb: (readings.at(-1) ?? []).map((bytes) => Math.round(bytes / 2 ** 20)),
      ...figuresOf('ready', ready),
      ...figuresOf('change', took),
    }
  })

/** From the lowest of a process's readings in the second quarter to the lowest in the last. */
const growthOf = (readings: readonly (readonly number[])[]): number => {
  const quarter = Math.floor(readings.length / 4)
  if (quarter === 0) return 0
  const least = (some: readonly (readonly number[])[], which: number): number =>
    percentile(
      some.map((one) => one[which] ?? 0),
      0,
    )
  const growths = (readings[0] ?? []).map(
    (_, which) =>
      least(readings.slice(-quarter), which) / least(readings.slice(quarter, 2 * quarter), which) - 1,
  )
  return Math.max(...growths)
}

/** The process that serves, below the one that keeps it running (Linux). */
const servingOf = (parent: number): number =>
  Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ')[0])

const seedFleet = async (fleet: Fleet, redis: Redis): Promise<void> => {
  const bot = await fleet.startBot()
  await bot.stop()
  const grants = Array.from({ length: standing }, (_, number) =>
    fleet.grantFor(`person-${number}`, longestMs),
  )
  await seedGrants(redis, `${fleet.keys}/bot`, grants)
}

type Confirmation = PromiseWithResolvers<number | undefined> & { count: number }

/** When every proxy had confirmed an event, as it is read from where they report. */
const followConfirmations = (url: string) => {
  const redis = new Redis(url)
  const confirmed = new Map<number, Confirmation>()
  let stopped = false
  const of = (sequence: number): Confirmation => {
    const known = confirmed.get(sequence) ?? { count: 0, ...Promise.withResolvers<number | undefined>() }
    confirmed.set(sequence, known)
    return known
  }
  const run = async (): Promise<void> => {
    let cursor = '$'
    while (!stopped) {
      const reply = await redis.call('XREAD', 'BLOCK', 1_000, 'STREAMS', names.reports, cursor)
      const at = performance.now()
      for (const [id, fields] of readStreamReply(reply).get(names.reports) ?? []) {
        cursor = id
        for (const report of readReports(fields)) {
          if (report.kind !== 'confirmed') continue
          const one = of(report.sequence)
          one.count += 1
          if (one.count === proxies) one.resolve(at)
        }
      }
    }
  }
  run().catch(() => undefined)
  return {
    /** By the monotonic clock; undefined where it took too long. */
    of: async (sequence: number): Promise<number | undefined> => {
      const { promise, resolve } = of(sequence)
      const tooLate = setTimeout(() => resolve(undefined), confirmedWithinMs)
      const at = await promise
      clearTimeout(tooLate)
      confirmed.delete(sequence)
      return at
    },
    stop: (): void => {
      stopped = true
      redis.disconnect()
    },
  }
}
