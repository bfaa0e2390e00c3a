/** A token bucket: `rate` requests a second, `burst` at once. */
export const createTokenBucket = (rate: number, burst: number, now: number) => {
  let left = burst
  let filledAt = now
  return {
    /** Takes one token. Zero when there was one, otherwise the milliseconds until there will be. */
    take: (at: number): number => {
      if (at > filledAt) {
        left = Math.min(burst, left + ((at - filledAt) / 1_000) * rate)
        filledAt = at
      }
      if (left >= 1) {
        left -= 1
        return 0
      }
      return Math.ceil(((1 - left) / rate) * 1_000)
    },
  }
}
export type TokenBucket = ReturnType<typeof createTokenBucket>
