import { createHash } from 'node:crypto'

/** Random choices that come again with the same seed (mulberry32). */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  /** From 0 up to, but without, 1. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  /** A whole number below `count`. */
  const below = (count: number): number => Math.floor(next() * count)
  return {
    below,
    /** A whole number from `least` to `most`, both included. */
    whole: (least: number, most: number): number => least + below(most - least + 1),
    /** A number from `least` up to, but without, `most`. */
    between: (least: number, most: number): number => least + next() * (most - least),
    pick: <T>(from: readonly T[]): T => from[below(from.length)] as T,
    chance: (share: number): boolean => next() < share,
    shuffled: <T>(all: readonly T[]): T[] => {
      const left = [...all]
      const taken: T[] = []
      while (left.length > 0) taken.push(...left.splice(below(left.length), 1))
      return taken
    },
  }
}
export type Random = ReturnType<typeof randomFrom>

/** Everybody who chooses has a name, and so choices of their own. */
export const randomOf = (seed: number, name: string): Random =>
  randomFrom(createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE())

/** From PROOF_SEED, or a new one. */
export const seedOfRun = (): number => {
  const given = Number(process.env['PROOF_SEED'])
  return Number.isSafeInteger(given) && given > 0 ? given : Date.now() % 1_000_000_000
}
