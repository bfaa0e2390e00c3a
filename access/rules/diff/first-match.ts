import { type Cell, fitsCell } from './cells.ts'

/** Rules in their order of which the first that fits decides, and what it means that one of them does, or none. */
export type Side<Rule, Outcome> = {
  readonly rules: readonly Rule[]
  readonly outcome: (rule: Rule | undefined) => Outcome
}

export type Difference<Outcome> = {
  readonly who: readonly string[]
  readonly old: Outcome
  readonly now: Outcome
  /** In which cells, by their place. */
  readonly cells: readonly number[]
}

type Decided<Outcome> = { readonly key: string; readonly outcome: Outcome }

/**
 * What the first rule that fits gives otherwise than it did: to each set of people alone, and to somebody in two of them
 * where it does not follow from what changes for one of the two. Whoever is in more is decided on by one rule before and
 * one after, and those are found by one of their sets each: so what no pair sees, nobody does.
 */
export const differencesOf = <
  Rule extends Parameters<typeof fitsCell>[0] & { readonly who: readonly string[] },
  Outcome,
>(
  old: Side<Rule, Outcome>,
  now: Side<Rule, Outcome>,
  cells: readonly Cell[],
): Difference<Outcome>[] => {
  const names = [...new Set([...now.rules, ...old.rules].flatMap((rule) => rule.who))]
  const [before, after] = [firstOf(old, names, cells), firstOf(now, names, cells)]
  const [was, is] = [decisionsOf(old), decisionsOf(now)]
  const found: Difference<Outcome>[] = []

  const look = (who: readonly string[], members: readonly number[]): void => {
    const groups = new Map<string, { old: Outcome; now: Outcome; cells: number[] }>()
    for (const place of cells.keys()) {
      const of = (first: readonly Uint16Array[], member: number): number => first[member]?.[place] ?? 0
      const first = (side: readonly Uint16Array[]): number =>
        Math.min(...members.map((member) => of(side, member)))
      const [a, b] = [was[first(before)], is[first(after)]]
      if (a === undefined || b === undefined || a.key === b.key) continue
      const follows =
        members.length > 1 &&
        members.some((member) => {
          const [x, y] = [was[of(before, member)], is[of(after, member)]]
          return x?.key !== y?.key && (x?.key === a.key || y?.key === b.key)
        })
      if (follows) continue
      const key = `${a.key} ${b.key}`
      const same = groups.get(key) ?? { old: a.outcome, now: b.outcome, cells: [] }
      same.cells.push(place)
      groups.set(key, same)
    }
    for (const group of groups.values()) found.push({ who, ...group })
  }

  for (const [index, name] of names.entries()) look([name], [index])
  for (const [index, name] of names.entries())
    for (const [more, other] of names.slice(index + 1).entries()) {
      const second = index + 1 + more
      if (alike(before, index, second) && alike(after, index, second)) continue
      look([name, other], [index, second])
    }
  return found
}

/** Whether the same rules decide on both, so that being in both is being in one. */
const alike = (side: readonly Uint16Array[], one: number, other: number): boolean => {
  const [a, b] = [side[one], side[other]]
  return a !== undefined && b !== undefined && a.every((first, place) => first === b[place])
}

/** The place of the first rule that fits, by set of people and cell; the number of rules where none does. */
const firstOf = <Rule extends Parameters<typeof fitsCell>[0] & { readonly who: readonly string[] }>(
  { rules }: Side<Rule, unknown>,
  names: readonly string[],
  cells: readonly Cell[],
): Uint16Array[] => {
  const first = new Map(names.map((name) => [name, new Uint16Array(cells.length).fill(rules.length)]))
  for (const [index, rule] of rules.entries())
    for (const [place, cell] of cells.entries()) {
      if (!fitsCell(rule, cell)) continue
      for (const name of rule.who) {
        const of = first.get(name)
        if (of !== undefined && (of[place] ?? 0) > index) of[place] = index
      }
    }
  return [...first.values()]
}

const decisionsOf = <Rule, Outcome>({ rules, outcome }: Side<Rule, Outcome>): Decided<Outcome>[] =>
  [...rules, undefined].map((rule) => {
    const made = outcome(rule)
    return { key: JSON.stringify(made), outcome: made }
  })

/** What is the same twice is looked at once: most services share their rules with others. */
export const rememberedBy = <Result>(): ((key: string, make: () => Result) => Result) => {
  const known = new Map<string, { readonly made: Result }>()
  return (key, make) => {
    const same = known.get(key) ?? { made: make() }
    known.set(key, same)
    return same.made
  }
}
