const patienceMs = 30_000

/**
 * Waiting for what events bring about: `when` is kept once it holds, looked at now and at each `wake`, and fails after
 * 30 s with what `failure` says of it.
 */
export const wokenByEvents = (failure: (what: string) => string) => {
  const woken = new Set<() => void>()
  return {
    wake: (): void => {
      for (const one of woken) one()
    },
    when: (holds: () => boolean, what: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!holds()) return
          clearTimeout(timer)
          woken.delete(look)
          resolve()
        }
        const timer = setTimeout(() => {
          woken.delete(look)
          reject(new Error(failure(what)))
        }, patienceMs)
        woken.add(look)
        look()
      }),
  }
}
