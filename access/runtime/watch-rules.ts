import { shortHash } from '../domain/short-hash.ts'
import { type FileHashes, hashesOf, type LoadedRules, readRuleFiles } from './rules.ts'

const usualEveryMs = 10_000

/**
 * Looks at the files of a rule set every so often, and alarms once for each change: nothing is read from them any more,
 * and the process keeps what it has loaded. Has looked once when it resolves, so a change right behind the reading is
 * alarmed, too. Rejects never.
 */
export const watchRules = async (
  {
    path,
    hashes,
    rules,
  }: Pick<LoadedRules, 'path' | 'hashes'> & { readonly rules: { readonly hash: string } },
  log: { readonly error: (facts: Record<string, unknown>, what: string) => void },
  everyMs = usualEveryMs,
) => {
  const { hash } = rules
  let seen = hashes
  let changed: readonly string[] = []

  const look = async (): Promise<void> => {
    const now = await hashesAt(path)
    if (differing(now, seen).length === 0) return
    seen = now
    changed = differing(now, hashes)
    const kept = shortHash(hash)
    if (changed.length === 0)
      log.error({ path }, `the rule set on disk is again what this process keeps (${kept})`)
    else
      log.error(
        { rules: hash, path, changed },
        `the rule set changed on disk; this process keeps ${kept}; replace the process to use what is there now`,
      )
  }

  await look()
  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, everyMs)
  timer.unref()

  return {
    /** Whether the files say something else than what was read. */
    changedOnDisk: (): boolean => changed.length > 0,
    /** For `/healthz` and `/readyz`. */
    facts: () => ({ rules: { hash, changed_on_disk: changed.length > 0 } }),
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await looking
    },
  }
}

/** Of the files as they are now; none where they can't all be read. */
const hashesAt = async (path: string): Promise<FileHashes> =>
  hashesOf(await readRuleFiles(path).catch(() => []))

/** The files that only one of them has, or that differ. */
const differing = (one: FileHashes, other: FileHashes): string[] =>
  [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name)).sort()
