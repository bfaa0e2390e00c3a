const renewAheadMs = 900_000

/** A page's pass is renewed when no more than this is left of it: 15 minutes, or a quarter of what it gives. */
export const renewsAhead = (duration: number): number => Math.min(renewAheadMs, duration / 4)
