import { type Reason, reasons } from '#access/domain/reasons.ts'
import { forwardedMethods } from '#access/domain/target.ts'
import { formOf } from '../refusals/form-of.ts'
import { refusalLine } from '../refusals/line.ts'
import { toldOf } from '../refusals/told.ts'
import { problemLine } from '../refuse.ts'
import type { ToldOnSocket } from '../server.ts'
import type { ClientRequest, ClientResponse } from '../wire.ts'

const sayWho =
  'Send an access token of your identity provider as “Proxy-Authorization: Bearer …”, or as “X-Pagepass-Authorization: Bearer …”.'
const needsRule =
  'Have an “egress” rule say so, from your workload to this address, and what it allows there.'

/** What to do about it. */
const mends: Partial<Record<Reason, string>> = {
  'egress-form':
    'Set HTTP_PROXY to this address, and call http://api.example.com/… as if there were no proxy.',
  'egress-tunnel':
    'Call http:// in place of https://: where the rule says https, it goes on by TLS. A client that makes a tunnel for http, too, has to be told not to (undici: proxyTunnel: false).',
  'egress-missing': needsRule,
  'egress-beyond': needsRule,
  'token-missing': sayWho,
  'token-invalid': sayWho,
  'token-expired': sayWho,
}

/** A 401 would be taken for the origin's; a proxy says 407 (RFC 9110 15.5.8). */
export const statusAt = (reason: Reason): number => {
  const { status } = reasons[reason]
  return status === 401 ? 407 : status
}

const headersOf = (reason: Reason, type: string): Record<string, string> => {
  const status = statusAt(reason)
  return {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    vary: 'Accept, User-Agent',
    // So that nobody takes it for an answer from outside.
    'proxy-status': `pagepass; error=${errors[status] ?? 'proxy_internal_response'}; details="${reason}"`,
    ...(status === 407 ? { 'proxy-authenticate': 'Bearer' } : {}),
    ...(status === 405 ? { allow: [...forwardedMethods].join(', ') } : {}),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  }
}

/** RFC 9209 2.3. */
const errors: Readonly<Record<number, string>> = {
  400: 'http_request_error',
  403: 'http_request_denied',
  405: 'http_request_denied',
  407: 'http_request_denied',
  502: 'destination_unavailable',
  504: 'http_response_timeout',
}

/** Tells a workload why its call was refused: on one line in a terminal, otherwise as problem details (RFC 9457). */
export const answerRefusal = (
  request: Pick<ClientRequest, 'rawHeaders' | 'complete' | 'method'>,
  response: ClientResponse,
  reason: Reason,
  last: boolean,
): void => {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const status = statusAt(reason)
  const isLine = formOf(request.rawHeaders) === 'line'
  const body = isLine
    ? refusalLine({ ...toldOf(reason, undefined, factsOf(reason)), status })
    : problemOf(reason)
  const headers = headersOf(reason, isLine ? 'text/plain' : 'application/problem+json')
  headers['content-length'] = String(Buffer.byteLength(body))
  // As for services: what follows a request that could be read in two ways is not trusted, nor is a body read for nothing.
  if (last || status === 400 || !request.complete) headers['connection'] = 'close'
  response.writeHead(status, headers)
  response.end(request.method === 'HEAD' ? undefined : body)
}

const factsOf = (reason: Reason) => {
  const mend = mends[reason]
  return mend === undefined ? {} : { way: { mend } }
}

const problemOf = (reason: Reason): string =>
  problemLine(reason, statusAt(reason), undefined, factsOf(reason))

/** The same for who asks for a tunnel. */
export const tunnelAnswer = (): ToldOnSocket => {
  const body = problemOf('egress-tunnel')
  return {
    status: statusAt('egress-tunnel'),
    headers: headersOf('egress-tunnel', 'application/problem+json'),
    body,
  }
}
