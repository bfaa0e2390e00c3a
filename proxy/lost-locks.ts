import type { Lock } from '#access/domain/lock.ts'

const againMs = 1_000

/**
 * Tells, at most once a second, that Redis lost somebody's lock: the statement proves it to whoever may write it again. That
 * somebody is free is nobody's word but a bot's. Answers whether it was time to tell it, to whomever.
 */
export const createTellLost = (tell: (statement: string) => void, now: () => number) => {
  const toldAt = new Map<string, number>()
  return ({ id, state }: Lock, statement: string): boolean => {
    if (now() - (toldAt.get(id) ?? Number.NEGATIVE_INFINITY) < againMs) return false
    toldAt.set(id, now())
    if (state === 'locked') tell(statement)
    return true
  }
}
