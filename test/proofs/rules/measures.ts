const unitMs: { [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `1h30m`, a letter at a time. */
export const msOf = (written: string): number => {
  let total = 0
  let digits = ''
  for (const letter of written) {
    const unit = unitMs[letter]
    if (unit === undefined) digits += letter
    else {
      total += Number(digits) * unit
      digits = ''
    }
  }
  return total
}

/** Per second, of `10/s` or `30/m`. */
export const perSecond = (written: string): number => {
  const [count, unit] = written.split('/')
  return Number(count) / (unit === 'm' ? 60 : 1)
}

/** Milliseconds since the epoch of a time, or of the start (`until`: the end) of a day in UTC. */
export const timeOf = (written: string, edge: 'from' | 'until'): number => {
  const at = Date.parse(written)
  return written.length === 10 && edge === 'until' ? at + 24 * 3_600_000 : at
}

/** A moment that a clock can show. */
export const isMoment = (at: number): boolean => at >= 0 && Number.isFinite(new Date(at).getTime())
