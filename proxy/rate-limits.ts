import { createHash } from 'node:crypto'
import type { RateLeases } from '#access/adapters/redis/rate-leases.ts'
import {
  cautiousFleet,
  createLeasedBucket,
  type LeasedBucket,
  type RateLimit,
} from '#access/domain/rate-lease.ts'
import type { Service } from '#access/domain/rule-set.ts'
import type { Tier } from '#access/domain/tier.ts'

/** What requests take from. */
export type TokenBucket = Pick<LeasedBucket, 'take'>

export type SharedBucket = TokenBucket & {
  /** Nobody used it for long: who keeps it asks for another. */
  readonly forgotten?: boolean
}

type Shared = {
  /** The same in every process, and nobody's name. */
  readonly key: string
  readonly limit: RateLimit
  readonly bucket: LeasedBucket
  /** When a lease was last asked for. */
  askedAt: number
  readonly forget: () => void
}

const pauseMs = 250
/** So many limits are renewed at once by the whole fleet; with more in use each is renewed more seldom. */
const mostAtOnce = 500
const leastAtOnce = 50
/** A lease outlasts this many renewals that do not come. */
const keptPauses = 6
/** A new limit waits for no more than this, so that its first requests go together. */
const promptMs = 5
/** Limits that nobody uses are asked for only so often, until the fleet has all its tokens again. */
const idlePauseMs = 2_000
const inTouchMs = 2_000
const forgottenMs = 600_000
/** So many limits at once in one process; the oldest makes room. */
const mostLimits = 50_000

const boundless: SharedBucket = { take: () => 0, forgotten: false }

/**
 * The rate limits in use in this process. Each is one part of a limit of the whole fleet, as large as the demand here;
 * the parts are renewed behind the requests, which never wait for it. Without Redis each keeps the part that it had.
 */
export const startRateLimits = ({
  leases,
  now,
}: {
  readonly leases: Pick<RateLeases, 'ready' | 'renew' | 'leave'>
  readonly now: () => number
}) => {
  const byTier = new Map<Tier, Map<string, SharedBucket>>()
  const all = new Set<Shared>()
  const urgent = new Set<Shared>()
  let known = 1
  let heardAt = Number.NEGATIVE_INFINITY
  let roundsForAll = 1
  let stopped = false
  let underWay: Promise<void> | undefined
  let prompt: NodeJS.Timeout | undefined

  const isInTouch = (): boolean => now() - heardAt < inTouchMs
  /** Nobody out of touch takes itself for the only one. */
  const fleet = (): number => (isInTouch() ? known : Math.max(known, cautiousFleet))

  const ask = async (some: readonly Shared[]): Promise<void> => {
    const at = now()
    const asked = some.map(({ key, limit, bucket }) => ({ key, limit, report: bucket.report(at) }))
    for (const shared of some) {
      shared.askedAt = at
      urgent.delete(shared)
    }
    try {
      const answer = await leases.renew(asked, roundsForAll * pauseMs * keptPauses, known)
      known = answer.fleet
      heardAt = now()
      for (const [index, shared] of some.entries()) {
        const lease = answer.leases[index]
        if (lease === undefined) shared.bucket.lost(heardAt)
        else shared.bucket.renewed(lease, heardAt)
        if (shared.bucket.isLikeNew()) shared.forget()
      }
    } catch {
      for (const { bucket } of some) bucket.lost(now())
    }
  }

  /** One at a time: a bucket reports again only when it knows what came of its last report. */
  const round = async (chosen: () => Shared[]): Promise<void> => {
    while (underWay !== undefined) await underWay
    if (!leases.ready()) return
    underWay = ask(chosen()).finally(() => {
      underWay = undefined
    })
    await underWay
  }

  /** Those that are in use, and now and then the others; who waits longest is first. */
  const theDue = (): Shared[] => {
    const at = now()
    const due = [...all].filter(({ bucket, askedAt }) => !bucket.isIdle() || at - askedAt >= idlePauseMs)
    const most = Math.max(leastAtOnce, Math.floor(mostAtOnce / known))
    roundsForAll = Math.max(1, Math.ceil(due.length / most))
    if (roundsForAll === 1) return due
    return due.sort((one, other) => one.askedAt - other.askedAt).slice(0, most)
  }

  const theUrgent = (): Shared[] => [...urgent].slice(0, leastAtOnce)

  const forgetUnused = (): void => {
    for (const { bucket, limit, forget } of all) {
      const fullMs = (limit.burst / limit.rate) * 1_000
      if (now() - bucket.touchedAt() > Math.max(forgottenMs, fullMs)) forget()
    }
  }

  let timer: NodeJS.Timeout | undefined
  const beat = async (): Promise<void> => {
    await round(theDue)
    if (!isInTouch()) {
      for (const { bucket } of all) bucket.cutOff(now())
      forgetUnused()
    }
    if (stopped) return
    timer = setTimeout(beat, pauseMs)
    timer.unref()
  }

  const askSoon = (): void => {
    prompt = setTimeout(async () => {
      await round(theUrgent)
      prompt = undefined
      if (urgent.size > 0 && !stopped && leases.ready()) askSoon()
    }, promptMs)
    prompt.unref()
  }

  const hurry = (shared: Shared): void => {
    urgent.add(shared)
    if (prompt === undefined && !stopped) askSoon()
  }

  const create = (tier: Tier, service: Service, name: string): SharedBucket => {
    const ofTier = byTier.get(tier) ?? new Map<string, SharedBucket>()
    byTier.set(tier, ofTier)
    const bucket = createLeasedBucket(tier, fleet, now(), () => {
      if (bucket.isIdle()) hurry(shared)
    })
    const handle = { take: bucket.take, forgotten: false }
    const shared: Shared = {
      key: keyOf(tier, service, name),
      limit: tier,
      bucket,
      askedAt: now(),
      forget: () => {
        handle.forgotten = true
        ofTier.delete(name)
        all.delete(shared)
        urgent.delete(shared)
      },
    }
    for (const oldest of all) {
      if (all.size < mostLimits) break
      oldest.forget()
    }
    ofTier.set(name, handle)
    all.add(shared)
    return handle
  }

  void beat()

  return {
    /** The bucket of a principal (`principalKey`) under a tier of a service. */
    bucket: (tier: Tier, service: Service, principal: string): SharedBucket => {
      if (tier.rate === Number.POSITIVE_INFINITY) return boundless
      const name = `${service.name} ${principal}`
      return byTier.get(tier)?.get(name) ?? create(tier, service, name)
    },
    /** How many limits are in use. */
    size: (): number => all.size,
    /** Leaves everything to the others. */
    stop: async (): Promise<void> => {
      stopped = true
      clearTimeout(timer)
      clearTimeout(prompt)
      while (underWay !== undefined) await underWay
      if (!leases.ready()) return
      const at = now()
      const back = [...all].map(({ key, limit, bucket }) => ({ key, limit, report: bucket.surrender(at) }))
      await leases.renew(back, pauseMs, known).catch(() => undefined)
      await leases.leave().catch(() => undefined)
    },
  }
}
export type RateLimits = ReturnType<typeof startRateLimits>

/** The terms of a standing rule are another tier than any with the same name. */
const keyOf = (tier: Tier, service: Service, name: string): string =>
  createHash('sha256')
    .update(JSON.stringify([service.tiers.includes(tier) ? 'tier' : 'rule', tier.name, name]))
    .digest('base64url')
