import { ServerResponse } from 'node:http'
import { asksGrpc, endGrpc } from './http2/grpc.ts'
import { Http2Request } from './http2/request.ts'
import { Http2Response } from './http2/response.ts'
import { reset } from './websockets/tunnel.ts'
import type { ClientRequest, ClientResponse } from './wire.ts'

/**
 * Ends what is under way for one client at once: its connection, or where others share it, its stream alone. A call of gRPC
 * is told why, where nothing waits before that.
 */
export const cutClient = (request: ClientRequest, response: ClientResponse): void => {
  if (request instanceof Http2Request) {
    const ofGrpc = response instanceof Http2Response && asksGrpc(request)
    if (ofGrpc && endGrpc(response, 403, 'Your pass has ended.')) return
    return request.cut()
  }
  response.destroy()
  request.socket.destroy()
}

const usualUnreadMs = 60_000

/**
 * Closes the connection where an answer of ours is not read in time. Without it, whoever asks and reads nothing keeps the
 * megabytes that the kernel holds for a connection, for as long as they like. A stream of HTTP/2 does so by itself.
 */
export const closeUnread = (response: ClientResponse, unreadMs = usualUnreadMs): void => {
  if (!(response instanceof ServerResponse)) return
  const { socket } = response
  if (socket === null || socket.writableLength === 0) return
  const late = setTimeout(() => reset(socket), unreadMs)
  late.unref()
  response.once('close', () => clearTimeout(late))
}

/** Leaves a request without an answer in the way that says it may be asked again elsewhere. */
export const leaveUnanswered = (request: ClientRequest): void => {
  if (request instanceof Http2Request) request.refuse()
  else request.socket.destroySoon()
}
