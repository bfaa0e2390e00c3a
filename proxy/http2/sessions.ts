import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Http2Request } from './request.ts'
import { Http2Response } from './response.ts'
import { type Patience, patienceWithClients, watchConnection } from './watch-connection.ts'

const mostStreams = 100
const mostHeaders = 100
const mostHeaderBytes = 16_384

const options = {
  settings: {
    maxConcurrentStreams: mostStreams,
    // What a client is told, and nghttp2 resets a stream beyond.
    maxHeaderListSize: mostHeaderBytes,
    initialWindowSize: 262_144,
    // No WebSockets over HTTP/2 (RFC 8441).
    enableConnectProtocol: false,
  },
  // What is a little too much is still answered with 431, and recorded.
  maxHeaderListPairs: mostHeaders + 28,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  // Rapid reset (CVE-2023-44487): so many at once, and so many more a second, and the connection ends.
  streamResetBurst: 200,
  streamResetRate: 33,
  // A service may repeat what it likes; that is as with HTTP/1.1.
  strictSingleValueFields: false,
}
const connectionWindow = 2_097_152

/**
 * Connections that chose HTTP/2. Each of their streams is a request like any other, decided by itself. `unreadable` is told
 * of what is too large to be read, and of a connection that breaks the protocol.
 */
export const createHttp2 = (
  serve: (request: Http2Request, response: Http2Response) => void,
  unreadable: (client: string, status: number) => void,
  patience: Patience = patienceWithClients,
) => {
  const sessions = new Set<ServerHttp2Session>()

  const take = (socket: Socket): void => {
    const client = socket.remoteAddress ?? ''
    const session = performServerHandshake(socket, options)
    // By the requests alone: what drips in without becoming one keeps nothing open.
    const connection = { session, open: 0, answers: 0 }
    watchConnection(connection, patience, socket)
    sessions.add(session)
    session.setLocalWindowSize(connectionWindow)
    session.on('close', () => sessions.delete(session))
    session.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_HTTP2_ERROR') unreadable(client, 400)
    })
    session.on('stream', (stream: ServerHttp2Stream, _, __, fields: readonly string[]) => {
      stream.on('error', () => undefined)
      // Already reset: nobody waits for it.
      if (stream.destroyed || stream.closed) return
      connection.open += 1
      stream.once('close', () => {
        connection.open -= 1
        connection.answers += 1
      })
      if (isTooLarge(fields)) {
        unreadable(client, 431)
        stream.respond({ ':status': 431 }, { endStream: true })
        return void stream.close()
      }
      const request = new Http2Request(stream, fields, socket)
      serve(request, new Http2Response(request))
    })
  }

  return {
    take,
    /** No more requests on these connections; what is under way is answered (GOAWAY, RFC 9113 6.8). */
    goAway: (): void => {
      for (const session of sessions) session.close()
    },
  }
}

export type Http2 = ReturnType<typeof createHttp2>

const isTooLarge = (fields: readonly string[]): boolean => {
  let bytes = 0
  let headers = 0
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    bytes += name.length + (fields[index + 1] as string).length
    if (!name.startsWith(':')) headers += 1
  }
  return bytes > mostHeaderBytes || headers > mostHeaders
}
