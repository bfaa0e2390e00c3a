/** How many letters to add, drop, change or swap with their neighbour to get from one word to the other. */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}

/** The known word that somebody probably meant, if one is near enough to offer. Compares at most 64 letters. */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  const meant = word.slice(0, 64).toLowerCase()
  let best: { readonly word: string; readonly far: number } | undefined
  for (const candidate of known) {
    const far = distance(meant, candidate.toLowerCase())
    if (far <= Math.max(1, Math.floor(candidate.length / 3)) && (best === undefined || far < best.far)) {
      best = { word: candidate, far }
    }
  }
  return best?.word
}
