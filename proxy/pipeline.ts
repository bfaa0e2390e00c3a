import type { Allowed } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Reason } from '#access/domain/reasons.ts'
import { reasons } from '#access/domain/reasons.ts'
import type { Service } from '#access/domain/rule-set.ts'
import type { DecidingParts } from './deciding.ts'
import { cutClient } from './end-client.ts'
import { createExchange, type Exchange, type GrantUse, type Outcome, type UpgradeAsked } from './exchange.ts'
import { type ForwardEnd, forward, lateNames, type Upstreams } from './forward.ts'
import { countAdmitted, countRefused } from './grant-uses.ts'
import { forwardByHttp2, goesByHttp2 } from './http2/forward.ts'
import type { Identified } from './identities.ts'
import type { ProxyMetrics } from './metrics.ts'
import { createPrepare } from './prepare.ts'
import { createRefusals, type RefusalFacts } from './refuse.ts'
import { createIdentifyBySession } from './session/identify.ts'
import type { Sessions } from './session/sessions.ts'
import { termsOf } from './steps/admission-terms.ts'
import { createDecide, wayInOf } from './steps/decide.ts'
import { createFindService } from './steps/find-service.ts'
import { createIdentify, createIdentifyByToken } from './steps/identify.ts'
import { takeOne } from './steps/limit.ts'
import { readHeaders } from './steps/read-headers.ts'
import { pathOf, readTarget } from './steps/read-target.ts'
import { readUpgrade } from './steps/read-upgrade.ts'
import { upstreamHeaders } from './steps/upstream-headers.ts'
import { policyViolation, serviceRestart } from './websockets/frames.ts'
import type { Upgrades } from './websockets/upgrade.ts'
import type { ClientRequest, ClientResponse } from './wire.ts'

export type PipelineParts = DecidingParts & {
  readonly upstreams: Upstreams
  readonly upgrades: Upgrades
  readonly metrics: ProxyMetrics
  /** Without it a session cookie proves nothing. */
  readonly sessions?: Sessions | undefined
  /** Where the bot is at home in Slack. */
  readonly slackApp?: string | undefined
  /** The bot's command there; `/access` where it is not said. */
  readonly slackCommand?: string | undefined
}

/**
 * What happens to every request, in order. Each step either goes on or refuses with a reason; nothing goes upstream
 * before the last one. A step that has what it needs in memory goes on at once, without a promise.
 */
