import { setTimeout as sleep } from 'node:timers/promises'
import { figuresOf } from './figures.ts'
import { createFakeTime, type FakeTime } from './fleet/fake-time.ts'
import { startFleet } from './fleet/fleet.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'
import { type Random, randomOf, seedOfRun } from './random.ts'

const atOnce = 4
const lastsMs = 5_000
/** How long an expired token may still count: others' clocks may be ahead. */
const leewayMs = 30_000
const changes = ['-3600', '+3600', '+0 x1.01', '+0 x0.99', '-3600 x1.01', 'behind'] as const
type Change = (typeof changes)[number]

/**
 * Clocks (I-26): while passes and tokens run out, the wall clock of a proxy's host is set an hour forward or back, or drifts
 * by one percent; some start on a host whose clock is an hour behind (`behind`). Neither a pass nor a token counts longer by the clock that nobody touched. A trial is a proxy whose clock
 * is changed. The time of Redis is left alone: no proxy decides on a request by it.
 */
export const proveClocks: Proof = async (trials, say) => {
  const seed = seedOfRun()
  say(`PROOF_SEED=${seed}`)
  const violations: string[] = []
  const cuts: number[] = []
  const kinds: Record<string, number> = {}
  let forwarded = 0
  let refused = 0
  for (let first = 0; first < trials; first += atOnce) {
    const count = Math.min(atOnce, trials - first)
    const round = await runRound(say, first, count, randomOf(seed, `round ${first}`))
    violations.push(...round.violations)
    cuts.push(...round.cuts)
    forwarded += round.forwarded
    refused += round.refused
    for (const kind of round.kinds) kinds[kind] = (kinds[kind] ?? 0) + 1
    say(`${first + count} of ${trials} clocks, ${violations.length} violations`)
  }
  return {
    violations,
    missed: [],
    seed,
    kinds,
    forwarded_in_time: forwarded,
    refused_after: refused,
    ...figuresOf('cut', cuts),
  }
}

const runRound = (say: (line: string) => void, first: number, count: number, random: Random) =>
  withRedis('clocks', say, async ({ folder, redis, ends }) => {
    const fleet = await startFleet(folder, redis.url, ends)
    const bot = await fleet.startBot()
    ends(bot.stop)
    const all = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const time = await createFakeTime(folder, `host-${index}`)
        const change = random.pick(changes)
        if (change === 'behind') await time.set('-3600')
        const proxy = await fleet.startProxy(`proxy-${index}`, { env: time.env })
        return { time, proxy, change }
      }),
    )
    await Promise.all(all.map(({ proxy }) => proxy.untilReady()))
    const seconds = Math.floor(Date.now() / 1_000)
    const grant = fleet.grantFor('held', lastsMs)
    await bot.store.give(grant)
    const expires = (seconds - leewayMs / 1_000 + lastsMs / 1_000 + 1) * 1_000 + leewayMs
    const held = await fleet.token('held')
    const short = await fleet.token('watch', {
      groups: [],
      roles: ['watch'],
      exp: (expires - leewayMs) / 1_000,
    })
    const at = (token: string, what: string) =>
      all.map(({ proxy }, index) => fleet.at(proxy.port, token, `${what}-${index}`))
    for (const as of ['events', 'socket'] as const) await fleet.open(as, 20, at(held, 'held'))
    await fleet.order({ kind: 'ask', under: '/v1/asked', every: 40, all: at(held, 'held') })
    await fleet.order({ kind: 'ask', under: '/standing', every: 40, all: at(short, 'short') })
    await Promise.all(all.map((one) => turn(one, random)))
    await sleep(Math.max(grant.until, expires) + 1_000 - Date.now())
    const { asked } = await fleet.order({ kind: 'rest' })
    const { streams, requests } = await fleet.see()
    const violations: string[] = []
    const violated = (tag: string, what: string): void => {
      const one = all[Number(tag.split('-')[1])]
      violations.push(`round ${first}, ${one?.change}: ${what}`)
    }
    const endOf = (tag: string): number => (tag.startsWith('held') ? grant.until : expires)
    for (const { path } of requests) {
      const [tag = '', sent] = path.split('/').slice(-2)
      if (Number(sent) >= endOf(tag))
        violated(tag, `${tag} got in ${Number(sent) - endOf(tag)} ms after the end`)
    }
    for (const { tag, endedAt } of streams)
      if (endedAt === undefined) violated(tag, `${tag} goes on after the end`)
    return {
      violations,
      kinds: all.map(({ change }) => change),
      forwarded: requests.length,
      refused: asked.filter(({ tag, sentAt, status }) => sentAt >= endOf(tag) && status >= 400).length,
      cuts: streams.flatMap(({ endedAt }) =>
        endedAt === undefined ? [] : [Math.max(0, endedAt.wall - grant.until)],
      ),
    }
  })

type Turned = { readonly time: FakeTime; readonly change: Change }

/** At some moment before the end, and perhaps back again. */
const turn = async ({ time, change }: Turned, random: Random): Promise<void> => {
  await sleep(random.below(2_000))
  if (change === 'behind') return
  await time.set(change)
  if (!random.chance(0.3)) return
  await sleep(random.below(1_500))
  await time.set('+0')
}
