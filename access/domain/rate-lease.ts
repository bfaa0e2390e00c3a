/** Requests per second, and how many at once, of one principal under one tier of one service: of the whole fleet. */
export type RateLimit = { readonly rate: number; readonly burst: number }

/** What a process asks a lease with. */
export type LeaseReport = {
  /** What it gives back of its tokens, less what it spent that no lease had given it. */
  readonly change: number
  /** Requests per second that were asked of it, the refused ones too. 0 gives its share of the rate to the others. */
  readonly demand: number
}

/** The part of a limit that one process may use until its next lease. */
export type Lease = {
  readonly rate: number
  readonly tokens: number
  /** What the fleet has left over, or owes. */
  readonly spare: number
  /** What the leases of the others gave them. */
  readonly held: number
}

/** For how many processes there might be, as long as nobody knows. */
export const cautiousFleet = 16

/** A demand is measured over no less than this, and forgotten after silence. Milliseconds. */
const measuredMs = 250
const silenceMs = 1_000

/**
 * The tokens that one process has of a limit that a fleet shares. It flows at the rate of its lease until it has the next
 * one, however long that takes. Before the first lease, and while it needs none, it may spend a small allowance that no
 * lease gave it, also where others hold all there is; that is reported, and taken from what the fleet has or will have.
 *
 * `fleet` is how many processes share; `onNeed` is called at the first request since the last report.
 */
export const createLeasedBucket = (
  limit: RateLimit,
  fleet: () => number,
  now: number,
  onNeed: () => void = () => undefined,
) => {
  let left = 0
  let borrowed = 0
  let rate = 0
  let most = 0
  let filledAt = now

  let asked = 0
  let askedAt = now
  let reportedAt = now
  let demand = 0
  let returned = 0
  /** Whether the last lease that was asked for came: only then is it certain what was taken back with it. */
  let answered = false
  let spare = 0

  const fill = (at: number): void => {
    if (at <= filledAt) return
    if (left < most) left = Math.min(most, left + ((at - filledAt) / 1_000) * rate)
    filledAt = at
  }

  const goUnleased = (allowance: number): void => {
    borrowed = allowance
    left += allowance
    rate = limit.rate / Math.max(fleet(), cautiousFleet)
    most = Math.max(1, limit.burst / fleet())
  }
  const wholeAllowance = (): number => Math.min(limit.burst, Math.max(1, limit.burst / fleet()))

  /** Milliseconds until there is one, if the lease is the right one a second from now at the latest. */
  const wait = (): number => {
    const missing = 1 - left
    const soonest = missing / limit.rate
    return Math.ceil(1_000 * Math.min(rate > 0 ? missing / rate : soonest + 1, soonest + 1))
  }

  goUnleased(wholeAllowance())

  return {
    /** Takes one token. Zero when there was one, otherwise the milliseconds until there should be. */
    take: (at: number): number => {
      if (asked === 0) onNeed()
      asked += 1
      fill(at)
      if (left >= 1) {
        left -= 1
        return 0
      }
      return wait()
    },
    /** What to ask the next lease with. One at a time: until `renewed` or `lost` says what came of it. */
    report: (at: number): LeaseReport => {
      fill(at)
      const current = (asked * 1_000) / Math.max(at - reportedAt, measuredMs)
      demand = Math.min(limit.rate, Math.max(current, demand / 4))
      if (asked > 0) askedAt = at
      else if (at - askedAt >= silenceMs) demand = 0
      asked = 0
      reportedAt = at
      // What nobody gave it is kept until it is known what the others hold.
      const isLeased = answered && (borrowed === 0 || demand === 0)
      returned = isLeased ? Math.max(0, left) : 0
      return { change: returned - borrowed, demand }
    },
    /** A lease came. What was spent while it was under way is taken from it. */
    renewed: (lease: Lease, at: number): void => {
      fill(at)
      answered = true
      left -= returned
      borrowed = 0
      spare = lease.spare
      if (demand === 0) return goUnleased(Math.min(wholeAllowance(), Math.max(0, spare + lease.held)))
      rate = Math.min(lease.rate, limit.rate)
      left += Math.min(lease.tokens, limit.burst)
      most = Math.max(1, lease.tokens, (limit.burst * rate) / limit.rate)
    },
    /** No lease came, and nobody knows whether the report arrived: what it gave back is gone, the rate is kept. */
    lost: (at: number): void => {
      fill(at)
      left -= returned
      returned = 0
      answered = false
    },
    /**
     * Nobody leases anything any more. A lease may have been of nothing, since others held all there was: whoever has less
     * than who never had a lease goes on with as much as they.
     */
    cutOff: (at: number): void => {
      fill(at)
      rate = Math.max(rate, limit.rate / Math.max(fleet(), cautiousFleet))
    },
    /** Gives everything back, for good. */
    surrender: (at: number): LeaseReport => {
      fill(at)
      const given = (answered ? Math.max(0, left) : 0) - borrowed
      left = 0
      borrowed = 0
      return { change: given, demand: 0 }
    },
    /** Whether it holds no part of the rate, and needs none. */
    isIdle: (): boolean => demand === 0 && asked === 0,
    /** Whether a new bucket would be as good as this one: the fleet has all its tokens. */
    isLikeNew: (): boolean => answered && demand === 0 && asked === 0 && spare >= limit.burst,
    /** When it was last used or renewed. */
    touchedAt: (): number => filledAt,
  }
}
export type LeasedBucket = ReturnType<typeof createLeasedBucket>
