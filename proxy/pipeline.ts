import type { Allowed } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Reason } from '#access/domain/reasons.ts'
import { reasons } from '#access/domain/reasons.ts'
import type { Service } from '#access/domain/rule-set.ts'
import type { DecidingParts } from './deciding.ts'
import { createExchange, type Exchange, type GrantUse, type UpgradeAsked } from './exchange.ts'
import type { Upstreams } from './forward.ts'
import { countRefused } from './grant-uses.ts'
import type { Identified } from './identities.ts'
import type { ProxyMetrics } from './metrics.ts'
import { createOpenRequests } from './open-requests.ts'
import { createPrepare } from './prepare.ts'
import { createRefusals, type RefusalFacts } from './refuse.ts'
import { createIdentifyBySession } from './session/identify.ts'
import type { Sessions } from './session/sessions.ts'
import { termsOf } from './steps/admission-terms.ts'
import { createClose } from './steps/close.ts'
import { createDecide, wayInOf } from './steps/decide.ts'
import { createFindService } from './steps/find-service.ts'
import { createIdentify, createIdentifyByToken } from './steps/identify.ts'
import { takeOne } from './steps/limit.ts'
import { readHeaders } from './steps/read-headers.ts'
import { pathOf, readTarget } from './steps/read-target.ts'
import { readUpgrade } from './steps/read-upgrade.ts'
import { createSend } from './steps/send.ts'
import type { Upgrades } from './websockets/upgrade.ts'
import type { ClientRequest, ClientResponse } from './wire.ts'

export type PipelineParts = DecidingParts & {
  /** Something goes on under this: where it is a pass that was signed offline, it is recorded once, and told. */
  readonly brokeGlass: (held: HeldGrant) => void
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
  const { rules, view, clock, uses, records, assertions, metrics } = parts
  const findService = createFindService(rules)
  const answerRefusal = createRefusals(parts.slackApp, parts.slackCommand)
  const prepare = createPrepare(parts.prove, assertions)
  const byToken = createIdentifyByToken(parts.identities)
  const bySession = parts.sessions && createIdentifyBySession(parts.sessions, rules.domain, clock)
  const whoAsks = (exchange: Exchange): Identified | Promise<Identified> =>
    exchange.session !== undefined && bySession !== undefined
      ? bySession(exchange, exchange.session)
      : byToken(exchange.token, exchange.now)
  const decideNow = createDecide(rules, view, parts.glass)
  const close = createClose(uses, records)
  const open = createOpenRequests({ ...parts, close, decide: decideNow })
  const forwardOn = createSend({
    ...parts,
    ...open,
    close,
    tellFailed: (exchange, late) => answerRefusal(exchange, late ? 'upstream-late' : 'upstream-failed'),
  })

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
    if (!decision.allow && decision.unproven !== undefined) {
      parts.proveSignIns(decision.unproven).then((known) => {
        exchange.now = clock.now()
        if (known) decide(exchange)
        else refuse(exchange, 'identity-unavailable')
      }, failed(exchange))
      return
    }
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
    parts.brokeGlass(decision.held)
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
    forwardOn(exchange, service, assertion)
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

  return { ...open, handle }
}

export type Pipeline = ReturnType<typeof createPipeline>
