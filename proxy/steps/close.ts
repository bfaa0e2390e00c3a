import type { Exchange, Outcome } from '../exchange.ts'
import { countAdmitted, type GrantUses } from '../grant-uses.ts'
import type { Records } from '../records.ts'

/** Ends the account of what was admitted, once: it is open under no grant any more, counted, and recorded. */
export const createClose =
  (uses: Pick<GrantUses, 'leave'>, records: Pick<Records, 'closed'>) =>
  (exchange: Exchange, outcome: Outcome): void => {
    if (exchange.outcome !== undefined) return
    exchange.outcome = outcome
    uses.leave(exchange)
    const { decision, use, method, status } = exchange
    if (decision !== undefined && use !== undefined)
      countAdmitted(use, decision.pattern.text, method, status, outcome)
    records.closed(exchange, outcome, status)
  }
export type Close = ReturnType<typeof createClose>