export const createPipeline = (parts: PipelineParts) => {
  const { rules, view, clock, uses, records, assertions, upstreams, upgrades, metrics } = parts
  const findService = createFindService(rules)
  const answerRefusal = createRefusals(parts.slackApp, parts.slackCommand)
  const prepare = createPrepare(parts.prove, assertions)
  const byToken = createIdentifyByToken(parts.identities)
  const bySession = parts.sessions && createIdentifyBySession(parts.sessions, rules.domain, clock)
  const whoAsks = (exchange: Exchange): Identified | Promise<Identified> =>
    exchange.session !== undefined && bySession !== undefined
      ? bySession(exchange, exchange.session)
      : byToken(exchange.token, exchange.now)
  const decideNow = createDecide(rules, view)

  let ending = false

  /** `upgrade` is given for a request that asks for one: it takes the same way, and is answered on the same socket. */
  const handle = (request: ClientRequest, response: ClientResponse, upgrade?: UpgradeAsked): void => {
    const exchange = createExchange(request, response, parts.nextId(), clock.now(), upgrade)
    exchange.stamp = metrics.arrived()
    const reason =
      readTarget(exchange) ?? readHeaders(exchange) ?? readUpgrade(exchange) ?? findService(exchange)
    if (reason !== undefined) return refuse(exchange, reason)
    identify(exchange)
  }

  const identified = (exchange: Exchange, result: Identified): void => {
    if ('refused' in result) return refuseUnidentified(exchange, result.refused)
    exchange.identity = result.identity
    decide(exchange)
  }
  const identify = createIdentify(whoAsks, parts, identified)

  const decide = (exchange: Exchange): void => {
    const decision = decideNow(exchange)
    if (!decision.allow) {
      if (decision.held !== undefined) countRefused(uses.of(decision.held), decision.reason)
      return refuse(exchange, decision.reason, {
        needs: decision.needs,
        way: wayInOf(rules, exchange, decision),
      })
    }
    const assertion = decision.held.verified
      ? assertions.ready(decision.held, decision.service.name)
      : undefined
    if (assertion !== undefined) return limit(exchange, decision, assertion)
    prepare(decision).then(
      // The grant may have ended meanwhile, so it is decided again. From there on nothing waits until it is entered
      // among the open requests of its grant, where an end finds it.
      (usable) => {
        exchange.now = clock.now()
        if (usable) decide(exchange)
        else refuse(exchange, 'grant-unverified')
      },
      failed(exchange),
    )
  }

  const limit = (exchange: Exchange, decision: Allowed, assertion: string): void => {
    exchange.decision = decision
    const use = uses.of(decision.held)
    const tooFast = takeOne(uses, use, decision, exchange.now)
    if (tooFast !== undefined) return refuse(exchange, 'rate-limited', tooFast)
    admit(exchange, decision, use, assertion)
  }

  /** Recorded first, then done. */
  const admit = (exchange: Exchange, decision: Allowed, use: GrantUse, assertion: string): void => {
    if (exchange.response.destroyed) return
    uses.enter(use, exchange)
    records.admitted(exchange, termsOf(use, decision, rules.hash), (fault) => {
      if (exchange.outcome !== undefined) return
      if (fault !== undefined) return refuse(exchange, 'audit-unavailable')
      send(exchange, decision.service, decision.held, assertion)
    })
  }

  /**
   * The grant may have ended while the record was written: only what still holds is sent, and what goes on under another
   * grant or version by then, with an assertion of that.
   */
  const send = (exchange: Exchange, service: Service, held: HeldGrant, assertion: string): void => {
    if (exchange.outcome !== undefined) return
    if (exchange.response.destroyed) return close(exchange, 'aborted')
    const again = exchange.decision
    if (again === undefined || clock.now() >= again.held.grant.until) return refuse(exchange, 'grant-missing')
    if (again.held !== held) {
      const sendAnew = (anew: string): void => send(exchange, service, again.held, anew)
      assertions.mint(again.held, service.name).then(sendAnew).catch(failed(exchange))
      return
    }
    exchange.stamp = metrics.sent(exchange.stamp)
    if (exchange.upgrade !== undefined) return openTunnel(exchange, service, assertion, exchange.upgrade)
    const headers = upstreamHeaders(exchange, assertion)
    if (goesByHttp2(exchange, service))
      forwardByHttp2(upstreams.http2, service, exchange, headers, ended, answered)
    else forward(upstreams.of(service), exchange, headers, ended, answered)
  }

  const answered = ({ stamp }: Exchange): void => metrics.answered(stamp)

  const ended: ForwardEnd = (exchange, outcome, error) => {
    if (exchange.outcome !== undefined) return
    close(exchange, outcome)
    if (outcome !== 'failed') return
    const isLate = error !== undefined && lateNames.has(error.name)
    metrics.upstreamFailed(isLate)
    answerRefusal(exchange, isLate ? 'upstream-late' : 'upstream-failed')
  }

  const openTunnel = (
    exchange: Exchange,
    service: Service,
    assertion: string,
    { key }: UpgradeAsked,
  ): void => {
    const { request, response, target } = exchange
    const client = request.socket
    // A client whose half is closed by now has left, and its socket would never say so again.
    if (ending || client.readableEnded) return cut(exchange, 'aborted', serviceRestart)
    exchange.tunnel = upgrades.open(
      {
        client,
        origin: service.releases[service.serve] as string,
        target,
        key,
        withinMs: service.timeouts.headers,
        headers: upstreamHeaders(exchange, assertion),
      },
      {
        opened: () => {
          response.detachSocket(client)
          exchange.status = 101
          metrics.answered(exchange.stamp)
        },
        passed: (bytes) => {
          exchange.bytes += bytes
        },
        failed: (late) => {
          if (exchange.outcome !== undefined) return
          close(exchange, 'failed')
          metrics.upstreamFailed(late)
          answerRefusal(exchange, late ? 'upstream-late' : 'upstream-failed')
        },
        closed: (outcome) => close(exchange, outcome),
      },
    )
  }

  const close = (exchange: Exchange, outcome: Outcome): void => {
    if (exchange.outcome !== undefined) return
    exchange.outcome = outcome
    uses.leave(exchange)
    const { decision, use } = exchange
    if (decision !== undefined && use !== undefined) {
      countAdmitted(use, decision.pattern.text, exchange.method, exchange.status, outcome)
    }
    records.closed(exchange, outcome, exchange.status)
  }

  /** Which services there are is told to who is known, and to nobody else: the answer is the same, the record is not. */
  const refuseUnidentified = (exchange: Exchange, told: Reason): void =>
    refuse(exchange, exchange.service === undefined ? 'service-unknown' : told, {}, told)

  const refuse = (exchange: Exchange, reason: Reason, facts: RefusalFacts = {}, told = reason): void => {
    if (exchange.outcome !== undefined) return
    exchange.outcome = 'refused'
    uses.leave(exchange)
    const { id, method, host, request, identity, decision } = exchange
    const { status } = reasons[told]
    records.refused({
      id,
      reason,
      status,
      client: request.socket.remoteAddress,
      method,
      host,
      path: pathOf(request.url),
      who: identity?.principal,
      held: decision?.held,
    })
    // It was admitted, and could not be sent.
    if (exchange.use !== undefined) records.closed(exchange, 'refused', status)
    answerRefusal(exchange, told, facts)
  }

  const failed =
    (exchange: Exchange) =>
    (error: Error): void => {
      parts.alarm('a step failed', { error: error.message })
      refuseUnidentified(exchange, 'identity-unavailable')
    }

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
    if (was?.id !== grant.id || was.version !== grant.version) records.continued(exchange, again.held)
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
    handle,
    /**
     * Looks again at everything open under a grant that ended, changed or may have: what a proven grant admits goes on
     * under that, the rest is cut. Returns how many were cut.
     */
    recheck: (open: Iterable<Exchange>): number => {
      let cuts = 0
      for (const exchange of open) {
        exchange.now = clock.now()
        const again = decideNow(exchange)
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

export type Pipeline = ReturnType<typeof createPipeline>
