import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { append } from './append.ts'
import type { Http2Request } from './request.ts'

/** How long a client may take for the last bytes of an answer, which are no more than its buffer. */
const lastBytesMs = 60_000

/** An answer in a stream of HTTP/2, with the face of one in HTTP/1.1. */
export class Http2Response {
  readonly req: Http2Request
  sendDate = true
  shouldKeepAlive = true
  readonly #stream: ServerHttp2Stream
  readonly #trailers: OutgoingHttpHeaders = Object.create(null)
  #ended = false
  #waitsForTrailers = false

  constructor(request: Http2Request) {
    this.req = request
    this.#stream = request.stream
  }

  get headersSent(): boolean {
    return this.#stream.headersSent
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  get writableFinished(): boolean {
    // Node ends the stream of a HEAD before it is answered.
    return this.#ended && this.#stream.writableFinished
  }

  writeContinue(): void {
    if (!this.headersSent && !this.destroyed) this.#stream.additionalHeaders({ ':status': 100 })
  }

  writeEarlyHints(hints: Record<string, string>): void {
    if (!this.headersSent && !this.destroyed) this.#stream.additionalHeaders({ ...hints, ':status': 103 })
  }

  /** Whether all that was written has left. */
  get nothingWaits(): boolean {
    return this.#stream.writableLength === 0
  }

  writeHead(status: number, given: string[] | Record<string, string>): this {
    const headers = headersOf(status, Array.isArray(given) ? given : Object.entries(given).flat())
    // Only an answer whose length nobody knows may have something behind it.
    const waitForTrailers =
      headers['content-length'] === undefined && this.req.method !== 'HEAD' && !bodiless.has(status)
    if (waitForTrailers) {
      this.#waitsForTrailers = true
      this.#stream.once('wantTrailers', () => {
        try {
          this.#stream.sendTrailers(this.#trailers)
          this.#leaveRest()
        } catch {
          // Whatever Node does not take of a service's trailers, the answer is not whole without them.
          this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
        }
      })
    }
    const options = { waitForTrailers, sendDate: this.sendDate }
    this.#stream.respond(headers, options)
    return this
  }

  /** An answer of nothing but headers, in one frame. */
  writeWhole(status: number, given: readonly string[]): void {
    const options = { endStream: true, sendDate: this.sendDate }
    this.#stream.respond(headersOf(status, given), options)
    this.end()
  }

  flushHeaders(): void {
    if (!this.headersSent) this.writeHead(200, [])
  }

  write(chunk: Buffer): boolean {
    return this.#stream.write(chunk)
  }

  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    for (const [name, value] of trailers) append(this.#trailers, name.toLowerCase(), value)
  }

  end(chunk?: string | Buffer, encoding: BufferEncoding = 'utf8'): this {
    this.#ended = true
    const stream = this.#stream
    if (!this.#waitsForTrailers) stream.once('finish', () => this.#leaveRest())
    if (stream.writableEnded) return this
    const tooSlow = setTimeout(() => stream.destroy(), lastBytesMs)
    tooSlow.unref()
    stream.once('close', () => clearTimeout(tooSlow))
    if (chunk === undefined) stream.end()
    else stream.end(chunk, encoding)
    return this
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    this.#stream.destroy()
  }

  on(event: 'close', listener: () => void): this {
    this.#stream.on(event, listener)
    return this
  }

  once(event: 'drain', listener: () => void): this {
    this.#stream.once(event, listener)
    return this
  }

  /** What the client still sends is nobody's, and it need not send it (RFC 9113 8.1). */
  #leaveRest(): void {
    setImmediate(() => {
      if (!this.req.complete) this.#stream.close(constants.NGHTTP2_NO_ERROR)
    })
  }

  /** There are no upgrades here. */
  detachSocket(): void {}
}

/** What is of a connection (RFC 9113 8.2.2). */
const ofConnection = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** Statuses without a body (RFC 9110 6.4.1). */
const bodiless = new Set([204, 205, 304])

const headersOf = (status: number, flat: readonly string[]): OutgoingHttpHeaders => {
  const headers: OutgoingHttpHeaders = Object.create(null)
  for (let index = 0; index < flat.length; index += 2) {
    const name = (flat[index] as string).toLowerCase()
    if (!ofConnection.has(name)) append(headers, name, flat[index + 1] as string)
  }
  headers[':status'] = status
  return headers
}
