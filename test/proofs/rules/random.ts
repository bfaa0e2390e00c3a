import { randomFrom } from '../random.ts'

/** Random choices that a seed and a rule set's number repeat. */
export const randomOf = (seed: number, set: number) => {
  const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(set + 1, 0x85ebca6b))
  const { shuffled, whole } = random
  return {
    ...random,
    /** Some of these, at least `least` and at most `most`, in any order, none of them twice. */
    some: <T>(from: readonly T[], least = 1, most = from.length): T[] =>
      shuffled(from).slice(0, whole(least, most)),
  }
}
export type Random = ReturnType<typeof randomOf>
