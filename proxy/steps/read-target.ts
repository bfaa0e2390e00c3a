import type { Reason } from '#access/domain/reasons.ts'
import { canonicalPath, forwardedMethods } from '#access/domain/target.ts'
import type { Exchange } from '../exchange.ts'

/** The target must be canonical, so that the bytes decided on are the bytes sent, and mean one thing. */
export const readTarget = (exchange: Exchange): Reason | undefined =>
  readOriginForm(exchange, exchange.request.url)

/** The same of a target that was found elsewhere. */
export const readOriginForm = (exchange: Exchange, url: string | undefined): Reason | undefined => {
  const { method } = exchange.request
  if (method === undefined || !forwardedMethods.has(method)) return 'method-not-allowed'
  const path = url === undefined ? undefined : canonicalPath(url)
  if (url === undefined || path === undefined) return 'target-not-canonical'
  exchange.target = url
  exchange.path = path
  return undefined
}

/**
 * A target as it may be recorded: without its query; and where it is none of ours and holds a user name, not at all, as a
 * password may stand there.
 */
export const pathOf = (url = ''): string =>
  url.startsWith('/') || !url.includes('@') ? (url.split('?', 1)[0] ?? '') : ''
