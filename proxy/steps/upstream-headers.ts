import { TLSSocket } from 'node:tls'
import type { Exchange } from '../exchange.ts'

/** The headers that go upstream: what the client may say, then what only we say, once each. */
export const upstreamHeaders = (exchange: Exchange, assertion: string): string[] => {
  const { forwarded, request, host } = exchange
  forwarded.push(
    'X-Forwarded-For',
    request.socket.remoteAddress ?? '',
    'X-Forwarded-Host',
    host,
    'X-Forwarded-Proto',
    request.socket instanceof TLSSocket ? 'https' : 'http',
    'X-Pagepass-Assertion',
    assertion,
  )
  return forwarded
}
