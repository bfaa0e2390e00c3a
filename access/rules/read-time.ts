/** By their number: 0 is Sunday. */
export const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const dayMs = 86_400_000

/** Days of the week (0 is Sunday) of `mon-fri`, `sat, sun` or `fri-mon`. */
export const parseWindowDays = (text: string): number[] | undefined => {
  const days = new Set<number>()
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.trim().split('-')
    const [from, to] = [dayNames.indexOf(first), dayNames.indexOf(last)]
    if (from === -1 || to === -1 || more.length > 0) return undefined
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === to) break
    }
  }
  return [...days].sort()
}

/** Minutes after midnight of `09:00-17:00`; `24:00` is the end of the day. */
export const parseWindowHours = (text: string): { from: number; until: number } | undefined => {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text)
  if (parts === null) return undefined
  const from = Number(parts[1]) * 60 + Number(parts[2])
  const until = parts[3] === undefined ? 1_440 : Number(parts[3]) * 60 + Number(parts[4])
  return from === until ? undefined : { from, until }
}

/**
 * Milliseconds since the epoch of `2026-12-20T18:00+01:00` (RFC 3339, seconds optional, with its offset), or of a day,
 * `2026-12-20`: its start, or its end, in UTC.
 */
export const parseInstant = (text: string, edge: 'start' | 'end'): number | undefined => {
  const parts =
    /^(\d{4})-(\d{2})-(\d{2})(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d)))?$/.exec(
      text,
    )
  if (parts === null) return undefined
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  const midnight = Date.UTC(year, month - 1, day)
  const real = new Date(midnight)
  if (real.getUTCMonth() !== month - 1 || real.getUTCDate() !== day) return undefined
  if (parts[4] === undefined) return edge === 'start' ? midnight : midnight + dayMs
  const time = (Number(parts[4]) * 60 + Number(parts[5])) * 60 + Number(parts[6] ?? 0)
  const offset = (Number(parts[8] ?? 0) * 60 + Number(parts[9] ?? 0)) * 60
  return midnight + (time - (parts[7] === '-' ? -offset : offset)) * 1_000
}
