import { createHash } from 'node:crypto'
import { readRuleFiles } from './rules.ts'

const usualEveryMs = 10_000
const shownDigits = 12

export type WatchedRules = {
  /** What names the rule set: a file, or in a folder the file of the environment. */
  readonly path: string
  /** The rules hash that this process keeps, whatever happens to the files. */
  readonly hash: string
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
  readonly everyMs?: number
}

/**
 * Looks at the files of a rule set every so often, and alarms once for each change: nothing is read from them any more.
 * What they hold when this resolves is taken for what was read, so it stands right behind the reading. Rejects never.
 */
export const watchRules = async ({ path, hash, alarm, everyMs = usualEveryMs }: WatchedRules) => {
  const loaded = await contentsOf(path)
  let seen = loaded
  let changed: readonly string[] = []

  const look = async (): Promise<void> => {
    const now = await contentsOf(path)
    if (differing(now, seen).length === 0) return
    seen = now
    changed = differing(now, loaded)
    const kept = hash.slice(0, shownDigits)
    if (changed.length === 0)
      alarm(`the rule set on disk is again what this process keeps (${kept})`, { path })
    else
      alarm(
        `the rule set changed on disk; this process keeps ${kept}; replace the process to use what is there now`,
        { rules: hash, path, changed },
      )
  }

  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, everyMs)
  timer.unref()

  return {
    /** For `/healthz` and `/readyz`. */
    /** Whether the files say something else than what was read. */
    changedOnDisk: (): boolean => changed.length > 0,
    facts: () => ({ rules: { hash, changed_on_disk: changed.length > 0 } }),
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await looking
    },
  }
}

type Contents = ReadonlyMap<string, string>

/** The SHA-256 of each file by its name; nothing where they can't all be read. */
const contentsOf = async (path: string): Promise<Contents> => {
  const files = await readRuleFiles(path).catch(() => [])
  return new Map(
    files.map(({ name, bytes }) => [name, createHash('sha256').update(bytes).digest('hex')] as const),
  )
}

/** The files that only one of them has, or that differ. */
const differing = (one: Contents, other: Contents): string[] =>
  [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name)).sort()
