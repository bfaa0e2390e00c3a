import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { readFields } from './fields.ts'

/** A request that came as a stream of HTTP/2, with the face of one of HTTP/1.1. */
export class Http2Request extends Readable {
  readonly stream: ServerHttp2Stream
  readonly socket: Socket
  readonly httpVersion = '2.0'
  readonly httpVersionMajor = 2
  readonly httpVersionMinor = 0
  readonly method: string
  readonly url: string | undefined
  readonly rawHeaders: readonly string[]
  /** Whether its fields can be read in one way only. */
  readonly sound: boolean
  readonly hasBody: boolean
  /** Name, value, name, value, once they have come. */
  rawTrailers: readonly string[] = []
  #reading = false
  #complete: boolean

  /** `fields` as they came: name, value, name, value. */
  constructor(stream: ServerHttp2Stream, fields: readonly string[], socket: Socket) {
    super({ autoDestroy: false })
    const { method, path, headers, sound } = readFields(fields)
    this.stream = stream
    this.socket = socket
    this.method = method
    this.url = path
    this.rawHeaders = headers
    this.hasBody = !stream.endAfterHeaders
    this.#complete = stream.endAfterHeaders
    this.sound = sound
    // Whoever reads hears of it; an error that nobody hears ends the process.
    this.on('error', () => undefined)
    stream.once('trailers', (_, __, raw: readonly string[]) => {
      this.rawTrailers = raw
    })
    stream.on('end', () => {
      // Node ends a stream that was reset, too. A body that was broken off must not pass for a whole one.
      if (stream.aborted || stream.closed || stream.destroyed) return void this.destroy()
      this.#complete = true
      if (this.#reading) this.push(null)
    })
    stream.on('close', () => {
      if (!this.#complete) this.destroy()
    })
  }

  get complete(): boolean {
    return this.#complete
  }

  override _read(): void {
    const { stream } = this
    // Behind the `pause` below, where this is called from within `push`.
    if (this.#reading) return process.nextTick(resume, stream)
    this.#reading = true
    if (this.#complete) return void this.push(null)
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause()
    })
  }

  /** Ends the stream now; others of its connection go on. */
  cut(): void {
    this.reset(constants.NGHTTP2_CANCEL)
  }

  /** Nothing was done about it, and it may be asked again (RFC 9113 8.7). */
  refuse(): void {
    this.reset(constants.NGHTTP2_REFUSED_STREAM)
  }

  /** Ends the stream with a code of RFC 9113 7. */
  reset(code: number): void {
    this.stream.close(code)
    this.stream.destroy()
  }
}

const resume = (stream: ServerHttp2Stream): void => void stream.resume()
