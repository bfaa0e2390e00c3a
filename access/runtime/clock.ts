import type { Clock } from '../ports.ts'

/**
 * Now, which never runs backwards: a wall clock set back is outrun by the monotonic one, and a wall clock set
 * forward is believed. Either way a grant can only end earlier, never later. One that was behind from the start is put
 * right by `hear`.
 */
export const createClock = (): Clock => {
  let known = Date.now()
  let knownSince = performance.now()
  let last = known
  const now = (): number => {
    last = Math.max(last, Date.now(), known + Math.floor(performance.now() - knownSince))
    return last
  }
  return {
    now,
    hear: (at) => {
      if (at <= now()) return
      known = at
      knownSince = performance.now()
    },
  }
}

/** Milliseconds from some moment on, with fractions: for how long something took, never for when it is. */
export const stopwatch = (): number => performance.now()
