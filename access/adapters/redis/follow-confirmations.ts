import type { Redis } from 'ioredis'
import type { Confirmations } from '../../domain/confirmation.ts'
import type { Clock } from '../../ports.ts'
import { kidOf, type Statements } from '../statements.ts'
import { reachable } from './connect.ts'
import { names } from './names.ts'

const everyMs = 1_000
/** Characters: more than the longest statement has. Whatever stands there, no more of it is read. */
const longest = 131_072

/**
 * Keeps to the newest statement on which incidents PagerDuty confirms. What can't be had or does not verify changes
 * nothing: PagerDuty's word grows old, and passes narrow by themselves.
 */
export const followConfirmations = ({
  redis,
  statements,
  confirmations,
  clock,
  alarm,
}: {
  readonly redis: Redis
  readonly statements: Statements
  readonly confirmations: Confirmations
  readonly clock: Clock
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}) => {
  let read = ''
  let underWay: Promise<void> | undefined

  const look = async (): Promise<void> => {
    const statement = await reachable(redis.getrange(names.incidentsConfirmed, 0, longest))
    if (statement === read || statement === '') return
    try {
      const confirmation = await statements.verify('confirmation', statement)
      // Revoked since: what it said may have been forgotten already.
      if (statements.isRevoked(statement)) return
      if (confirmations.put(confirmation, clock.now(), kidOf(statement))) read = statement
      else alarm('what PagerDuty confirms is signed in the future', { at: confirmation.at })
    } catch (error) {
      read = statement
      alarm('what PagerDuty confirms does not verify', { error: (error as Error).message })
    }
  }

  const tick = (): void => {
    // That Redis does not answer is told by whoever follows the view.
    underWay ??= look()
      .catch(() => undefined)
      .finally(() => {
        underWay = undefined
      })
  }
  tick()
  const timer = setInterval(tick, everyMs)
  return {
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await underWay
    },
  }
}
