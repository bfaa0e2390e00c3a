/** Random choices that a seed repeats (mulberry32). */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  /** A whole number below `count`. */
  const below = (count: number): number => Math.floor(next() * count)
  return {
    below,
    /** From `least` to `most`, both included. */
    between: (least: number, most: number): number => least + below(most - least + 1),
    chance: (share: number): boolean => next() < share,
    pick: <T>(from: readonly T[]): T => from[below(from.length)] as T,
    shuffle: <T>(all: readonly T[]): T[] => {
      const shuffled = [...all]
      for (let index = shuffled.length - 1; index > 0; index -= 1) {
        const other = below(index + 1)
        const [one, two] = [shuffled[index] as T, shuffled[other] as T]
        shuffled[index] = two
        shuffled[other] = one
      }
      return shuffled
    },
  }
}
export type Random = ReturnType<typeof randomFrom>
