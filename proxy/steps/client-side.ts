import { isIPv6, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { originOf } from '../session/own-page.ts'

/** What a connection and the host asked for on it say of a client. */
export type ClientSide = {
  readonly host: string
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** Of the pages of that host that may have our cookie (RFC 6454): it is `Secure`, so they came over TLS, wherever that ends. */
  readonly origin: string
  /** The same as `Forwarded` has it (RFC 7239 4). */
  readonly forwarded: string
}

/** Names that never leave this machine count as secure without TLS, to browsers too (RFC 6761 6.3; W3C Secure Contexts 3.1). */
const isLocal = /\.localhost(?::\d+)?$/i

/** Put together once per connection, which asks for one host as a rule. */
const known = new WeakMap<Socket, ClientSide>()
export const clientSideOf = (socket: Socket, host: string): ClientSide => {
  const before = known.get(socket)
  if (before !== undefined && before.host === host) return before
  const address = before?.address ?? socket.remoteAddress ?? ''
  const scheme = socket instanceof TLSSocket ? 'https' : 'http'
  const forwarded = `for=${nodeOf(address)};host=${quotedWhereNeeded(host)};proto=${scheme}`
  const side: ClientSide = {
    host,
    address,
    scheme,
    origin: originOf(isLocal.test(host) ? scheme : 'https', host),
    forwarded,
  }
  // A connection that is gone has no address any more.
  if (address !== '') known.set(socket, side)
  return side
}

/** RFC 7239 6: an IPv6 address in brackets and quotes, without the zone that it has on this machine. */
const nodeOf = (address: string): string => {
  if (address === '') return 'unknown'
  return isIPv6(address) ? `"[${address.replace(/%.*$/, '')}]"` : address
}

/** RFC 9110 5.6.2, 5.6.4: a token as it is, everything else (a host with its port) as a quoted string. */
const quotedWhereNeeded = (text: string): string =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`
