import { type Reason, reasons } from '#access/domain/reasons.ts'
import type { Tier } from '#access/domain/tier.ts'
import { askCommand } from '#access/rules/explain/ask-command.ts'
import type { Way } from '#access/rules/explain/who-may-ask.ts'
import type { Exchange } from './exchange.ts'

export type RefusalFacts = {
  /** The tier that would admit the request. */
  readonly needs?: Tier | undefined
  /** By which rule they may ask for it, or what would have to change first. */
  readonly way?: Way | undefined
  /** Seconds. */
  readonly retryAfter?: number
}

/**
 * Answers a refusal: problem details (RFC 9457) with the reason's code, the tier that would do, and the command
 * that would ask for it (`ask`, by the rule `by`), or what would have to change before (`mend`).
 */
export const answerRefusal = (exchange: Exchange, reason: Reason, facts: RefusalFacts = {}): void => {
  const { response, request, service, upgrade } = exchange
  const { status, person } = reasons[reason]
  exchange.status = status
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { rule: by, mend } = facts.way ?? {}
  const ask =
    service === undefined || facts.needs === undefined || mend !== undefined
      ? undefined
      : askCommand(service.name, facts.needs)
  const problem = {
    type: `urn:pagepass:reason:${reason}`,
    title: person,
    status,
    reason,
    ...(service === undefined ? {} : { service: service.name }),
    ...(facts.needs === undefined ? {} : { needs: facts.needs.name, rule: ruleOf(facts.needs, exchange) }),
    ...(by === undefined ? {} : { by }),
    ...(mend === undefined ? {} : { mend }),
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

const ruleOf = (tier: Tier, { service }: Exchange): string => `services.${service?.name}.tiers.${tier.name}`
