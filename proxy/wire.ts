import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'

/** What the pipeline needs of a request, by whichever version of HTTP it came. Node's own is one. */
export type ClientRequest = Readable & {
  readonly method?: string | undefined
  /** The exact target. */
  readonly url?: string | undefined
  /** Name, value, name, value. Of HTTP/2 as HTTP/1.1 would have them: `host` first. */
  readonly rawHeaders: readonly string[]
  readonly httpVersion: string
  readonly httpVersionMajor: number
  readonly httpVersionMinor: number
  /** Whether all of it has come. */
  readonly complete: boolean
  /** The connection, which of HTTP/2 is that of other requests, too. */
  readonly socket: Socket
}

/** What the pipeline needs to answer. Node's own response is one. */
export type ClientResponse = {
  readonly req: { readonly httpVersion: string }
  readonly headersSent: boolean
  /** Whether nobody gets the answer any more. */
  readonly destroyed: boolean
  /** Whether all of the answer was handed over. */
  readonly writableFinished: boolean
  sendDate: boolean
  shouldKeepAlive: boolean
  writeContinue(): void
  writeEarlyHints(hints: Record<string, string>): void
  /** What is of a connection of HTTP/1.1 may be among them, and is left out elsewhere. */
  writeHead(status: number, headers: string[] | Record<string, string>): unknown
  flushHeaders(): void
  write(chunk: Buffer): boolean
  addTrailers(trailers: [string, string][]): void
  end(chunk?: string | Buffer): unknown
  end(chunk: string, encoding: BufferEncoding): unknown
  destroy(): unknown
  on(event: 'close', listener: () => void): unknown
  once(event: 'drain', listener: () => void): unknown
  /** Only of a request that asked for an upgrade, which HTTP/2 has none of. */
  detachSocket(socket: Socket): void
}
