import { admissionTerms } from '#access/domain/audit-record.ts'
import { decideEgress, type EgressAllowed } from '#access/domain/decide-egress.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { View } from '#access/domain/view.ts'
import type { Clock } from '#access/ports.ts'
import { OpenSet } from '#access/runtime/open-set.ts'
import { cutClient } from '../end-client.ts'
import type { Exchange, Outcome, UpgradeAsked } from '../exchange.ts'
import { type ForwardEnd, forward, lateNames } from '../forward.ts'
import type { Identified, Identities } from '../identities.ts'
import type { ProxyMetrics } from '../metrics.ts'
import type { Records } from '../records.ts'
import { createIdentify, createIdentifyByToken } from '../steps/identify.ts'
import { pathOf } from '../steps/read-target.ts'
import type { AddressGuard } from '../upstream-address.ts'
import type { ClientRequest, ClientResponse } from '../wire.ts'
import { answerRefusal, statusAt } from './answer.ts'
import { type Caller, createEgressExchange, type EgressExchange } from './exchange.ts'
import { createEgressPools } from './pools.ts'
import { readCall } from './read-call.ts'

export type EgressParts = {
  readonly rules: RuleSet
  readonly view: Pick<View, 'isLocked'>
  readonly clock: Clock
  readonly identities: Pick<Identities, 'known' | 'verify'>
  readonly records: Records
  readonly metrics: ProxyMetrics
  readonly nextId: () => string
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
  /** Which addresses are outside. */
  readonly guard: Pick<AddressGuard, 'check' | 'lookupFor'>
}

/**
 * What happens to every call of a workload to the outside, in the order of the pipeline: canonical target and headers,
 * identity, decision, audit, forward, audit. Nothing of it waits for Redis.
 */
