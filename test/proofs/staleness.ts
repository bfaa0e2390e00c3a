import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import { names } from '#access/adapters/redis/names.ts'
import { figuresOf, missedOf } from './figures.ts'
import { type Fleet, type FleetProxy, startFleet } from './fleet/fleet.ts'
import { patiently } from './fleet/patiently.ts'
import { type Relay, startRelay, type Way } from './fleet/relay.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

const proxies = 2
const whenStaleMs = 5_000
/** How long it goes on after it has to be closed: long enough for whatever is late to be seen. */
const afterMs = 1_500
/** By then a proxy knows that it is cut off. */
const noticedMs = 3_000
const aim = { max: 500 }
const ways = ['silent', 'closed'] as const satisfies readonly Way[]

type Found = {
  readonly violations: string[]
  readonly late: number[]
  readonly standing: number
  readonly stale: number
  readonly limited: number
}

/**
 * Bounded staleness (I-05): proxies are cut off from Redis, by silence or by broken connections. What was given before goes
 * on until the last signed head is as old as the tier's `when_stale`, and not longer; what is given meanwhile counts
 * nowhere; standing rules go on. A trial is a cut.
 */
export const proveStaleness: Proof = (trials, say) =>
  withRedis('staleness', say, async ({ folder, redis: running, ends }) => {
    const fleet = await startFleet(folder, running.url, ends, { whenStale: `${whenStaleMs / 1_000}s` })
    const redis = new Redis(running.url)
    ends(() => redis.disconnect())
    const bot = await fleet.startBot()
    ends(bot.stop)
    const relays: Relay[] = []
    const all: FleetProxy[] = []
    for (let number = 1; number <= proxies; number += 1) {
      const relay = await startRelay(running.url)
      ends(relay.close)
      relays.push(relay)
      all.push(await fleet.startProxy(`proxy-${number}`, { redisUrl: relay.url }))
    }
    await Promise.all(all.map(({ untilReady }) => untilReady()))
    const found: Found[] = []
    for (let trial = 0; trial < trials; trial += 1) {
      const way = ways[trial % ways.length] as Way
      found.push(await cutOnce(fleet, bot, redis, relays, all, way, trial))
      await Promise.all(all.map(({ untilReady }) => untilReady()))
      say(`${trial + 1} of ${trials} cuts`)
    }
    const late = found.flatMap((one) => one.late)
    return {
      violations: found.flatMap(({ violations }) => violations),
      missed: missedOf('closed_after_when_stale', late, aim),
      proxies,
      when_stale_ms: whenStaleMs,
      refused_as_stale: found.reduce((sum, { stale }) => sum + stale, 0),
      refused_as_too_fast: found.reduce((sum, { limited }) => sum + limited, 0),
      let_in_by_standing_rule: found.reduce((sum, { standing }) => sum + standing, 0),
      ...figuresOf('closed_after_when_stale', late),
    }
  })

const cutOnce = async (
  fleet: Fleet,
  bot: Awaited<ReturnType<Fleet['startBot']>>,
  redis: Redis,
  relays: readonly Relay[],
  all: readonly FleetProxy[],
  way: Way,
  trial: number,
): Promise<Found> => {
  const violations: string[] = []
  const violated = (what: string): void => void violations.push(`cut ${trial} (${way}): ${what}`)
  const at = (who: string, token: string) =>
    all.map(({ port }, index) => fleet.at(port, token, `${who}-${trial}-${index}`))
  const held = at('held', await fleet.token('held'))
  const fresh = at('fresh', await fleet.token('fresh'))
  const watch = at('watch', await fleet.token('watch', { groups: [], roles: ['watch'] }))
  const grant = fleet.grantFor('held', 3_600_000)
  await bot.store.give(grant)
  for (const as of ['events', 'socket'] as const) await fleet.open(as, 20, held)
  await fleet.order({ kind: 'ask', under: '/v1/asked', every: 20, all: held })
  for (const relay of relays) relay.set(way)
  const cutAt = Date.now()
  const meanwhile = fleet.grantFor('fresh', 3_600_000)
  await bot.store.give(meanwhile)
  await fleet.order({ kind: 'ask', under: '/v1/asked', every: 100, all: fresh })
  await fleet.order({ kind: 'ask', under: '/standing', every: 100, all: watch })
  const headAt = await lastHead(redis, cutAt)
  const closesAt = headAt + whenStaleMs
  await sleep(closesAt + afterMs - Date.now())
  const { asked } = await fleet.order({ kind: 'rest' })
  const { streams, requests } = await fleet.see()
  for (const relay of relays) relay.set('open')

  const forwarded = requests.map(({ path }) => ({ tag: path.split('/').at(-2) ?? '', path }))
  for (const { tag, path } of forwarded) {
    const sent = Number(path.split('/').at(-1))
    if (tag.startsWith('fresh')) violated('what was given meanwhile let somebody in')
    if (tag.startsWith('held') && sent > closesAt) violated(`let in ${sent - closesAt} ms after it was stale`)
  }
  const after = asked.filter(({ tag, sentAt }) => tag.startsWith('held') && sentAt > closesAt)
  for (const { status } of after) if (status !== 503) violated(`answered ${status} once it was stale`)
  const early = asked.filter(({ tag, answeredAt }) => tag.startsWith('held') && answeredAt < closesAt - 1_000)
  for (const { status } of early)
    if (status !== 200 && status !== 429) violated(`answered ${status} before it was stale`)
  const standing = asked.filter(({ tag }) => tag.startsWith('watch'))
  // Of a rate that is shared through Redis, a proxy may have held nothing; until it knows that it is cut off.
  const limited = [...early, ...standing].filter(({ status }) => status === 429).length
  for (const { status, sentAt } of standing)
    if (status !== 200 && !(status === 429 && sentAt < cutAt + noticedMs))
      violated(`a standing rule answered ${status} ${sentAt - cutAt} ms after the cut`)
  for (const { tag, endedAt } of streams) if (endedAt === undefined) violated(`${tag} goes on`)
  await fleet.order({ kind: 'close' })
  for (const one of [grant, meanwhile]) await bot.store.end(one, 'revoked')
  await patiently(async () => (await fleet.see()).streams.length === 0, 'every stream to end')
  return {
    violations,
    standing: standing.length,
    limited,
    stale: after.filter(({ status }) => status === 503).length,
    late: streams.flatMap(({ endedAt }) => (endedAt === undefined ? [] : [endedAt.wall - closesAt])),
  }
}

/** When the newest head that a proxy can have heard of was signed. */
const lastHead = async (redis: Redis, before: number): Promise<number> => {
  const entries = await redis.xrevrange(names.heads, '+', '-', 'COUNT', 5)
  const signed = entries.map(([, fields]) => Number(decodeJwt(fields[1] ?? '')['at']))
  return Math.max(...signed.filter((one) => one <= before))
}
