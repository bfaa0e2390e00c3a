import type { Clock } from '../ports.ts'

/**
 * Now, which never runs backwards: a wall clock set back is outrun by the monotonic one, and a wall clock set
 * forward is believed. Either way a grant can only end earlier, never later.
 */
export const createClock = (): Clock => {
  const start = Date.now()
  const startMonotonic = performance.now()
  let last = start
  return {
    now: () => {
      last = Math.max(last, Date.now(), start + Math.floor(performance.now() - startMonotonic))
      return last
    },
  }
}

/** Milliseconds from some moment on, with fractions: for how long something took, never for when it is. */
export const stopwatch = (): number => performance.now()
