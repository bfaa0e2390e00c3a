/**
 * What came as a new grant since the newest head that agreed, by id. One that waits decides nothing before a head agrees:
 * it was signed long before it came, as a pass that has ended is when somebody shows it once more.
 */
export const createUnattested = () => {
  const came = new Map<string, { readonly sequence: number; readonly waits: boolean }>()
  return {
    has: (id: string): boolean => came.has(id),
    waits: (id: string): boolean => came.get(id)?.waits === true,
    /** One that waits goes on waiting, whichever version of it comes next. */
    add: (id: string, sequence: number, waits: boolean): void => {
      came.set(id, { sequence, waits: waits || came.get(id)?.waits === true })
    },
    /** A head agrees up to this sequence number. Returns whose waiting is over. */
    agreed: (upTo: number): string[] => {
      const over: string[] = []
      for (const [id, { sequence, waits }] of came) {
        if (sequence > upTo) continue
        came.delete(id)
        if (waits) over.push(id)
      }
      return over
    },
    /** A head does not agree. Returns what has to wait from now on. */
    disagreed: (): string[] => {
      const held: string[] = []
      for (const [id, { sequence, waits }] of came) {
        if (waits) continue
        came.set(id, { sequence, waits: true })
        held.push(id)
      }
      return held
    },
  }
}
