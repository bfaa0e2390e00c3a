import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2'
import type { Service } from '#access/domain/rule-set.ts'
import type { Exchange } from '../exchange.ts'
import { answerHeaders, type ForwardEnd, passTrailers, trailersPassed } from '../forward.ts'
import { recallFate } from '../steps/read-headers.ts'
import { append } from './append.ts'
import { asksGrpc, timeLeft } from './grpc.ts'
import { Http2Request } from './request.ts'
import { Http2Response } from './response.ts'
import { type Http2Upstreams, priorKnowledge } from './upstreams.ts'
import type { Http2Connection } from './watch-connection.ts'

/** Whether it goes to the service by HTTP/2: what speaks nothing else, and gRPC. */
export const goesByHttp2 = (exchange: Exchange, { releases, serve }: Service): boolean =>
  (releases[serve] as string).startsWith(priorKnowledge) || asksGrpc(exchange.request)

/** As undici calls it. */
class HeadersTimeoutError extends Error {
  override readonly name = 'HeadersTimeoutError'
}

/** What an end of a stream says of itself, so that it is passed on as it is (RFC 9113 7). */
const passedCodes = new Set<number>([
  constants.NGHTTP2_REFUSED_STREAM,
  constants.NGHTTP2_CANCEL,
  constants.NGHTTP2_ENHANCE_YOUR_CALM,
])

/**
 * Sends the exchange upstream by HTTP/2 and its answer back, both ways streamed with back-pressure, with trailers, and with
 * a reset of either side passed on to the other. Nothing is tried again.
 */
export const forwardByHttp2 = (
  upstreams: Http2Upstreams,
  service: Service,
  exchange: Exchange,
  headers: readonly string[],
  ended: ForwardEnd,
  answered: (exchange: Exchange) => void,
): void => {
  const { request, response, target, hasBody } = exchange
  const { timeouts } = service
  const grpc = asksGrpc(request)
  const fields: OutgoingHttpHeaders = Object.create(null)
  for (let index = 0; index < headers.length; index += 2)
    append(fields, (headers[index] as string).toLowerCase(), headers[index + 1] as string)
  fields[':method'] = request.method
  fields[':path'] = target
  if (grpc) fields['te'] = 'trailers'
  let connection: Http2Connection
  let stream: ClientHttp2Stream
  try {
    connection = upstreams.of(service)
    stream = connection.session.request(fields, { endStream: !hasBody, waitForTrailers: hasBody })
  } catch (error) {
    return ended(exchange, 'failed', error as Error)
  }
  /** Whether the answer is nothing but headers. */
  let isBare = false
  let hasTrailers = false
  let settled = false
  /** Node sends a request that waits for its connection even where it was closed meanwhile, but none that was destroyed. */
  const leave = (code: number): void => {
    if (stream.pending) stream.destroy()
    else stream.close(code)
  }
  exchange.abort = () => {
    settled = true
    leave(constants.NGHTTP2_CANCEL)
  }
  connection.open += 1

  const giveUp = (): void => {
    if (settled) return
    settled = true
    leave(constants.NGHTTP2_CANCEL)
    ended(exchange, 'failed', new HeadersTimeoutError())
  }
  /** Once all of the request is there. */
  let late: NodeJS.Timeout | undefined
  const awaitAnswer = (): void => {
    if (grpc || settled || exchange.status !== 0) return
    late = setTimeout(giveUp, timeouts.headers)
  }
  // A call of gRPC may say nothing for hours, headers included, and go well. What bounds it is its client’s deadline, which
  // counts for all of it, and goes on to the service.
  const callMs = grpc ? timeLeft(request) : undefined
  const deadline = callMs === undefined ? undefined : setTimeout(giveUp, callMs)

  const finish = (): void => {
    settled = true
    response.end()
    ended(exchange, 'done')
    // It has said all, and what the client still sends is nobody's.
    if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR)
  }
  const fail = (): void => {
    settled = true
    const code = stream.rstCode
    const isPassed = !connection.session.destroyed && (response.headersSent || passedCodes.has(code))
    if (request instanceof Http2Request && code !== 0 && isPassed) request.reset(code)
    ended(exchange, 'failed')
  }

  stream.on('error', () => undefined)
  stream.on('close', () => {
    connection.open -= 1
    clearTimeout(late)
    clearTimeout(deadline)
    if (settled || response.destroyed) return
    fail()
  })
  response.on('close', () => {
    if (response.writableFinished || settled) return
    settled = true
    ended(exchange, 'aborted')
    const code = request instanceof Http2Request ? request.stream.rstCode : 0
    leave(code === 0 ? constants.NGHTTP2_CANCEL : code)
  })
  const answer = (flags: number, raw: readonly string[]): void => {
    const status = Number(raw[1])
    isBare = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    exchange.status = status
    answered(exchange)
    clearTimeout(late)
    if (timeouts.idle !== undefined)
      stream.setTimeout(timeouts.idle, () => stream.close(constants.NGHTTP2_CANCEL))
    const { headers } = answerHeaders(withoutPseudo(raw))
    response.sendDate = false
    if (isBare && response instanceof Http2Response) response.writeWhole(status, headers)
    else response.writeHead(status, headers)
  }
  stream.on('response', (_, flags, raw: readonly string[]) => {
    connection.answers += 1
    if (settled || response.destroyed) return
    try {
      answer(flags, raw)
    } catch (error) {
      // What Node does not take of a service (a status of 999, a header of HTTP/1.1) is no answer.
      settled = true
      stream.close(constants.NGHTTP2_CANCEL)
      ended(exchange, 'failed', error as Error)
    }
  })
  stream.on('data', (chunk: Buffer) => {
    connection.answers += 1
    if (settled || response.destroyed) return
    exchange.bytes += chunk.length
    if (response.write(chunk)) return
    stream.pause()
    response.once('drain', () => stream.resume())
  })
  stream.on('trailers', (_, __, raw: readonly string[]) => {
    hasTrailers = true
    if (!response.destroyed) passTrailers(response, raw)
  })
  stream.on('end', () => {
    // Node ends a stream that was reset, too; an answer of gRPC is whole with its trailers.
    const whole = !stream.aborted && stream.rstCode === 0 && !stream.destroyed
    if (settled || response.destroyed || exchange.status === 0 || !whole) return
    if (!grpc || hasTrailers || isBare) finish()
  })

  if (!hasBody) return awaitAnswer()
  request.once('end', awaitAnswer)
  if (exchange.waitsToSend) response.writeContinue()
  stream.on('wantTrailers', () => {
    const trailers = grpc ? trailersPassed(request.rawTrailers) : []
    try {
      stream.sendTrailers(Object.fromEntries(trailers.filter(([name]) => recallFate(name) === 'forward')))
    } catch {
      stream.close(constants.NGHTTP2_CANCEL)
    }
  })
  request.pipe(stream)
}

const withoutPseudo = (raw: readonly string[]): readonly string[] => {
  let first = 0
  while (raw[first]?.startsWith(':')) first += 2
  return raw.slice(first)
}
