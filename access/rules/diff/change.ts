import { type About, say, type Words } from './sentence.ts'

/**
 * What a change does. `gains` and `loses`: somebody has more or less access, or a request needs a lower or a higher tier.
 * `loosens` and `tightens`: the same access on easier or harder terms. `changes` is neither.
 */
export type ChangeKind = 'gains' | 'loosens' | 'loses' | 'tightens' | 'changes'

/** One change of access in one sentence, said of everybody and everything it is the same for. */
export type Change = About & {
  readonly kind: ChangeKind
  readonly text: string
  /** The more dangerous, the more it weighs. */
  readonly weight: number
}

/** A change where it was found: of one set of people (or somebody in two), one tier and one service at most. */
export type Found = {
  readonly kind: ChangeKind
  readonly say: Words
  /** Within its kind: 0 to 99. */
  readonly danger?: number
  readonly who?: readonly string[]
  readonly tier?: string
  readonly service?: string
}

/** The same access on easier or harder terms. */
export const loosening = (isLooser: boolean, danger: number, say: Words): Found[] => [
  { kind: isLooser ? 'loosens' : 'tightens', danger, say },
]

const weights: Readonly<Record<ChangeKind, number>> = {
  gains: 400,
  loosens: 300,
  loses: 200,
  tightens: 100,
  changes: 0,
}

type Gathered = About & { readonly found: Found }

/** Says alike findings once: those of several services, then of several tiers, then of several sets of people. */
export const fold = (found: readonly Found[]): Change[] => {
  let all: readonly Gathered[] = found.map((one) => ({
    found: one,
    who: one.who === undefined ? [] : [one.who],
    tiers: one.tier === undefined ? [] : [one.tier],
    services: one.service === undefined ? [] : [one.service],
  }))
  for (const over of ['services', 'tiers', 'who'] as const) all = foldOver(all, over)
  return all
    .map(({ found: { kind, danger = 0, say: sentence }, ...about }) => ({
      kind,
      ...about,
      text: say(sentence, about),
      weight: weights[kind] + danger,
    }))
    .sort((a, b) => b.weight - a.weight)
}

const foldOver = (all: readonly Gathered[], over: keyof About): Gathered[] => {
  const alike = new Map<string, Gathered>()
  for (const one of all) {
    const { found, who, tiers, services } = one
    const rest = { who, tiers, services, [over]: one[over].length === 0 }
    const key = JSON.stringify([found.kind, found.danger, found.say, rest])
    const known = alike.get(key)
    alike.set(key, known === undefined ? one : { ...known, [over]: joined<unknown>(known[over], one[over]) })
  }
  return [...alike.values()]
}

const joined = <T>(some: readonly T[], more: readonly T[]): T[] => [
  ...new Map([...some, ...more].map((one) => [JSON.stringify(one), one])).values(),
]
