import { createHash } from 'node:crypto'

/** Random choices that come again with the same seed. Everybody who chooses has a name, and so choices of their own. */
export const randomOf = (seed: number, name: string) => {
  let state = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE()
  /** Mulberry32: from 0 up to, but without, 1. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number): number => least + next() * (most - least)
  return {
    between,
    chance: (share: number): boolean => next() < share,
    shuffled: <T>(all: readonly T[]): T[] => {
      const left = [...all]
      const taken: T[] = []
      while (left.length > 0) taken.push(...left.splice(Math.floor(next() * left.length), 1))
      return taken
    },
  }
}
export type Random = ReturnType<typeof randomOf>

/** From PROOF_SEED, or a new one. */
export const seedOfRun = (): number => {
  const given = Number(process.env['PROOF_SEED'])
  return Number.isSafeInteger(given) && given > 0 ? given : Date.now() % 1_000_000_000
}
