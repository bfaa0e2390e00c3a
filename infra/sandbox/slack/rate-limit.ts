/** A bucket per key: `burst` at once, then one a second. Answers the seconds to wait, 0 when the call may pass. */
export const createRateLimit = (burst: number, now: () => number) => {
  const buckets = new Map<string, { left: number; at: number }>()
  return (key: string): number => {
    const at = now()
    const before = buckets.get(key) ?? { left: burst, at }
    const left = Math.min(burst, before.left + Math.max(0, at - before.at) / 1000)
    const mayPass = left >= 1
    buckets.set(key, { left: mayPass ? left - 1 : left, at })
    return mayPass ? 0 : Math.ceil(1 - left)
  }
}
