import type { Exchange } from '../exchange.ts'
import { clientSideOf } from './client-side.ts'

/** The headers that go upstream: what the client may say, then what only we say, once each. */
export const upstreamHeaders = (exchange: Exchange, assertion: string): string[] => {
  const { forwarded, request, host } = exchange
  const client = clientSideOf(request.socket, host)
  forwarded.push(
    'Forwarded',
    client.forwarded,
    'X-Forwarded-For',
    client.address,
    'X-Forwarded-Host',
    host,
    'X-Forwarded-Proto',
    client.scheme,
    'X-Pagepass-Assertion',
    assertion,
  )
  return forwarded
}
