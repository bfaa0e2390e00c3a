import {
  createServer,
  type IncomingHttpHeaders,
  IncomingMessage,
  type Server,
  ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { JWK } from 'jose'
import { closeUnread, leaveUnanswered } from './end-client.ts'
import type { UpgradeAsked } from './exchange.ts'
import { createHttp2, type Http2 } from './http2/sessions.ts'
import type { KeptPair } from './tls/keep-pair.ts'
import type { ClientRequest, ClientResponse } from './wire.ts'

export const reservedPrefix = '/.pagepass/'

/**
 * Node looks at a few headers itself, and for that would build an object of all headers for every request. The
 * pipeline reads the raw ones, so only those few are ever looked up.
 */
class LeanMessage extends IncomingMessage {}
Object.defineProperty(LeanMessage.prototype, 'headers', {
  get(this: IncomingMessage): IncomingHttpHeaders {
    const headers: IncomingHttpHeaders = {}
    for (let index = 0; index < this.rawHeaders.length; index += 2) {
      const name = this.rawHeaders[index] ?? ''
      if (!lengthsNodeLooksAt.has(name.length)) continue
      const lower = name.toLowerCase()
      if (namesNodeLooksAt.has(lower)) headers[lower] = this.rawHeaders[index + 1] ?? ''
    }
    return headers
  },
})

const namesNodeLooksAt = new Set(['expect', 'content-length', 'transfer-encoding'])
const lengthsNodeLooksAt = new Set([...namesNodeLooksAt].map(({ length }) => length))

const plain = {
  IncomingMessage: LeanMessage,
  // The pipeline demands exactly one Host itself.
  requireHostHeader: false,
  optimizeEmptyRequests: true,
  maxHeaderSize: 16_384,
  // A body may take as long as its grant lasts. Headers may not: without a limit of their own they would have none.
  requestTimeout: 0,
  headersTimeout: 20_000,
  keepAliveTimeout: 65_000,
  // A client that vanished without a word is found while a stream to it is silent, too (RFC 9293 3.8.4).
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
}
const handshakeTimeoutMs = 10_000

/** The same over TLS, where a client may choose HTTP/2 if there is one. A new certificate counts from the next connection on. */
const overTls = (
  tls: KeptPair,
  take: (request: IncomingMessage, response: ServerResponse) => void,
  http2: Http2 | undefined,
): SecureServer => {
  const server = createSecureServer(
    {
      ...plain,
      ...tls.context(),
      handshakeTimeout: handshakeTimeoutMs,
      ALPNProtocols: http2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
    },
    take,
  )
  // Nothing was asked yet, and nobody who could not shake hands understands an answer.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (_, socket) => socket.destroy())
  tls.follow((context) => server.setSecureContext(context))
  if (http2 === undefined) return server
  const [takeHttp1] = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') http2.take(socket)
    else takeHttp1?.call(server, socket)
  })
  const close = server.close.bind(server)
  server.close = (closed) => {
    http2.goAway()
    return close(closed)
  }
  return server
}

/** What is answered where Node has given a connection away, and nothing else can be. */
export type ToldOnSocket = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * The public listener. Whatever Node would treat in a way of its own (upgrades, CONNECT, bytes that are no HTTP) is
 * answered and closed here; everything else goes through `handle`. Once it takes no more connections, a request that was on
 * its way on an open one is answered as the last one there for as long as `mayAnswerLast`. Without `publicKeys` it is a
 * forward proxy, which has no path of its own, and no HTTP/2.
 */
