import { round } from '../measure.ts'
import { figuresOf, missedOf } from './figures.ts'
import { type Fleet, type FleetProxy, startFleet } from './fleet/fleet.ts'
import { momentNow } from './fleet/moment.ts'
import type { Stream } from './fleet/service-main.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

const proxies = 3
const people = 20
/** Of each person on each proxy, half of them WebSockets: 1,020 in all. */
const each = 17
const everyMs = 500
const patienceMs = 30_000
const aim = { p99: 50, max: 250 }

/**
 * Revocation (I-03, I-04): a thousand streams are open on three proxies under twenty passes, and one pass after the other is
 * revoked. From the moment that the revocation was acknowledged until the service sees the end of the last stream, at its
 * own socket. A trial is a revocation.
 */
export const proveRevocation: Proof = (trials, say) =>
  withRedis('revocation', say, async ({ folder, redis, ends }) => {
    const fleet = await startFleet(folder, redis.url, ends)
    const bot = await fleet.startBot()
    ends(bot.stop)
    const all = await Promise.all(
      Array.from({ length: proxies }, (_, number) => fleet.startProxy(`proxy-${number + 1}`)),
    )
    await Promise.all(all.map(({ untilReady }) => untilReady()))
    const holders = Array.from({ length: people }, (_, number) => holderOf(fleet, all, bot, `p${number}`))
    for (const holder of holders) await holder.open()
    const violations: string[] = []
    const cuts: number[] = []
    const lasts: number[] = []
    let frames = 0
    let unconfirmed = 0
    for (let trial = 0; trial < trials; trial += 1) {
      const holder = holders[trial % holders.length] as Holder
      const { acknowledged, receipt } = await holder.revoke()
      const { ended, left } = await holder.gone()
      const late = ended.map((one) => Math.max(0, (one.endedAt?.mono ?? Number.NaN) - acknowledged))
      for (const one of ended)
        if (
          one.lastFrame !== undefined &&
          one.endedAt !== undefined &&
          one.lastFrame.mono > one.endedAt.mono
        ) {
          frames += 1
          violations.push(`revocation ${trial}: a frame came after the end of ${one.tag}`)
        }
      if (left > 0) violations.push(`revocation ${trial}: ${left} streams go on`)
      if (ended.length < each * proxies)
        violations.push(`revocation ${trial}: only ${ended.length} streams were seen to end`)
      if ((await receipt()).confirmed.length < proxies) unconfirmed += 1
      cuts.push(...late)
      lasts.push(Math.max(...late))
      await holder.open()
      if ((trial + 1) % 10 === 0)
        say(`${trial + 1} of ${trials} revocations, ${violations.length} violations`)
    }
    return {
      violations,
      missed: [...missedOf('cut', cuts, aim), ...(unconfirmed > 0 ? ['every proxy confirms in time'] : [])],
      proxies,
      open_streams: people * proxies * each,
      cut_by_each: proxies * each,
      frames_after_cut: frames,
      unconfirmed_in_time: unconfirmed,
      ...figuresOf('cut', cuts),
      ...figuresOf('last_of_each', lasts),
      mean_ms: round(cuts.reduce((sum, one) => sum + one, 0) / cuts.length),
    }
  })

type Bot = Awaited<ReturnType<Fleet['startBot']>>
type Holder = ReturnType<typeof holderOf>

/** Somebody with one pass at a time, and streams under it on every proxy. */
const holderOf = (fleet: Fleet, all: readonly FleetProxy[], bot: Bot, subject: string) => {
  let grant = fleet.grantFor(subject, 3_600_000)
  let opened = 0
  const isOwn = ({ tag }: Stream): boolean => tag.startsWith(`${subject}g${opened}-`)
  return {
    open: async (): Promise<void> => {
      const token = await fleet.token(subject)
      grant = fleet.grantFor(subject, 3_600_000)
      opened += 1
      await bot.store.give(grant)
      for (const as of ['events', 'socket'] as const) {
        const wanted = all.flatMap(({ port }, at) =>
          Array.from({ length: as === 'events' ? Math.ceil(each / 2) : Math.floor(each / 2) }, (_, number) =>
            fleet.at(port, token, `${subject}g${opened}-${as}${at}n${number}`),
          ),
        )
        await fleet.open(as, everyMs, wanted)
      }
    },
    revoke: async () => {
      const { sequence } = await bot.store.end(grant, 'revoked')
      return { acknowledged: momentNow().mono, receipt: () => bot.receipts.of(sequence) }
    },
    /** What the service saw of its streams, once they have ended or patience has. */
    gone: async (): Promise<{ readonly ended: readonly Stream[]; readonly left: number }> => {
      const tooLate = AbortSignal.timeout(patienceMs)
      const ended: Stream[] = []
      for (;;) {
        const { streams } = await fleet.see()
        const own = streams.filter(isOwn)
        ended.push(...own.filter(({ endedAt }) => endedAt !== undefined))
        const left = own.filter(({ endedAt }) => endedAt === undefined).length
        if (left === 0 || tooLate.aborted) return { ended, left }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}
