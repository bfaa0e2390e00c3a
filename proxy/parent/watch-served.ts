import type { Logger } from '#access/runtime/logger.ts'
import { watchRules } from '#access/runtime/watch-rules.ts'
import type { Rules } from './serving.ts'

/** Watches the files of the rule set that the serving processes decide by; `anew` after they were replaced. */
export const watchServed = async (served: () => Rules | undefined, log: Logger) => {
  const watch = async () => {
    const rules = served()
    if (rules === undefined) return undefined
    const { path, files, hash } = rules
    return watchRules({ path, hashes: files, rules: { hash } }, log)
  }
  let watching = await watch()
  return {
    changedOnDisk: (): boolean => watching?.changedOnDisk() ?? false,
    facts: () => watching?.facts() ?? {},
    anew: async (): Promise<void> => {
      const before = watching
      watching = await watch()
      await before?.stop()
    },
    stop: async (): Promise<void> => watching?.stop(),
  }
}
