import { connect } from 'node:tls'
import { wokenByEvents } from './woken.ts'

/** Frame types of HTTP/2 (RFC 9113 6). */
export const frames = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  reset: 0x3,
  settings: 0x4,
  push: 0x5,
  ping: 0x6,
  goAway: 0x7,
  window: 0x8,
  continuation: 0x9,
} as const
/** Error codes (RFC 9113 7). */
export const codes = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  refused: 7,
  cancel: 8,
  calm: 11,
} as const

export const endStream = 0x1
export const endHeaders = 0x4
const acknowledged = 0x1

export type Fields = readonly (readonly [name: string, value: string])[]

/** Fields as literals without indexing and without Huffman (RFC 7541 6.2.2), so that every byte is as it is written. */
export const literals = (fields: Fields): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))

const text = (written: string): Buffer => {
  const bytes = Buffer.from(written, 'latin1')
  return Buffer.concat([length(bytes.length), bytes])
}

/** An integer with a prefix of seven bits (RFC 7541 5.1). */
const length = (value: number): Buffer => {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let left = value - 127
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  return Buffer.from([...bytes, left])
}

export const http2Frame = (
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const resetFrame = (stream: number, code: number = codes.cancel): Buffer => {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(code)
  return http2Frame(frames.reset, 0, stream, payload)
}

export type Frame = {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A client of HTTP/2 over TLS that sends exactly the frames it is told to, and reads none but by their heads. */
export const rawHttp2Client = (port: number, servername: string) => {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  })
  const seen: Frame[] = []
  let unread = Buffer.alloc(0)
  let closed = false
  const { wake, when } = wokenByEvents(
    (what) =>
      `the client waited in vain for ${what}; it has: ${JSON.stringify(seen.map(({ type, stream }) => [type, stream]))}`,
  )
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
      const end = 9 + unread.readUIntBE(0, 3)
      const frame = {
        type: unread.readUInt8(3),
        flags: unread.readUInt8(4),
        stream: unread.readUInt32BE(5) & 0x7fffffff,
        payload: Buffer.from(unread.subarray(9, end)),
      }
      unread = unread.subarray(end)
      seen.push(frame)
      if (frame.type === frames.settings && (frame.flags & acknowledged) === 0 && !socket.destroyed)
        socket.write(http2Frame(frames.settings, acknowledged, 0))
    }
    wake()
  })
  socket.on('close', () => {
    closed = true
    wake()
  })
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(http2Frame(frames.settings, 0, 0))

  return {
    seen: (): readonly Frame[] => seen,
    send: (...all: readonly Buffer[]): void => void socket.write(Buffer.concat(all)),
    /** A whole request without a body. */
    request: (stream: number, fields: Fields, flags: number = endStream | endHeaders): void =>
      void socket.write(http2Frame(frames.headers, flags, stream, literals(fields))),
    socket,
    when,
    /** The code that a stream was reset with, once it or the connection has ended. */
    ended: async (stream: number): Promise<number | 'answered' | 'closed'> => {
      const last = (): Frame | undefined =>
        seen.find(
          (frame) =>
            frame.stream === stream &&
            (frame.type === frames.reset ||
              (frame.type <= frames.headers && (frame.flags & endStream) !== 0)),
        )
      await when(() => closed || last() !== undefined, `the end of stream ${stream}`)
      const frame = last()
      if (frame === undefined) return 'closed'
      return frame.type === frames.reset ? frame.payload.readUInt32BE() : 'answered'
    },
    closed: (): Promise<void> => when(() => closed, 'the other side to close'),
    isClosed: (): boolean => closed,
    end: (): void => void socket.destroy(),
  }
}
export type RawHttp2Client = ReturnType<typeof rawHttp2Client>
