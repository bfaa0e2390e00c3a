import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { closedNames, closedStates, copyTo } from './coldstart/states.ts'
import { type Fleet, type FleetProxy, startFleet } from './fleet/fleet.ts'
import { patiently } from './fleet/patiently.ts'
import { type Relay, startRelay } from './fleet/relay.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'
import { type Random, randomOf, seedOfRun } from './random.ts'

/** So many proxies start at a time, each with a Redis of another kind. */
const atOnce = 6
const watchMs = 1_000
const silenceMs = 1_500
const others = 5

type Started = {
  readonly proxy: FleetProxy
  readonly tag: string
  readonly state: string
  /** It becomes ready, sooner or later. */
  readonly opens: boolean
  readonly relay: Relay | undefined
}

/**
 * A cold start is closed (I-10): proxies start while Redis is empty, wrong in some way, not there, slow, or falls silent in
 * the midst of the first sync; whoever holds a pass asks all the time. Nothing is forwarded before the first full sync, and
 * every answer until then is 503. A trial is a start.
 */
export const proveColdstart: Proof = (trials, say) =>
  withRedis('coldstart', say, async ({ folder, redis: running, ends }) => {
    const seed = seedOfRun()
    say(`PROOF_SEED=${seed}`)
    const fleet = await startFleet(folder, running.url, ends)
    const redis = new Redis(running.url)
    ends(() => redis.disconnect())
    const bot = await fleet.startBot()
    ends(bot.stop)
    await bot.store.give(fleet.grantFor('held', 7_000_000))
    for (let number = 0; number < others; number += 1)
      await bot.store.give(fleet.grantFor(`other-${number}`, 7_000_000))
    const token = await fleet.token('held')
    const violations: string[] = []
    const opened: number[] = []
    const states: Record<string, number> = {}
    let refused = 0
    let forwarded = 0
    for (let first = 0; first < trials; first += atOnce) {
      const count = Math.min(atOnce, trials - first)
      const all = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          startOne(fleet, redis, running.url, first + index, randomOf(seed, `start ${first + index}`)),
        ),
      )
      for (const { state } of all) states[state] = (states[state] ?? 0) + 1
      const wanted = all.map(({ proxy, tag }) => fleet.at(proxy.port, token, tag))
      await fleet.order({ kind: 'ask', under: '/v1/asked', every: 20, all: wanted })
      await Promise.all(all.map(watchOne))
      const { asked } = await fleet.order({ kind: 'rest' })
      const { requests } = await fleet.see()
      for (const one of all) {
        const inStepAt = await firstStep(one)
        const violated = (what: string): void =>
          void violations.push(`start ${one.tag} (Redis ${one.state}): ${what}`)
        const own = requests.filter(({ path }) => path.includes(`/${one.tag}/`))
        const early = own.filter(({ at }) => at.wall < inStepAt)
        if (early.length > 0) violated(`${early.length} requests were forwarded before the first sync`)
        const answers = asked.filter(({ tag, status }) => tag === one.tag && status > 0)
        const before = answers.filter(({ answeredAt }) => answeredAt < inStepAt)
        for (const { status } of before)
          if (status !== 503) violated(`answered ${status} before the first sync`)
        if (one.opens && own.length === 0) violated('nothing was forwarded once it was in step')
        if (!one.opens && inStepAt < Number.POSITIVE_INFINITY) violated('it took this for a first sync')
        if (!one.opens && answers.length === 0) violated('it answered nothing')
        forwarded += own.length
        refused += before.length
        if (one.opens) opened.push(inStepAt)
      }
      await Promise.all(all.map(({ proxy }) => proxy.stop(1)))
      for (const { relay } of all) relay?.close()
      say(`${first + count} of ${trials} starts, ${violations.length} violations`)
    }
    return {
      violations,
      missed: [],
      seed,
      states,
      refused_before_the_first_sync: refused,
      forwarded_after_it: forwarded,
      starts_that_opened: opened.length,
    }
  })

const startOne = async (
  fleet: Fleet,
  redis: Redis,
  redisUrl: string,
  number: number,
  random: Random,
): Promise<Started> => {
  const tag = `start-${number}`
  const url = new URL(redisUrl)
  const start = (to: string): Promise<FleetProxy> => fleet.startProxy(tag, { redisUrl: to })
  if (random.chance(0.4)) {
    const relay = await startRelay(url.href)
    const slow = random.chance(0.5)
    if (slow) relay.delayReplies(random.whole(50, 400))
    else relay.silentAfter(random.whole(1, 12))
    const proxy = await start(relay.url)
    return { proxy, tag, state: slow ? 'slow' : 'silent at first', opens: true, relay }
  }
  if (random.chance(0.1)) {
    url.port = '1'
    return { proxy: await start(url.href), tag, state: 'not there', opens: false, relay: undefined }
  }
  const state = random.pick(closedNames)
  url.pathname = `/${1 + (number % 100)}`
  const own = new Redis(url.href)
  try {
    await copyTo(redis, own)
    await closedStates[state](own, random)
  } finally {
    own.disconnect()
  }
  return { proxy: await start(url.href), tag, state, opens: false, relay: undefined }
}

const watchOne = async ({ proxy, relay, opens }: Started): Promise<void> => {
  await patiently(async () => (await proxy.readiness()) !== undefined, `${proxy.name} to say how it is`)
  if (opens) {
    await sleep(silenceMs)
    relay?.set('open')
    relay?.silentAfter(Number.POSITIVE_INFINITY)
    relay?.delayReplies(0)
    await proxy.untilReady()
  }
  await sleep(watchMs)
}

/** When it was first in step, by its log; never, where it never was. */
const firstStep = async ({ proxy }: Started): Promise<number> => {
  const lines = (await readFile(proxy.logFile, 'utf8')).split('\n')
  const line = lines.find((one) => one.includes('"in step with Redis"'))
  return line === undefined ? Number.POSITIVE_INFINITY : timeOf(line)
}

const timeOf = (line: string): number => {
  const { time } = JSON.parse(line) as { time: number | string }
  return typeof time === 'number' ? time : Date.parse(time)
}
