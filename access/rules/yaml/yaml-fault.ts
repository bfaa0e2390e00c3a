/** A place in a file: 1-based line and column (in UTF-16 units, as editors count). */
export type Place = { readonly line: number; readonly column: number }
export type YamlFault = Place & { readonly what: string }
/** A fault by its offset in the text. */
export type FaultAt = { readonly at: number; readonly what: string }

export const mostFaults = 100

/** Turns offsets of a text into places. */
export const placesIn = (text: string): ((at: number) => Place) => {
  const starts = [0]
  for (let next = text.indexOf('\n'); next !== -1; next = text.indexOf('\n', next + 1)) starts.push(next + 1)
  return (at) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= at) low = middle
      else high = middle
    }
    return { line: low + 1, column: at - (starts[low] ?? 0) + 1 }
  }
}

/** In the order of the file; those beyond a hundred are only counted. */
export const listFaults = (faults: readonly FaultAt[], placeOf: (at: number) => Place): YamlFault[] => {
  const sorted = faults.toSorted((a, b) => a.at - b.at)
  const first = sorted.slice(0, mostFaults).map(({ at, what }) => ({ ...placeOf(at), what }))
  const next = sorted[mostFaults]
  if (next !== undefined) first.push({ ...placeOf(next.at), what: `and ${sorted.length - mostFaults} more` })
  return first
}

/** A piece of the file as messages show it: in quotes, on one line, not too long. */
export const shown = (text: string): string => JSON.stringify(short(text))

export const short = (text: string): string =>
  text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text
