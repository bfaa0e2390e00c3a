import { setTimeout as sleep } from 'node:timers/promises'
import { figuresOf, missedOf } from './figures.ts'
import type { Asked } from './fleet/clients-main.ts'
import { type Fleet, type FleetProxy, startFleet } from './fleet/fleet.ts'
import { patiently } from './fleet/patiently.ts'
import type { Saw, Stream } from './fleet/service-main.ts'
import { freeze, type Ground, wake, withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

const proxies = 2
/** So many passes end in one round, one after the other. */
const most = 20
/** So long before the first one ends: to open what is to be cut. */
const leadMs = 4_000
const apartMs = 50
/** Redis is frozen so long before the first one ends, at least. */
const marginMs = 300
const afterMs = 1_000
const aim = { p99: 50, max: 250 }

type Round = {
  readonly violations: string[]
  readonly cuts: number[]
  readonly forwarded: number
  readonly refused: number
}

/**
 * Expiry needs nobody (I-02): no worker and no bot runs, and Redis is frozen (SIGSTOP), while passes end. A request that is
 * sent once a pass is over never reaches the service, and what is open is cut, as the service sees it. A trial is a pass.
 */
export const proveExpiry: Proof = (trials, say) =>
  withRedis('expiry', say, async (ground) => {
    const fleet = await startFleet(ground.folder, ground.redis.url, ground.ends)
    const all = await startProxies(fleet, proxies)
    const rounds: Round[] = []
    for (let left = trials; left > 0; left -= most) {
      rounds.push(await runRound(fleet, ground, all, Math.min(most, left), rounds.length))
      say(`${trials - Math.max(0, left - most)} of ${trials} passes have ended`)
    }
    const cuts = rounds.flatMap((round) => round.cuts)
    return {
      violations: rounds.flatMap(({ violations }) => violations),
      missed: missedOf('cut', cuts, aim),
      proxies,
      requests_forwarded_before: rounds.reduce((sum, { forwarded }) => sum + forwarded, 0),
      requests_refused_after: rounds.reduce((sum, { refused }) => sum + refused, 0),
      ...figuresOf('cut', cuts),
    }
  })

export const startProxies = async (fleet: Fleet, count: number): Promise<FleetProxy[]> => {
  const bot = await fleet.startBot()
  const all = await Promise.all(
    Array.from({ length: count }, (_, number) => fleet.startProxy(`proxy-${number + 1}`)),
  )
  await Promise.all(all.map(({ untilReady }) => untilReady()))
  await bot.stop()
  return all
}

const runRound = async (
  fleet: Fleet,
  { redis }: Pick<Ground, 'redis'>,
  all: readonly FleetProxy[],
  count: number,
  round: number,
  lead = leadMs,
): Promise<Round> => {
  const bot = await fleet.startBot()
  const violations: string[] = []
  const ends = new Map<string, number>()
  const asking: Parameters<Fleet['at']>[] = []
  for (let number = 0; number < count; number += 1) {
    const name = `r${round}l${lead}n${number}`
    const token = await fleet.token(name)
    const grant = fleet.grantFor(name, lead + number * apartMs)
    await bot.store.give(grant)
    for (const [index, { port }] of all.entries()) {
      ends.set(`${name}p${index}`, grant.until)
      asking.push([port, token, `${name}p${index}`])
    }
  }
  const everywhere = asking.map((one) => fleet.at(...one))
  await fleet.order({ kind: 'ask', under: '/v1/asked', every: 50, all: everywhere })
  const first = Math.min(...ends.values())
  const opened = [
    await fleet.open('events', 20, everywhere, first),
    await fleet.open('socket', 20, everywhere, first),
  ]
  await bot.stop()
  if (opened.includes(false) || Date.now() > first - marginMs) {
    // The machine was too busy to open everything in time: once more, with more time.
    for (const kind of ['rest', 'close'] as const) await fleet.order({ kind })
    await patiently(async () => (await fleet.see()).streams.length === 0, 'every stream to end')
    return runRound(fleet, { redis }, all, count, round, 2 * lead)
  }
  freeze(redis)
  try {
    await sleep(Math.max(...ends.values()) + afterMs - Date.now())
    const { asked } = await fleet.order({ kind: 'rest' })
    const saw = await fleet.see()
    return judge(ends, asked, saw, violations)
  } finally {
    await fleet.order({ kind: 'close' })
    wake(redis)
  }
}

const judge = (
  ends: ReadonlyMap<string, number>,
  asked: readonly Asked[],
  { streams, requests }: Saw,
  violations: string[],
): Round => {
  const endOf = (tag: string): number => ends.get(tag) ?? Number.NaN
  for (const { path, at } of requests) {
    const [tag = '', sent] = path.split('/').slice(-2)
    if (Number(sent) >= endOf(tag))
      violations.push(`${tag}: sent ${Number(sent) - endOf(tag)} ms after the end, it came at ${at.wall}`)
  }
  const after = asked.filter(({ tag, sentAt }) => sentAt >= endOf(tag))
  for (const { tag, status } of after)
    if (status < 400) violations.push(`${tag}: a request after the end was answered ${status}`)
  for (const { tag, endedAt } of streams)
    if (endedAt === undefined) violations.push(`${tag}: a stream goes on after the end`)
  return {
    violations,
    cuts: streams.flatMap((stream) => lateness(stream, endOf(stream.tag))),
    forwarded: requests.length,
    refused: after.filter(({ status }) => status === 403).length,
  }
}

/** How long after the end the service could still send or receive. */
const lateness = ({ endedAt, lastFrame }: Stream, end: number): number[] =>
  endedAt === undefined ? [] : [Math.max(endedAt.wall, lastFrame?.wall ?? 0) - end]
