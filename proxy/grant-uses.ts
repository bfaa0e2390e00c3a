import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { Service } from '#access/domain/rule-set.ts'
import type { Tier } from '#access/domain/tier.ts'
import { OpenSet } from '#access/runtime/open-set.ts'
import type { Exchange, GrantUse, Outcome } from './exchange.ts'
import type { RateLimits, SharedBucket, TokenBucket } from './rate-limits.ts'

const longestTimer = 2 ** 31 - 1

/**
 * Keeps the uses of grants: what is open under each, what was used of it, how fast. `onDue` is called when a grant
 * with something open reaches its end by the clock, which needs nobody else to be alive.
 */
export const createGrantUses = (
  now: () => number,
  onDue: (use: GrantUse) => void,
  limits: Pick<RateLimits, 'bucket'>,
) => {
  const uses = new Map<string, GrantUse>()

  const watchExpiry = (use: GrantUse): void => {
    clearTimeout(use.expiry)
    const left = use.held.grant.until - now()
    use.expiry = setTimeout(
      () => (use.held.grant.until <= now() ? onDue(use) : watchExpiry(use)),
      Math.min(Math.max(left, 1), longestTimer),
    )
    use.expiry.unref()
  }

  return {
    /** The use of a grant. It takes on another version only once that one's signature is proven. */
    of: (held: HeldGrant): GrantUse => {
      const known = uses.get(held.grant.id)
      if (known !== undefined) {
        if (known.held !== held && held.verified) {
          known.held = held
          known.terms.clear()
          if (known.expiry !== undefined) watchExpiry(known)
        }
        return known
      }
      const use: GrantUse = {
        held,
        open: new OpenSet(),
        usage: { patterns: {}, writes: 0, refused: {} },
        changes: 0,
        reported: 0,
        expiry: undefined,
        terms: new Map(),
        buckets: new Map(),
      }
      uses.set(held.grant.id, use)
      return use
    },
    get: (id: string): GrantUse | undefined => uses.get(id),
    all: (): Iterable<GrantUse> => uses.values(),
    forget: (use: GrantUse): void => {
      clearTimeout(use.expiry)
      uses.delete(use.held.grant.id)
    },
    enter: (use: GrantUse, exchange: Exchange): void => {
      exchange.use = use
      use.open.add(exchange)
      if (use.expiry === undefined) watchExpiry(use)
    },
    leave: (exchange: Exchange): void => {
      exchange.use?.open.delete(exchange)
    },
    /** The rate is one per principal, service and tier, however many grants overlap and proxies there are. */
    bucket: (use: GrantUse, service: Service, tier: Tier): TokenBucket => {
      const ofService = use.buckets.get(service) ?? new Map<Tier, SharedBucket>()
      const known = ofService.get(tier)
      if (known !== undefined && !known.forgotten) return known
      const bucket = limits.bucket(tier, service, principalKey(use.held.grant.who))
      use.buckets.set(service, ofService.set(tier, bucket))
      return bucket
    },
  }
}
export type GrantUses = ReturnType<typeof createGrantUses>

const reads = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Counts an admitted exchange that has ended, under its pattern and its status or outcome; or one that has left this
 * grant and goes on under another, as `continued`; or what a front proxy was told it may forward, as `decided`.
 */
export const countAdmitted = (
  use: GrantUse,
  pattern: string,
  method: string,
  status: number,
  outcome: Outcome | 'continued' | 'decided',
): void => {
  use.usage.patterns[pattern] ??= {}
  const statuses = use.usage.patterns[pattern]
  const key = outcome === 'done' ? String(status) : outcome
  statuses[key] = (statuses[key] ?? 0) + 1
  if (!reads.has(method)) use.usage.writes += 1
  use.changes += 1
}

export const countRefused = (use: GrantUse, reason: string): void => {
  use.usage.refused[reason] = (use.usage.refused[reason] ?? 0) + 1
  use.changes += 1
}