export const createProxyServer = (
  handle: (request: ClientRequest, response: ClientResponse, upgrade?: UpgradeAsked) => void,
  tunnelRefused: (request: IncomingMessage, status: number) => void,
  unreadable: (client: string, status: number) => void,
  publicKeys: (() => readonly JWK[]) | undefined,
  mayAnswerLast: () => boolean,
  tls?: KeptPair,
  toTunnels: ToldOnSocket = { status: 400 },
): Server => {
  const jwks = (): string => `${JSON.stringify({ keys: publicKeys?.() ?? [] })}\n`
  const isOwn = (url: string | undefined): boolean =>
    publicKeys !== undefined && url?.startsWith(reservedPrefix) === true
  const take = (request: IncomingMessage, response: ServerResponse): void => inTurn(request, response, serve)
  const server =
    tls === undefined
      ? createServer(plain, take)
      : overTls(
          tls,
          take,
          publicKeys && createHttp2((request, response) => serve(request, response), unreadable),
        )
  const serve = (request: ClientRequest, response: ClientResponse): void => {
    if (!server.listening) {
      // Once this process goes, an old connection is no way past the rules of the next one. Unanswered, it is asked again
      // elsewhere (RFC 9112 9.3.1).
      if (!mayAnswerLast() || !(response instanceof ServerResponse)) return leaveUnanswered(request)
      response.shouldKeepAlive = false
    }
    if (isOwn(request.url)) {
      const found = request.url === `${reservedPrefix}jwks.json` && request.method === 'GET'
      response.writeHead(found ? 200 : 404, {
        'content-type': 'application/json',
        'cache-control': 'max-age=60',
      })
      response.end(found ? jwks() : '{}\n')
      return closeUnread(response)
    }
    handle(request, response)
  }
  server.maxHeadersCount = 100
  // An expectation nobody knows may be ignored (RFC 9110 10.1.1); Node's own 417 would leave no record.
  server.on('checkExpectation', (request, response) => inTurn(request, response, serve))
  // Nobody is told to send a body before it is decided that it goes on.
  server.on('checkContinue', (request, response) => inTurn(request, response, serve))
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Not behind a request that is still answered or was the last one, nor for us, nor once the process goes.
    const mayAnswer = underWay(socket) === undefined && socket.writable && server.listening
    if (!mayAnswer || isOwn(request.url)) {
      tunnelRefused(request, 403)
      return closeWith(socket, 403)
    }
    socket.on('error', () => undefined)
    const response = new ServerResponse(request)
    response.assignSocket(socket)
    response.on('finish', () => socket.destroySoon())
    handle(request, response, { early: head.length > 0, key: '' })
  })
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    tunnelRefused(request, toTunnels.status)
    closeWith(socket, toTunnels.status, toTunnels)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Bytes after the last request of a connection are nobody's; its answer still goes out.
    if (error.code === 'HPE_CLOSED_CONNECTION') return
    const status = statusOf(error)
    // What fails in the body of an admitted request is in the records of that request.
    if (error.code?.startsWith('HPE_') && underWay(socket)?.req.complete !== false)
      unreadable(socket.remoteAddress ?? '', status)
    closeWith(socket, status)
  })
  return server
}

const mostWaiting = 100
const waiting = new WeakMap<Socket, number>()

/**
 * A pipelined request waits until its answer could be sent, so that nothing is done for somebody who is gone by then.
 * Node sets no limit to how many wait, and no client needs many.
 */
const inTurn = (
  request: IncomingMessage,
  response: ServerResponse,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): void => {
  const { socket } = request
  if (response.socket === null) {
    const ahead = waiting.get(socket) ?? 0
    waiting.set(socket, ahead + 1)
    if (ahead >= mostWaiting) socket.destroy()
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
      setImmediate(inTurn, request, response, serve)
    })
    // Nor is anything done after an answer that was the last one.
  } else if (socket.writable) serve(request, response)
}

const statusOf = ({ code }: NodeJS.ErrnoException): number =>
  code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400

/** The answer under way on a connection. Node keeps it there, and looks at it before it answers an error itself. */
const underWay = (socket: Socket): ServerResponse | undefined =>
  (socket as Socket & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined

const closeWith = (
  socket: Socket,
  status: number,
  { headers = {}, body = '' }: Omit<ToldOnSocket, 'status'> = {},
): void => {
  // Node has taken its own listener off a socket that it hands over, and an unheard error ends the process.
  socket.on('error', () => undefined)
  const open = underWay(socket)
  // Never in the middle of another request's answer, nor in its place.
  if (socket.writable && (open === undefined || !(open.headersSent || open.req.complete)))
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${linesOf(headers, body)}\r\n${body}`)
  socket.destroySoon()
}

const linesOf = (headers: Readonly<Record<string, string>>, body: string): string =>
  Object.entries({ Connection: 'close', 'Content-Length': Buffer.byteLength(body), ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
