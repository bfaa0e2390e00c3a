import { isFromOffline } from '#access/domain/break-glass/book.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Records } from './records.ts'

/** What is told of a pass that was signed offline: when it was first used here, and the pass itself. */
export type BrokenGlass = { readonly at: number; readonly statement: string }

/**
 * Records each pass that was signed offline before what it first admits, and keeps it until it is told. A record that
 * could not be written is written with the next.
 */
export const createBrokenGlass = (records: Pick<Records, 'brokeGlass'>, now: () => number) => {
  const recorded = new Set<string>()
  const untold = new Map<string, BrokenGlass>()

  return {
    note: (held: HeldGrant): void => {
      if (!isFromOffline(held)) return
      const { id } = held.grant
      if (recorded.has(id)) return
      recorded.add(id)
      untold.set(id, { at: now(), statement: held.statement })
      records.brokeGlass(held, (fault) => {
        if (fault !== undefined) recorded.delete(id)
      })
    },
    /** What was not told yet, by id. */
    untold: (): ReadonlyMap<string, BrokenGlass> => untold,
    told: (id: string): void => void untold.delete(id),
  }
}
export type BrokenGlasses = ReturnType<typeof createBrokenGlass>
