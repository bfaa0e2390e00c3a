import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'

/** A message of gRPC: five bytes, uncompressed and its length, then what it says (gRPC over HTTP2). */
export const message = (text: string | Buffer): Buffer => {
  const payload = Buffer.from(text)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(payload.length, 1)
  return Buffer.concat([head, payload])
}

/** The whole messages in these bytes. */
export const messagesIn = (bytes: Buffer): string[] => {
  const messages: string[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1)
    if (end > bytes.length) break
    messages.push(bytes.subarray(at + 5, end).toString())
    at = end
  }
  return messages
}

export type Call = {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  /** What the client has sent. */
  readonly bytes: () => Buffer
  readonly trailers: () => IncomingHttpHeaders
  readonly ended: () => boolean
}

/** A service of gRPC by Node's own HTTP/2 without TLS, with messages framed by hand. It keeps what it received. */
export const startGrpcService = async () => {
  let calls: Call[] = []
  let answer = (_call: Call): void => undefined
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    let ended = false
    let trailers: IncomingHttpHeaders = {}
    const call: Call = {
      stream,
      headers,
      bytes: () => Buffer.concat(chunks),
      trailers: () => trailers,
      ended: () => ended,
    }
    stream.on('error', () => undefined)
    stream.on('trailers', (received) => {
      trailers = received
    })
    stream.on('end', () => {
      ended = !stream.aborted
    })
    calls.push(call)
    answer(call)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `h2c://127.0.0.1:${port}`,
    port,
    calls: (): readonly Call[] => calls,
    answerWith: (answering: (call: Call) => void): void => {
      answer = answering
    },
    forget: (): void => {
      calls = []
      answer = () => undefined
    },
    /** Every connection ends, as when the service dies. */
    die: (): void => {
      for (const session of sessions) session.destroy()
    },
    close: async (): Promise<void> => {
      for (const session of sessions) session.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Answers with these messages and a status, as servers of gRPC do. */
export const answerCall = (
  { stream }: Call,
  messages: readonly string[],
  trailers: Readonly<Record<string, string>> = { 'grpc-status': '0' },
): void => {
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  for (const text of messages) stream.write(message(text))
  stream.end()
}
