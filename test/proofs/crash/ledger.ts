/** What somebody was told, and may rely on from then on. `at` is when they read it, in milliseconds since the epoch. */
export type Promised =
  | {
      readonly kind: 'given' | 'taken' | 'extended'
      readonly pass: string
      readonly to: string
      readonly at: number
    }
  /** `confirmed`: the answer said that the proxy had confirmed. */
  | { readonly kind: 'revoked'; readonly pass: string; readonly confirmed: boolean; readonly at: number }

/** What the actors did and were told, for the judges; and a bell that tells the killer that something is going on. */
export const createLedger = (say: (line: string) => void) => {
  const promised: Promised[] = []
  const violations: string[] = []
  const resolved = new Map<string, number>()
  const passAfterMs: number[] = []
  const counts = { tried_again: 0, pages: 0, passes_by_hand: 0, streams: 0, requests: 0, answered: 0 }
  const changes = createBell()
  const requests = createBell()
  return {
    promised,
    violations,
    counts,
    /** When each incident was resolved by a person. */
    resolved,
    /** How long each page, click or acknowledgement took until its holder saw the pass in their list. */
    passAfterMs,
    happened: changes.ring,
    requested: requests.ring,
    promise: (it: Promised): void => {
      promised.push(it)
      changes.ring()
    },
    violated: (what: string): void => {
      violations.push(what)
      say(`violation: ${what}`)
    },
    /** Resolve when something changes, or a request is sent; or after so many milliseconds. */
    nextHappening: changes.next,
    nextRequest: requests.next,
  }
}
export type Ledger = ReturnType<typeof createLedger>

const createBell = () => {
  const waiting = new Set<() => void>()
  return {
    ring: (): void => {
      for (const wake of waiting) wake()
    },
    next: (withinMs: number): Promise<void> =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          waiting.delete(done)
          resolve()
        }
        const timer = setTimeout(done, withinMs)
        waiting.add(done)
      }),
  }
}
