import type { Tier } from '#access/domain/tier.ts'
import type { RefusalFacts } from './refuse.ts'

const windows = [1, 60, 3_600, 86_400]

/**
 * What whoever is refused by a rate is told: when to come back, and how the rate is (`RateLimit` and `RateLimit-Policy` of
 * draft-ietf-httpapi-ratelimit-headers-11: lists of strings, with integers `q` in `w` seconds, and `r` left for `t` seconds,
 * which `Retry-After` never undercuts). `wait` is in milliseconds.
 */
export const rateLimited = ({ name, rate }: Tier, wait: number): RefusalFacts => {
  const retryAfter = Math.max(1, Math.ceil(wait / 1_000))
  const window = windows.find((seconds) => isWhole(rate * seconds)) ?? 86_400
  const policy = `"${name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_')}"`
  return {
    retryAfter,
    rateLimit: {
      policy: `${policy};q=${Math.floor(rate * window + tolerance)};w=${window}`,
      state: `${policy};r=0;t=${retryAfter}`,
    },
  }
}

const tolerance = 1e-6
const isWhole = (quota: number): boolean => quota >= 1 && Math.abs(quota - Math.round(quota)) < tolerance
