import { originsOf } from '#access/domain/decide-egress.ts'
import type { Reason } from '#access/domain/reasons.ts'
import { type ReadCredential, scanHeaders, tokenOf } from '../steps/read-headers.ts'
import { readOriginForm } from '../steps/read-target.ts'
import type { EgressExchange } from './exchange.ts'

/** Absolute form (RFC 9112 3.2.2): scheme, authority, and behind them what an origin is sent. */
const absolute = /^(https?):\/\/([^/?#]*)(.*)$/

/**
 * Reads where a call goes and what it may take along. The target is a whole address whose path is canonical, and `Host`
 * says the same authority (RFC 9112 3.2).
 */
export const readCall = (exchange: EgressExchange): Reason | undefined => {
  const { url = '' } = exchange.request
  if (url.startsWith('/') || url === '*') return 'egress-form'
  const [, scheme, authority = '', target] = absolute.exec(url) ?? []
  const origins = scheme === 'http' || scheme === 'https' ? originsOf(scheme, authority) : undefined
  if (origins === undefined) return 'target-not-canonical'
  exchange.origins = origins
  const reason = readOriginForm(exchange, target) ?? scanHeaders(exchange, readCredential)
  if (reason !== undefined) return reason
  // Breaking glass opens services, and nothing outside.
  if (exchange.breakGlass !== '') return 'header-reserved'
  return exchange.host.toLowerCase() === authority.toLowerCase() ? undefined : 'headers-ambiguous'
}

/**
 * Who calls is said in `Proxy-Authorization` (RFC 9110 11.7.2) or `X-Pagepass-Authorization`, neither of which goes on.
 * `Authorization` is between the workload and the origin, and goes there as it is: unless it is the very token that is
 * for us, which no stranger is to see.
 */
const readCredential: ReadCredential = (exchange, authorization, own, proxy) => {
  const token = proxy?.includes(',') === true ? undefined : tokenOf(proxy, own)
  if (token === undefined) return 'headers-ambiguous'
  exchange.token = token
  if (authorization === undefined) return undefined
  if (token !== '' && authorization.includes(token)) return 'headers-ambiguous'
  exchange.forwarded.push('Authorization', authorization)
  return undefined
}
