/** Stands in for `vitest` where tests run in this very process: one import, and each mutant costs only its tests. */
export { expect, vi } from 'vitest'

type Body = (...args: readonly unknown[]) => unknown
export type Collected = { readonly name: string; readonly run: () => Promise<void> }

let collected: Collected[] = []
let within: readonly string[] = []

/** The tests that a file declares while it is imported. */
export const collect = async (load: () => Promise<unknown>): Promise<readonly Collected[]> => {
  collected = []
  await load()
  return collected
}

const rowOf = (row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [row])

const each =
  (declare: (name: string, body: Body) => void) =>
  (rows: readonly unknown[]) =>
  (name: string, body: Body): void => {
    for (const [index, row] of rows.entries()) declare(`${name} (${index})`, () => body(...rowOf(row)))
  }

const declareTest = (name: string, body: Body): void =>
  void collected.push({ name: [...within, name].join(' › '), run: async () => void (await body()) })

const declareGroup = (name: string, body: Body): void => {
  const outer = within
  within = [...outer, name]
  body()
  within = outer
}

export const test = Object.assign(declareTest, { each: each(declareTest) })
export const describe = Object.assign(declareGroup, { each: each(declareGroup) })
