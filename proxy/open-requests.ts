import type { Allowed, Decision } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { View } from '#access/domain/view.ts'
import type { Clock } from '#access/ports.ts'
import { cutClient } from './end-client.ts'
import type { Exchange, Outcome } from './exchange.ts'
import { countAdmitted, type GrantUses } from './grant-uses.ts'
import type { ProxyMetrics } from './metrics.ts'
import type { Records } from './records.ts'
import type { Close } from './steps/close.ts'
import { policyViolation, serviceRestart } from './websockets/frames.ts'

export type OpenRequestsParts = {
  readonly rules: RuleSet
  readonly view: Pick<View, 'get' | 'isDistrusted'>
  readonly clock: Clock
  readonly uses: GrantUses
  readonly records: Records
  readonly metrics: ProxyMetrics
  readonly close: Close
  readonly decide: (exchange: Exchange) => Decision
  readonly brokeGlass: (held: HeldGrant) => void
}

/** What becomes of requests and WebSockets that are open, when what admitted them ends or changes, or this process goes. */
export const createOpenRequests = ({
  rules,
  view,
  clock,
  uses,
  records,
  metrics,
  close,
  decide,
  brokeGlass,
}: OpenRequestsParts) => {
  let ending = false

  /** Ends one exchange now: upstream and client both see their connection end, and a WebSocket is told why. */
  const cut = (exchange: Exchange, outcome: Outcome, code: number): void => {
    close(exchange, outcome)
    if (outcome === 'cut') metrics.cut(exchange.tunnel !== undefined)
    if (exchange.tunnel !== undefined) return exchange.tunnel.end(code)
    exchange.abort?.(grantEnded)
    cutClient(exchange.request, exchange.response)
  }

  /**
   * Whether the version that something was admitted under still holds, until its own end: nothing ended it, and no newer
   * one is proven. A newer one is nobody's word until its signature is, so it neither lengthens nor cuts anything.
   */
  const stillHolds = ({ decision, now }: Exchange): boolean => {
    if (decision === undefined || now >= decision.held.grant.until) return false
    if (view.isDistrusted(decision.held)) return false
    const live = view.get(decision.held.grant.id)
    return live !== undefined && (live === decision.held || !live.verified)
  }

  /**
   * What is open goes on under this. The audit says so where it is another grant or another version, and a pass that is
   * left counts it too.
   */
  const goOn = (exchange: Exchange, again: Allowed): void => {
    const { decision: before, use: left } = exchange
    const { grant } = again.held
    const was = before?.held.grant
    if (was?.id !== grant.id || was.version !== grant.version) {
      brokeGlass(again.held)
      records.continued(exchange, again.held)
    }
    if (before !== undefined && left !== undefined && was?.id !== grant.id)
      countAdmitted(left, before.pattern.text, exchange.method, exchange.status, 'continued')
    uses.leave(exchange)
    exchange.decision = again
    uses.enter(uses.of(again.held), exchange)
  }

  /** What was begun on a sign-in that is too old already still has the time of a request, and not that of a stream. */
  const sessionEndOf = ({ identity, startedAt }: Exchange): number => {
    const end = Math.min(identity?.signedInAt ?? startedAt, startedAt) + rules.identity.sessionMax
    return startedAt < end ? end : startedAt + answerMs
  }

  return {
    /** Whether this process goes, and no WebSocket begins any more. */
    ending: (): boolean => ending,
    /** Ends a WebSocket that was admitted as this process goes, or whose client has left. */
    endTunnel: (exchange: Exchange): void => cut(exchange, 'aborted', serviceRestart),
    /**
     * Looks again at everything open under a grant that ended, changed or may have: what a proven grant admits goes on
     * under that, the rest is cut. Returns how many were cut.
     */
    recheck: (open: Iterable<Exchange>): number => {
      let cuts = 0
      for (const exchange of open) {
        exchange.now = clock.now()
        const again = decide(exchange)
        if (again.allow && again.held.verified) goOn(exchange, again)
        else if (!again.allow || !stillHolds(exchange)) {
          cut(exchange, 'cut', policyViolation)
          cuts += 1
        }
      }
      return cuts
    },
    /** Cuts what has gone on for longer than one sign-in is good for. */
    endSessions: (open: Iterable<Exchange>, now: number): void => {
      for (const exchange of open) if (now >= sessionEndOf(exchange)) cut(exchange, 'cut', policyViolation)
    },
    /** What is under way is the last on its connection, so that the next request meets another process. */
    lastAnswers: (): void => {
      for (const use of uses.all())
        for (const { response } of use.open) if (!response.headersSent) response.shouldKeepAlive = false
    },
    /** Ends every WebSocket, as this process goes; no new one begins. Requests may still finish. */
    endWebSockets: (): void => {
      ending = true
      for (const use of uses.all())
        for (const exchange of use.open)
          if (exchange.tunnel !== undefined) cut(exchange, 'aborted', serviceRestart)
    },
  }
}

/** How long a request may take whose sign-in was older than `session_max` when it came. */
const answerMs = 30_000

const grantEnded = new Error('the grant ended')
