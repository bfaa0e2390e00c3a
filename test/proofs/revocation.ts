import { round } from '../measure.ts'
import { figuresOf, missedOf } from './figures.ts'
import { startFleet } from './fleet/fleet.ts'
import { type Holder, holderOf } from './fleet/holder.ts'
import { momentNow } from './fleet/moment.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

const proxies = 3
const people = 20
/** Of each person on each proxy, half of them WebSockets: 1,020 in all. */
const each = 17
const everyMs = 500
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
    const holders = Array.from({ length: people }, (_, number) =>
      holderOf(fleet, all, bot.store, `p${number}`, { each, everyMs }),
    )
    for (const holder of holders) await holder.open()
    const violations: string[] = []
    const cuts: number[] = []
    const lasts: number[] = []
    let frames = 0
    let unconfirmed = 0
    for (let trial = 0; trial < trials; trial += 1) {
      const holder = holders[trial % holders.length] as Holder
      const { sequence } = await bot.store.end(holder.grant(), 'revoked')
      const acknowledged = momentNow().mono
      const receipt = () => bot.receipts.of(sequence)
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
