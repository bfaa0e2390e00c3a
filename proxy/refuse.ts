import { formatDuration } from '#access/domain/duration.ts'
import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { Tier } from '#access/domain/tier.ts'
import type { Exchange } from './exchange.ts'

export type RefusalFacts = {
  /** The tier that would admit the request. */
  readonly needs?: Tier | undefined
  /** Seconds. */
  readonly retryAfter?: number
}

/**
 * Answers a refusal: problem details (RFC 9457) with the reason's code, the tier that would do, and the command
 * that would ask for it.
 */
export const answerRefusal = (exchange: Exchange, reason: Reason, facts: RefusalFacts = {}): void => {
  const { response, request, service, upgrade } = exchange
  const { status, person } = reasons[reason]
  exchange.status = status
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const ask =
    service === undefined || facts.needs === undefined ? undefined : askCommand(service.name, facts.needs)
  const problem = {
    type: `urn:pagepass:reason:${reason}`,
    title: person,
    status,
    reason,
    ...(service === undefined ? {} : { service: service.name }),
    ...(facts.needs === undefined ? {} : { needs: facts.needs.name, rule: ruleOf(facts.needs, exchange) }),
    ...(ask === undefined ? {} : { ask }),
  }
  const body = `${JSON.stringify(problem)}\n`
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  if (status === 503 || status === 429) headers['retry-after'] = String(facts.retryAfter ?? 1)
  // What the client still sends of a refused request is not read, and what follows one that could be read in two
  // ways is not trusted: the connection ends with the answer. After a refused upgrade it is nobody's.
  if (status === 400 || !request.complete || upgrade !== undefined) headers['connection'] = 'close'
  response.writeHead(status, headers)
  response.end(request.method === 'HEAD' ? undefined : body)
}

const askCommand = (service: string, tier: Tier): string => {
  const duration = formatDuration(Math.min(tier.longest, 3_600_000))
  return `/access grant ${service} ${duration} ${tier.name}${tier.reason === 'optional' ? '' : tier.reason === 'ticket' ? ' because CHG-…' : ' because …'}`
}

const ruleOf = (tier: Tier, { service }: Exchange): string => `services.${service?.name}.tiers.${tier.name}`
