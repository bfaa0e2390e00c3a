import type { ClientRequest } from '../wire.ts'
import { Http2Request } from './request.ts'
import type { Http2Response } from './response.ts'

/** gRPC itself; what browsers speak instead (grpc-web) is ordinary HTTP. */
const contentType = /^application\/grpc(?:[+;]|$)/i

/** Whether this is a call of gRPC, which needs HTTP/2 all the way (gRPC over HTTP2). */
export const asksGrpc = (request: ClientRequest): request is Http2Request => {
  if (request.httpVersionMajor !== 2 || !(request instanceof Http2Request)) return false
  const { rawHeaders } = request
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index] === 'content-type') return contentType.test(rawHeaders[index + 1] as string)
  return false
}

/** Statuses of gRPC (statuscodes.md). */
const permissionDenied = 7
const unknown = 2
const codes = new Map([
  [400, 13],
  [401, 16],
  [403, permissionDenied],
  [404, 12],
  [429, 8],
  [502, 14],
  [503, 14],
  [504, 14],
])

/** Text as `grpc-message` carries it: UTF-8, percent-encoded but for printable ASCII. */
const messageOf = (text: string): string =>
  encodeURIComponent(text.trim()).replaceAll(/%(?:2[0-46-9A-F]|[3-7][0-9A-E])/g, (escaped) =>
    decodeURIComponent(escaped),
  )

/**
 * Answers a call with nothing but a status ("Trailers-Only"), for which clients show their user the text. They take it from
 * an answer with 200 alone. `status` is what others would be answered (http-grpc-status-mapping.md, and 8 for 429).
 */
export const refuseGrpc = (response: Http2Response, status: number, text: string): void =>
  response.writeWhole(200, [
    ...['content-type', 'application/grpc'],
    ...['grpc-status', String(codes.get(status) ?? unknown)],
    ...['grpc-message', messageOf(text)],
  ])

/** Tells a client why its call ends here. False where it can't be told any more. */
export const endGrpc = (response: Http2Response, text: string): boolean => {
  if (response.destroyed) return false
  if (!response.headersSent) refuseGrpc(response, 403, text)
  else if (response.nothingWaits) {
    response.addTrailers([
      ['grpc-status', String(permissionDenied)],
      ['grpc-message', messageOf(text)],
    ])
    response.end()
  } else return false
  return true
}
