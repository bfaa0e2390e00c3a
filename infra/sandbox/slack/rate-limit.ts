/** Answers the seconds to wait, 0 when the call may pass. */
export type RateLimit = (key: string) => number

/** A bucket per key: `burst` at once, then one a second. */
export const createRateLimit = (burst: number, now: () => number): RateLimit => {
  const buckets = new Map<string, { left: number; at: number }>()
  return (key) => {
    const at = now()
    const before = buckets.get(key) ?? { left: burst, at }
    const left = Math.min(burst, before.left + Math.max(0, at - before.at) / 1000)
    const mayPass = left >= 1
    buckets.set(key, { left: mayPass ? left - 1 : left, at })
    return mayPass ? 0 : Math.ceil(1 - left)
  }
}

const MINUTE_MS = 60_000

/** At most `most` calls under one key in any 60 seconds: the tiers of https://docs.slack.dev/apis/web-api/rate-limits */
export const createMinuteLimit = (now: () => number) => {
  const passed = new Map<string, number[]>()
  return (key: string, most: number): number => {
    const at = now()
    const recent = (passed.get(key) ?? []).filter((one) => at - one < MINUTE_MS)
    passed.set(key, recent)
    const oldest = recent[0]
    if (recent.length >= most && oldest !== undefined) return Math.ceil((oldest + MINUTE_MS - at) / 1000)
    recent.push(at)
    return 0
  }
}
