import type { End } from '../../domain/grant.ts'

/** Passes last hours, and an end matters only as long as its pass could be used. */
const mostEnds = 20_000
const againMs = 1_000

/**
 * The signed ends of what this process saw end, the newest of them: what Redis has lost is proven by them to whoever may
 * write it again. `tell` is given an end at most once a second.
 */
export const createTombstones = (tell: (statement: string) => void, now: () => number) => {
  const ends = new Map<string, { readonly statement: string; toldAt: number }>()
  return {
    /** The signature was checked. */
    keep: ({ id }: End, statement: string): void => {
      ends.set(id, { statement, toldAt: Number.NEGATIVE_INFINITY })
      if (ends.size > mostEnds) for (const oldest of ends.keys()) if (ends.delete(oldest)) break
    },
    /** Redis holds this grant as live. */
    returned: (id: string): void => {
      const end = ends.get(id)
      if (end === undefined || now() - end.toldAt < againMs) return
      end.toldAt = now()
      tell(end.statement)
    },
  }
}
export type Tombstones = ReturnType<typeof createTombstones>
