/** PagerDuty lets a token make 960 requests a minute, and says in every answer how many are left. */
const PER_MINUTE = 960
const MINUTE_MS = 60_000

export type Allowance = {
  readonly allowed: boolean
  readonly headers: Readonly<Record<'ratelimit-limit' | 'ratelimit-remaining' | 'ratelimit-reset', string>>
}

export const createRateLimit = (now: () => number) => {
  let window = { from: now(), used: 0 }
  return (): Allowance => {
    const at = now()
    if (at - window.from >= MINUTE_MS) window = { from: at, used: 0 }
    window.used += 1
    return {
      allowed: window.used <= PER_MINUTE,
      headers: {
        'ratelimit-limit': String(PER_MINUTE),
        'ratelimit-remaining': String(Math.max(0, PER_MINUTE - window.used)),
        'ratelimit-reset': String(Math.ceil((window.from + MINUTE_MS - at) / 1000)),
      },
    }
  }
}
