import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { KeptPair } from '../tls/keep-pair.ts'

const limits = {
  requireHostHeader: false,
  // What the proxy takes of a client, and what a front proxy adds.
  maxHeaderSize: 24_576,
  requestTimeout: 20_000,
  headersTimeout: 20_000,
  keepAliveTimeout: 65_000,
}

/** The same over TLS. A new certificate and a new CA count from the next connection on. */
const overTls = (
  tls: KeptPair,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): SecureServer => {
  const context = tls.context()
  const asksWho = context.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }
  const server = createTlsServer({ ...limits, ...context, ...asksWho, handshakeTimeout: 10_000 }, serve)
  tls.follow((newer) => server.setSecureContext(newer))
  return server
}

/**
 * The listener that front proxies ask. Whatever is no readable question is answered with 403 and told to `turnedAway`.
 * With a `ca`, nobody gets as far as a request without a certificate of it.
 */
export const createAuthzServer = (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  turnedAway: (client: string) => void,
  tls: KeptPair | undefined,
  mayAnswerLast: () => boolean = () => false,
): Server => {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (!server.listening) {
      // Once this process goes, an old connection is no way past the rules of the next one.
      if (!mayAnswerLast()) return request.socket.destroySoon()
      response.shouldKeepAlive = false
    }
    handle(request, response)
  }
  const server = tls === undefined ? createServer(limits, serve) : overTls(tls, serve)
  // Node leaves out what is beyond its limit; here it counts. The bytes are limited.
  server.maxHeadersCount = 0
  server.on('checkExpectation', serve)

  const turnAway = (socket: Socket): void => {
    socket.on('error', () => undefined)
    turnedAway(socket.remoteAddress ?? '')
    if (socket.writable)
      socket.write('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    socket.destroySoon()
  }
  server.on('connect', (_request: IncomingMessage, socket: Socket) => turnAway(socket))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const isUnreadable = error.code?.startsWith('HPE_') && error.code !== 'HPE_CLOSED_CONNECTION'
    if (isUnreadable || error.code === 'ERR_HTTP_REQUEST_TIMEOUT') turnAway(socket)
    else socket.destroy()
  })
  server.on('tlsClientError', (_error: Error, socket: Socket) => turnedAway(socket.remoteAddress ?? ''))
  return server
}
