import type { Lease, LeaseReport, RateLimit } from '#access/domain/rate-lease.ts'

type Held = {
  readonly rate: number
  readonly tokens: number
  readonly demand: number
  readonly till: number
}

/**
 * What Redis keeps of one limit, once more: the model of the script in rate-leases.ts, whose test holds it to this. So a
 * fleet can be tried out without Redis, on a clock of its own.
 */
export const createRateBook = (slackSeconds = 0.25) => {
  let book: { at: number; spare: number; leases: Map<string, Held>; gone: number } | undefined
  return {
    renew: (
      me: string,
      keptMs: number,
      { rate, burst }: RateLimit,
      report: LeaseReport,
      now: number,
      fleet: number,
    ): Lease => {
      if (book === undefined || book.gone <= now)
        book = { at: now, spare: burst, leases: new Map(), gone: Number.POSITIVE_INFINITY }
      const flowing = [...book.leases.values()].reduce((sum, lease) => sum + lease.rate, 0)
      let spare = book.spare + (Math.max(0, rate - flowing) * Math.max(0, now - book.at)) / 1_000
      for (const [who, { till }] of book.leases) if (till <= now) book.leases.delete(who)
      const isKnown = book.leases.delete(me)
      const others = [...book.leases.values()]
      const sumOf = (what: 'rate' | 'tokens' | 'demand') =>
        others.reduce((sum, lease) => sum + lease[what], 0)
      const change = isKnown ? report.change : Math.min(report.change, 0)
      spare = Math.min(spare + change, Math.max(0, burst + rate * slackSeconds - sumOf('tokens')))
      const lease = { rate: 0, tokens: 0 }
      if (report.demand > 0) {
        const share = report.demand / (report.demand + sumOf('demand'))
        const open = (rate + Math.min(spare, 0)) * share
        lease.rate = Math.max(0, Math.min(open, rate - sumOf('rate')))
        lease.tokens = Math.max(0, spare * share)
        if (share < 1 && lease.tokens < 1) lease.tokens = spare >= 1 ? 1 : 0
        lease.tokens = Math.max(lease.tokens, Math.min(change, burst / fleet, spare + sumOf('tokens')))
        book.leases.set(me, { ...lease, demand: report.demand, till: now + keptMs })
      }
      book.spare = spare - lease.tokens
      book.at = now
      book.gone = now + Math.min(((burst - Math.min(book.spare, burst)) / rate) * 1_000, 86_400_000) + keptMs
      return { ...lease, spare: book.spare, held: sumOf('tokens') }
    },
  }
}
