import type { Statements } from '../adapters/statements.ts'
import { type Deactivated, withGone } from '../domain/directory-file.ts'
import type { Directory } from '../ports.ts'
import { directoryOf, readSigned } from './directory.ts'

const usualEveryMs = 5_000

export type WatchedDirectory = {
  /** As it is now: each look-up is answered by the newest. */
  readonly directory: Directory
  /** Who is not active any more, or was in the directory before and is not any more. Another object where it changed. */
  readonly deactivated: () => Deactivated
  /** For `/healthz` and `/readyz`. */
  readonly facts: () => { readonly directory: { readonly as_of: string } }
  readonly stop: () => Promise<void>
}

/**
 * The signed directory file, read again when it changes, so that nobody's deactivation waits for a restart. Only a newer one
 * whose signature holds takes the place of the one before; anything else is alarmed, once, and changes nothing. Faults
 * where the first can't be taken.
 */
export const watchDirectory = async (
  file: string,
  statements: Statements,
  alarm: (what: string, facts: Record<string, unknown>) => void,
  everyMs = usualEveryMs,
): Promise<WatchedDirectory> => {
  let seen = await readSigned(file)
  let now = await directoryOf(seen, statements)
  let { deactivated } = now
  let told = ''

  const refuse = (why: string): void => {
    if (told !== why) alarm('the directory on disk is not taken; the one before goes on counting', { why })
    told = why
  }

  const take = async (signed: string): Promise<void> => {
    const next = await directoryOf(signed, statements)
    const { asOf } = next.deactivated
    if (asOf <= now.deactivated.asOf) return refuse('it is not newer')
    deactivated = withGone(next, { ...now, activeWhere: now.active }, deactivated.people)
    now = next
    told = ''
    alarm('a newer directory counts from now on', { asOf: new Date(asOf).toISOString() })
  }

  const look = async (): Promise<void> => {
    try {
      const signed = await readSigned(file)
      if (signed === seen) return
      await take(signed)
      seen = signed
    } catch (error) {
      refuse((error as Error).message)
    }
  }

  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, everyMs)
  timer.unref()

  return {
    directory: {
      bySlack: (team, user) => now.bySlack(team, user),
      byPagerDuty: (user) => now.byPagerDuty(user),
      byPrincipal: (principal) => now.byPrincipal(principal),
      activeWhere: (is) => now.activeWhere(is),
    },
    deactivated: () => deactivated,
    facts: () => ({ directory: { as_of: new Date(now.deactivated.asOf).toISOString() } }),
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await looking
    },
  }
}
