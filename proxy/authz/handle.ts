import type { IncomingMessage, ServerResponse } from 'node:http'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { Allowed } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Reason } from '#access/domain/reasons.ts'
import type { Service } from '#access/domain/rule-set.ts'
import { wayIn } from '#access/rules/explain/who-may-ask.ts'
import type { DecidingParts } from '../deciding.ts'
import { countAdmitted, countRefused } from '../grant-uses.ts'
import type { Identity } from '../identities.ts'
import type { ProxyMetrics } from '../metrics.ts'
import { createPrepare } from '../prepare.ts'
import { rateLimited } from '../rate-limit-headers.ts'
import type { RefusalFacts } from '../refuse.ts'
import { createServiceByHost } from '../steps/find-service.ts'
import { createIdentifyByToken } from '../steps/identify.ts'
import { answerAllowed, answerRefused, statusFor } from './answer.ts'
import { nothingAsked, type Question, readQuestion } from './read-question.ts'

export type AuthzParts = DecidingParts & {
  readonly metrics: Pick<ProxyMetrics, 'admitted' | 'refused'>
  /** The bot's command in Slack; `/access` where it is not said. */
  readonly slackCommand?: string | undefined
}

type No = {
  readonly reason: Reason
  /** What is answered where it is not the reason. */
  readonly told?: Reason
  readonly service?: Service
  readonly identity?: Identity
  readonly held?: HeldGrant
  readonly facts?: RefusalFacts
}
type Yes = {
  readonly decision: Allowed
  readonly identity: Identity
  readonly assertion: string
  /** When it was decided. */
  readonly at: number
}
type Verdict = Yes | No

/** A pass that changes as often while it is prepared is asked about again. */
const mostRounds = 5

/**
 * What happens to every question of a front proxy: the steps of the pipeline, up to the record. What is forwarded then is
 * forwarded by somebody else, so nothing of it can be cut, and a tier may say that this is not enough.
 */
export const createAuthz = (parts: AuthzParts, isFront: (request: IncomingMessage) => boolean) => {
  const { rules, view, clock, uses, records, assertions, metrics } = parts
  const serviceByHost = createServiceByHost(rules)
  const identify = createIdentifyByToken(parts.identities)
  const prepare = createPrepare(parts.prove, assertions)

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const question = isFront(request) ? readQuestion(request) : nothingAsked
    const id = parts.nextId()
    judge(question).then(
      (verdict) => conclude(id, question, verdict, request, response),
      (error: Error) => {
        parts.alarm('a step failed', { error: error.message })
        refuse(id, question, { reason: 'identity-unavailable' }, request, response)
      },
    )
  }

  const judge = async ({ fault, host, method, path, token }: Question): Promise<Verdict> => {
    if (fault !== undefined) return { reason: fault }
    const found = serviceByHost(host)
    if (found === 'host-wrong') return { reason: found }
    const who = identify(token, clock.now())
    const result = who instanceof Promise ? await who : who
    if (typeof found !== 'string')
      return 'refused' in result ? { reason: result.refused } : decide(result.identity, found, method, path)
    // Which services there are is told to who is known, and to nobody else: the answer is the same, the record is not.
    return 'refused' in result
      ? { reason: found, told: result.refused }
      : { reason: found, identity: result.identity }
  }

  const decide = async (
    identity: Identity,
    service: Service,
    method: string,
    path: string,
  ): Promise<Verdict> => {
    for (let rounds = 0; rounds < mostRounds; rounds += 1) {
      const at = clock.now()
      const decision = decideRequest(rules, view, { who: identity, service, method, path }, at)
      if (!decision.allow && decision.unproven !== undefined) {
        if (await parts.proveSignIns(decision.unproven)) continue
        return { reason: 'identity-unavailable', service, identity }
      }
      if (!decision.allow) {
        const { reason, held, needs } = decision
        const facts = { needs, way: wayIn(rules, service, decision, identity, at) }
        return { reason, service, identity, facts, ...(held === undefined ? {} : { held }) }
      }
      const { held, tier } = decision
      if (tier.proxyOnly) return { reason: 'proxy-only', service, identity, held }
      const assertion = held.verified ? assertions.ready(held, service.name) : undefined
      if (assertion !== undefined) {
        const wait = uses.bucket(uses.of(held), service, tier).take(at)
        if (wait === 0) return { decision, identity, assertion, at }
        return { reason: 'rate-limited', service, identity, held, facts: rateLimited(tier, wait) }
      }
      // It may have ended meanwhile, so it is decided again.
      if (!(await prepare(decision))) break
    }
    return { reason: 'grant-unverified', service, identity }
  }

  const conclude = (
    id: string,
    question: Question,
    verdict: Verdict,
    request: IncomingMessage,
    response: ServerResponse,
  ): void => {
    if ('reason' in verdict) return refuse(id, question, verdict, request, response)
    // The front proxy has left, so nothing is forwarded.
    if (response.destroyed) return
    const { decision, identity } = verdict
    const { service, held } = decision
    const no = (reason: Reason): void =>
      refuse(id, question, { reason, service, identity, held }, request, response)
    const { method, path, client, front = '' } = question
    // Recorded first, then answered.
    records.decided(
      { at: verdict.at, id, method, path, client, front },
      identity.principal,
      decision,
      (fault) => {
        if (fault !== undefined) return no('audit-unavailable')
        const reason = goneMeanwhile(question, verdict)
        if (reason !== undefined) return no(reason)
        countAdmitted(uses.of(held), decision.pattern.text, question.method, 0, 'decided')
        metrics.admitted()
        answerAllowed(response, verdict.assertion)
      },
    )
  }

  /** Why what was recorded does not hold any more, if so. */
  const goneMeanwhile = ({ method, path }: Question, { decision, identity }: Yes): Reason | undefined => {
    const { service, held } = decision
    const now = clock.now()
    const again = decideRequest(rules, view, { who: identity, service, method, path }, now)
    if (!again.allow) return again.reason
    return again.held.grant.id === held.grant.id && now < held.grant.until ? undefined : 'grant-missing'
  }

  const refuse = (
    id: string,
    question: Question,
    { reason, told = reason, service, identity, held, facts = {} }: No,
    request: IncomingMessage,
    response: ServerResponse,
  ): void => {
    const { front, client, method, host, path } = question
    const status = statusFor(told, front)
    if (held !== undefined) countRefused(uses.of(held), reason)
    records.refused({
      id,
      reason,
      status,
      client: front === undefined ? request.socket.remoteAddress : client,
      method,
      host,
      path,
      who: identity?.principal,
      held,
      front,
    })
    if (!response.destroyed)
      answerRefused(request, response, status, told, service, facts, parts.slackCommand)
  }

  return handle
}
