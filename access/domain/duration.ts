const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const
type Unit = keyof typeof unitMs

const shape = /^(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?$/
const units: readonly Unit[] = ['d', 'h', 'm', 's']

/** Milliseconds of `2h`, `90m`, `1h30m`, `45s`, `1d`; undefined for anything else, zero included. */
export const parseDuration = (text: string): number | undefined => {
  const parts = shape.exec(text)
  if (parts === null) return undefined
  const ms = units.reduce((sum, unit, index) => sum + Number(parts[index + 1] ?? 0) * unitMs[unit], 0)
  return ms > 0 ? ms : undefined
}

/** All of it: `1d1h30m`; what is below a second is rounded. */
export const exactDuration = (ms: number): string => partsOf(ms).join('') || '0s'

/** The two largest units, for people to read: `2h`, `1h30m`, `45s`; what is below a second counts as `0s`. */
export const formatDuration = (ms: number): string => partsOf(ms).slice(0, 2).join('') || '0s'

const partsOf = (ms: number): string[] => {
  let rest = Math.max(0, Math.round(ms / 1000)) * 1000
  const parts: string[] = []
  for (const unit of units) {
    const count = Math.floor(rest / unitMs[unit])
    rest -= count * unitMs[unit]
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts
}
