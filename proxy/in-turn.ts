/**
 * Writes one batch after the other: what comes while one is on its way goes together, in order, in the next. Each call
 * settles as its batch does.
 */
export const inTurn = <T>(write: (all: readonly T[]) => Promise<void>) => {
  let waiting: { readonly some: readonly T[]; readonly done: PromiseWithResolvers<void> }[] = []
  let isBusy = false

  const run = async (): Promise<void> => {
    isBusy = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await write(batch.flatMap(({ some }) => some))
        for (const { done } of batch) done.resolve()
      } catch (error) {
        for (const { done } of batch) done.reject(error)
      }
    }
    isBusy = false
  }

  return (some: readonly T[]): Promise<void> => {
    const done = Promise.withResolvers<void>()
    waiting.push({ some, done })
    if (!isBusy) void run()
    return done.promise
  }
}