export const createEgressCalls = (parts: EgressParts) => {
  const { rules, view, records, metrics, guard, clock } = parts
  const callers = new Map<string, Caller>()
  const alarmed = new Set<string>()

  const handle = (request: ClientRequest, response: ClientResponse, upgrade?: UpgradeAsked): void => {
    const exchange = createEgressExchange(request, response, parts.nextId(), clock.now(), upgrade)
    exchange.stamp = metrics.arrived()
    const reason = upgrade === undefined ? readCall(exchange) : 'upgrade-not-admitted'
    if (reason !== undefined) return refuse(exchange, reason)
    identify(exchange)
  }

  const identified = (exchange: EgressExchange, result: Identified): void => {
    if ('refused' in result) return refuse(exchange, result.refused)
    exchange.identity = result.identity
    const { origins, method, path } = exchange
    const decision = decideEgress(rules, view, { who: result.identity, origins, method, path })
    if (!decision.allow) return refuse(exchange, decision.reason)
    admit(exchange, decision, callerOf(result.identity.principal))
  }

  const byToken = createIdentifyByToken(parts.identities)
  const identify = createIdentify(({ token, now }: EgressExchange) => byToken(token, now), parts, identified)

  /** Only who may call something gets here, so there are as many as the rules name. */
  const callerOf = (principal: string): Caller => {
    const known = callers.get(principal)
    if (known !== undefined) return known
    const pools = createEgressPools(guard)
    const caller = { principal, open: new OpenSet<EgressExchange>(), pools, terms: new Map() }
    callers.set(principal, caller)
    return caller
  }

  /** Put together once per caller, origin and pattern, which is of one rule. */
  const termsOf = (caller: Caller, subject: string, { rule, origin, pattern }: EgressAllowed): string => {
    const byPattern = caller.terms.get(origin) ?? new Map()
    const known = byPattern.get(pattern)
    if (known !== undefined) return known
    const terms = admissionTerms({
      who: caller.principal,
      service: origin,
      release: '',
      tier: rule.id,
      pattern: pattern.text,
      grant: `${rule.id} ${subject}`,
      version: 1,
      rules: rules.hash,
    })
    caller.terms.set(origin, byPattern.set(pattern, terms))
    return terms
  }

  /** Recorded first, then done. */
  const admit = (exchange: EgressExchange, allowed: EgressAllowed, caller: Caller): void => {
    const { response, identity } = exchange
    if (response.destroyed || identity === undefined) return
    exchange.allowed = allowed
    exchange.caller = caller
    caller.open.add(exchange)
    records.admitted(exchange, termsOf(caller, identity.subject, allowed), (fault) => {
      if (exchange.outcome !== undefined) return
      if (fault !== undefined) return refuse(exchange, 'audit-unavailable')
      if (response.destroyed) return close(exchange, 'aborted')
      exchange.stamp = metrics.sent(exchange.stamp)
      // Neither who asks nor from where is told to a stranger: what the workload says goes out, and nothing of ours.
      forward(caller.pools.of(allowed.origin), exchange, exchange.forwarded, ended, answered)
    })
  }

  const answered = ({ stamp }: Exchange): void => metrics.answered(stamp)

  const ended: ForwardEnd<EgressExchange> = (exchange, outcome, error) => {
    if (exchange.outcome !== undefined) return
    close(exchange, outcome)
    if (outcome !== 'failed') return
    const isLate = error !== undefined && lateNames.has(error.name)
    metrics.upstreamFailed(isLate)
    if (error !== undefined) tellOnce(exchange, error)
    const reason = isLate ? 'upstream-late' : 'upstream-failed'
    exchange.status = statusAt(reason)
    answerRefusal(exchange.request, exchange.response, reason, false)
  }

  /** A name that leads inside, or a certificate that nobody here trusts, is told to who runs this, once per origin. */
  const tellOnce = ({ allowed, status }: EgressExchange, error: Error & { readonly code?: string }): void => {
    const what = `${allowed?.origin} ${error.code ?? error.name}`
    if (status !== 0 || alarmed.has(what)) return
    alarmed.add(what)
    parts.alarm('an origin outside can’t be called', { origin: allowed?.origin, error: error.message })
  }

  const close = (exchange: EgressExchange, outcome: Outcome): void => {
    if (exchange.outcome !== undefined) return
    exchange.outcome = outcome
    exchange.caller?.open.delete(exchange)
    records.closed(exchange, outcome, exchange.status)
  }

  const refuse = (exchange: EgressExchange, reason: Reason): void => {
    if (exchange.outcome !== undefined) return
    exchange.outcome = 'refused'
    const { request, response, id, method, host, path, identity, caller, upgrade } = exchange
    const status = statusAt(reason)
    exchange.status = status
    records.refused({
      id,
      reason,
      status,
      client: request.socket.remoteAddress,
      method,
      host,
      path: path === '' ? pathOf(request.url) : path,
      who: identity?.principal,
    })
    // It was admitted, and could not be sent.
    if (caller !== undefined) {
      caller.open.delete(exchange)
      records.closed(exchange, 'refused', status)
    }
    answerRefusal(request, response, reason, upgrade !== undefined)
  }

  /** Ends one call now: client and origin both see their connection end. */
  const cut = (exchange: EgressExchange): void => {
    close(exchange, 'cut')
    metrics.cut(false)
    exchange.abort?.(callEnded)
    cutClient(exchange.request, exchange.response)
  }

  const cutWhere = (which: (exchange: EgressExchange) => boolean, some: Iterable<Caller>): number => {
    let cuts = 0
    for (const { open } of some)
      for (const exchange of open) {
        if (!which(exchange)) continue
        cut(exchange)
        cuts += 1
      }
    return cuts
  }

  return {
    handle,
    /** Records a tunnel or an upgrade that was refused where Node has given the connection away. */
    tunnelRefused: ({ method, url, socket }: ClientRequest, status: number): void => {
      const reason = status === statusAt('egress-tunnel') ? 'egress-tunnel' : 'upgrade-not-admitted'
      records.refused({
        reason,
        status: statusAt(reason),
        client: socket.remoteAddress,
        method,
        path: pathOf(url),
      })
    },
    /** What is under way, by who asked for it. */
    callers: (): Iterable<Caller> => callers.values(),
    /** Cuts whatever a principal has under way. Returns how many calls that were. */
    cutOf: (principal: string): number => {
      const caller = callers.get(principal)
      return caller === undefined ? 0 : cutWhere(() => true, [caller])
    },
    /** Cuts what has gone on for longer than one sign-in is good for, and whatever somebody locked has under way. */
    sweep: (now: number): void => {
      const oldest = now - rules.identity.sessionMax
      for (const caller of callers.values())
        if (view.isLocked(caller.principal)) cutWhere(() => true, [caller])
      cutWhere(({ startedAt }) => startedAt <= oldest, callers.values())
    },
    /** What is under way is the last on its connection, so that the next call meets another process. */
    lastAnswers: (): void => {
      for (const { open } of callers.values())
        for (const { response } of open) if (!response.headersSent) response.shouldKeepAlive = false
    },
    close: async (): Promise<void> => {
      await Promise.all([...callers.values()].map(({ pools }) => pools.close()))
    },
  }
}
export type EgressCalls = ReturnType<typeof createEgressCalls>

const callEnded = new Error('the call was ended')
