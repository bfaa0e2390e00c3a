import type { Reason } from '#access/domain/reasons.ts'
import type { Service } from '#access/domain/rule-set.ts'
import { closeUnread } from './end-client.ts'
import type { Exchange } from './exchange.ts'
import { asksGrpc, endGrpc, refuseGrpc } from './http2/grpc.ts'
import { Http2Response } from './http2/response.ts'
import { formOf } from './refusals/form-of.ts'
import { refusalLine } from './refusals/line.ts'
import { pageHeaders, refusalPage } from './refusals/page.ts'
import { type RefusalFacts, type Told, toldOf } from './refusals/told.ts'

export type { RefusalFacts } from './refusals/told.ts'

/**
 * A refusal as problem details (RFC 9457), on one line: the reason's code, the tier that would do, and the command that
 * would ask for it (`ask`, by the rule `by`), or what would have to change before (`mend`).
 */
export const problemLine = (
  reason: Reason,
  status: number,
  service: Service | undefined,
  facts: RefusalFacts,
  command?: string,
): string => problemOf({ ...toldOf(reason, service, facts, command), status })

const problemOf = ({ reason, status, title, service, needs, rule, by, mend, ask }: Told): string => {
  const problem = {
    type: `urn:pagepass:reason:${reason}`,
    title,
    status,
    reason,
    service,
    needs,
    rule,
    by,
    mend,
    ask,
  }
  return `${JSON.stringify(problem)}\n`
}

const problemHeaders: Readonly<Record<string, string>> = {
  'content-type': 'application/problem+json; charset=utf-8',
}
const lineHeaders: Readonly<Record<string, string>> = { 'content-type': 'text/plain; charset=utf-8' }

/**
 * Answers refusals: a page for browsers, a line for terminals, problem details for everybody else. `slackApp` is where
 * the bot is at home in Slack (`slack://app?team=…&id=…`, or https), `command` what it is called there by.
 */
export const createRefusals =
  (slackApp?: string, command?: string) =>
  (exchange: Exchange, reason: Reason, facts: RefusalFacts = {}): void => {
    const { response, request, identity, upgrade } = exchange
    // Who is not known hears of no service, neither of one that there is nor of one that there is not.
    const service = identity === undefined ? undefined : exchange.service
    const told = toldOf(reason, service, facts, command)
    const { status } = told
    exchange.status = status
    const ofGrpc = response instanceof Http2Response && asksGrpc(request)
    if (response.headersSent || response.destroyed) {
      if (!(ofGrpc && reason === 'upstream-late' && endGrpc(response, status, refusalLine(told))))
        response.destroy()
      return
    }
    if (ofGrpc) return refuseGrpc(response, status, refusalLine(told))
    const form = formOf(request.rawHeaders)
    const [body, ofForm] =
      form === 'page'
        ? [refusalPage(told, slackApp), pageHeaders]
        : form === 'line'
          ? [refusalLine(told), lineHeaders]
          : [problemOf(told), problemHeaders]
    const headers: Record<string, string> = {
      ...ofForm,
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: 'Accept, User-Agent',
    }
    if (status === 401) headers['www-authenticate'] = 'Bearer'
    if (told.retryAfter !== undefined) headers['retry-after'] = String(told.retryAfter)
    if (facts.rateLimit !== undefined) {
      headers['ratelimit-policy'] = facts.rateLimit.policy
      headers['ratelimit'] = facts.rateLimit.state
    }
    // What the client still sends of a refused request is not read, and what follows one that could be read in two
    // ways is not trusted: the connection ends with the answer. After a refused upgrade it is nobody's.
    if (status === 400 || !request.complete || upgrade !== undefined) headers['connection'] = 'close'
    response.writeHead(status, headers)
    response.end(request.method === 'HEAD' ? undefined : body)
    closeUnread(response)
  }
