/**
 * `429`: HTTP 429 with Retry-After. `500`: HTTP 500. `timeout`: never an answer. `ratelimited-soft`: the error in
 * an HTTP 200, as a few of Slack's methods give it.
 */
export const FAULT_KINDS = ['429', '500', 'timeout', 'ratelimited-soft'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export type Fault = {
  /** Only calls of this method of the Web API; left out: calls of any. */
  readonly method?: string
  readonly kind: FaultKind
  /** How many calls fail. */
  readonly count: number
  /** Seconds, for `429`; 30 unless told. */
  readonly retryAfter?: number
  /** The call has its effect all the same, and only the answer is lost. */
  readonly afterEffect?: boolean
}

/** Faults on demand, used up in the order they were asked for. */
export const createFaults = () => {
  let waiting: Fault[] = []
  return {
    add(fault: Fault): void {
      if (fault.count > 0) waiting.push(fault)
    },

    clear(): void {
      waiting = []
    },

    /** The fault this call meets, which then counts as one less. */
    take(method: string): Fault | undefined {
      const fault = waiting.find((one) => one.method === undefined || one.method === method)
      if (fault) {
        waiting = waiting.flatMap((one) => {
          if (one !== fault) return [one]
          return fault.count > 1 ? [{ ...fault, count: fault.count - 1 }] : []
        })
      }
      return fault
    },
  }
}

export type Faults = ReturnType<typeof createFaults>
