/** Takes what has to be ended or removed. Once all is being ended, it is ended at once. */
export type Ends = (end: () => unknown) => void

/** The user pressed Ctrl-C, or somebody sent SIGTERM. */
export class Interrupted extends Error {
  constructor(signal: string) {
    super(`interrupted by ${signal}`)
  }
}

/**
 * Runs something that starts processes and makes folders: all that it handed over is ended in reverse order, one after
 * the other, however it ended. Ctrl-C and SIGTERM stop waiting for it and end all the same; a second one does nothing
 * for the order.
 */
export const withEnds = async (run: (ends: Ends) => Promise<void>): Promise<void> => {
  const waiting: (() => unknown)[] = []
  let over = false
  const { promise: interrupted, reject } = Promise.withResolvers<never>()
  const interrupt = (signal: NodeJS.Signals): void => reject(new Interrupted(signal))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    await Promise.race([run((end) => (over ? void endOne(end) : void waiting.push(end))), interrupted])
  } finally {
    over = true
    for (const end of waiting.toReversed()) await endOne(end)
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

const endOne = async (end: () => unknown): Promise<void> => {
  try {
    await end()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
  }
}
