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

const timeoutShape = /^(\d{1,8})([HMSmun])$/
const msIn: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }
/** Node's timers take no more, and no pass lasts as long. */
const longestMs = 2 ** 31 - 1

/**
 * Milliseconds that the client gives a call (`grpc-timeout`, gRPC over HTTP2), rounded up. Undefined where it sets no
 * limit, none that is near, or says it in a way that only the service may understand.
 */
export const timeLeft = ({ rawHeaders }: ClientRequest): number | undefined => {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index] !== 'grpc-timeout') continue
    const [, count, unit = ''] = timeoutShape.exec(rawHeaders[index + 1] as string) ?? []
    const ms = Math.ceil(Number(count) * (msIn[unit] ?? Number.NaN))
    return ms <= longestMs ? ms : undefined
  }
  return undefined
}

/** Statuses of gRPC (statuscodes.md). */
const permissionDenied = 7
const unknown = 2
/** The service has the call and may have done it, so it is not one that clients try again by themselves, as 14 is. */
const deadlineExceeded = 4
const codes = new Map([
  [400, 13],
  [401, 16],
  [403, permissionDenied],
  [404, 12],
  [429, 8],
  [502, 14],
  [503, 14],
  [504, deadlineExceeded],
])

/** Text as `grpc-message` carries it: UTF-8, percent-encoded but for printable ASCII. */
const messageOf = (text: string): string =>
  encodeURIComponent(text.trim()).replaceAll(/%(?:2[0-46-9A-F]|[3-7][0-9A-E])/g, (escaped) =>
    decodeURIComponent(escaped),
  )

/**
 * Answers a call with nothing but a status ("Trailers-Only"), for which clients show their user the text. They take it from
 * an answer with 200 alone. `status` is what others would be answered (http-grpc-status-mapping.md, but 8 for 429 and 4 for 504).
 */
export const refuseGrpc = (response: Http2Response, status: number, text: string): void =>
  response.writeWhole(200, [
    ...['content-type', 'application/grpc'],
    ...['grpc-status', String(codes.get(status) ?? unknown)],
    ...['grpc-message', messageOf(text)],
  ])

/** Tells a client why its call ends here, by what others would be answered. False where it can't be told any more. */
export const endGrpc = (response: Http2Response, status: number, text: string): boolean => {
  if (response.destroyed) return false
  if (!response.headersSent) refuseGrpc(response, status, text)
  else if (response.nothingWaits) {
    response.addTrailers([
      ['grpc-status', String(codes.get(status) ?? unknown)],
      ['grpc-message', messageOf(text)],
    ])
    response.end()
  } else return false
  return true
}
